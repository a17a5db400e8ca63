"""Share a bill."""

from billing.money import show


def split_cents(total, people):
    """Share `total` cents between `people` persons as evenly as possible.

    Return a list with one whole number of cents per person, whose sum is
    exactly `total`. When the bill cannot be shared evenly, the first persons
    pay one cent more: split_cents(100, 3) returns [34, 33, 33].
    Fewer than one person raises ValueError.
    """
    raise NotImplementedError


def bill_lines(total, names):
    """Return one line of text per person, such as "Ana pays 12.05"."""
    shares = split_cents(total, len(names))
    return [f"{name} pays {show(share)}" for name, share in zip(names, shares)]
