"""Reading the unified diff of one file, as `FileChange` carries it. Pure; owns no comparison and no application of one."""

import re
from dataclasses import dataclass
from typing import Literal

_HEAD = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


Mark = Literal[" ", "-", "+"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """A line of one side or of both (` `), without its line break; `cut` where none follows it in the text."""

    mark: Mark
    text: str
    cut: bool = False

    @property
    def whole(self) -> str:
        """The line with its break."""
        return self.text if self.cut else f"{self.text}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffBlock:
    """What stands under one `@@`; `at` is the index of its first new line, counted from 0."""

    at: int
    lines: tuple[DiffLine, ...]


def read_diff(diff: str) -> tuple[DiffBlock, ...]:
    """The blocks in order. Raises `ValueError` for what is no diff, or is cut."""
    lines = diff.removesuffix("\n").split("\n") if diff else []
    at = next((number for number, line in enumerate(lines) if line.startswith("@@ ")), len(lines))
    found: list[DiffBlock] = []
    while at < len(lines):
        block, at = _block(lines, at)
        found.append(block)
    return tuple(found)


def _block(lines: list[str], at: int) -> tuple[DiffBlock, int]:
    """The block whose head is at that line, and the line after it."""
    head = _HEAD.match(lines[at])
    if head is None:
        raise ValueError("a line that is no head of a hunk")
    first, old_left, new_left = int(head[3]), int(head[2] or 1), int(head[4] or 1)
    # A side without lines names the line before it.
    start = first - 1 if new_left else first
    body: list[DiffLine] = []
    at += 1
    while at < len(lines) and (old_left > 0 or new_left > 0):
        mark, text = _mark(lines[at]), lines[at][1:]
        old_left -= mark != "+"
        new_left -= mark != "-"
        at += 1
        cut = at < len(lines) and lines[at].startswith("\\")
        at += cut
        body.append(DiffLine(mark=mark, text=text, cut=cut))
    if old_left or new_left:
        raise ValueError("a hunk that is cut")
    return DiffBlock(at=start, lines=tuple(body)), at


def _mark(line: str) -> Mark:
    match line[:1]:
        case " ":
            return " "
        case "-":
            return "-"
        case "+":
            return "+"
        case _:
            raise ValueError("a line that belongs to no hunk")
