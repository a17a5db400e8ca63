"""Code that was found for a question, as values: maps, their lines and bodies. Owns no search and no layout of text."""

from dataclasses import dataclass, replace
from typing import Literal

Mode = Literal["outline", "bodies"]
"""First lines of definitions, or bodies of the best and first lines of the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The first line of a definition."""

    path: str
    number: int
    text: str
    name: str
    last: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Lines of a file, in order, each with its number."""

    path: str
    lines: tuple[tuple[int, str], ...]
    score: float
    name: str
    plain: bool = False
    """Blank lines are left out of it."""

    def blocks(self) -> list[list[tuple[int, str]]]:
        """Runs of lines without a gap, blank lines at their ends left out; where `plain`, blank lines are no gap."""
        gap = 2 if self.plain else 1
        found: list[list[tuple[int, str]]] = []
        for number, text in self.lines:
            if found and found[-1][-1][0] >= number - gap:
                found[-1].append((number, text))
            elif text.strip():
                found.append([(number, text)])
        for block in found:
            while not block[-1][1].strip():
                block.pop()
        return found

    def without(self, numbers: set[int]) -> "Body":
        return replace(self, lines=tuple(line for line in self.lines if line[0] not in numbers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What the user is at. Paths of the workspace; lines from 1."""

    open: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    marked: frozenset[tuple[str, int]] = frozenset()
    """Lines with diagnostics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMap:
    """`tokens` is what `count` says of `text`, and at most the budget."""

    text: str
    tokens: int
    mode: Mode
    lines: tuple[Line, ...]
    bodies: tuple[Body, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Files in order, best first, with their scores; and a map for each budget that was asked for."""

    files: tuple[tuple[str, float], ...]
    maps: dict[int, CodeMap]
    about: bool
    """Whether the question is about this code at all: a greeting is not."""
    indexed: int
    left_out: tuple[tuple[str, str], ...]
    """Files that are not read, and why, by path."""
