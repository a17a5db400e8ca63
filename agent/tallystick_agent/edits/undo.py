"""Taking a change back by its diff. Pure: a diff and the text as it is now in, the text without the change out.

What the user or later edits changed elsewhere stays. A place that is no longer as the change left it is never guessed at:
then nothing is taken back.
"""

import re
from dataclasses import dataclass

from tallystick_agent.edits.changeset import Applied, Refused
from tallystick_agent.edits.match import lines_of

_HEAD = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """Lines with their ends, the unchanged ones around included; `at` is the index of the first new line."""

    at: int
    old: tuple[str, ...]
    new: tuple[str, ...]


def hunks_of(diff: str) -> tuple[Hunk, ...]:
    """The hunks of one file's unified diff. Raises `ValueError` for what is none."""
    lines = lines_of(diff)
    at = next((number for number, line in enumerate(lines) if line.startswith("@@ ")), len(lines))
    found: list[Hunk] = []
    while at < len(lines):
        hunk, at = _hunk(lines, at)
        found.append(hunk)
    return tuple(found)


def _hunk(lines: list[str], at: int) -> tuple[Hunk, int]:
    """The hunk whose head is at that line, and the line after it."""
    head = _HEAD.match(lines[at])
    if head is None:
        raise ValueError("a line that is no head of a hunk")
    first, of_old, of_new = int(head.group(3)), int(head.group(2) or 1), int(head.group(4) or 1)
    old: list[str] = []
    new: list[str] = []
    sides: tuple[list[str], ...] = ()
    at += 1
    while at < len(lines) and (len(old) < of_old or len(new) < of_new or lines[at].startswith("\\")):
        mark, line = lines[at][:1], lines[at][1:]
        at += 1
        if mark == "\\":
            # It speaks of the line above.
            for side in sides:
                side[-1] = side[-1].removesuffix("\n")
            continue
        sides = {"-": (old,), "+": (new,), " ": (old, new)}.get(mark, ())
        if not sides:
            raise ValueError("a line that belongs to no hunk")
        for side in sides:
            side.append(line)
    if (len(old), len(new)) != (of_old, of_new):
        raise ValueError("a hunk that is cut")
    return Hunk(at=max(0, first - 1), old=tuple(old), new=tuple(new)), at


def take_back(text: str, diff: str) -> Applied | Refused:
    """The text without the change that `diff` describes."""
    try:
        hunks = hunks_of(diff)
    except ValueError as error:
        return Refused(reason=f"its diff cannot be read ({error})")
    lines = lines_of(text)
    for hunk in reversed(hunks):
        at = _place(lines, hunk)
        if at is None:
            return Refused(reason="it was changed since at the same place")
        lines[at : at + len(hunk.new)] = hunk.old
    return Applied(text="".join(lines), notes=())


def _place(lines: list[str], hunk: Hunk) -> int | None:
    size = len(hunk.new)
    if tuple(lines[hunk.at : hunk.at + size]) == hunk.new and (size or not lines):
        return hunk.at
    if not size:
        return None
    found = [at for at in range(len(lines) - size + 1) if tuple(lines[at : at + size]) == hunk.new]
    return found[0] if len(found) == 1 else None
