"""Bars over time, each stacked from the same names. Owns which names get a colour and which are `other`; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick_agent.usage.rankings.places import OTHER
from tallystick_agent.usage.rankings.windows import Window
from tallystick_agent.usage.sums import Sum

NAMES: Final = 9
"""Names with a part of their own in each bar; the rest is one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    window: Window
    parts: tuple[Part, ...]
    """The same names in the same order in every bar; `other` is last, where there is one."""

    @property
    def tokens(self) -> int:
        return sum(one.tokens for one in self.parts)


def stack(sums: Iterable[Sum], windows: Sequence[Window], *, names: int = NAMES) -> tuple[Bar, ...]:
    """`sums` by day and name, over all windows. Names are those with the most tokens over all bars, ties by name."""
    by_name: dict[str, int] = {}
    cells: dict[tuple[int, str], int] = {}
    places = {day: number for number, one in enumerate(windows) for day in range(one.first_day, one.last_day + 1)}
    for one in sums:
        day, name = int(one.group[0]), one.group[1]
        if day in places:
            by_name[name] = by_name.get(name, 0) + one.tokens
            cell = places[day], name
            cells[cell] = cells.get(cell, 0) + one.tokens
    ordered = sorted((name for name, tokens in by_name.items() if tokens > 0), key=lambda name: (-by_name[name], name))
    top, rest = ordered[:names], ordered[names:]
    return tuple(
        Bar(
            window=window,
            parts=(
                *(Part(name=name, tokens=cells.get((number, name), 0)) for name in top),
                *((Part(name=OTHER, tokens=sum(cells.get((number, name), 0) for name in rest)),) if rest else ()),
            ),
        )
        for number, window in enumerate(windows)
    )
