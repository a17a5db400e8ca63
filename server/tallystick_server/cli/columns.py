"""Rows of a listing as plain aligned lines. Owns widths: a name too long has a line of its own, and nothing is cut or broken."""

import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

LEAST: Final = 12
"""Columns below which the names stand on lines of their own."""
_GAP: Final = "  "


def terminal_width() -> int | None:
    """Columns of the terminal; `None` where the output goes elsewhere, and a line is never to be broken."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def lay_out(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, width: int | None, left: frozenset[int] = frozenset()
) -> list[str]:
    """The head and the rows, each as one text of one line, or two where its name is too long for `width` columns.

    The first cell is the name; the others are aligned right, but those in `left`. Columns are as wide as what they hold.
    """
    table = [tuple(head), *(tuple(row) for row in rows)]
    sizes = [max(map(columns, cells)) for cells in zip(*table, strict=True)]
    name = sizes[0]
    if width is not None:
        room = width - sum(size + len(_GAP) for size in sizes[1:])
        name = min(name, room if room >= LEAST else 0)
    found: list[str] = []
    for first, *cells in table:
        sized = enumerate(zip(cells, sizes[1:], strict=True), 1)
        rest = _GAP.join(_pad(cell, size, left=number in left) for number, (cell, size) in sized)
        long = columns(first) > name
        found.append((f"{first}\n{' ' * name}" if long else _pad(first, name, left=True)) + f"{_GAP}{rest}".rstrip())
    return found


def note(text: str, *, width: int | None, indent: str = "") -> str:
    """A sentence below a listing: broken between words for a terminal, else one line."""
    if width is None:
        return indent + text
    whole = textwrap.TextWrapper(
        width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return whole.fill(text)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else not unicodedata.combining(one) for one in text)


def _pad(text: str, size: int, *, left: bool) -> str:
    blanks = " " * (size - columns(text))
    return text + blanks if left else blanks + text
