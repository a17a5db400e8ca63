"""Chat documents (`*.tally.md`) as text: what is asked in one, and where an answer goes. Pure.

Such a document is Markdown with the headings `## You` and `## Tallystick`. Headings inside a code fence are text. The last
`## You` section that no answer follows is the prompt; so is a whole text without headings. Owns no turn and no editor.
"""

import re
from dataclasses import dataclass

from tallystick_agent.protocol.errors import TallystickError

SUFFIX = ".tally.md"
YOU = "## You"
ANSWER = "## Tallystick"
NOT_SENT = "> **Not sent:** "
_HEADING = re.compile(r"^ {0,3}## +(You|Tallystick) *#* *$")
_FENCE = re.compile(r"^ {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)$")
_SESSION = re.compile(r"^\ufeff?<!-- tallystick session: ([A-Za-z0-9_-]+) -->[ \t]*(?:\n|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """What a chat document says."""

    session_id: str | None
    prompt: str
    """Empty where nothing is asked."""
    line: int
    """Of the last `## You` heading, or of the first line where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """How much of a rendered answer stands in the document: what was given up to the user's edits, and what we still keep."""

    head: str = ""
    shown: str = ""


def is_chat(uri: str, language: str = "") -> bool:
    return uri.split("?")[0].endswith(SUFFIX) or language == "tallystick"


def parse(text: str) -> Chat:
    found = _SESSION.match(text)
    lines = text.split("\n")
    headed = _scan(lines).headings
    first = 1 if found else 0
    asked = [number for number, name in headed if name == "You"]
    if not headed:
        body = lines[first:]
    elif headed[-1][1] == "You":
        body = lines[headed[-1][0] + 1 :]
    else:
        body = []
    prompt = "\n".join(line for line in body if not line.startswith(NOT_SENT)).strip()
    line = asked[-1] if asked else min(first, len(lines) - 1)
    return Chat(session_id=found.group(1) if found else None, prompt=prompt, line=line)


def with_session(text: str, session_id: str) -> str:
    """The text with the session's id in its first line."""
    found = _SESSION.match(text)
    line = f"<!-- tallystick session: {session_id} -->\n"
    return line + text[found.end() :] if found else line + text


def with_problem(text: str, error: TallystickError) -> str:
    """The text with one line that says why its prompt was not sent. Sending again sends the same prompt."""
    kept = "\n".join(line for line in text.split("\n") if not line.startswith(NOT_SENT)).rstrip()
    words = " ".join(f"{error.message} {error.remedy}".split())
    return f"{kept}{_close(kept)}\n\n{NOT_SENT}{words}\n"


def asking(text: str, prompt: str) -> str:
    """The text with a prompt under its last heading, where nothing stands there yet."""
    if parse(text).prompt:
        return text
    head = text.rstrip()
    last = _scan(head.split("\n")).headings[-1:]
    if not last or last[0][1] != "You" or head.split("\n")[last[0][0] + 1 :]:
        head = f"{head}{_close(head)}\n\n{YOU}" if head else YOU
    return f"{head}\n\n{prompt}\n"


def open_fence(text: str) -> str:
    """The marks that would close the code fence in which `text` ends; empty where it ends in none."""
    return _scan(text.split("\n")).fence


def quoted(text: str) -> str:
    """A model's words with lines that would read as our headings made plain."""
    lines = text.split("\n")
    for number, _ in _scan(lines).headings:
        lines[number] = lines[number].replace("##", "\\##", 1)
    return "\n".join(lines)


def place(live: str, placed: Placed, rendered: str) -> tuple[str, Placed]:
    """The document with the answer as it is now, and what of it then stands there.

    The answer is looked for as text, not at a remembered place, so whatever the user writes above or below it meanwhile
    stays where it is. Where the user changed the answer itself, only what is new goes in, at the document's real end.
    """
    wanted = rendered[len(_shared(placed.head, rendered)) :]
    if not wanted:
        return live, placed
    kept = Placed(head=rendered[: len(rendered) - len(wanted)], shown=wanted)
    if not placed.shown:
        if live.rstrip().endswith(wanted.strip()):
            return live, kept
        return _after(live, wanted), kept
    at_shown, at_wanted = live.rfind(placed.shown), live.rfind(wanted)
    if at_wanted >= 0 and at_wanted >= at_shown:
        return live, kept
    if at_shown >= 0:
        return live[:at_shown] + wanted + live[at_shown + len(placed.shown) :], kept
    rest = wanted[len(_shared(placed.shown, wanted)) :]
    if not rest.strip():
        return live, kept
    kept = Placed(head=rendered[: len(rendered) - len(rest)], shown=rest)
    if live.rstrip("\n").endswith("\n\n" + rest.rstrip("\n")):
        return live, kept
    return _after(live, rest), kept


def closed_above(text: str) -> str:
    """A text as far as it says something, with a code fence that it leaves open closed, and an empty line below."""
    above = text.rstrip()
    return f"{above}{_close(above)}\n\n" if above else ""


def _after(live: str, block: str) -> str:
    return closed_above(live) + block


def _close(text: str) -> str:
    fence = open_fence(text)
    return f"\n{fence}" if fence else ""


def _shared(known: str, rendered: str) -> str:
    """How far `rendered` goes on as `known` did; a text that was rewritten counts up to the last whole line."""
    said = known.rstrip("\n")
    if rendered.startswith(said):
        return said
    pairs = zip(said, rendered, strict=False)
    at = next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(said), len(rendered)))
    return rendered[: rendered.rfind("\n", 0, at) + 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """`headings` are ours outside code fences, by line; `fence` is the one that is still open at the end, from `opened` on."""

    headings: tuple[tuple[int, str], ...]
    fenced: frozenset[int]
    """Lines inside code fences, their marks included."""
    fence: str
    opened: int


def scan(text: str) -> Scan:
    return _scan(text.split("\n"))


def _scan(lines: list[str]) -> Scan:
    found: list[tuple[int, str]] = []
    fenced: set[int] = set()
    fence, opened = "", 0
    for number, line in enumerate(lines):
        mark = _FENCE.match(line.rstrip("\r"))
        if fence or mark is not None:
            fenced.add(number)
        if mark is not None:
            marks, rest = mark.group(1), mark.group(2)
            if not fence:
                fence, opened = marks, number
            elif marks[0] == fence[0] and len(marks) >= len(fence) and not rest.strip():
                fence = ""
        elif not fence and (heading := _HEADING.match(line.rstrip("\r"))) is not None:
            found.append((number, heading.group(1)))
    return Scan(headings=tuple(found), fenced=frozenset(fenced), fence=fence, opened=opened)
