"""Exact counts of long texts from counts of their pieces. Owns the rule where a text may be cut; pure but for its cache.

No o200k token crosses the start of a line that is not blank and does not begin with `/` or an odd line separator: the
encoding's splitting expression ends a piece at every newline there, and only lets slashes follow punctuation across it. So the
tokens of a text are the sum over such segments, and after an edit only the touched segments are counted again. That holds
for o200k alone; other families are estimated from features of the whole text (`tokens.counter`).
"""

import re
from collections.abc import Callable
from typing import Final

_CUT: Final = re.compile(r"(?<=\n)(?=[^\n]*\S)(?![/\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029])")
MOST_KNOWN: Final = 20_000
LONGEST_KEPT: Final = 400
"""Characters of a segment that is worth remembering."""


def segments(text: str) -> list[str]:
    """The pieces of `text` whose token counts add up."""
    return _CUT.split(text)


class SegmentCounter:
    """Counts of segments, remembered; bounded."""

    def __init__(self, count: Callable[[str], int]) -> None:
        """`count`: tokens of one text, exactly."""
        self._count = count
        self._known: dict[str, int] = {}

    def segment(self, text: str) -> int:
        """Tokens of one segment."""
        known = self._known.get(text)
        if known is None:
            known = self._count(text)
            if len(text) <= LONGEST_KEPT:
                if len(self._known) >= MOST_KNOWN:
                    self._known.clear()
                self._known[text] = known
        return known

    def text(self, text: str) -> int:
        """Tokens of any text."""
        return sum(map(self.segment, segments(text)))


class CountedText:
    """A text under edits with its exact count: an edit costs what it touches, not what the text is long.

    Lines are kept, and the counts of runs of lines that start at a safe line.
    """

    def __init__(self, text: str, counter: SegmentCounter) -> None:
        self._counter = counter
        self._segments = segments(text)
        self._counts = [counter.segment(one) for one in self._segments]
        self.tokens = sum(self._counts)
        """Tokens of the text as it is now."""

    @property
    def segments(self) -> int:
        return len(self._segments)

    def text(self) -> str:
        return "".join(self._segments)

    def replace(self, first: int, last: int, text: str) -> int:
        """Puts `text` in place of the segments `first` to `last - 1`; gives the tokens of the whole.

        The neighbours are cut again with it, since a new text may join or part them.
        """
        before, after = max(0, first - 1), min(len(self._segments), last + 1)
        joined = "".join([*self._segments[before:first], text, *self._segments[last:after]])
        fresh = segments(joined)
        counts = [self._counter.segment(one) for one in fresh]
        self.tokens += sum(counts) - sum(self._counts[before:after])
        self._segments[before:after] = fresh
        self._counts[before:after] = counts
        return self.tokens
