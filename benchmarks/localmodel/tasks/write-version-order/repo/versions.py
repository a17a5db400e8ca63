"""Put version numbers in order."""

from functools import cmp_to_key


def compare(a, b):
    """Return -1 if version a is older than b, 1 if it is newer, else 0.

    A version is made of numbers with dots ("1.10.2"), compared as numbers
    from left to right. Missing numbers count as 0, so "2" equals "2.0.0".
    A version may end with a dash and a word ("2.0-beta"). It is then older
    than the same version without a word; two words are compared in
    alphabetical order.
    """
    raise NotImplementedError


def newest(versions):
    """Return the newest version of a list."""
    return max(versions, key=cmp_to_key(compare))
