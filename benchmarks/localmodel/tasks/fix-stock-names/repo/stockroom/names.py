"""One spelling for every item name."""


def normalise(name):
    """Return the name in lower case, without extra spaces."""
    cleaned = " ".join(name.split()).lower()
    if not cleaned:
        raise ValueError("an item needs a name")
    return cleaned
