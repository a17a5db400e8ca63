"""What-if prices: exact by rows, the same from sums where that can be, and silent about nothing."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.made_ledger import LUNA, SONNET, at, booked

from tallystick_agent.protocol.usage import Cost, Price, Rates, Tier, Usage, flat
from tallystick_agent.usage.pricing import price_usage
from tallystick_agent.usage.rankings.places import add
from tallystick_agent.usage.repricing import linear, reprice, reprice_sums, saved, total
from tallystick_agent.usage.sums import Sum

NOON = at("2026-11-25")
CACHING = Price(
    rates=Rates(
        input=Decimal(3), output=Decimal(15), cache_read=Decimal("0.3"), cache_write=Decimal("3.75"), cache_write_1h=Decimal(6)
    )
)
TIERED = Price(
    rates=Rates(input=Decimal(1), output=Decimal(2)), tiers=(Tier(above=200, rates=Rates(input=Decimal(10), output=Decimal(20))),)
)


def test_each_row_has_its_own_tier() -> None:
    """The sum of inputs is above the tier's edge, and no request is."""
    rows = [booked(Usage(input_tokens=150, output_tokens=10), when=NOON, cost=Cost(priced_nanos=1)) for _ in range(3)]
    (group,) = reprice(rows, TIERED)
    assert group.now == 3 * (150 * 1_000 + 10 * 2_000)
    (group,) = reprice([booked(Usage(input_tokens=201, output_tokens=10), when=NOON)], TIERED)
    assert group.now == 201 * 10_000 + 10 * 20_000


def test_the_same_price_gives_the_same_cost() -> None:
    usages = [
        Usage(input_tokens=100 * n, cached_tokens=30 * n, cache_write_tokens=7, output_tokens=n, reasoning_tokens=n // 2)
        for n in range(1, 9)
    ]
    rows = [booked(one, when=NOON, cost=Cost(priced_nanos=price_usage(one, CACHING))) for one in usages]
    found = total(reprice(rows, CACHING))
    assert found.now == found.was == found.alike > 0


def test_a_cache_is_kept_or_left_out() -> None:
    row = booked(Usage(input_tokens=1_000, cached_tokens=900, cache_write_tokens=50), when=NOON, cost=Cost(priced_nanos=5))
    assert reprice([row], CACHING)[0].now == 900 * 300 + 50 * 3_750 + 50 * 3_000
    assert reprice([row], CACHING, cache="none")[0].now == 1_000 * 3_000


def test_rows_of_unknown_cost_are_priced_and_kept_out_of_the_difference() -> None:
    known = booked(Usage(input_tokens=100), when=NOON, cost=Cost(provider_nanos=70_000))
    rows = [known, booked(Usage(input_tokens=400), when=NOON, endpoint=LUNA)]
    found = total(reprice(rows, flat(1, 2)))
    assert (found.was, found.unpriced, found.now, found.alike) == (70_000, 1, 500_000, 100_000)


def test_what_cannot_be_priced_or_served_is_counted() -> None:
    rows = [
        replace(booked(Usage(), when=NOON), finish="lost"),
        replace(booked(Usage(), when=NOON, error="provider_unavailable"), finish="failed"),
        booked(Usage(input_tokens=500, output_tokens=1), when=NOON, cost=Cost(priced_nanos=0)),
    ]
    found = total(reprice(rows, flat(1, 1), window=499))
    assert (found.requests, found.lost, found.too_long, found.now, found.unpriced) == (3, 1, 1, 501_000, 1)
    assert total(reprice(rows, flat(1, 1), window=500)).too_long == 0


def test_a_correction_is_priced_with_its_row() -> None:
    row = booked(Usage(input_tokens=150, source="estimated"), when=NOON, cost=Cost(priced_nanos=9))
    correction = replace(row, usage=Usage(input_tokens=100), cost=Cost(provider_nanos=1), segments=(), finish="reconciled")
    (group,) = reprice([row, correction], TIERED)
    assert (group.requests, group.input_tokens, group.now, group.was) == (1, 250, 2_500_000, 10)


counts = st.integers(0, 10**6)
rates = st.decimals("0", "50", places=6)


@given(
    st.lists(st.tuples(counts, counts, counts, counts), min_size=1, max_size=12),
    st.builds(Rates, input=rates, output=rates, cache_read=rates, cache_write=rates),
    st.sampled_from(["kept", "none"]),
)
def test_sums_give_what_rows_give(parts: list[tuple[int, int, int, int]], rate: Rates, cache: str) -> None:
    usages = [Usage(input_tokens=a + b, cached_tokens=b, output_tokens=c + d, reasoning_tokens=d) for a, b, c, d in parts]
    rows = [booked(one, when=NOON, cost=Cost(priced_nanos=1)) for one in usages]
    sums = [
        Sum(
            group=(SONNET.partition("/")[2],), requests=1, input_tokens=one.input_tokens, cached_tokens=one.cached_tokens,
            output_tokens=one.output_tokens, reasoning_tokens=one.reasoning_tokens, cost_nanos=1,
        )
        for one in usages
    ]  # fmt: skip
    price = Price(rates=rate)
    by_rows = total(reprice(rows, price, cache="kept" if cache == "kept" else "none"))
    groups = reprice_sums([add(sums, sums[0].group)], price, cache="kept" if cache == "kept" else "none")
    assert groups is not None
    assert abs(groups[0].now - by_rows.now) * 2 <= len(rows) + 1
    whole = all((one * 1_000) % 1 == 0 for one in (rate.input, rate.output, rate.cache_read or 0, rate.cache_write or 0))
    if whole:
        assert groups[0].now == by_rows.now


@pytest.mark.parametrize(
    ("price", "can"),
    [
        (flat(1, 2), True),
        (TIERED, False),
        (CACHING, False),
        (Price(rates=Rates(input=Decimal(1), output=Decimal(1)), request_usd=Decimal("0.01")), False),
    ],
)
def test_what_sums_can_be_priced_at(price: Price, can: bool) -> None:
    assert linear(price) is can
    assert (reprice_sums([Sum(group=("m",), requests=1, input_tokens=5)], price) is not None) is can
    assert reprice_sums([Sum(group=("m",), requests=2, unpriced=1, input_tokens=5)], price) is None


@pytest.mark.parametrize(
    ("usage", "nanos"),
    [
        (Usage(input_tokens=1_000), 0),
        (Usage(input_tokens=1_000, cached_tokens=900), 900 * 2_700),
        (Usage(input_tokens=1_000, cache_write_tokens=1_000), -1_000 * 750),
        (
            Usage(input_tokens=1_000, cached_tokens=500, cache_write_tokens=100, cache_write_1h_tokens=100),
            500 * 2_700 - 100 * 3_000,
        ),
    ],
)
def test_what_a_cache_saves(usage: Usage, nanos: int) -> None:
    assert saved(usage, CACHING) == nanos


def test_savings_are_unknown_without_a_price_for_reading() -> None:
    usage = Usage(input_tokens=10, cached_tokens=5)
    assert saved(usage, None) is None
    assert saved(usage, flat(1, 1)) is None
    assert saved(Usage(input_tokens=10), None) == 0
