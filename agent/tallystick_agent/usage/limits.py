"""Hard limits over what was spent and what is under way. Owns the check within a transaction; whose limits hold is the caller's.

A request reserves the most that it can cost when it is opened, in the transaction that checks the limits. So what was spent and
what is reserved never exceed a limit together, however many processes open requests at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.usage.database import Work
from tallystick_agent.usage.rollups import FOR_EVER, digest

Spender = Literal["all", "app", "key", "model", "user", "session", "task"]
COLUMN: Final[dict[Spender, str]] = {
    "app": "app",
    "key": "key",
    "model": "model",
    "user": "user_label",
    "session": "session_id",
    "task": "task",
}
"""Where an open request says who spends; `all` asks for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The most that one spender may use in UTC days `first_day` … `last_day`; sessions and tasks are counted for ever."""

    kind: Spender
    name: str = ""
    first_day: int = 0
    last_day: int = 10**6
    max_nanos: int | None = None
    max_tokens: int | None = None
    max_requests: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a spender has used, and what its open requests may still come to. Tokens are input and output together."""

    nanos: int = 0
    tokens: int = 0
    requests: int = 0
    open_nanos: int = 0
    open_tokens: int = 0
    open_requests: int = 0


class LimitReached(TallystickError):
    """A request was not sent: with it, a limit could be exceeded. `unpriced`: a limit in money, and nobody knows the price."""

    def __init__(self, limit: Limit, standing: Standing, *, unpriced: bool = False) -> None:
        whose = f"{limit.kind} {limit.name}".strip()
        if unpriced:
            super().__init__(
                f"There is a limit in money for {whose}, but the price of this model is not known.",
                code="price_unknown",
                remedy='Give its price in settings.toml under [endpoints."…".price].',
            )
        else:
            super().__init__(
                f"Stopped before spending more: the limit for {whose} was reached.",
                code="budget_exhausted",
                remedy="Raise the limit, or wait for the next period.",
            )
        self.limit = limit
        self.standing = standing


def standings(work: Work, limits: Sequence[Limit]) -> list[Standing]:
    """How each limit stands, in its order: one question to the database."""
    if not limits:
        return []
    selects: list[str] = []
    values: list[Any] = []
    for number, limit in enumerate(limits):
        for_ever = limit.kind in FOR_EVER
        days = (0, 0) if for_ever else (limit.first_day, limit.last_day)
        sums = "coalesce(sum(nanos), 0), coalesce(sum(tokens), 0)"
        spent = f"SELECT {number}, 0, {sums}, coalesce(sum(requests), 0) FROM spending WHERE id = ? AND day >= ? AND day <= ?"
        column = COLUMN.get(limit.kind)
        open_now = f"SELECT {number}, 1, {sums}, count(*) FROM open_requests" + (f" WHERE {column} = ?" if column else "")
        selects += [spent, open_now]
        values += [digest((limit.kind, limit.name)), *days, *((limit.name,) if column else ())]
    found = {
        (int(number), int(is_open)): tuple(map(int, sums))
        for number, is_open, *sums in work.all(" UNION ALL ".join(selects), values)
    }
    return [_standing(found[number, 0], found[number, 1]) for number in range(len(limits))]


def _standing(spent: tuple[int, ...], reserved: tuple[int, ...]) -> Standing:
    return Standing(
        nanos=spent[0], tokens=spent[1], requests=spent[2],
        open_nanos=reserved[0], open_tokens=reserved[1], open_requests=reserved[2],
    )  # fmt: skip


def check(work: Work, limits: Sequence[Limit], *, nanos: int | None, tokens: int) -> None:
    """Raises `LimitReached` where one more request of this size at most could exceed a limit; `nanos` is `None` where unknown."""
    for limit, now in zip(limits, standings(work, limits), strict=True):
        if limit.max_nanos is not None:
            if nanos is None:
                raise LimitReached(limit, now, unpriced=True)
            if now.nanos + now.open_nanos + nanos > limit.max_nanos:
                raise LimitReached(limit, now)
        if limit.max_tokens is not None and now.tokens + now.open_tokens + tokens > limit.max_tokens:
            raise LimitReached(limit, now)
        if limit.max_requests is not None and now.requests + now.open_requests >= limit.max_requests:
            raise LimitReached(limit, now)
