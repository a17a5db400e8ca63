"""What a running turn has used so far, in a line for the editor's progress, and the warning when a limit comes near. Pure."""

from dataclasses import dataclass, replace
from typing import Final

from tallystick_agent.protocol.events import (
    EventBody,
    ItemStarted,
    PermissionRequested,
    QuestionAsked,
    RequestFinished,
    RequestPlanned,
    RequestStarted,
    ToolCallItem,
    TurnStarted,
)
from tallystick_agent.protocol.usage import Budget
from tallystick_server.money import brief_money

NEAR: Final = 0.8
"""Share of a limit from which on a turn is told to be near it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    model: str = ""
    doing: str = "starting"
    tokens: int = 0
    cost_nanos: int | None = 0
    """`None` once the price of a request is not known."""
    requests: int = 0
    context_tokens: int | None = None
    window_tokens: int | None = None
    budget: Budget = Budget()


def step(tally: Tally, body: EventBody) -> Tally:
    match body:
        case TurnStarted():
            return replace(tally, model=body.model, budget=body.budget)
        case RequestPlanned() if body.purpose not in ("probe", "compaction"):
            return replace(tally, context_tokens=body.input_tokens, window_tokens=body.window_tokens)
        case RequestStarted():
            attempt = f", attempt {body.attempt}" if body.attempt > 1 else ""
            return replace(tally, model=body.endpoint, doing=f"asking {body.endpoint}{attempt}")
        case RequestFinished():
            nanos = body.cost.nanos
            known = tally.cost_nanos is not None and nanos is not None
            return replace(
                tally,
                tokens=tally.tokens + body.usage.total_tokens,
                cost_nanos=(tally.cost_nanos or 0) + (nanos or 0) if known else None,
                requests=tally.requests + 1,
            )
        case ItemStarted(item=ToolCallItem() as call):
            return replace(tally, doing=" ".join(call.title.split())[:80])
        case PermissionRequested():
            return replace(tally, doing="waiting for your permission")
        case QuestionAsked():
            return replace(tally, doing="waiting for your answer")
        case _:
            return tally


def words(tally: Tally) -> str:
    """E.g. `asking openai/x · 12,345 tokens · $0.0123`."""
    if not tally.requests:
        return tally.doing
    return f"{tally.doing} · {tally.tokens:,} tokens · {brief_money(tally.cost_nanos)}"


def near_limit(tally: Tally) -> str:
    """Which limit of the turn is nearly used up; empty while none is."""
    budget = tally.budget
    if budget.max_cost_nanos and (tally.cost_nanos or 0) >= NEAR * budget.max_cost_nanos:
        return f"{brief_money(tally.cost_nanos)} of the {brief_money(budget.max_cost_nanos)} that this turn may cost are spent."
    if budget.max_tokens and tally.tokens >= NEAR * budget.max_tokens:
        return f"{tally.tokens:,} of the {budget.max_tokens:,} tokens of this turn are used."
    return ""
