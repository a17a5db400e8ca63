using C;
using B;
