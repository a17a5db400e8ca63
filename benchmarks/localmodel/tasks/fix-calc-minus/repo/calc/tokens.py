"""Split a line of arithmetic into tokens."""

SYMBOLS = "+-*/()"


def tokenize(line):
    """Return the numbers (as floats) and symbols (as strings) of a line."""
    tokens = []
    number = ""
    for char in line + " ":
        if char.isdigit() or char == ".":
            number += char
            continue
        if number:
            tokens.append(float(number))
            number = ""
        if char in SYMBOLS:
            tokens.append(char)
        elif not char.isspace():
            raise ValueError(f"unexpected character {char!r}")
    return tokens
