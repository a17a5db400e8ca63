"""The gate before every request: what the budget still allows, decided before anything is spent."""

from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tallystick_agent.loop.gate import SMALLEST_REPLY, Spent, reserve
from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.usage import NANO, Budget, Price, Rates
from tallystick_agent.usage.pricing import worst_case

PRICE = Price(rates=Rates(input=Decimal(1), output=Decimal(10)))
FREE = Price(rates=Rates(input=Decimal(0), output=Decimal(0)))


def ask(
    budget: Budget, spent: Spent | None = None, *, inputs: int = 1_000, outputs: int = 4_000, price: Price | None = PRICE
) -> int:
    return reserve(budget, spent or Spent(), input_tokens=inputs, output_tokens=outputs, price=price)


@pytest.mark.parametrize(
    ("budget", "spent", "allowed"),
    [
        (Budget(), Spent(requests=99, tokens=10**9, nanos=10**15), 4_000),
        (Budget(max_requests=3), Spent(requests=2), 4_000),
        (Budget(max_tokens=100_000), Spent(tokens=10_000), 4_000),
        (Budget(max_tokens=10_000), Spent(tokens=8_000), 1_000),
        (Budget(max_tokens=5_000), Spent(), 4_000),
        (Budget(max_tokens=4_999), Spent(), 3_999),
        (Budget(max_cost_nanos=NANO), Spent(), 4_000),
        (Budget(max_cost_nanos=1_000_000 + 4_000 * 10_000), Spent(), 4_000),
        (Budget(max_cost_nanos=1_000_000 + 1_000 * 10_000), Spent(), 1_000),
        (Budget(max_cost_nanos=1_000_000 + 1_000 * 10_000 + 9_999), Spent(), 1_000),
        (Budget(max_cost_nanos=3_000_000 + 1_000 * 10_000), Spent(nanos=2_000_000), 1_000),
        (Budget(max_tokens=3_000, max_cost_nanos=1_000_000 + 500 * 10_000), Spent(), 500),
    ],
)
def test_what_the_request_may_still_ask_for(budget: Budget, spent: Spent, allowed: int) -> None:
    assert ask(budget, spent) == allowed


@pytest.mark.parametrize(
    ("budget", "spent", "option"),
    [
        (Budget(max_requests=3), Spent(requests=3), "--max-requests"),
        (Budget(max_requests=0), Spent(), "--max-requests"),
        (Budget(max_tokens=1_000 + SMALLEST_REPLY - 1), Spent(), "--max-tokens"),
        (Budget(max_tokens=100_000), Spent(tokens=99_000), "--max-tokens"),
        (Budget(max_cost_nanos=999_999), Spent(), "--max-cost"),
        (Budget(max_cost_nanos=1_000_000 + (SMALLEST_REPLY - 1) * 10_000), Spent(), "--max-cost"),
        (Budget(max_cost_nanos=NANO), Spent(nanos=NANO), "--max-cost"),
        (Budget(max_cost_nanos=NANO), Spent(nanos=2 * NANO), "--max-cost"),
        (Budget(max_cost_nanos=0), Spent(), "--max-cost"),
    ],
)
def test_a_limit_that_is_reached_ends_it_and_says_what_to_raise(budget: Budget, spent: Spent, option: str) -> None:
    with pytest.raises(TallystickError) as stopped:
        ask(budget, spent)
    assert stopped.value.code == "budget_exhausted"
    assert option in stopped.value.remedy


def test_a_limit_in_money_needs_a_price() -> None:
    with pytest.raises(TallystickError) as unknown:
        ask(Budget(max_cost_nanos=NANO), price=None)
    assert unknown.value.code == "price_unknown"
    assert "--max-tokens" in unknown.value.remedy
    assert ask(Budget(max_tokens=100_000), price=None) == 4_000


def test_what_is_free_fits_into_no_money_at_all() -> None:
    assert ask(Budget(max_cost_nanos=0), price=FREE) == 4_000


def test_a_short_reply_that_fits_is_not_refused_for_being_short() -> None:
    assert ask(Budget(max_tokens=100_000), outputs=32) == 32
    assert ask(Budget(max_cost_nanos=NANO), outputs=32) == 32


RATES = st.decimals(min_value=0, max_value=100, places=4)


LIMITS = st.integers(0, 10**9)


@given(LIMITS, LIMITS, st.integers(0, 10**6), st.integers(SMALLEST_REPLY, 10**5), RATES, RATES, st.none() | RATES)
@example(47, 0, 405, 70, Decimal(0), Decimal("0.0001"), Decimal("0.0001"))
def test_no_request_that_passes_can_go_over_the_limit(
    limit: int, spent: int, inputs: int, outputs: int, a: Decimal, b: Decimal, write: Decimal | None
) -> None:
    price = Price(rates=Rates(input=a, output=b, cache_write=write))
    try:
        allowed = ask(Budget(max_cost_nanos=limit), Spent(nanos=spent), inputs=inputs, outputs=outputs, price=price)
    except TallystickError:
        assume(False)
        return
    assert allowed <= outputs
    assert spent + (worst_case(inputs, allowed, price) or 0) <= limit
