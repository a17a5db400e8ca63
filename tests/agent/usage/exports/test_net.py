"""Corrections folded into their rows: sums stay, and what the provider said in the end stands there."""

from dataclasses import replace

from tests.support.ledger_rows import Stored, correction_of, few_rows, plain_row

from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.usage.exports.net import net


def timed(entries: list[Stored]) -> list[Stored]:
    return sorted(entries, key=lambda one: (one.row.time_ms, one.id))


def test_a_correction_becomes_part_of_its_row() -> None:
    rows = [one.row for one in net(timed(few_rows()))]
    assert [row.correction for row in rows] == [False] * 5
    broken = rows[2]
    assert broken.usage == Usage(input_tokens=500, output_tokens=15, source="reported")
    assert broken.cost == Cost(provider_nanos=977_001)
    assert Segment(name="correction", tokens=-5) in broken.segments
    assert sum(one.tokens for one in broken.segments) == broken.usage.total_tokens


def test_sums_are_the_same() -> None:
    raw, folded = [one.row for one in few_rows()], [one.row for one in net(timed(few_rows()))]
    for rows in (raw, folded):
        assert sum(row.usage.total_tokens for row in rows) == sum(row.usage.total_tokens for row in raw)
        assert sum(row.cost.nanos or 0 for row in rows) == sum(row.cost.nanos or 0 for row in raw)


def test_only_the_attempt_that_is_meant_is_corrected() -> None:
    first, second = plain_row(1, attempt=1), plain_row(1, attempt=2)
    entries = [
        Stored(id=number, row=row) for number, row in enumerate((first, second, correction_of(second, tokens=7, nanos=1)), 1)
    ]
    assert [one.row.usage.output_tokens for one in net(entries)] == [200, 207]


def test_a_correction_without_its_row_stays_a_row() -> None:
    alone = Stored(id=9, row=correction_of(plain_row(1), tokens=7, nanos=1))
    assert list(net([alone])) == [alone]


def test_an_unknown_cost_takes_nothing_from_a_known_one() -> None:
    row = plain_row(1)
    unknown = replace(correction_of(row, tokens=7, nanos=0), cost=Cost())
    entries = [Stored(id=1, row=row), Stored(id=2, row=unknown)]
    (only,) = net(entries)
    assert only.row.cost == row.cost
