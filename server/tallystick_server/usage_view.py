"""Use of tokens and money as hosts show it. Owns the periods, the rows and what is unknown in them; no output."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from tallystick_server.compose import Application
from tallystick_server.money import cached, money

if TYPE_CHECKING:
    from tallystick_agent.context.economics import Forecast
    from tallystick_agent.sessions.explain import Explained
    from tallystick_agent.usage.reports import GroupBy, Total

Period = Literal["today", "week", "month", "all"]


def since_ms(period: Period, now: datetime) -> int:
    """The period's start in milliseconds: midnight of the user's zone, today or so many days back."""
    days = {"today": 0, "week": 6, "month": 29}.get(period)
    if days is None:
        return 0
    start = (now - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(start.timestamp() * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRow:
    """A group of requests. `cost` is in words: it says what is unknown or estimated."""

    name: str
    requests: int
    input_tokens: int
    cached: str
    output_tokens: int
    cost: str
    estimated: bool


def use_rows(app: Application, by: "GroupBy", *, period: Period = "all", session_id: str | None = None) -> list[UseRow]:
    """The ledger by group, most tokens first. Raises `StorageError`."""
    since = since_ms(period, datetime.now().astimezone())
    return [_row(one) for one in app.ledger.totals(by, since_ms=since, session_id=session_id)]


def _row(one: "Total") -> UseRow:
    cost = money(one.cost_nanos) + (f" + {one.unpriced} unpriced" if one.unpriced else "")
    return UseRow(
        name=one.name,
        requests=one.requests,
        input_tokens=one.input_tokens,
        cached=cached(one.cached_tokens, one.input_tokens),
        output_tokens=one.output_tokens,
        cost="unknown" if one.requests and one.unpriced == one.requests else cost,
        estimated=bool(one.estimated),
    )


def spent_since(app: Application, period: Period) -> int:
    """Nano-dollars of the priced requests of a period. Raises `StorageError`."""
    since = since_ms(period, datetime.now().astimezone())
    return sum(one.cost_nanos for one in app.ledger.totals("app", since_ms=since))


def explained(app: Application, session_id: str) -> "tuple[Explained, Forecast]":
    """Where a session's tokens went, and how long its window and money last. Raises `SessionError`."""
    from tallystick_agent.sessions.event_log import read_readable
    from tallystick_agent.sessions.explain import explain

    events, _ = read_readable(app.store.path(session_id))
    found = explain(events)
    return found, app.outlook(found)
