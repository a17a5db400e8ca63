"""Which bodies go into a map: whole where they are short, as excerpts around what matches where they are long.

Owns that choice for one question; what several budgets need is worked out once. Pure over what it is handed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tallystick_agent.context.code.layout import CUT, block_text
from tallystick_agent.context.code.pick import Account, Candidate
from tallystick_agent.context.code.words import hashes_of, words
from tallystick_agent.protocol.code import Body

THRIFT: Final = 0.5
"""How much a longer body counts against a definition: times ln of its tokens."""
SHARE: Final = 0.5
"""Of a map's budget, what bodies may take; the rest names further definitions."""
LARGEST_SHARE: Final = 0.3
"""Of the budget for bodies, what one of them may take before it is cut to an excerpt."""
LARGEST: Final = 1_000
"""And in tokens: a larger budget is for more definitions before it is for longer ones."""
LEAST: Final = 60
WINDOW: Final = 4
"""Lines around a matching one in an excerpt."""
CONTAINERS: Final = ("class", "impl", "trait", "interface", "module", "namespace", "mod_item", "object", "protocol")
WHOLE_LINES: Final = 40
"""A container up to this long is shown whole."""
LONG: Final = 12
"""Characters a token above which a body is too long without being counted."""
MOST_LINES: Final = 3_000
"""Lines of a long body that are looked at for an excerpt."""
MISSES: Final = 25
"""Bodies, or windows, that do not fit before it is taken that none will."""


class BodyPicker:
    """`worth` is the weight of each hashed term of the question."""

    def __init__(self, count: Callable[[str], int], worth: Mapping[int, float], *, plain: bool) -> None:
        self._count, self._worth, self._plain = count, worth, plain
        self._bodies: dict[tuple[str, int, int], Body] = {}
        self._costs: dict[tuple[str, int, int], int] = {}
        self._weights: dict[tuple[str, int, int], list[tuple[float, int]]] = {}
        self._words: dict[str, float] = {}

    def pick(
        self, candidates: Sequence[Candidate], texts: Mapping[str, Sequence[str]], budget: int
    ) -> tuple[tuple[Body, ...], int]:
        """Bodies worth their tokens, and the tokens that they take with their paths. `texts`: the lines of each path."""
        account = Account(budget, self._count, set())
        most = max(LEAST, min(LARGEST, int(budget * LARGEST_SHARE)))
        bodies: list[tuple[float, Body, int]] = []
        for one in candidates:
            if one.path not in texts:
                continue
            body, cost = self._fitted(one, texts[one.path], most)
            if body.lines and 0 < cost <= most:
                bodies.append((one.score - THRIFT * math.log(cost), body, cost))
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
                cost = self._cost(body)
                if not cost:
                    continue
            if not account.pay(body.path, cost):
                misses += 1
                if misses > MISSES:
                    break
                continue
            have |= numbers
            picked.append(body)
        return tuple(picked), budget - account.left

    def _fitted(self, one: Candidate, lines: Sequence[str], most: int) -> tuple[Body, int]:
        """The body, or its excerpt where it has more than `most` tokens, and what it takes."""
        key = (one.path, one.lead, one.last)
        if key not in self._bodies:
            self._bodies[key] = _body(one, lines, plain=self._plain)
        body = self._bodies[key]
        if sum(len(text) for _, text in body.lines) <= most * LONG:
            if key not in self._costs:
                self._costs[key] = self._cost(body)
            if self._costs[key] <= most:
                return body, self._costs[key]
        cut = self._excerpt(key, body, one, most)
        return cut, self._cost(cut)

    def _cost(self, body: Body) -> int:
        return sum(self._count(block_text(block, plain=body.plain)) for block in body.blocks())

    def _excerpt(self, key: tuple[str, int, int], body: Body, one: Candidate, most: int) -> Body:
        """The first lines and the windows around lines that match the question best, within `most` tokens."""
        lines = body.lines[:MOST_LINES]
        if key not in self._weights:
            weighed = ((self._weight(text), at) for at, (_, text) in enumerate(lines))
            self._weights[key] = sorted((pair for pair in weighed if pair[0] > 0), key=lambda pair: (-pair[0], pair[1]))
        kept = {at for at, (number, _) in enumerate(lines) if one.first <= number <= one.first + 2}
        used = sum(_about(lines[at][1]) + 2 for at in kept)
        misses = 0
        for _, at in self._weights[key]:
            window = set(range(max(0, at - WINDOW), min(len(lines), at + WINDOW + 1))) - kept
            cost = sum(_about(lines[one][1]) for one in window) + (8 if window else 0)
            if used + cost > most:
                misses += 1
                if misses > MISSES:
                    break
                continue
            kept |= window
            used += cost
        cut = replace(body, lines=tuple(lines[at] for at in sorted(kept)))
        while cut.lines and self._cost(cut) > most:
            cut = replace(cut, lines=cut.lines[:-1])
        return cut

    def _weight(self, text: str) -> float:
        """What a line's words are worth, each once."""
        total = 0.0
        for word in set(words(text)):
            known = self._words.get(word)
            if known is None:
                known = self._words[word] = sum(self._worth.get(term, 0.0) for term in hashes_of(word))
            total += known
        return total


def _about(line: str) -> int:
    """Tokens of a line, rather too many than too few; what is put together is counted in the end."""
    return len(line.strip()) // 3 + 2


def _body(one: Candidate, lines: Sequence[str], *, plain: bool) -> Body:
    """The chunk's lines: of a large container, and of what stands outside definitions, without the definitions inside."""
    numbers = list(range(one.lead, min(one.last, len(lines)) + 1))
    if not one.definition or (one.kind.startswith(CONTAINERS) and one.last - one.first >= WHOLE_LINES):
        inner = {number for lead, last in one.children for number in range(lead, last + 1)}
        numbers = [number for number in numbers if number not in inner]
    shown = [(number, lines[number - 1][:CUT]) for number in numbers if not plain or lines[number - 1].strip()]
    return Body(path=one.path, lines=tuple(shown), score=one.score, name=one.name, plain=plain)
