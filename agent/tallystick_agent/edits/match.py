"""Finding the one place in a text that an edit means. Owns the ladder; pure.

Rungs, strictest first: exact → lines equal but for white space at their ends → re-indented → any white space. A rung
counts only when exactly one place matches, and nothing is ever matched by similarity: the nearest block is shown to the
model instead.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Rung = Literal["exact", "trimmed", "reindented", "whitespace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """`text[start:end]` is to be replaced by `replacement`."""

    start: int
    end: int
    replacement: str
    rung: Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """Why there is no match, in words for the model."""

    reason: str


def find(text: str, old: str, new: str) -> Match | Mismatch:
    """The one place where `old` stands in `text`, with `new` fitted to it."""
    if not old.strip():
        return Mismatch(reason="`old` is empty. Give the lines to replace, or use write_file for a new file.")
    places = _occurrences(text, old)
    if len(places) == 1:
        return Match(start=places[0], end=places[0] + len(old), replacement=new, rung="exact")
    if places:
        return Mismatch(reason=_ambiguous(text, places))
    lines = lines_of(text)
    wanted = old.strip("\n").split("\n")
    rungs: tuple[tuple[Rung, list[int]], ...] = (
        ("trimmed", _windows(lines, wanted, str.rstrip)),
        ("reindented", _reindented(lines, wanted)),
        ("whitespace", _windows(lines, wanted, _squeeze)),
    )
    for rung, starts in rungs:
        if len(starts) == 1:
            return _fit(lines, starts[0], wanted, new, rung)
        if starts:
            offsets = [sum(len(line) for line in lines[:start]) for start in starts]
            return Mismatch(reason=_ambiguous(text, offsets))
    return Mismatch(reason=_nearest(lines, wanted))


def lines_of(text: str) -> list[str]:
    r"""The lines with their ends. Only \n ends one: editors and diffs count so, `splitlines` also stops at \f or U+2028."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _occurrences(text: str, old: str) -> list[int]:
    found: list[int] = []
    at = text.find(old)
    while at != -1:
        found.append(at)
        at = text.find(old, at + 1)
    return found


def _windows(lines: list[str], wanted: list[str], key: Callable[[str], str]) -> list[int]:
    keyed, target = [key(line) for line in lines], [key(line) for line in wanted]
    return [i for i in range(len(lines) - len(wanted) + 1) if keyed[i : i + len(wanted)] == target]


def _reindented(lines: list[str], wanted: list[str]) -> list[int]:
    target = _relative(wanted)
    return [i for i in range(len(lines) - len(wanted) + 1) if _relative(lines[i : i + len(wanted)]) == target]


def _relative(lines: list[str]) -> list[str]:
    indents = [_indent(line) for line in lines if line.strip()]
    common = min(indents, key=len) if indents else ""
    return [line.rstrip()[len(common) :] if line.startswith(common) else line.rstrip() for line in lines]


def _fit(lines: list[str], start: int, wanted: list[str], new: str, rung: Rung) -> Match:
    found = lines[start : start + len(wanted)]
    begin = sum(len(line) for line in lines[:start])
    size = sum(len(line) for line in found)
    replacement = new.strip("\n")
    if rung in ("reindented", "whitespace"):
        replacement = _shift(replacement, _first_indent(wanted), _first_indent(found))
    if found[-1].endswith("\n") and replacement:
        replacement += "\n"
    ended = [line for line in found if line.endswith("\n")]
    if ended and all(line.endswith("\r\n") for line in ended):
        # A file of one kind of ending comes with \n alone, so this one is mixed and its lines keep their own.
        replacement = replacement.replace("\r\n", "\n").replace("\n", "\r\n")
    return Match(start=begin, end=begin + size, replacement=replacement, rung=rung)


def _shift(text: str, source: str, target: str) -> str:
    """`text` moved from the model's indentation to the file's."""
    shifted: list[str] = []
    for line in text.split("\n"):
        if not line.strip():
            shifted.append(line)
        elif line.startswith(source):
            shifted.append(target + line[len(source) :])
        else:
            shifted.append(target + line.lstrip() if len(_indent(line)) < len(source) else line)
    return "\n".join(shifted)


def _first_indent(lines: list[str]) -> str:
    return next((_indent(line) for line in lines if line.strip()), "")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())].rstrip("\r\n")


def _squeeze(line: str) -> str:
    return re.sub(r"\s+", " ", line.strip())


def _ambiguous(text: str, places: list[int]) -> str:
    numbers = ", ".join(str(text.count("\n", 0, place) + 1) for place in places[:6])
    return f"`old` stands in {len(places)} places (lines {numbers}). Add lines around it until it is unique."


def _nearest(lines: list[str], wanted: list[str]) -> str:
    """The block most like `old`, shown with line numbers. Bounded in work: only lines that share the first words."""
    if len(lines) > 20_000:
        return "`old` was not found. Read that part of the file again and copy the lines exactly."
    target = "\n".join(line.strip() for line in wanted)
    best, best_at = 0.0, -1
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(target)
    for at in range(max(1, len(lines) - len(wanted) + 1)):
        matcher.set_seq1("\n".join(line.strip() for line in lines[at : at + len(wanted)]))
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            ratio = matcher.ratio()
            best, best_at = (ratio, at) if ratio > best else (best, best_at)
    if best < 0.4:
        return "`old` was not found, and nothing like it. Read the file again and copy the lines exactly."
    shown = "".join(
        f"{n:5}| {line.rstrip()}\n" for n, line in enumerate(lines[best_at : best_at + min(len(wanted), 30)], best_at + 1)
    )
    return f"`old` was not found. The nearest block is:\n{shown}Copy the lines exactly as they stand there."
