"""What may stand after `/` and `@` in a chat: what is being typed at a cursor, and what goes on with it. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tallystick_server.lsp.chat_document import parse, scan
from tallystick_server.lsp.slash_commands import COMMANDS

MOST: Final = 60
"""Items of one list; typing on asks again."""
SPECIAL: Final = (
    ("diff", "what differs from the last commit"),
    ("staged", "what a commit would take now"),
    ("terminal", "the output of the last command"),
    ("diagnostics", "the problems that the editor and linters show"),
    ("symbol:", "the code of a name"),
    ("commit:", "a commit's message and diff"),
    ("https://", "the words of a page"),
)
_AT: Final = re.compile(r'(?<![\w@/.])@("?)([^\s"\'`,;()\[\]{}<>]*|(?<=")[^"\n]*)$')
_SLASH: Final = re.compile(r"^\s*/([a-z]*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """`begun` is what stands after the mark, `length` the characters before the cursor that an item replaces."""

    kind: Literal["slash", "at"]
    begun: str
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """`text` takes the place of what was typed, its mark included."""

    text: str
    says: str
    kind: Literal["command", "file", "folder", "symbol", "special", "commit"]


def typed(text: str, line: int, before: str) -> Typed | None:
    """What is being typed where `before` stands in a line up to the cursor; `None` outside the prompt."""
    seen = scan(text)
    heading = parse(text).line
    asked = not seen.headings or seen.headings[-1][1] == "You"
    if not asked or (seen.headings and line <= heading) or (line in seen.fenced and not seen.fence):
        return None
    slash = _SLASH.match(before)
    if slash is not None and not _words_above(text, heading if seen.headings else -1, line):
        return Typed(kind="slash", begun=slash.group(1), length=len(slash.group(1)) + 1)
    at = _AT.search(before)
    return Typed(kind="at", begun=at.group(2), length=len(at.group(0))) if at is not None else None


def _words_above(text: str, heading: int, line: int) -> bool:
    """A command is the first word of a prompt; further down a `/` begins a path."""
    return any(one.strip() and not one.startswith("<!--") for one in text.split("\n")[heading + 1 : line])


def commands(begun: str) -> tuple[Word, ...]:
    return tuple(
        Word(text=f"/{one.name}", says=f"{one.takes} — {one.does}" if one.takes else one.does, kind="command")
        for one in COMMANDS
        if one.name.startswith(begun)
    )


def named(begun: str, files: Sequence[str], first: Iterable[str]) -> tuple[Word, ...]:
    """Files and folders that go on with what was typed, those of `first` (open documents) before others."""
    low = begun.lower()
    special = [Word(text=f"@{name}", says=says, kind="special") for name, says in SPECIAL if name.startswith(low)]
    ahead = dict.fromkeys(first)
    folders = dict.fromkeys(path[: at + 1] for path in files for at, char in enumerate(path) if char == "/")
    every = enumerate((*ahead, *folders, *files))
    known = ((rank, place, path) for place, path in every if (rank := _rank(low, path, ahead)) is not None)
    ranked = sorted(known, key=lambda one: (one[0], len(one[2]) if low else 0, one[1]))
    paths = dict.fromkeys(path for _, _, path in ranked)
    found = [Word(text=_spelled(path), says="", kind="folder" if path.endswith("/") else "file") for path in paths]
    return (*special, *found)[:MOST] if low else (*found[: MOST - len(special)], *special)


def _rank(low: str, path: str, ahead: "dict[str, None]") -> int | None:
    """0 is best; `None` where the path does not go on with what was typed."""
    lower = path.lower()
    name = lower.rstrip("/").rpartition("/")[2]
    opened = 0 if path in ahead else 1
    if name.startswith(low):
        return opened
    if lower.startswith(low):
        return 2 + opened
    return 4 + opened if low in lower else None


def _spelled(path: str) -> str:
    return f"@{path}" if re.fullmatch(r"[^\s\"'`,;()\[\]{}<>]+", path) else f'@"{path}"'
