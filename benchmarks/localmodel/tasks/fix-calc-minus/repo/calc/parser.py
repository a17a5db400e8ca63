"""Work out the value of a line of arithmetic."""

from calc.tokens import tokenize


class Parser:
    """Reads sums of products of numbers and brackets, from left to right."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.position = 0

    def peek(self):
        if self.position < len(self.tokens):
            return self.tokens[self.position]
        return None

    def take(self):
        token = self.peek()
        self.position += 1
        return token

    def sum(self):
        value = self.product()
        while self.peek() in ("+", "-"):
            sign = self.take()
            right = self.sum()
            value = value + right if sign == "+" else value - right
        return value

    def product(self):
        value = self.atom()
        while self.peek() in ("*", "/"):
            sign = self.take()
            right = self.atom()
            value = value * right if sign == "*" else value / right
        return value

    def atom(self):
        token = self.take()
        if token == "(":
            value = self.sum()
            if self.take() != ")":
                raise ValueError("missing )")
            return value
        if not isinstance(token, float):
            raise ValueError(f"expected a number, got {token!r}")
        return token


def evaluate(line):
    """Return the value of a line such as "2 * (3 + 4)"."""
    parser = Parser(tokenize(line))
    value = parser.sum()
    if parser.peek() is not None:
        raise ValueError(f"unexpected {parser.peek()!r}")
    return value
