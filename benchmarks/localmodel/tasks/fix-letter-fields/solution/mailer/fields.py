"""Find the value of a field."""


def lookup(data, name):
    """Return the value of a field; "a.b" is the field "b" inside of "a"."""
    first, dot, rest = name.partition(".")
    if first not in data:
        raise KeyError(f"no field named {first}")
    if dot:
        return lookup(data[first], rest)
    else:
        return data[first]
