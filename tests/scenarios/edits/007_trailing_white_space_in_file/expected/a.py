def f():
    return 2

z = 0
