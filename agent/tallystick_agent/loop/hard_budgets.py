"""A request under the user's hard budgets: what it may still ask for, and when to warn. The books decide again at the end.

What is left of the budgets narrows the turn's own limits, so that a request asks for no more output than can be paid for. Between
that and the sending others may have spent it; then the request is refused when it is opened.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from tallystick_agent.loop.gate import SMALLEST_REPLY, Spent
from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.events import Notice
from tallystick_agent.protocol.usage import Budget, Price
from tallystick_agent.usage.limits import Limit, LimitReached, Standing, exceeds, share, used
from tallystick_agent.usage.pricing import worst_case

Stands = Sequence[tuple[Limit, Standing]]
NEAR: Final = "budget_near"


def narrowed(budget: Budget, spent: Spent, stands: Stands) -> Budget:
    """The turn's limits, and no more than the budgets still have."""
    for limit, now in stands:
        budget = replace(
            budget,
            max_cost_nanos=_least(budget.max_cost_nanos, limit.max_nanos, now.nanos + now.open_nanos, spent.nanos),
            max_tokens=_least(budget.max_tokens, limit.max_tokens, now.tokens + now.open_tokens, spent.tokens),
            max_requests=_least(budget.max_requests, limit.max_requests, now.requests + now.open_requests, spent.requests),
        )
    return budget


def _least(own: int | None, most: int | None, gone: int, spent: int) -> int | None:
    """The turn counts from its beginning: what is left is left from what it has spent."""
    if most is None:
        return own
    left = spent + max(0, most - gone)
    return left if own is None else min(own, left)


def forbid(stands: Stands, *, input_tokens: int, output_tokens: int, price: Price | None) -> None:
    """Raises `LimitReached` where not even the shortest answer can be paid for."""
    outputs = min(SMALLEST_REPLY, output_tokens)
    nanos = worst_case(input_tokens, outputs, price)
    for limit, now in stands:
        if exceeds(limit, now, nanos=nanos, tokens=input_tokens + outputs):
            raise LimitReached(limit, now)


@contextmanager
def blamed(stands: Stands, *, narrowed: bool) -> Generator[None]:
    """What ends at limits that hard budgets have narrowed ends at the tightest of those, in its words."""
    try:
        yield
    except TallystickError as error:
        if stands and narrowed and error.code == "budget_exhausted":
            raise LimitReached(*max(stands, key=lambda one: share(*one))) from error
        raise


def warnings(near: Stands) -> list[Notice]:
    """In words for the user, each once."""
    return [
        Notice(
            level="warning",
            code=NEAR,
            message=f"{limit.named[:1].upper()}{limit.named[1:]} is {share(limit, now):.0%} gone. {used(limit, now)}",
            remedy=f"It begins anew at {limit.ends}." if limit.ends else "",
        )
        for limit, now in near
    ]
