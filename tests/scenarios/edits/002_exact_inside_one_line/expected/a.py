rate = 0.2
name = "rate"
