rate = 0.19
name = "rate"
