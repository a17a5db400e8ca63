"""Why a session grows, from its rows."""

from dataclasses import replace
from datetime import timedelta

from tests.support.made_ledger import at, booked, session

from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.usage.corrected import corrected
from tallystick_agent.usage.growth import growth

NOON = at("2026-11-25")


def test_turns_and_requests_sum_up() -> None:
    rows = list(session(NOON, "s", turns=3))
    found = growth(rows)
    assert [(one.number, one.requests) for one in found.turns] == [(1, 2), (2, 2), (3, 2)]
    assert found.usage.total_tokens == sum(row.usage.total_tokens for row in rows) == found.requests[-1].tokens_so_far
    assert [one.tokens_so_far for one in found.turns] == sorted(one.tokens_so_far for one in found.turns)
    assert sum(sum(one.parts.values()) for one in found.turns) == found.usage.total_tokens
    assert sum(one.cost_nanos for one in found.turns) == sum(row.cost.nanos or 0 for row in rows)


def test_what_was_sent_before_is_told_from_what_is_new() -> None:
    found = growth(session(NOON, "s", turns=2))
    assert [one.again for one in found.requests] == [0, 3_700, 6_200, 6_900]
    assert [one.row.usage.input_tokens for one in found.requests] == [3_700, 6_200, 6_900, 9_400]


def test_a_smaller_window_was_all_sent_before_at_most() -> None:
    rows = [booked(Usage(input_tokens=size, output_tokens=1), when=NOON) for size in (9_000, 2_000, 3_000)]
    assert [one.again for one in growth(rows).requests] == [0, 2_000, 2_000]


def test_which_parts_grew() -> None:
    grown = growth(session(NOON, "s", turns=4)).grown
    assert grown["tool_output"] > grown["history"] > grown["files"] > 0
    assert "system" not in grown or abs(grown["system"]) <= 2
    assert growth(session(NOON, "s", turns=1)).grown != {}
    assert growth([]).grown == {}


def test_apps_without_turns_of_their_own_have_one_for_each_request() -> None:
    rows = [replace(booked(Usage(input_tokens=10), when=NOON, turn=""), request_id=name) for name in ("a", "a", "b", "c")]
    assert [one.requests for one in growth(rows).turns] == [2, 1, 1]


def test_a_probe_and_a_summary_cost_and_are_no_growth() -> None:
    rows = [
        booked(Usage(input_tokens=50), when=NOON, purpose="probe"),
        booked(Usage(input_tokens=100), when=NOON),
        booked(Usage(input_tokens=900), when=NOON, purpose="compaction"),
        booked(Usage(input_tokens=0), when=NOON, finish="failed", error="provider_unavailable"),
        booked(Usage(input_tokens=120), when=NOON),
    ]
    found = growth(rows)
    assert [one.number for one in found.talk] == [2, 5]
    assert found.talk[-1].again == 100
    assert found.usage.input_tokens == 1_170


def test_a_correction_goes_into_its_row() -> None:
    first = booked(Usage(input_tokens=100, output_tokens=5, source="estimated"), when=NOON, cost=Cost(priced_nanos=10))
    second = booked(Usage(input_tokens=300), when=NOON + timedelta(seconds=1))
    correction = replace(
        first,
        usage=Usage(input_tokens=30, output_tokens=-5),
        cost=Cost(provider_nanos=7),
        segments=(Segment(name="correction", tokens=25),),
        finish="reconciled",
    )
    stray = replace(correction, request_id="other")
    found = growth([first, second, correction, stray])
    assert [(one.row.usage.input_tokens, one.row.usage.output_tokens, one.row.cost.nanos) for one in found.requests] == [
        (130, 0, 17),
        (300, 0, None),
    ]
    assert found.requests[0].row.usage.source == "reported"
    assert found.turns[0].unpriced == 1
    assert [place for place, _ in corrected([first, second, correction])] == [1, 0]
