"""The user's hard budgets as hosts show them. Owns their reading from the settings and how they stand; no output."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tallystick_agent.protocol.usage import nanos_from_usd
from tallystick_agent.settings import Settings
from tallystick_agent.usage.budgets import EACH, HardBudget, limit_for, period
from tallystick_agent.usage.limits import Limit, Spender, Standing, share

if TYPE_CHECKING:
    from tallystick_server.compose import Application

MOST: int = 5
"""Of a budget that holds for each by itself, so many are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """A budget and one whom it holds for. `share` is what is spent or reserved of it; 1 is all."""

    limit: Limit
    standing: Standing
    share: float


def hard_budgets(settings: Settings) -> tuple[HardBudget, ...]:
    return tuple(
        HardBudget(
            name=name,
            per=one.per,
            app=one.app,
            key=one.key,
            model=one.model,
            user=one.user,
            max_nanos=nanos_from_usd(one.max_cost_usd) if one.max_cost_usd is not None else None,
            max_tokens=one.max_tokens,
            max_requests=one.max_requests,
            warn_at=one.warn_at,
        )
        for name, one in settings.budgets.items()
    )


def budget_rows(app: "Application") -> list[BudgetRow]:
    """How every budget stands now, those that are nearest to their end first within each. Raises `StorageError`."""
    now_ms = int(app.clock.now().timestamp() * 1000)
    limits = [limit for budget in hard_budgets(app.own_settings) for limit in _limits(app, budget, now_ms)]
    rows = [
        BudgetRow(limit=limit, standing=now, share=share(limit, now))
        for limit, now in zip(limits, app.ledger.standings(limits), strict=True)
    ]
    order = {name: number for number, name in enumerate(app.own_settings.budgets)}
    return sorted(rows, key=lambda row: (order[row.limit.budget], -row.share, row.limit.name))


def _limits(app: "Application", budget: HardBudget, now_ms: int) -> list[Limit]:
    first, last, ends = period(budget.per, now_ms)
    names: Sequence[str]
    kind: Spender
    if budget.per == "request":
        kind, names = "request", ("",)
    elif budget.per in ("session", "task"):
        kind = "session" if budget.per == "session" else "task"
        names = app.ledger.spenders(kind, first, last)[:MOST]
    else:
        kind, wanted = next(iter(budget.scopes.items()), ("all", ""))
        names = app.ledger.spenders(kind, first, last)[:MOST] if wanted == EACH else (wanted,)
    return [limit_for(budget, kind, name, first, last, ends) for name in names]
