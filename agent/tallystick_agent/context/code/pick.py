"""Which definitions go into a map by their first lines, so that a budget of tokens is used and never passed.

Owns that choice and the account that it shares with `bodies`; pure. `layout` turns choices into text.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick_agent.context.code.layout import path_line, shown_line
from tallystick_agent.protocol.code import Line

THRIFT: Final = 1.0
"""How much a longer first line counts against a definition: times ln of its tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A chunk that may be shown. `children` are the (lead, last) of the definitions right inside it."""

    path: str
    name: str
    kind: str
    first: int
    last: int
    lead: int
    signature: str
    score: float
    children: tuple[tuple[int, int], ...] = ()

    @property
    def definition(self) -> bool:
        return bool(self.name)


@dataclass(slots=True)
class Account:
    """Tokens spent so far, and the files that have their path line in this part of the map."""

    left: int
    count: Callable[[str], int]
    files: set[str]

    def pay(self, path: str, tokens: int) -> bool:
        head = 0 if path in self.files else self.count(path_line(path))
        if tokens + head > self.left:
            return False
        self.left -= tokens + head
        self.files.add(path)
        return True


def pick_lines(
    candidates: Sequence[Candidate], budget: int, count: Callable[[str], int], *, plain: bool
) -> tuple[tuple[Line, ...], int]:
    """First lines of definitions, best first, and the tokens that they take with their paths."""
    account = Account(budget, count, set())
    costs = [(one, count(shown_line(one.first, one.signature, plain=plain))) for one in candidates if one.definition]
    ordered = sorted(costs, key=lambda pair: -(pair[0].score - THRIFT * math.log(pair[1])))
    picked: list[Line] = []
    same: set[tuple[str, str]] = set()
    misses = 0
    for one, cost in ordered:
        if plain and (one.path, one.signature) in same:
            # Without its number, a line that was shown already tells nothing.
            continue
        if account.pay(one.path, cost):
            same.add((one.path, one.signature))
            picked.append(
                Line(path=one.path, number=one.first, text=one.signature, name=one.name, last=one.last, score=one.score)
            )
            continue
        misses += 1
        if misses > 40:
            break
    return tuple(picked), budget - account.left
