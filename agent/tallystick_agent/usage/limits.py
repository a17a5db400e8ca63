"""Hard limits over what was spent and what is under way. Owns the check within a transaction; whose limits hold is the caller's.

A request reserves the most that it can cost when it is opened, in the transaction that checks the limits. So what was spent and
what is reserved never exceed a limit together, however many processes open requests at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.usage import usd
from tallystick_agent.usage.database import Work
from tallystick_agent.usage.rollups import FOR_EVER, digest

Spender = Literal["request", "all", "app", "key", "model", "user", "session", "task"]
"""`request` is one request by itself: nothing was spent before it."""
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
    budget: str = ""
    """What the user calls it."""
    per: str = ""
    """The period in words: `day`, `session`, …"""
    ends: str = ""
    """When it begins anew, in words; empty where it never does."""
    warn_at: float = 1.0
    """The share of it from which the user is warned."""

    @property
    def named(self) -> str:
        """`budget “team” for app cline.bot`."""
        whose = "" if self.kind in ("all", "request") or not self.name else f" for {self.kind} {self.name}"
        return (f"budget “{self.budget}”" if self.budget else "the limit") + whose


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a spender has used, and what its open requests may still come to. Tokens are input and output together."""

    nanos: int = 0
    tokens: int = 0
    requests: int = 0
    open_nanos: int = 0
    open_tokens: int = 0
    open_requests: int = 0

    def plus(self, *, nanos: int, tokens: int) -> "Standing":
        """With one more request that is open."""
        return replace(
            self,
            open_nanos=self.open_nanos + nanos,
            open_tokens=self.open_tokens + tokens,
            open_requests=self.open_requests + 1,
        )


class LimitReached(TallystickError):
    """A request was not sent: with it, a limit could be exceeded. `unpriced`: a limit in money, and nobody knows the price."""

    def __init__(self, limit: Limit, standing: Standing, *, unpriced: bool = False) -> None:
        if unpriced:
            super().__init__(
                f"Not sent: {limit.named} is a limit in money, but the price of this model is not known.",
                code="price_unknown",
                remedy='Give its price in settings.toml under [endpoints."…".price].',
            )
        else:
            raised = f"Raise budgets.{limit.budget} in settings.toml" if limit.budget else "Raise the limit"
            super().__init__(
                f"Stopped before spending more: {limit.named} allows {allowance(limit)}. {used(limit, standing)}",
                code="budget_exhausted",
                remedy=f"{raised}, or wait until {limit.ends}." if limit.ends else f"{raised}.",
            )
        self.limit = limit
        self.standing = standing


def allowance(limit: Limit) -> str:
    """`$5.00 and 100,000 tokens a day`."""
    parts = [_dollars(limit.max_nanos)] if limit.max_nanos is not None else []
    parts += [f"{limit.max_tokens:,} tokens"] if limit.max_tokens is not None else []
    parts += [f"{limit.max_requests:,} requests"] if limit.max_requests is not None else []
    return " and ".join(parts) + (f" a {limit.per}" if limit.per else "")


def _dollars(nanos: int) -> str:
    """Whole cents as such, and what is less in full."""
    return f"${usd(nanos):.2f}" if nanos % 10_000_000 == 0 else f"${usd(nanos):f}".rstrip("0")


def used(limit: Limit, standing: Standing) -> str:
    """What of it is gone, in a sentence."""
    parts: list[str] = []
    if limit.max_nanos is not None:
        parts.append(f"${usd(standing.nanos):.4f} are spent and ${usd(standing.open_nanos):.4f} reserved")
    if limit.max_tokens is not None:
        parts.append(f"{standing.tokens:,} tokens are used and {standing.open_tokens:,} reserved")
    if limit.max_requests is not None:
        parts.append(f"{standing.requests:,} requests were made and {standing.open_requests:,} are under way")
    return "; ".join(parts)[:1].upper() + "; ".join(parts)[1:] + "."


def share(limit: Limit, standing: Standing) -> float:
    """How much of it is spent or reserved, by the tightest of its numbers: 1 is all."""
    shares = [
        (now / most if most else 1.0)
        for most, now in (
            (limit.max_nanos, standing.nanos + standing.open_nanos),
            (limit.max_tokens, standing.tokens + standing.open_tokens),
            (limit.max_requests, standing.requests + standing.open_requests),
        )
        if most is not None
    ]
    return max(shares, default=0.0)


def exceeds(limit: Limit, now: Standing, *, nanos: int | None, tokens: int) -> bool:
    """Whether one more request, of this size at most, could exceed it. Raises `LimitReached` where nobody knows its price."""
    if limit.max_nanos is not None:
        if nanos is None:
            raise LimitReached(limit, now, unpriced=True)
        if now.nanos + now.open_nanos + nanos > limit.max_nanos:
            return True
    if limit.max_tokens is not None and now.tokens + now.open_tokens + tokens > limit.max_tokens:
        return True
    return limit.max_requests is not None and now.requests + now.open_requests >= limit.max_requests


def standings(work: Work, limits: Sequence[Limit]) -> list[Standing]:
    """How each limit stands, in its order: one question to the database."""
    asked = [number for number, limit in enumerate(limits) if limit.kind != "request"]
    if not asked:
        return [Standing()] * len(limits)
    selects: list[str] = []
    values: list[Any] = []
    for number in asked:
        limit = limits[number]
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
    return [_standing(found[at, 0], found[at, 1]) if (at, 0) in found else Standing() for at in range(len(limits))]


def _standing(spent: tuple[int, ...], reserved: tuple[int, ...]) -> Standing:
    return Standing(
        nanos=spent[0], tokens=spent[1], requests=spent[2],
        open_nanos=reserved[0], open_tokens=reserved[1], open_requests=reserved[2],
    )  # fmt: skip


def check(work: Work, limits: Sequence[Limit], *, nanos: int | None, tokens: int) -> list[Standing]:
    """How the limits stood before this request. Raises `LimitReached` where it could exceed one."""
    found = standings(work, limits)
    for limit, now in zip(limits, found, strict=True):
        if exceeds(limit, now, nanos=nanos, tokens=tokens):
            raise LimitReached(limit, now)
    return found
