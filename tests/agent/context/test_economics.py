"""When making a window smaller pays, how long a turn may still go on, and when the window will be full."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.context.economics import FIRST_GUESS, Forecast, expected_requests, forecast, pays, turns_to_spend
from tallystick_agent.protocol.usage import Rates


def rates(input: str, cache_read: str | None = None, cache_write: str | None = None) -> Rates:
    read, write = (Decimal(one) if one is not None else None for one in (cache_read, cache_write))
    return Rates(input=Decimal(input), output=Decimal(10), cache_read=read, cache_write=write)


CACHED = rates("3", "0.3", "3.75")
HALF = rates("2", "0.2")
PLAIN = rates("2")
FREE = rates("0")


@pytest.mark.parametrize(
    ("saved", "after", "requests", "price", "expected"),
    [
        # Reads cost a tenth: 1,000 tokens less save 0.3 a request, 1,000 tokens behind them cost 3.45 once.
        (1_000, 1_000, 11, CACHED, False),
        (1_000, 1_000, 12, CACHED, True),
        (1_000, 10_000, 100, CACHED, False),
        (10_000, 1_000, 2, CACHED, True),
        # Where writing has no price of its own it is the input's.
        (1_000, 1_000, 9, HALF, False),
        (1_000, 1_000, 9.1, HALF, True),
        # Nothing behind it has to be written anew.
        (1, 0, 1, CACHED, True),
        # Nothing is cached: every token that is saved pays at once.
        (1, 10**6, 1, PLAIN, True),
        # Nothing is paid, nothing is saved.
        (1_000, 0, 100, FREE, False),
        (0, 0, 100, CACHED, False),
        (-5, 0, 100, CACHED, False),
        (1_000, 0, 0, CACHED, False),
        # The price is not known.
        (1_000, 0, 100, None, False),
        # Writing to the cache costs less than reading from it: no cost at all.
        (1, 10**6, 1, rates("1", "1", "0.5"), True),
    ],
)
def test_whether_it_pays(saved: int, after: int, requests: float, price: Rates | None, expected: bool) -> None:
    assert pays(saved=saved, after=after, requests=requests, rates=price) is expected


@given(st.integers(1, 10**5), st.integers(0, 10**5), st.floats(1, 50), st.integers(0, 10**4))
def test_what_pays_pays_the_more_the_more_it_saves_and_the_longer_it_goes_on(
    saved: int, after: int, requests: float, more: int
) -> None:
    if pays(saved=saved, after=after, requests=requests, rates=CACHED):
        assert pays(saved=saved + more, after=after, requests=requests, rates=CACHED)
        assert pays(saved=saved, after=after, requests=requests + more, rates=CACHED)
        assert pays(saved=saved, after=max(0, after - more), requests=requests, rates=CACHED)


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ((), 2 * FIRST_GUESS),
        ((0,), 2 * FIRST_GUESS),
        ((3,), 5 + 8),
        ((8,), 1 + 8),
        ((100,), 1 + 8),
        ((2, 0), 5 + 5),
        ((2, 5, 1), 4 + 5),
        ((1, 1, 1, 1), (8 + 3) / 4 - 1 + (8 + 3) / 4),
        ((40, 0), 24 + 24),
    ],
)
def test_requests_that_are_likely_to_come(turns: tuple[int, ...], expected: float) -> None:
    assert expected_requests(turns) == pytest.approx(expected)


@given(st.lists(st.integers(0, 500), max_size=30))
def test_at_least_one_request_is_always_expected(turns: list[int]) -> None:
    assert expected_requests(turns) >= 1


def seen(per_request: float, requests: int | None, turns: int | None, money: int | None) -> Forecast:
    return Forecast(tokens_per_request=per_request, requests_to_window=requests, turns_to_window=turns, turns_to_budget=money)


@pytest.mark.parametrize(
    ("inputs", "turns", "window", "cost", "budget", "expected"),
    [
        # Nothing was asked yet, or one thing.
        ((), (), 10_000, 0, None, seen(0, None, None, None)),
        ((1_000,), (1,), 10_000, 5, None, seen(0, None, None, None)),
        # No growth: a steady window never fills.
        ((1_000, 1_000, 1_000), (3,), 10_000, 5, None, seen(0, None, None, None)),
        ((3_000, 2_000, 1_000), (3,), 10_000, 5, None, seen(0, None, None, None)),
        # 1,000 more each time, 10,000 - 1,000 reserved - 4,000 used.
        ((1_000, 2_000, 3_000, 4_000), (4,), 10_000, 0, None, seen(1_000, 5, 1, None)),
        ((1_000, 2_000, 3_000, 4_000), (2, 2), 10_000, 0, None, seen(1_000, 5, 2, None)),
        # A compaction is no growth.
        ((1_000, 5_000, 2_000, 4_000), (4,), 10_000, 0, None, seen(3_000, 1, 0, None)),
        # Full already.
        ((1_000, 12_000), (2,), 10_000, 0, None, seen(11_000, 0, 0, None)),
        # Nobody knows the window.
        ((1_000, 2_000), (2,), None, 0, None, seen(1_000, None, None, None)),
        # Money: 100 for two turns, 900 left.
        ((1_000, 2_000), (1, 1), None, 100, 1_000, seen(1_000, None, None, 18)),
        ((1_000, 2_000), (1, 1), None, 100, 100, seen(1_000, None, None, 0)),
        ((1_000, 2_000), (1, 1), None, 100, 50, seen(1_000, None, None, 0)),
        ((1_000, 2_000), (1, 1), None, 0, 1_000, seen(1_000, None, None, None)),
        ((), (), None, 100, 1_000, seen(0, None, None, None)),
        # A turn that has begun and asked nothing counts as one request at least.
        ((1_000, 2_000), (0, 0), 10_000, 0, None, seen(1_000, 7, 7, None)),
    ],
)
def test_forecast(
    inputs: tuple[int, ...], turns: tuple[int, ...], window: int | None, cost: int, budget: int | None, expected: Forecast
) -> None:
    assert forecast(inputs, turns, window=window, reserved=1_000, cost_nanos=cost, budget_nanos=budget) == expected


@pytest.mark.parametrize(
    ("costs", "left", "turns"),
    [
        ([], 100, None),
        ([0, 0], 100, None),
        ([10], 100, 10),
        ([10], 99, 9),
        ([10, 10, 10], 35, 3),
        ([10, 20, 30], 40 + 50 + 60, 3),
        ([10, 20, 30], 40 + 50 + 59, 2),
        ([30, 20, 10], 60, 3),
        ([10, 20, 30], -5, 0),
        ([1], 10**9, None),
    ],
)
def test_how_many_turns_an_amount_lasts(costs: list[int], left: int, turns: int | None) -> None:
    """Costs that rise go on rising; those that fell are taken for their mean."""
    assert turns_to_spend(costs, left) == turns
