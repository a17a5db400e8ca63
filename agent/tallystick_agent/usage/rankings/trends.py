"""Who grew: the volume of a window against the mean of the three before it. Owns that rule; pure and exact."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tallystick_agent.usage.rankings.places import TOP, Place, Ranking, add, joined
from tallystick_agent.usage.sums import Sum

WINDOWS: Final = 3
"""Windows before the one that is ranked, which its volume is held against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """`thirds` is the growth over the mean, three times it, so that it is a whole number."""

    thirds: int
    before: int
    """Tokens of the three windows before."""

    @property
    def tokens(self) -> int:
        """The growth as whole tokens, rounded to the nearest: a third is never a half."""
        return (2 * self.thirds + WINDOWS) // (2 * WINDOWS)


def trend(now: int, before: int) -> Trend:
    return Trend(thirds=WINDOWS * now - before, before=before)


def trends(sums: Iterable[Sum], before: Iterable[Sum]) -> dict[str, Trend]:
    """By name. `before`: sums over the three windows before; who was not there yet used nothing then."""
    past = {one.group: one.tokens for one in joined(before)}
    return {one.group[0]: trend(one.tokens, past.get(one.group, 0)) for one in joined(sums)}


def rank_trending(sums: Iterable[Sum], before: Iterable[Sum], *, limit: int = TOP, offset: int = 0) -> Ranking:
    """Who grew the most first, ties by name; who did not grow is left out. There is no `other`: growth of a rest says nothing."""
    groups = joined(sums)
    grown = trends(groups, before)
    counted = [one for one in groups if grown[one.group[0]].thirds > 0 and one.tokens > 0]
    counted.sort(key=lambda one: (-grown[one.group[0]].thirds, one.group))
    of = sum(one.tokens for one in groups)
    page = tuple(
        Place(rank=place, name=one.group[0], sum=one, amount=one.tokens, of=of)
        for place, one in enumerate(counted[offset : offset + limit], offset + 1)
    )
    return Ranking(places=page, total=add(groups), groups=len(counted))
