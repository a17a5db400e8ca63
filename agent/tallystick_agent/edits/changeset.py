"""A list of replacements in one text, applied whole or not at all. Owns the result and its diff; pure."""

import difflib
from dataclasses import dataclass
from itertools import pairwise

from tallystick_agent.edits.match import Match, Mismatch, find, lines_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    text: str
    notes: tuple[str, ...]
    """What the model should know, e.g. that an edit matched only after re-indenting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    reason: str


def apply_all(text: str, replacements: tuple[Replacement, ...]) -> Applied | Refused:
    """Every replacement is found in the original text; one that is not found, or that overlaps, refuses them all."""
    if not replacements:
        return Refused(reason="There is no edit in the list.")
    matches: list[Match] = []
    notes: list[str] = []
    for number, replacement in enumerate(replacements, 1):
        place = f"Edit {number} of {len(replacements)}: " if len(replacements) > 1 else ""
        match find(text, replacement.old, replacement.new):
            case Mismatch(reason=reason):
                return Refused(reason=f"{place}{reason} Nothing was changed.")
            case Match() as found:
                matches.append(found)
                if found.rung != "exact":
                    notes.append(f"{place}matched after {_WORDS[found.rung]}.")
    ordered = sorted(matches, key=lambda m: m.start)
    for one, two in pairwise(ordered):
        if two.start < one.end:
            return Refused(reason="Two edits overlap. Join them into one. Nothing was changed.")
    changed = text
    for found in reversed(ordered):
        changed = changed[: found.start] + found.replacement + changed[found.end :]
    if changed == text:
        return Refused(reason="The edit changes nothing: old and new text are the same.")
    return Applied(text=changed, notes=tuple(notes))


_WORDS = {
    "trimmed": "ignoring white space at line ends",
    "reindented": "fitting the indentation",
    "whitespace": "ignoring white space",
}


def unified(path: str, before: str, after: str) -> str:
    """A unified diff with `a/` and `b/` names; an absent side is /dev/null."""
    old, new = lines_of(before), lines_of(after)
    lines = difflib.unified_diff(old, new, f"a/{path}" if before else "/dev/null", f"b/{path}" if after else "/dev/null")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
