"""Groups in order, each with its place and its share. Owns ties, what is left out, and what becomes `other`; pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Final

from tallystick_agent.usage.sums import Sum

TOP: Final = 50
"""Places of a ranking; whatever is behind them is one row, `other`."""
OTHER: Final = "other"
_NUMBERS: Final = tuple(one.name for one in fields(Sum) if one.name != "group")

Measure = Callable[[Sum], int]


def tokens_of(one: Sum) -> int:
    return one.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One row of a ranking. `amount` is what it is ranked by, `of` the same over all rows."""

    rank: int | None
    """From 1; `None` for `other`, which has no place."""
    name: str
    sum: Sum
    amount: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """`total` is over everything that was ranked, shown or not."""

    places: tuple[Place, ...]
    total: Sum
    groups: int
    """How many were ranked."""


def rank(
    sums: Iterable[Sum],
    *,
    by: Measure = tokens_of,
    limit: int = TOP,
    offset: int = 0,
    other: bool = True,
    order: Callable[[str], int] | None = None,
) -> Ranking:
    """The groups with the most of a measure first, ties by name. What has none of it is left out.

    A page (`offset`, `limit`) changes no rank. `other` adds one last row for all that come behind the page. `order` puts the
    rows of a page by their names, for those that have an order of their own; their ranks tell the measure's all the same.
    """
    counted = [one for one in joined(sums) if by(one) > 0]
    counted.sort(key=lambda one: (-by(one), one.group))
    of = sum(by(one) for one in counted)
    page = [
        Place(rank=place, name=one.group[0] if one.group else "", sum=one, amount=by(one), of=of)
        for place, one in enumerate(counted[offset : offset + limit], offset + 1)
    ]
    if order is not None:
        page.sort(key=lambda one: order(one.name))
    rest = counted[offset + limit :]
    if other and rest:
        left = add(rest, (OTHER,))
        page.append(Place(rank=None, name=OTHER, sum=left, amount=by(left), of=of))
    return Ranking(places=tuple(page), total=add(counted), groups=len(counted))


def add(sums: Iterable[Sum], group: tuple[str, ...] = ()) -> Sum:
    """The sum of sums, every number of it."""
    numbers = dict.fromkeys(_NUMBERS, 0)
    for one in sums:
        for name in _NUMBERS:
            numbers[name] += getattr(one, name)
    return Sum(group=group, **numbers)


def joined(sums: Iterable[Sum]) -> list[Sum]:
    """One sum a group: those of the same group are added up."""
    groups: dict[tuple[str, ...], list[Sum]] = {}
    for one in sums:
        groups.setdefault(one.group, []).append(one)
    return [found[0] if len(found) == 1 else add(found, group) for group, found in groups.items()]


def cost_of(one: Sum) -> int | None:
    """Nano-dollars of the priced requests; `None` where there are requests and none of them has a price."""
    return None if 0 < one.requests <= one.unpriced else one.cost_nanos


def median(values: Sequence[int]) -> int | None:
    """The middle value, or the mean of the two in the middle, half to even; `None` of none."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return None
    if len(ordered) % 2:
        return ordered[middle]
    both = ordered[middle - 1] + ordered[middle]
    # A half goes to the even neighbour, as everywhere where nano-dollars are rounded.
    return both // 2 + (both % 2 and both // 2 % 2)
