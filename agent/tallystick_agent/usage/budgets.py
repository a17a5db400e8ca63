"""The user's hard budgets as limits of one request. Pure: budgets and who asks in, limits out; the check is `limits.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.usage.columns import LONGEST, clean
from tallystick_agent.usage.limits import Limit, Spender

Per = Literal["request", "session", "task", "day", "week", "month"]
EACH: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class HardBudget:
    """One of the user's budgets. A scope that is empty is everybody; `*` is each by itself."""

    name: str
    per: Per
    app: str = ""
    key: str = ""
    model: str = ""
    user: str = ""
    max_nanos: int | None = None
    max_tokens: int | None = None
    max_requests: int | None = None
    warn_at: float = 0.8

    @property
    def scopes(self) -> dict[Spender, str]:
        """Whom it is for."""
        known: dict[Spender, str] = {"app": self.app, "key": self.key, "model": self.model, "user": self.user}
        return {kind: name for kind, name in known.items() if name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who is about to send a request, and when."""

    who: Attribution
    model: str
    session_id: str
    task: str
    time_ms: int

    @property
    def names(self) -> Mapping[Spender, str]:
        """As the ledger writes them."""
        return {
            "app": clean(self.who.app)[:LONGEST],
            "key": clean(self.who.key),
            "model": clean(self.model),
            "user": clean(self.who.user),
            "session": clean(self.session_id)[:LONGEST],
            "task": clean(self.task),
        }


def limits_of(budgets: Sequence[HardBudget], asking: Asking) -> list[Limit]:
    """The limits that a request stands under."""
    return [limit for budget in budgets if (limit := _limit(budget, asking)) is not None]


def _limit(budget: HardBudget, asking: Asking) -> Limit | None:
    names = asking.names
    if any(not names[kind] or wanted not in (EACH, names[kind]) for kind, wanted in budget.scopes.items()):
        return None
    kind: Spender
    if budget.per == "request":
        kind, name = "request", ""
    elif budget.per in ("session", "task"):
        kind = "session" if budget.per == "session" else "task"
        name = names[kind]
        if not name:
            return None
    else:
        scopes = list(budget.scopes)
        kind = scopes[0] if scopes else "all"
        name = names[kind] if scopes else ""
    first_day, last_day, ends = period(budget.per, asking.time_ms)
    return limit_for(budget, kind, name, first_day, last_day, ends)


def limit_for(budget: HardBudget, kind: Spender, name: str, first_day: int, last_day: int, ends: str) -> Limit:
    return Limit(
        kind=kind, name=name, first_day=first_day, last_day=last_day, ends=ends, budget=budget.name, per=budget.per,
        max_nanos=budget.max_nanos, max_tokens=budget.max_tokens, max_requests=budget.max_requests, warn_at=budget.warn_at,
    )  # fmt: skip


def period(per: Per, time_ms: int) -> tuple[int, int, str]:
    """The first and last UTC day of the period that a time is in, and when the next begins, in words."""
    if per in ("request", "session", "task"):
        return 0, 10**6, ""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    day = (epoch + timedelta(milliseconds=time_ms)).replace(hour=0, minute=0, second=0, microsecond=0)
    if per == "day":
        first, following = day, day + timedelta(days=1)
    elif per == "week":
        first = day - timedelta(days=day.weekday())
        following = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        following = (first + timedelta(days=32)).replace(day=1)
    return (first - epoch).days, (following - epoch).days - 1, f"{following:%Y-%m-%d} 00:00 UTC"
