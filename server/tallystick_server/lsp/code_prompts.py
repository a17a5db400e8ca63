"""The prompts that code actions begin or send. Pure; owns the words, and the spelling of a place as a mention.

Words that come from the workspace (an excerpt, a comment, a linter's message, a file's name) point at nothing: every `@` in
them that would begin a mention gets a space behind it. Only the place itself, and what the person typed, is looked up.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from tallystick_agent.protocol.display import shown

Kind = Literal["ask", "edit", "explain", "tests", "document", "fix", "fixAll", "comment"]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
NEEDS_WORDS: Final = ("ask", "edit")
"""Kinds that say nothing without the person's own words."""
MOST_PROBLEMS = 50
MOST_PROBLEM_CHARS = 500
MOST_EXCERPT_LINES = 400
_PLAIN = re.compile(r"""[^\s"'`,;()\[\]{}<>@#:]{1,280}""")
_BEGINS = re.compile(r"(?<![\w/.])@(?!\s)")
"""An `@` that the grammar of mentions would take, or would once the text around it was broken: as it, but also after an `@`."""
MOST_PATH: Final = 300
"""Characters of a path that a mention can hold."""
_WORDS: Final = ("diff", "changes", "staged", "terminal", "diagnostics", "problems")
MOST_BLOCK_LINES: Final = 200
_DEFINES = re.compile(
    r"\s*(?:export|default|public|private|protected|internal|static|final|abstract|async|pub(?:\([a-z]+\))?|unsafe|local|override)?"
    r"\s*(?:def|class|function|fn|func|fun|sub|proc|impl|interface|struct|enum|trait|module|type|async def|async function)\b"
)
_TASKS: Final[dict[str, str]] = {
    "explain": "Explain {place}: what it does, why it is done so, and what may surprise. Change nothing.",
    "tests": "Write tests for {place}, where the tests of this project are and in their style, and run them.",
    "document": "Document {place} in the style of this project, for a reader who does not know it. Change no behaviour.",
    "fix": "Fix {problems} in {place}. Change nothing else.",
    "fixAll": "Fix {problems} in {place}, and any other of the same kind there. Change nothing else.",
    "comment": "Do what the comment in {place} says, then take the comment out:",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A diagnostic, in the editor's words. `line` counts from 0."""

    line: int
    message: str
    severity: str = "problem"
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the task is about. Without a `path` the model cannot be pointed to it, so the `excerpt` goes into the prompt."""

    path: str | None
    """Relative to the workspace."""
    first: int
    """Lines from 0; `last` is the last one."""
    last: int
    excerpt: str = ""
    name: str = "this text"


def prompt_for(kind: Kind, place: Place, *, problems: Sequence[Problem] = (), words: str = "") -> str:
    """The prompt of a task. For `ask` and `edit` without `words` it is only begun, for the person to go on."""
    spelled = mention(place, whole=kind == "fixAll") or _tame(place.name)
    if kind in NEEDS_WORDS:
        begun = f"{spelled} " if kind == "ask" else f"Change {spelled}: "
        text = f"{begun}{words.strip()}"
    else:
        several = "these problems" if len(problems) > 1 else "this problem"
        text = _TASKS[kind].format(place=spelled, problems=several)
        text += "".join(f"\n\n{block}" for block in _blocks(kind, problems, words))
    if mention(place, whole=kind == "fixAll") is None and place.excerpt:
        text = f"{_fenced(place.excerpt)}\n\n{text}"
    return text


def _blocks(kind: Kind, problems: Sequence[Problem], words: str) -> list[str]:
    found: list[str] = []
    if problems:
        lines = [_bullet(problem) for problem in problems[:MOST_PROBLEMS]]
        left = len(problems) - len(lines)
        found.append("\n".join([*lines, f"- and {left} more"] if left else lines))
    if words.strip():
        found.append(_quotation(words) if kind == "comment" else words.strip())
    return found


def _bullet(problem: Problem) -> str:
    message = _tame(" ".join(problem.message.split()))
    cut = message if len(message) <= MOST_PROBLEM_CHARS else message[: MOST_PROBLEM_CHARS - 1].rstrip("@") + "…"
    source = f" ({_tame(' '.join(problem.source.split())[:80])})" if problem.source else ""
    return f"- line {problem.line + 1}, {problem.severity}: {cut}{source}"


def _quotation(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in _tame(text.strip()).split("\n"))


def _tame(text: str) -> str:
    """Text of the workspace: nothing hidden in it, and no mention. Decorators and annotations may be written so too."""
    return _BEGINS.sub("@ ", shown(text))


def mention(place: Place, *, whole: bool = False) -> str | None:
    """`@path:from-to`; `None` where the path cannot be written so."""
    path = place.path
    if path is None or not 0 < len(path) <= MOST_PATH or '"' in path or "\n" in path or "\r" in path:
        return None
    name = path if _PLAIN.fullmatch(path) and path not in _WORDS and not path.endswith((".", "!", "?")) else f'"{path}"'
    if whole:
        return f"@{name}"
    first, last = place.first + 1, place.last + 1
    return f"@{name}:{first}" if first == last else f"@{name}:{first}-{last}"


def _fenced(excerpt: str) -> str:
    lines = _tame(excerpt).split("\n")[:MOST_EXCERPT_LINES]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *lines, fence])


def enclosing(lines: Sequence[str], line: int) -> tuple[int, int]:
    """First and last line of the definition at a line, told by indentation; at the top level of a text, of the paragraph."""
    at = max(0, min(line, len(lines) - 1))
    while at > 0 and not lines[at].strip():
        at -= 1
    first = at
    while not _DEFINES.match(lines[first]) and (depth := _indent(lines[first])):
        above = next((one for one in range(first - 1, -1, -1) if lines[one].strip() and _indent(lines[one]) < depth), None)
        if above is None:
            break
        first = above
    last = _end(lines, first)
    if last > first:
        return first, min(max(last, at), first + MOST_BLOCK_LINES)
    last = at
    while first > 0 and lines[first - 1].strip() and at - first < MOST_BLOCK_LINES:
        first -= 1
    while last + 1 < len(lines) and lines[last + 1].strip() and last - first < MOST_BLOCK_LINES:
        last += 1
    return first, last


def _end(lines: Sequence[str], first: int) -> int:
    """The last line that is indented deeper than `first`, and the mark below it that closes the block."""
    depth, last = _indent(lines[first]), first
    for number in range(first + 1, min(len(lines), first + MOST_BLOCK_LINES)):
        if not lines[number].strip():
            continue
        if _indent(lines[number]) <= depth:
            if last == first and lines[number].strip() == "{":
                continue
            closes = lines[number].strip()[:1] in ("}", ")", "]") or lines[number].strip() == "end"
            return number if closes and last > first else last
        last = number
    return last


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
