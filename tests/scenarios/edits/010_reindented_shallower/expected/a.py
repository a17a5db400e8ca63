def f():
    a = 1
    a += 1
    return a
