"""What a conversation costs as it goes on, and when making it smaller pays. Pure; tokens, USD per million, requests.

A provider that caches reads the history at the cache's price, and writes anew all that follows the first changed message. So a
rewrite that saves `s` tokens, with `k` tokens after the first of them, costs k × (write − read) once, and saves s × read at
every further request. It pays where

    s × read × requests > k × (write − read)

Where nothing is cached, read and write are one price and every token that is saved pays at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from tallystick_agent.protocol.usage import Rates

FIRST_GUESS: Final = 8.0
"""Requests of a turn before anything was seen of a session."""


def expected_requests(turns: Sequence[int]) -> float:
    """Requests that are likely still to come: the rest of this turn, and one turn more. `turns`: requests of each, this one last.

    The mean counts one turn of `FIRST_GUESS` with those that were seen.
    """
    before = turns[:-1]
    mean = (FIRST_GUESS + sum(before)) / (1 + len(before))
    now = turns[-1] if turns else 0
    return max(1.0, mean - now) + mean


def pays(*, saved: int, after: int, requests: float, rates: Rates | None) -> bool:
    """Whether dropping `saved` tokens now is cheaper than keeping them. `after`: tokens behind the first of them, without them.

    Where the price is not known nothing is rewritten for its sake.
    """
    if rates is None or saved <= 0:
        return False
    read = rates.cache_read if rates.cache_read is not None else rates.input
    write = rates.cache_write if rates.cache_write is not None else rates.input
    return float(saved * read) * requests > float(after * max(write - read, Decimal(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """`None`: nothing limits it, or nothing grows."""

    tokens_per_request: float
    """What the history grows by."""
    requests_to_window: int | None
    turns_to_window: int | None
    turns_to_budget: int | None


def forecast(
    inputs: Sequence[int], turns: Sequence[int], *, window: int | None, reserved: int, cost_nanos: int, budget_nanos: int | None
) -> Forecast:
    """From the input tokens of the requests so far and the requests of each turn.

    `reserved`: output tokens kept free in the window. `cost_nanos`: what the session cost; `budget_nanos`: its limit.
    """
    steps = [later - earlier for earlier, later in pairwise(inputs) if later > earlier]
    growth = sum(steps) / len(steps) if steps else 0.0
    requests = turns_left = None
    mean = sum(turns) / len(turns) if turns else 1.0
    if window is not None and growth > 0 and inputs:
        requests = max(0, int((window - reserved - inputs[-1]) / growth))
        turns_left = int(requests / max(1.0, mean))
    money = None
    if budget_nanos is not None and cost_nanos > 0 and turns:
        money = max(0, int((budget_nanos - cost_nanos) / (cost_nanos / len(turns))))
    return Forecast(tokens_per_request=growth, requests_to_window=requests, turns_to_window=turns_left, turns_to_budget=money)


FARTHEST: Final = 10_000
"""Turns that are looked ahead."""


def turns_to_spend(costs: Sequence[int], left: int) -> int | None:
    """How many more whole turns an amount lasts, if each costs more than the one before by as much as they did so far.

    `costs`: of each turn so far, in the unit of `left`. The rise is that of a straight line through them, and never a fall: a
    cheap turn makes no promise. `None` where nothing costs anything, or where it lasts for ages.
    """
    if not costs or sum(costs) <= 0:
        return None
    count, mean = len(costs), sum(costs) / len(costs)
    middle = (count - 1) / 2
    spread = sum((at - middle) ** 2 for at in range(count))
    rise = sum((at - middle) * (cost - mean) for at, cost in enumerate(costs)) / spread if spread else 0.0
    rise = max(0.0, rise)
    following, turns, rest = mean + rise * (count - middle), 0, float(left)
    while rest >= following:
        rest -= following
        following += rise
        turns += 1
        if turns > FARTHEST:
            return None
    return turns
