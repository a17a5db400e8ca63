"""When a request may go out under an account's limits. Owns the arithmetic of windows and days; pure.

A slot is taken in advance: whoever comes next gets the first moment at which no window of the provider's can be overrun,
and everybody after them a later one. So the order is that of asking, and a limit is never met at the provider.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from tallystick_agent.protocol.model_info import RateLimits

MARGIN_S: Final = 2.0
"""Added to a window: requests are booked between their slot and their sending, and do not all reach the provider equally late."""


MOST_AHEAD_S: Final = 86_400.0
"""No queue is longer than a day, and a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUse:
    """What an account has sent, and will: times in seconds since 1970, oldest first."""

    slots: tuple[float, ...] = ()
    loads: tuple[tuple[float, int], ...] = ()
    """(time, tokens) of what was sent, and will be, oldest first; kept where tokens are limited."""
    day: str = ""
    """The UTC day that `today` counts, as YYYY-MM-DD."""
    today: int = 0
    blocked_until: float = 0.0
    """The provider said that nothing goes before this."""
    daily_limit: int | None = None
    """What the provider itself says the day's limit is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A taken slot: it may go out at `at`."""

    at: float
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """The day's requests are used; the next ones go at `until`."""

    used: int
    limit: int
    until: float


def take(use: AccountUse, limits: RateLimits, now: float, tokens: int = 0) -> tuple[AccountUse, Slot | Exhausted]:
    """The use after one more request of so many tokens, and when it may go."""
    use = current(use, limits, now)
    daily = use.daily_limit if use.daily_limit is not None else limits.requests_per_day
    if daily is not None and use.today >= daily:
        return use, Exhausted(used=use.today, limit=daily, until=_midnight(now))
    at = max(now, use.blocked_until, use.slots[-1] if use.slots else 0.0)
    if limits.requests is not None and len(use.slots) >= limits.requests:
        at = max(at, use.slots[-limits.requests] + limits.window_s + MARGIN_S)
    at = max(at, _roomy(use.loads, limits, tokens))
    loads = (*use.loads, (at, tokens)) if limits.tokens is not None else use.loads
    return replace(use, slots=(*use.slots, at), loads=loads, today=use.today + 1), Slot(at=at, tokens=tokens)


def _roomy(loads: tuple[tuple[float, int], ...], limits: RateLimits, tokens: int) -> float:
    """When a window has room for so many tokens more. A request that no window holds goes when one is empty."""
    if limits.tokens is None:
        return 0.0
    whole = tokens
    for at, load in reversed(loads):
        whole += load
        if whole > limits.tokens:
            return at + limits.window_s + MARGIN_S
    return 0.0


def begin(use: AccountUse, limits: RateLimits, slot: Slot, now: float) -> tuple[AccountUse, Slot, float]:
    """The use with the slot at this moment, or the seconds that it has to wait longer.

    A busy machine sends later than it meant to. What counts at the provider is when a request came, so a slot is moved to the
    moment of its sending, and who comes after it keeps the distance to that.
    """
    others, loads = _without(use, slot)
    due = tuple(one for one in loads if now - limits.window_s - MARGIN_S < one[0] <= now)
    wait = _roomy(due, limits, slot.tokens) - now
    if wait > 0:
        return use, slot, wait
    if limits.tokens is not None:
        loads = [*loads, (now, slot.tokens)]
    moved = replace(use, slots=tuple(sorted((*others, now))), loads=tuple(sorted(loads)))
    if limits.requests is None:
        return moved, replace(slot, at=now), 0.0
    sent = sorted(at for at in others if now - limits.window_s - MARGIN_S < at <= now)
    if len(sent) >= limits.requests:
        return use, slot, sent[-limits.requests] + limits.window_s + MARGIN_S - now
    return moved, replace(slot, at=now), 0.0


def give_back(use: AccountUse, slot: Slot) -> AccountUse:
    """The use without a request that was never sent. Later slots keep their times: nobody who waits is moved."""
    if slot.at not in use.slots:
        return use
    slots, loads = _without(use, slot)
    return replace(use, slots=tuple(slots), loads=tuple(loads), today=max(0, use.today - 1))


def _without(use: AccountUse, slot: Slot) -> tuple[list[float], list[tuple[float, int]]]:
    """The slots and loads of all others."""
    slots, loads = list(use.slots), list(use.loads)
    if slot.at in slots:
        slots.remove(slot.at)
    if (slot.at, slot.tokens) in loads:
        loads.remove((slot.at, slot.tokens))
    return slots, loads


def current(use: AccountUse, limits: RateLimits, now: float) -> AccountUse:
    """The use without what no longer counts."""
    day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
    # What lies far ahead was written by a clock that has been set back since.
    slots = tuple(at for at in use.slots if now - limits.window_s - MARGIN_S < at < now + limits.window_s + MOST_AHEAD_S)
    loads = tuple(one for one in use.loads if now - limits.window_s - MARGIN_S < one[0] < now + limits.window_s + MOST_AHEAD_S)
    use = replace(use, loads=loads)
    if day == use.day:
        return replace(use, slots=slots)
    start = _midnight(now) - timedelta(days=1).total_seconds()
    return replace(use, slots=slots, day=day, today=sum(at >= start for at in slots), daily_limit=None)


def room(use: AccountUse, limits: RateLimits, now: float) -> str:
    """Why no request can go out today, in words; empty where one can."""
    use = current(use, limits, now)
    daily = use.daily_limit if use.daily_limit is not None else limits.requests_per_day
    if daily is not None and use.today >= daily:
        return f"{use.today} of {daily} requests of this UTC day are used"
    return ""


def blocked(use: AccountUse, until: float) -> AccountUse:
    """The use after the provider asked to wait."""
    return replace(use, blocked_until=max(use.blocked_until, until))


def told(use: AccountUse, limits: RateLimits, now: float, *, used: int, limit: int) -> AccountUse:
    """The use after the provider told the day's numbers; the larger count holds, since ours may still be on its way."""
    use = current(use, limits, now)
    return replace(use, today=max(use.today, used), daily_limit=limit)


def _midnight(now: float) -> float:
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (day + timedelta(days=1)).timestamp()
