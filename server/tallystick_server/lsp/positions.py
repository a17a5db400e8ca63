"""Places in a line in all three encodings, positions of offsets, and the smallest edit between two texts. Pure.

An offset counts code points of a Python string. A position counts lines, and within a line UTF-8, UTF-16 or UTF-32 units.
Lines end where LSP says so (`\\n`, `\\r\\n`, `\\r`) and nowhere else: `str.splitlines` would also cut at a form feed.
"""

import re
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]
BREAK = re.compile(r"\r\n|\r|\n")
"""A line break where LSP sees one."""
_STRIDE = 4_096
_CONTINUING = bytes(range(0x80, 0xC0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`text` takes the place of what lies between two offsets."""

    start: int
    end: int
    text: str


def position_at(text: str, offset: int, encoding: Encoding) -> tuple[int, int]:
    """Line and character of an offset, which must not lie between `\\r` and `\\n`."""
    head = text[:offset]
    line = head.count("\n") + head.count("\r") - head.count("\r\n")
    start = max(head.rfind("\n"), head.rfind("\r")) + 1
    return line, units(head[start:], encoding)


def units(text: str, encoding: Encoding) -> int:
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def index_at(line: str, character: int, encoding: Encoding) -> int:
    """The index in a line of its unit number `character`; of the whole character where that lies inside one."""
    if encoding == "utf-32" or line.isascii():
        return min(character, len(line))
    if encoding == "utf-8":
        head = line.encode("utf-8", "surrogatepass")[: character + 1]
        begun = len(head.translate(None, _CONTINUING))
        return begun - 1 if len(head) > character else begun
    try:
        head = line.encode("utf-16-le")[: 2 * character]
    except UnicodeEncodeError:
        return _slow_index(line, character)
    begun = len(head.decode("utf-16-le", "surrogatepass"))
    return begun - 1 if head and 0xD8 <= head[-1] <= 0xDB else begun


def smallest_change(old: str, new: str) -> Change | None:
    """What turns `old` into `new`; `None` when they are equal.

    The common end is taken before the common beginning, so that text added at the end of a file goes in front of its last
    line break: an editor that does not count the line after it then has nothing to correct.
    """
    if old == new:
        return None
    end = _common_end(old, new)
    start = _common_start(old, new, min(len(old), len(new)) - end)
    if start and old[start - 1] == "\r":
        start -= 1
    stop = len(old) - end
    before = (old[stop - 1 : stop], new[len(new) - end - 1 : len(new) - end])
    if stop < len(old) and old[stop] == "\n" and "\r" in before:
        stop += 1
    return Change(start=start, end=stop, text=new[start : len(new) - (len(old) - stop)])


def landed(base: str, wanted: str, live: str) -> bool:
    """Whether the change from `base` to `wanted` is in `live`, which may hold more that was typed elsewhere meanwhile.

    A final line break more or less is no difference: some editors always show one.
    """
    if live == wanted or live == wanted + "\n" or live + "\n" == wanted:
        return True
    ours, theirs, both = smallest_change(base, wanted), smallest_change(wanted, live), smallest_change(base, live)
    if ours is None or theirs is None:
        return True
    if both is None or both.end < ours.start or both.start > ours.end:
        return False
    return theirs.end < ours.start or theirs.start > ours.start + len(ours.text)


def _slow_index(line: str, character: int) -> int:
    """In UTF-16, for a line with half a character in it, which no codec counts."""
    passed = 0
    for index, char in enumerate(line):
        passed += 2 if char > "\uffff" else 1
        if passed > character:
            return index
    return len(line)


def _common_start(one: str, other: str, limit: int) -> int:
    at = 0
    while at + _STRIDE <= limit and one[at : at + _STRIDE] == other[at : at + _STRIDE]:
        at += _STRIDE
    while at < limit and one[at] == other[at]:
        at += 1
    return at


def _common_end(one: str, other: str) -> int:
    limit, at = min(len(one), len(other)), 0
    while at + _STRIDE <= limit and one[-at - _STRIDE : len(one) - at] == other[-at - _STRIDE : len(other) - at]:
        at += _STRIDE
    while at < limit and one[-1 - at] == other[-1 - at]:
        at += 1
    return at
