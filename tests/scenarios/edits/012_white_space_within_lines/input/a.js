const  a =  f( 1,2 );
const b = 2;
