"""Helpers for lines of text."""

from textkit.spaces import squash


def number_lines(lines):
    """Return the lines with a number in front, starting at 1."""
    return [f"{number}. {line}" for number, line in enumerate(lines, start=1)]


def unique_lines(text):
    """Return the list of different lines of a text, in their first order.

    Every line is squashed (see textkit.spaces). Empty lines are left out.
    Lines that differ only in upper and lower case are the same line, and
    the spelling that comes first is kept.
    """
    raise NotImplementedError
