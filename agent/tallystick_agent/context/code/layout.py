"""How a map of code looks: paths, first lines, and blocks of lines with their numbers. Owns the text; pure.

    src/shop/cart.py:
    12 class Cart:
    40 def total(self, currency: str) -> Money:

    src/shop/tax.py:
    @@ 8-11
    def rate(country: str) -> Decimal:
        …

Every line begins where no token crosses, so that the tokens of a map are the sum of its lines and blocks.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from tallystick_agent.protocol.code import Body, Line

SHORT: Final = 64
"""Characters of a first line in an outline; longer ones are cut."""
CUT: Final = 400
"""Characters of a line in a body."""


T = TypeVar("T", Line, Body)


def path_line(path: str) -> str:
    return f"{path}:\n"


def shown_line(number: int, text: str, *, plain: bool) -> str:
    short = text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"
    # A line that begins with a slash would join the end of the one before it.
    short = f" {short}" if short.startswith("/") else short
    return f"{number} {short}\n" if not plain else f"{short}\n"


def block_text(block: Sequence[tuple[int, str]], *, plain: bool) -> str:
    """A run of lines under the numbers of its first and last one, or where `plain` under the mark alone."""
    first, last = block[0][0], block[-1][0]
    head = "@@\n" if plain else f"@@ {first}-{last}\n" if last > first else f"@@ {first}\n"
    return head + "".join(f"{text}\n" for _, text in block)


def outline_text(lines: Sequence[Line], *, plain: bool) -> str:
    """Files by their best line, lines in the order of the file."""
    pieces: list[str] = []
    for path, some in _by_path(lines):
        pieces.append(path_line(path))
        pieces.extend(shown_line(one.number, one.text, plain=plain) for one in sorted(some, key=lambda one: one.number))
    return "".join(pieces)


def bodies_text(bodies: Sequence[Body]) -> str:
    pieces: list[str] = []
    for path, some in _by_path(bodies):
        pieces.append(path_line(path))
        blocks = sorted(((block, body.plain) for body in some for block in body.blocks()), key=lambda pair: pair[0][0][0])
        pieces.extend(block_text(block, plain=plain) for block, plain in blocks)
    return "".join(pieces)


def _by_path(entries: Sequence[T]) -> list[tuple[str, list[T]]]:
    grouped: dict[str, list[T]] = {}
    for one in entries:
        grouped.setdefault(one.path, []).append(one)
    return list(grouped.items())
