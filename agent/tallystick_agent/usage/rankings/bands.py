"""What a session costs by how many turns it has. Owns the bands and the median of each; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tallystick_agent.usage.rankings.places import median

BANDS: Final = (("1", 1), ("2–9", 9), ("10–49", 49), ("50+", None))
"""Names with their last turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCost:
    """A session's use of one model in a window. `nanos` is `None` where a request of it has no price."""

    session_id: str
    app: str
    model: str
    turns: int
    tokens: int
    nanos: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    app: str
    model: str
    turns: str
    sessions: int
    unpriced: int
    """Sessions whose cost is not known; they are in no median."""
    median_nanos: int | None
    least_nanos: int | None
    most_nanos: int | None
    tokens: int


def band_of(turns: int) -> str:
    return next(name for name, last in BANDS if last is None or turns <= last)


def bands(sessions: Iterable[SessionCost]) -> tuple[Band, ...]:
    """By app and model, those with the most sessions first, and in each from few turns to many.

    What has no turn of its own, such as suggestions at the cursor, is no session here.
    """
    groups: dict[tuple[str, str], dict[str, list[SessionCost]]] = {}
    for one in sessions:
        if one.turns > 0:
            groups.setdefault((one.app, one.model), {}).setdefault(band_of(one.turns), []).append(one)
    ordered = sorted(groups, key=lambda pair: (-sum(map(len, groups[pair].values())), pair))
    return tuple(
        _band(pair, name, groups[pair][name]) for pair in ordered for name, _ in BANDS if name in groups[pair]
    )  # fmt: skip


def _band(pair: tuple[str, str], name: str, sessions: list[SessionCost]) -> Band:
    known = [one.nanos for one in sessions if one.nanos is not None]
    return Band(
        app=pair[0],
        model=pair[1],
        turns=name,
        sessions=len(sessions),
        unpriced=len(sessions) - len(known),
        median_nanos=median(known),
        least_nanos=min(known, default=None),
        most_nanos=max(known, default=None),
        tokens=sum(one.tokens for one in sessions),
    )
