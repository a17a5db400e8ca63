const a = f(3, 4);
const b = 2;
