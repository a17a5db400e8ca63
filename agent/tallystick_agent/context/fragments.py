"""Pieces of text that a prompt brings along: what each is, how it may be shortened, and in which order they stand. Pure.

A fragment knows its forms from longest to shortest. Which form goes in is `context.budget`'s decision; the order in the prompt
is fixed here: what is the same for all prompts of a workspace first, what changes with every prompt last.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

Kind = Literal[
    "rules", "files", "map", "file", "folder", "symbol", "commit", "url", "diff", "terminal", "diagnostics", "environment"
]
Form = Literal["whole", "excerpt", "outline"]
ORDER: Final[dict[str, int]] = {kind: number for number, kind in enumerate(get_args(Kind))}
PRIORITY: Final[dict[str, int]] = {
    "rules": 0,
    "environment": 1,
    "symbol": 2,
    "file": 2,
    "diagnostics": 2,
    "diff": 2,
    "commit": 2,
    "url": 2,
    "terminal": 2,
    "folder": 2,
    "files": 3,
    "map": 4,
}
"""Lower goes in first: what the user named comes before what we found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One form of a fragment and its tokens."""

    form: Form
    text: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """`source` is the path, address or command that it comes from; `shapes` go from longest to shortest, at least one."""

    kind: Kind
    source: str
    shapes: tuple[Shape, ...]

    @property
    def name(self) -> str:
        """How the X-ray calls it: `rules:AGENTS.md`, `map`."""
        return f"{self.kind}:{self.source}" if self.source else self.kind

    @property
    def priority(self) -> int:
        return PRIORITY[self.kind]


def in_order(fragments: tuple[Fragment, ...]) -> tuple[Fragment, ...]:
    """As they stand in the prompt: by stability, then as they were given."""
    return tuple(sorted(fragments, key=lambda one: ORDER[one.kind]))
