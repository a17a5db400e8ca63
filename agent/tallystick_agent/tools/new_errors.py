"""Which remarks of a checker an edit made, and how they are told. Pure.

A remark is the same as one before the edit when source, code and message are, and its line is: the line that it stood on
where the edit left it, a line with the same words, or a line in the part that the edit replaced. So an error that only moved,
or stayed in a line that was rewritten around it, is not new; and each old one stands for one new one at most. Last, the same
number will do: some tools of an editor look again only when a file is saved, and say until then what they said before.
"""

import operator
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from tallystick_agent.policy.redaction import clean
from tallystick_agent.protocol.diagnostics import Diagnostic, Reports, Severity

MOST_COMPARED: Final = 3_000
"""Lines between the first and the last change; beyond them the part between counts as replaced whole."""
MOST_MESSAGE: Final = 300
"""Characters."""
_ORDER: Final[dict[Severity, int]] = {"error": 0, "warning": 1, "information": 2, "hint": 3}
_NUMBER: Final = re.compile(r"\b(lines?|columns?|col) \d+(:\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The text of a file before and after."""

    before: str
    after: str


def new_ones(before: Sequence[Diagnostic], after: Sequence[Diagnostic], edit: Edit) -> tuple[Diagnostic, ...]:
    """Those of `after` that no one of `before` stands for, in their order."""
    lines = _Lines(edit)
    old: defaultdict[tuple[str, str, str], list[Diagnostic]] = defaultdict(list)
    for one in before:
        old[_kind(one)].append(one)
    rest = list(range(len(after)))
    # The surest kinds of sameness first, each over all of them: else a moved one might be taken for its neighbour.
    for same in (lines.same_place, lines.same_words, lines.same_part, operator.eq):
        rest = [at for at in rest if not _take(old[_kind(after[at])], after[at], same)]
    return tuple(after[at] for at in rest)


def new_errors(before: Reports, after: Reports, edit: Edit, *, warnings: bool) -> tuple[Diagnostic, ...]:
    """Of every source that could say something both times; what several say of one line in the same words is there once."""
    wanted = ("error", "warning") if warnings else ("error",)
    found: dict[tuple[int, str], Diagnostic] = {}
    for source in sorted(before.keys() & after.keys()):
        # A checker may raise a remark from a warning to an error; it was known before all the same.
        for one in new_ones(before[source], after[source], edit):
            if one.severity in wanted:
                found.setdefault((one.line, one.message), one)
    return in_order(found.values())


def in_order(given: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Errors first, then by place."""
    return tuple(sorted(given, key=lambda one: (_ORDER[one.severity], one.path, one.line, one.column, one.message)))


def told(new: Sequence[Diagnostic], most: int) -> str:
    """For the model, behind an edit's result; empty where there is nothing."""
    if not new:
        return ""
    errors = sum(one.severity == "error" for one in new)
    parts = [_count(errors, "new error")] if errors else []
    parts += [_count(len(new) - errors, "new warning")] if errors < len(new) else []
    return f"The edit made {' and '.join(parts)}:\n{listed(new, most)}"


def listed(given: Sequence[Diagnostic], most: int) -> str:
    """One a line, at most `most` and the number of the rest."""
    rows = [shown(one) for one in given[:most]]
    return "\n".join([*rows, f"[{len(given) - most} more]"] if len(given) > most else rows)


def shown(one: Diagnostic) -> str:
    """`a.py:3:5: error: Undefined name (ruff F821)`. The words come from a program that quotes files: they are cleaned."""
    words = " ".join(clean(one.message).split())
    words = words if len(words) <= MOST_MESSAGE else f"{words[:MOST_MESSAGE]}…"
    by = " ".join(clean(f"{one.source} {one.code}").split())[:80]
    return f"{one.path}:{one.line}:{one.column}: {one.severity}: {words}" + (f" ({by})" if by else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _kind(one: Diagnostic) -> tuple[str, str, str]:
    # Some name the line of something else in their words, and that line moves too.
    return one.source, one.code, _NUMBER.sub(r"\1 #", one.message)


def _take(old: list[Diagnostic], new: Diagnostic, same: Callable[[int, int], bool]) -> bool:
    for at, one in enumerate(old):
        if same(one.line, new.line):
            del old[at]
            return True
    return False


class _Lines:
    """Which line became which."""

    def __init__(self, edit: Edit) -> None:
        self._before, self._after = edit.before.split("\n"), edit.after.split("\n")
        self._blocks = _blocks(self._before, self._after)
        """Runs of equal lines: first line before, first line after, number of lines; from 0, in order."""
        self._firsts = [block[0] for block in self._blocks]

    def same_place(self, before: int, after: int) -> bool:
        at = bisect_right(self._firsts, before - 1) - 1
        if at < 0:
            return False
        first, moved, size = self._blocks[at]
        return before - 1 < first + size and after - 1 == moved + (before - 1 - first)

    def same_words(self, before: int, after: int) -> bool:
        words = self._text(self._before, before)
        return bool(words) and words == self._text(self._after, after)

    def same_part(self, before: int, after: int) -> bool:
        """Whether both lie between the same two runs of equal lines."""
        at = bisect_right(self._firsts, before - 1) - 1
        first, moved, size = self._blocks[at] if at >= 0 else (0, 0, 0)
        if before - 1 < first + size:
            return False
        # What is wrong with the end of a file may be said of a line behind its last.
        end = self._blocks[at + 1][1] if at + 1 < len(self._blocks) else after
        return moved + size <= after - 1 < end

    def _text(self, lines: list[str], number: int) -> str:
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _blocks(before: list[str], after: list[str]) -> list[tuple[int, int, int]]:
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    found = [(0, 0, head)] if head else []
    one, two = before[head : len(before) - tail], after[head : len(after) - tail]
    if one and two and max(len(one), len(two)) <= MOST_COMPARED:
        matches = SequenceMatcher(None, one, two, autojunk=False).get_matching_blocks()
        found += [(head + match.a, head + match.b, match.size) for match in matches if match.size]
    if tail:
        found.append((len(before) - tail, len(after) - tail, tail))
    return found
