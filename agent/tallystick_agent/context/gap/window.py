"""What of a file a model reads to fill the gap at a cursor. Pure; texts have `\\n`.

A server finds in its cache what begins with the same tokens. So the text before the cursor begins at the file's start, or at
a line whose place depends on what stands above it alone and moves on in large steps, and never slides along with the cursor.
The text behind the cursor is read anew at each key, so it is short.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_STEP: Final = 2
"""Characters for each token of the budget by which the beginning moves on: about two thirds of what fits."""
_LONGEST: Final = 8
"""Characters of a token, at most, as far as it is worth looking back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    prefix: str
    suffix: str


def window(before: str, after: str, count: Callable[[str], int], *, prefix_tokens: int, suffix_tokens: int) -> Window:
    """The text around a cursor within both budgets. `count`: tokens of a text."""
    return Window(prefix=_prefix(before, count, prefix_tokens), suffix=_suffix(after, count, suffix_tokens))


def opening(text: str, count: Callable[[str], int], *, prefix_tokens: int) -> str:
    """The beginning of a file that every cursor in its first part has before it: what is worth reading ahead."""
    return _suffix(text, count, prefix_tokens)


def _prefix(before: str, count: Callable[[str], int], most: int) -> str:
    step = most * _STEP
    place = max(0, -(-(len(before) - most * _LONGEST) // step))
    while True:
        start = _line_at(before, place * step)
        if start < 0 or start >= len(before) > 0:
            break
        kept = before[start:]
        if count(kept) <= most:
            return kept
        place += 1
    # A last line that is too long by itself: its end, by characters, of which a token has at least one.
    return before[-most:]


def _line_at(text: str, offset: int) -> int:
    """Where the first line begins that does not begin before `offset`; −1 for none."""
    if offset == 0:
        return 0
    found = text.find("\n", offset - 1)
    return found + 1 if found >= 0 and offset <= len(text) else -1


def _suffix(after: str, count: Callable[[str], int], most: int) -> str:
    """Whole lines from the start; of a first line that is too long, as many characters as tokens are allowed."""
    text = after[: most * _LONGEST]
    if len(text) < len(after):
        text = text[: text.rfind("\n") + 1] or text
    while text and count(text) > most:
        lines = text.splitlines(keepends=True)
        if len(lines) == 1:
            return text[:most]
        text = "".join(lines[: max(1, len(lines) * 3 // 4)])
    return text
