"""Sums of rows as metrics: to the token and the nano-dollar, and bounded whatever comes."""

from dataclasses import replace

from tests.support.ledger_rows import few_rows, plain_row

from tallystick_server.telemetry import measures
from tallystick_server.telemetry.measures import (
    CORRECTIONS,
    COST,
    DURATION,
    INPUT,
    OUTPUT,
    REQUESTS,
    SEGMENTS,
    UNPRICED,
    Measures,
)


def of() -> Measures:
    found = Measures({})
    for entry in few_rows():
        found.add(entry.row)
    return found


def total(found: Measures, instrument: measures.Instrument) -> float:
    return sum(one.total for one in found.series.get(instrument, {}).values())


def test_sums_are_those_of_the_rows() -> None:
    rows, found = [one.row for one in few_rows()], of()
    corrected = sum(row.usage.output_tokens for row in rows if row.correction)
    assert total(found, COST) == sum(row.cost.nanos or 0 for row in rows)
    assert total(found, INPUT) == sum(row.usage.input_tokens for row in rows)
    assert total(found, OUTPUT) + total(found, CORRECTIONS) == sum(row.usage.output_tokens for row in rows)
    assert total(found, CORRECTIONS) == corrected == -5
    assert total(found, SEGMENTS) == sum(row.usage.total_tokens for row in rows)
    assert (total(found, REQUESTS), total(found, UNPRICED)) == (5, 1)


def test_a_request_without_usage_counts_0_tokens_of_an_unknown_kind() -> None:
    found = Measures({})
    found.add(few_rows()[1].row)
    ((key, sums),) = found.series[INPUT].items()
    assert sums.total == 0
    assert dict(key)["gen_ai.token.modality"] == "unknown"


def test_estimates_stand_apart() -> None:
    sources = {dict(key)["tallystick.usage.source"] for key in of().series[OUTPUT]}
    assert sources == {"reported", "estimated"}


def test_a_histogram_counts_every_request_once() -> None:
    series = of().series[DURATION]
    assert sum(one.count for one in series.values()) == 5
    for one in series.values():
        assert sum(one.buckets) == one.count
        assert len(one.buckets) == len(DURATION.bounds) + 1


def test_a_bound_belongs_to_the_bucket_below_it() -> None:
    found = Measures({})
    found.add(plain_row(latency_ms=10))
    (one,) = found.series[DURATION].values()
    assert one.buckets[0] == 1


def test_the_rest_of_too_many_is_one_series() -> None:
    found = Measures({})
    row = plain_row()
    for number in range(measures.MOST + 50):
        found.add(replace(row, attribution=replace(row.attribution, app=f"app-{number}")))
    series = found.series[COST]
    assert len(series) == measures.MOST
    assert series[measures.OVERFLOW].total == 51 * 1_234_567
    assert total(found, COST) == (measures.MOST + 50) * 1_234_567


def test_joined_sums_are_the_sum_of_both() -> None:
    once, twice = of(), of()
    twice.join(of())
    for instrument, series in once:
        for key, sums in series.items():
            both = twice.series[instrument][key]
            assert (both.total, both.count) == (2 * sums.total, 2 * sums.count)
            assert both.buckets == [2 * each for each in sums.buckets]
            assert (both.least, both.most) == (sums.least, sums.most)
    fresh = Measures({})
    fresh.join(once)
    assert fresh.series == once.series
