"""What is wrong with a chat document as a text, for the person who edited it. Pure; nothing is ever changed or lost for it."""

import re

from tallystick_server.lsp.chat_document import ANSWER, YOU, parse, scan
from tallystick_server.lsp.marks import Mark
from tallystick_server.lsp.slash_commands import mistyped

MOST = 20
_SESSION_LIKE = re.compile(r"^\s*<!--\s*tallystick\s+session\b", re.IGNORECASE)
_NEARLY = re.compile(r"^ {0,3}#{1,6} *(you|tallystick) *:? *#* *$", re.IGNORECASE)


def problems(text: str) -> tuple[Mark, ...]:
    """By line. Each says what the line is taken for, and how to mend it."""
    lines = text.split("\n")
    found: list[Mark] = []
    seen = scan(text)
    known = {line for line, _ in seen.headings}
    chat = parse(text)
    for number, line in enumerate(lines):
        if number in seen.fenced:
            continue
        if _SESSION_LIKE.match(line) and not (number == 0 and chat.session_id is not None):
            said = "Only a first line `<!-- tallystick session: ID -->` names a session; this one is plain text."
            found.append(Mark(line=number, message=said, level="warning"))
        elif number not in known and _NEARLY.match(line.rstrip("\r")):
            said = f"This is no heading of a chat, so it is part of the text. The headings are `{YOU}` and `{ANSWER}`."
            found.append(Mark(line=number, message=said, level="warning"))
    if seen.fence:
        said = f"This code fence is not closed: all that follows is code. Close it with {seen.fence}"
        found.append(Mark(line=seen.opened, message=said, level="warning"))
    if word := mistyped(chat.prompt):
        found.append(
            Mark(line=_first_line(lines, chat.line), message=f"There is no command {word}; /help shows them.", level="error")
        )
    return tuple(sorted(found, key=lambda mark: mark.line)[:MOST])


def _first_line(lines: list[str], heading: int) -> int:
    """The first line of the prompt."""
    return next((number for number in range(heading, len(lines)) if lines[number].lstrip().startswith("/")), heading)
