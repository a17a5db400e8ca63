"""What tokens cost: exact nano-dollars, one rounding at the end, and unknown prices that stay unknown."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.usage import Cost, Price, Rates, Usage, nanos_from_usd, usd
from tallystick_agent.usage.pricing import price_usage, worst_case

SONNET = Price(rates=Rates(input=Decimal(3), output=Decimal(15), cache_read=Decimal("0.3"), cache_write=Decimal("3.75")))
PLAIN = Price(rates=Rates(input=Decimal(2), output=Decimal(8)))
TINY = Price(rates=Rates(input=Decimal("0.0375"), output=Decimal("0.15")))
FREE = Price(rates=Rates(input=Decimal(0), output=Decimal(0)))


@pytest.mark.parametrize(
    ("usage", "price", "nanos"),
    [
        (Usage(), SONNET, 0),
        (Usage(input_tokens=1), SONNET, 3_000),
        (Usage(output_tokens=1), SONNET, 15_000),
        (Usage(input_tokens=1_000_000, output_tokens=1_000_000), SONNET, 18_000_000_000),
        (Usage(input_tokens=1_000, cached_tokens=1_000), SONNET, 300_000),
        (Usage(input_tokens=1_000, cached_tokens=600, cache_write_tokens=300), SONNET, 100 * 3_000 + 600 * 300 + 300 * 3_750),
        (Usage(input_tokens=1_000, cached_tokens=600, cache_write_tokens=300), PLAIN, 1_000 * 2_000),
        (Usage(output_tokens=1_000, reasoning_tokens=900), PLAIN, 1_000 * 8_000),
        (Usage(input_tokens=2), TINY, 75),
        (Usage(input_tokens=1), TINY, 38),
        (Usage(input_tokens=3), TINY, 112),
        (Usage(input_tokens=10**9, output_tokens=10**9), FREE, 0),
    ],
)
def test_the_price_of_some_usage(usage: Usage, price: Price, nanos: int) -> None:
    assert price_usage(usage, price) == nanos


def test_an_unknown_price_is_unknown_and_never_nothing() -> None:
    assert price_usage(Usage(input_tokens=5), None) is None
    assert worst_case(5, 5, None) is None
    assert Cost().nanos is None
    assert Cost(priced_nanos=0).nanos == 0


def test_the_invoice_counts_before_our_own_price() -> None:
    assert Cost(provider_nanos=7, priced_nanos=9).nanos == 7
    assert Cost(provider_nanos=0, priced_nanos=9).nanos == 0
    assert Cost(priced_nanos=9).nanos == 9


COUNTS = st.integers(0, 10**7)
RATES = st.decimals(min_value=0, max_value=200, places=6)


@given(COUNTS, COUNTS, COUNTS, COUNTS, RATES, RATES, RATES, RATES)
def test_it_is_the_exact_sum_rounded_once(
    plain: int, cached: int, written: int, out: int, a: Decimal, b: Decimal, c: Decimal, d: Decimal
) -> None:
    usage = Usage(input_tokens=plain + cached + written, cached_tokens=cached, cache_write_tokens=written, output_tokens=out)
    exact = (plain * Fraction(a) + cached * Fraction(b) + written * Fraction(c) + out * Fraction(d)) * 1_000
    assert price_usage(usage, Price(rates=Rates(input=a, cache_read=b, cache_write=c, output=d))) == round(exact)


@given(COUNTS, COUNTS, COUNTS)
def test_no_way_of_caching_costs_more_than_the_worst_case(inputs: int, cached: int, outputs: int) -> None:
    usage = Usage(input_tokens=inputs + cached, cached_tokens=cached, output_tokens=outputs)
    written = Usage(input_tokens=inputs + cached, cache_write_tokens=cached, output_tokens=outputs)
    for price in (SONNET, PLAIN, TINY):
        worst = worst_case(inputs + cached, outputs, price)
        assert worst is not None
        assert (price_usage(usage, price) or 0) <= worst
        assert (price_usage(written, price) or 0) <= worst


@pytest.mark.parametrize(
    ("dollars", "nanos"),
    [
        ("1", 10**9),
        ("0.000000001", 1),
        ("0.0000000005", 0),
        ("0.0000000015", 2),
        (0.1, 100_000_000),
        (1e-06, 1_000),
        (Decimal("12.5"), 12_500_000_000),
    ],
)
def test_dollars_become_whole_nano_dollars(dollars: Decimal | str | float, nanos: int) -> None:
    assert nanos_from_usd(dollars) == nanos


@given(st.integers(-(10**15), 10**15))
def test_nano_dollars_survive_the_way_through_dollars(nanos: int) -> None:
    assert nanos_from_usd(usd(nanos)) == nanos
    assert usd(nanos).quantize(Decimal("1e-9"), ROUND_HALF_EVEN) == usd(nanos)


@given(st.lists(st.tuples(COUNTS, COUNTS, st.booleans()), max_size=6))
def test_sums_of_usage_add_up_and_one_estimate_makes_the_sum_an_estimate(rows: list[tuple[int, int, bool]]) -> None:
    total = Usage()
    for inputs, outputs, estimated in rows:
        total = total.plus(Usage(input_tokens=inputs, output_tokens=outputs, source="estimated" if estimated else "reported"))
    assert total.total_tokens == sum(inputs + outputs for inputs, outputs, _ in rows)
    assert total.source == ("estimated" if any(estimated for _, _, estimated in rows) else "reported")
