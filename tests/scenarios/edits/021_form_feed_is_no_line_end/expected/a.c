int a;
int d;
int c;
