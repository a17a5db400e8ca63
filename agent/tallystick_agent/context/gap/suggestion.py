"""What of a model's answer is shown at a cursor, and when there is enough of it. Pure; texts have `\n`.

A suggestion is one statement, or one block: it ends at a line that is indented less than where it began, before what stands
behind the cursor already, and with the line where something else follows on the cursor's own line.
"""

import re
from dataclasses import dataclass
from typing import Final

from tallystick_agent.protocol.chat import Finish

TAB: Final = 4
_FENCES: Final = ("```", "~~~")
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_OPENERS: Final = (":", "{", "(", "[", "=>", "->", "then", "do")
_OUR_MARKS: Final = re.compile(r"</?(?:before|after)>")
"""Those that stand around the text in a request in words."""
_CLOSES: Final = re.compile(r"^(?:[)\]}]|(?:end|else|elif|elsif|except|finally|catch|rescue|ensure|fi|done|esac|then|do)\b)")
"""Lines that belong to what stands above them, although they are indented less."""
_ONLY_CLOSES: Final = re.compile(r"^[\s)\]}>\"'`;:,]+$")
_LONE: Final = re.compile(r"^\s*(?:[)\]}]+[;,]?)?\s*$")
"""A line that closes brackets and does nothing else, or is blank."""
_FENCED: Final = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*\n(.*?)(?:\n[ \t]*(?:```|~~~)|\Z)", re.DOTALL | re.MULTILINE)
_KNOWN: Final = 8
"""Characters of a line from which on it is clear what it begins with."""
_ECHO_LINES: Final = 6
"""Lines before the cursor that an answer may begin with again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The cursor, as far as it matters for what may be shown there."""

    head: str
    """The cursor's line up to the cursor."""
    rest: str
    """The cursor's line after the cursor."""
    next: str
    """The next line that is not blank; empty where there is none."""
    above: tuple[str, ...] = ()
    """The lines before the cursor's."""
    fenced: bool = False
    """Whether there are code fences around: then one may be meant."""

    @property
    def one_line(self) -> bool:
        """Whether something follows on the line: then no more than the line can be meant."""
        return bool(self.rest.strip())

    @property
    def taken(self) -> bool:
        """Whether the line's own statement begins behind the cursor: nothing belongs in front of it."""
        return self.one_line and not self.head.strip() and not _ONLY_CLOSES.match(self.rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    text: str
    """Empty for none."""
    replaces_rest: bool = False
    """It holds what stands behind the cursor on its line, which it takes the place of."""


def place_of(before: str, after: str) -> Place:
    lines = before[before.rfind("\n", 0, max(0, len(before) - 4_000)) + 1 :].split("\n")
    rest, _, more = after.partition("\n")
    following = next((line for line in more[:4_000].split("\n") if line.strip()), "")
    fenced = any(mark in text for text in (before[-4_000:], after[:4_000]) for mark in _FENCES)
    return Place(head=lines[-1], rest=rest, next=following, above=tuple(lines[-1 - _ECHO_LINES : -1]), fenced=fenced)


def enough(text: str, place: Place) -> bool:
    """Whether nothing that may still come would be shown."""
    if place.one_line:
        return "\n" in text
    return len(_block(text, place, whole=False)) < len(text.split("\n"))


def suggestion(text: str, place: Place, *, finish: Finish = "stop", chat: bool = False) -> Suggestion:
    """What is shown of `text`. `chat`: it may hold a fence and repeat what stands before the cursor."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if chat:
        text = _aligned(_without_echo(_unfenced(text, place), place), place)
        if place.head[-1:].isdigit() and text[:1].isalpha():
            # A new statement, and no end of the number.
            return Suggestion(text="")
    if _repeats_next(text, place):
        return Suggestion(text="")
    if place.one_line:
        return _on_the_line(text, place)
    lines = _block(text, place, whole=True)
    if finish == "length" and len(lines) > 1 and len(lines) == len(text.split("\n")):
        # The limit came in the middle of a line.
        lines.pop()
    while len(lines) > 1 and _LONE.match(lines[-1]) and _unmatched("\n".join([place.head + lines[0], *lines[1:]])):
        # It closes what stands around the block, and is closed there already.
        lines.pop()
    shown = "\n".join(lines).rstrip()
    return Suggestion(text=shown if shown.strip() else "")


def _on_the_line(text: str, place: Place) -> Suggestion:
    line, rest = text.split("\n", 1)[0].rstrip(), place.rest.rstrip()
    if line.endswith(rest):
        return Suggestion(text=line[: -len(rest)])
    if line.endswith(rest.lstrip()):
        line = line[: -len(rest.lstrip())].rstrip()
        return Suggestion(text=line)
    if _ONLY_CLOSES.match(rest) and _within(rest.strip(), line):
        # `f(|)` with `a, b): return` as the answer: the bracket is the answer's own.
        return Suggestion(text=line, replaces_rest=True)
    while line and line[-1] in _PAIRS and rest.startswith(line[-1]) and _unmatched(line):
        line = line[:-1]
    return Suggestion(text=line)


def _unmatched(text: str) -> bool:
    """Whether a bracket is closed that was not opened in the text."""
    return any(text.count(closer) > text.count(opener) for closer, opener in _PAIRS.items())


def _repeats_next(text: str, place: Place) -> bool:
    """Whether it begins with the line that follows the cursor's."""
    first = text.split("\n", 1)[0].strip()
    whole = first if place.one_line else (place.head + text.split("\n", 1)[0]).strip()
    return bool(first) and place.next.strip() in (first, whole) and (place.one_line or not place.head.strip())


def _within(part: str, text: str) -> bool:
    """Whether the characters of `part` stand in `text` in their order."""
    left = iter(text)
    return all(char in left for char in part if not char.isspace())


def _block(text: str, place: Place, *, whole: bool) -> list[str]:
    """The lines that are shown. `whole` is false while the last line may go on."""
    lines = text.split("\n")
    own = bool(place.head.strip())
    first = place.head + lines[0]
    base = _indent(place.head if own else first if lines[0].strip() else place.head)
    kept, deeper = [lines[0]], False
    if lines[0].strip().startswith(_FENCES) and not place.fenced:
        return []
    for number, line in enumerate(lines[1:], 1):
        last = number == len(lines) - 1 and not whole
        bare = line.strip()
        if not bare:
            if number > 1 and not last and not lines[number - 1].strip():
                break
            kept.append(line)
            continue
        indent = _indent(line)
        if last and len(bare) < _KNOWN:
            kept.append(line)
            continue
        begun = any(one.strip() for one in kept) or own
        if bare.startswith(_FENCES) and not place.fenced:
            break
        if begun and _ends(line, indent, base, own=own, deeper=deeper, after_blank=not lines[number - 1].strip()):
            break
        if begun and bare == place.next.strip() and indent == _indent(place.next):
            break
        if not begun and indent < base:
            break
        deeper = deeper or indent > base
        kept.append(line)
    return kept


def _ends(line: str, indent: int, base: int, *, own: bool, deeper: bool, after_blank: bool) -> bool:
    """Whether a suggestion is over before this line. `own`: it goes on with a statement that the user began."""
    closes = bool(_CLOSES.match(line.strip()))
    if indent < base:
        return True
    if indent > base:
        return False
    return not closes if own else deeper and after_blank


def _indent(line: str) -> int:
    expanded = line.expandtabs(TAB)
    return len(expanded) - len(expanded.lstrip(" "))


def _unfenced(text: str, place: Place) -> str:
    """The code of an answer that has it in a fence or between our own marks; whatever is said around it is no code."""
    text = next((piece.removeprefix("\n") for piece in _OUR_MARKS.split(text) if piece.strip()), "")
    found = None if place.fenced else _FENCED.search(text)
    return found.group(1) if found else text


def _aligned(text: str, place: Place) -> str:
    """The answer with the indentation of the cursor's line, which chat models leave out below the first line."""
    first, *more = text.split("\n")
    base, opens = _indent(place.head), first.rstrip().endswith(_OPENERS)
    if place.head.strip():
        if place.head.rstrip().endswith(_OPENERS) and _indent(first) > base and not place.one_line:
            return f"\n{text}"
        return text
    if not base or not more or not more[0].strip():
        return text
    wanted = base + 1 if opens else base
    if _indent(more[0]) >= wanted or (more[0].strip() == place.next.strip() and _indent(more[0]) == _indent(place.next)):
        return text
    return "\n".join([first, *(place.head + line if line.strip() else line for line in more)])


def _without_echo(text: str, place: Place) -> str:
    """The answer without the lines before the cursor that it begins with again."""
    lines = [*place.above, place.head]
    for start in range(len(lines)):
        echoed = "\n".join(lines[start:])
        if echoed.strip() and text.startswith(echoed):
            return text[len(echoed) :]
    head = place.head.lstrip()
    if head and text.lstrip().startswith(head):
        return text.lstrip()[len(head) :]
    if not head and place.head and text.startswith(place.head):
        return text[len(place.head) :]
    return text.lstrip(" ") if not head and place.head else text
