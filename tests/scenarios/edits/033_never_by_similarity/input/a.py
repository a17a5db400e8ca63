total = price * count
