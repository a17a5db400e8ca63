"""The text of an open document, of any length, that is changed in one place at a time. Pure: a change makes a new `Text`.

It is kept in pieces of some thousand characters, each with its count of line breaks. So a keystroke in a file of 250,000
lines costs one piece, and the whole string is put together only for who asks for it. Owns no version and no URI.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice

from tallystick_server.lsp.positions import BREAK, Encoding, index_at, units

PIECE = 8_192
"""Characters. A piece holds at most twice as many; a short one is joined with its neighbour."""
_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class Text:
    """Made by `Text.of`. No piece ends between `\\r` and `\\n`, so each line break lies in one piece."""

    __slots__ = ("_breaks", "_ends", "_lines", "_pairs", "_pieces", "_plain", "_whole")

    def __init__(self, pieces: tuple[str, ...], breaks: tuple[int, ...], pairs: tuple[int, ...]) -> None:
        self._pieces = pieces
        self._breaks = breaks
        self._pairs = pairs
        self._ends: list[int] = list(accumulate(map(len, pieces)))
        self._lines: list[int] = list(accumulate(breaks))
        self._whole: str | None = None
        self._plain: str | None = None

    @staticmethod
    def of(text: str) -> "Text":
        made = Text(*_counted(_cut(text)))
        made._whole = text
        return made

    def __len__(self) -> int:
        return self._ends[-1]

    def __str__(self) -> str:
        if self._whole is None:
            self._whole = "".join(self._pieces)
        return self._whole

    @property
    def newline(self) -> str:
        """`\\r\\n` where the text uses it throughout."""
        pairs = sum(self._pairs)
        return "\r\n" if pairs and pairs == self._lines[-1] else "\n"

    @property
    def plain(self) -> str:
        """The text with `\\n` where it uses `\\r\\n` throughout."""
        if self._plain is None:
            self._plain = str(self).replace("\r\n", "\n") if self.newline == "\r\n" else str(self)
        return self._plain

    def offset(self, line: int, character: int, encoding: Encoding) -> int:
        """The offset of a position. One past the end of a line or of the text is taken as that end, as LSP asks."""
        if line > self._lines[-1]:
            return len(self)
        piece, inner = self._line_start(line)
        at = (self._ends[piece - 1] if piece else 0) + inner
        for number in range(piece, len(self._pieces)):
            text = self._pieces[number]
            found = BREAK.search(text, inner) if self._breaks[number] else None
            stop = found.start() if found is not None else len(text)
            part = text[inner:stop] if inner or found is not None else text
            size = units(part, encoding)
            if character < size or found is not None:
                return at + index_at(part, character, encoding)
            character, at, inner = character - size, at + len(part), 0
        return at

    def replaced(self, start: int, end: int, text: str) -> "Text":
        """This text with `text` in place of what lies between two offsets."""
        pieces = self._pieces
        low = min(bisect_right(self._ends, start), len(pieces) - 1)
        high = max(low, min(bisect_left(self._ends, end), len(pieces) - 1))
        before = pieces[low][: start - (self._ends[low - 1] if low else 0)]
        joined = before + text + pieces[high][end - (self._ends[high - 1] if high else 0) :]
        high += 1
        if len(joined) <= PIECE // 4:
            if high < len(pieces):
                joined, high = joined + pieces[high], high + 1
            elif low:
                joined, low = pieces[low - 1] + joined, low - 1
        if low and _inseparable(pieces[low - 1], joined):
            joined, low = pieces[low - 1] + joined, low - 1
        if high < len(pieces) and _inseparable(joined, pieces[high]):
            joined, high = joined + pieces[high], high + 1
        if not joined.isascii():
            # An editor whose strings are UTF-16 may send a character in two halves.
            joined = _HALVES.sub(_one_character, joined)
        new, breaks, pairs = _counted(_cut(joined))
        return Text(
            pieces[:low] + new + pieces[high:],
            self._breaks[:low] + breaks + self._breaks[high:],
            self._pairs[:low] + pairs + self._pairs[high:],
        )

    def _line_start(self, line: int) -> tuple[int, int]:
        """The piece in which a line begins, and where in it."""
        if line == 0:
            return 0, 0
        piece = bisect_left(self._lines, line)
        number = line - (self._lines[piece - 1] if piece else 0)
        return piece, next(islice(BREAK.finditer(self._pieces[piece]), number - 1, None)).end()


def _counted(pieces: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    """The pieces with their line breaks, and how many of these are `\\r\\n`."""
    pairs = tuple(piece.count("\r\n") for piece in pieces)
    singles = (piece.count("\r") + piece.count("\n") for piece in pieces)
    return pieces, tuple(both - pair for both, pair in zip(singles, pairs, strict=True)), pairs


def _cut(text: str) -> tuple[str, ...]:
    return (text,) if len(text) <= 2 * PIECE else tuple(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        end = at + PIECE
        if _inseparable(text[end - 1 : end], text[end : end + 1]):
            end += 1
        yield text[at:end]
        at = end


def _inseparable(one: str, other: str) -> bool:
    last, first = one[-1:], other[:1]
    return (last == "\r" and first == "\n") or ("\ud800" <= last <= "\udbff" and "\udc00" <= first <= "\udfff")


def _one_character(found: "re.Match[str]") -> str:
    return found.group().encode("utf-16-le", "surrogatepass").decode("utf-16-le")
