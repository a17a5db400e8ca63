"""Which definitions go into a map, as first lines or with their bodies, so that a budget of tokens is used and never passed.

Owns the choice and its arithmetic; pure over what it is handed. `layout` turns the choice into text.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tallystick_agent.context.code.layout import CUT, block_text, path_line, shown_line
from tallystick_agent.context.code.words import hashes_of, words
from tallystick_agent.protocol.code import Body, Line

THRIFT: Final = 1.0
"""How much a longer first line counts against a definition: times ln of its tokens."""
BODY_THRIFT: Final = 0.5
BODY_SHARE: Final = 0.5
LARGEST_SHARE: Final = 0.3
"""Of the budget for bodies, what one of them may take before it is cut to an excerpt."""
LARGEST: Final = 1_000
"""And in tokens: a larger budget is for more definitions before it is for longer ones."""
WINDOW: Final = 4
"""Lines around a matching one in an excerpt."""
CONTAINERS: Final = ("class", "impl", "trait", "interface", "module", "namespace", "mod_item", "object", "protocol")
WHOLE_LINES: Final = 40
"""A container up to this long is shown whole."""


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
class _Account:
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
    account = _Account(budget, count, set())
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


def pick_bodies(
    candidates: Sequence[Candidate],
    texts: Mapping[str, Sequence[str]],
    budget: int,
    count: Callable[[str], int],
    worth: Mapping[int, float],
    *,
    plain: bool,
) -> tuple[tuple[Body, ...], int]:
    """Bodies worth their tokens, and the tokens that they take with their paths. `texts`: the lines of each path.

    `worth`: the weight of each hashed term of the question, for excerpts of what is too long.
    """
    account = _Account(budget, count, set())
    most = max(60, min(LARGEST, int(budget * LARGEST_SHARE)))
    bodies: list[tuple[float, Body, int]] = []
    for one in candidates:
        if one.path not in texts:
            continue
        body = _body(one, texts[one.path], plain=plain)
        cost = _cost(body, count)
        if cost > most:
            body = _excerpt(body, one, most, count, worth)
            cost = _cost(body, count)
        if body.lines and 0 < cost <= most:
            bodies.append((one.score - BODY_THRIFT * math.log(cost), body, cost))
    bodies.sort(key=lambda row: -row[0])
    shown: dict[str, set[int]] = {}
    picked: list[Body] = []
    misses = 0
    for _, body, cost in bodies:
        have = shown.setdefault(body.path, set())
        numbers = {number for number, _ in body.lines}
        if numbers <= have:
            continue
        if numbers & have:
            body = body.without(have)
            cost = _cost(body, count)
            if not cost:
                continue
        if not account.pay(body.path, cost):
            misses += 1
            if misses > 25:
                break
            continue
        have |= numbers
        picked.append(body)
    return tuple(picked), budget - account.left


def _body(one: Candidate, lines: Sequence[str], *, plain: bool) -> Body:
    """The chunk's lines: of a large container, and of what stands outside definitions, without the definitions inside."""
    numbers = list(range(one.lead, min(one.last, len(lines)) + 1))
    if not one.definition or (one.kind.startswith(CONTAINERS) and one.last - one.first >= WHOLE_LINES):
        inner = {number for lead, last in one.children for number in range(lead, last + 1)}
        numbers = [number for number in numbers if number not in inner]
    shown = [(number, lines[number - 1][:CUT]) for number in numbers if not plain or lines[number - 1].strip()]
    return Body(path=one.path, lines=tuple(shown), score=one.score, name=one.name, plain=plain)


def _cost(body: Body, count: Callable[[str], int]) -> int:
    return sum(count(block_text(block, plain=body.plain)) for block in body.blocks())


def _excerpt(body: Body, one: Candidate, most: int, count: Callable[[str], int], worth: Mapping[int, float]) -> Body:
    """The first lines and the windows around lines that match the question best, within `most` tokens."""
    weights: list[tuple[float, int]] = []
    for at, (_, text) in enumerate(body.lines):
        terms = {term for word in words(text) for term in hashes_of(word)}
        weights.append((sum(worth.get(term, 0.0) for term in terms), at))
    kept = {at for at, (number, _) in enumerate(body.lines) if one.first <= number <= one.first + 2}
    used = sum(count(body.lines[at][1] + "\n") + 2 for at in kept)
    for weight, at in sorted(weights, key=lambda pair: (-pair[0], pair[1])):
        if weight <= 0:
            break
        window = set(range(max(0, at - WINDOW), min(len(body.lines), at + WINDOW + 1))) - kept
        cost = sum(count(body.lines[one][1] + "\n") for one in window) + (8 if window else 0)
        if used + cost > most:
            continue
        kept |= window
        used += cost
    cut = replace(body, lines=tuple(body.lines[at] for at in sorted(kept)))
    while cut.lines and _cost(cut, count) > most:
        cut = replace(cut, lines=cut.lines[:-1])
    return cut
