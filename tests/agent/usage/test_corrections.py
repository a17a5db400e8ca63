"""Corrections of estimated rows: one a row whoever makes it, sums that are right, readers that nobody waits for."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from tests.agent.usage.conftest import Place
from tests.agent.usage.test_ledger import MIDDAY, row

from tallystick_agent.loop.reconcile import correction
from tallystick_agent.protocol.usage import Cost, Usage
from tallystick_agent.providers.account import Generation
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.sums import Query

GUESS = Usage(input_tokens=1_000, output_tokens=10, source="estimated")
TRUTH = Generation(usage=Usage(input_tokens=900, output_tokens=20), cost_nanos=7_000, model="m", served_by="p", cancelled=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def test_a_correction_makes_the_sums_right_and_counts_as_no_request(ledger: Ledger) -> None:
    ledger.append(row(GUESS, finish="failed", error="provider_stream_cut"))
    (guess,) = ledger.unreconciled("openrouter", 10)
    assert ledger.append(correction(guess, TRUTH))
    (total,) = ledger.totals("model")
    assert (total.requests, total.failed, total.estimated, total.unpriced) == (1, 1, 0, 0)
    assert (total.input_tokens, total.output_tokens, total.cost_nanos) == (900, 20, 7_000)
    assert ledger.unbalanced() == 0
    assert ledger.unreconciled("openrouter", 10) == []


def test_two_processes_that_correct_the_same_row_correct_it_once(place: Place) -> None:
    one, two = place.ledger(), place.ledger()
    one.append(row(GUESS, finish="failed"))
    (seen,) = one.unreconciled("openrouter", 10)
    (also,) = two.unreconciled("openrouter", 10)
    assert (one.append(correction(seen, TRUTH)), two.append(correction(also, TRUTH))) == (True, False)
    (total,) = one.totals("model")
    assert (total.input_tokens, total.cost_nanos) == (900, 7_000)


def test_a_correction_counts_when_the_request_was_made(ledger: Ledger) -> None:
    ledger.append(row(GUESS, finish="failed", time_ms=MIDDAY))
    (guess,) = ledger.unreconciled("openrouter", 10)
    ledger.append(correction(guess, TRUTH))
    assert ledger.totals("model", since_ms=MIDDAY + 1) == []


def test_what_had_no_price_has_one_once_the_provider_told_it(ledger: Ledger) -> None:
    ledger.append(row(GUESS, finish="failed", cost=Cost()))
    assert ledger.totals("model")[0].unpriced == 1
    ledger.append(correction(ledger.unreconciled("openrouter", 10)[0], TRUTH))
    (total,) = ledger.totals("model")
    assert (total.unpriced, total.cost_nanos) == (0, 7_000)


def test_what_a_user_stopped_did_not_fail(ledger: Ledger) -> None:
    ledger.append(row(GUESS, finish="aborted", error="interrupted"))
    assert ledger.totals("model")[0].failed == 0


def test_old_rows_are_not_asked_about_for_ever(ledger: Ledger) -> None:
    ledger.append(row(GUESS, finish="failed", time_ms=MIDDAY))
    assert ledger.unreconciled("openrouter", 10, since_ms=MIDDAY + 1) == []


def test_a_reader_waits_for_no_writer_and_holds_none_up(path: Path) -> None:
    ledger = Ledger(path)
    ledger.append(row(GUESS))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert len(ledger.totals("model")) == 1
    assert len(ledger.unreconciled("openrouter", 10)) == 1
    other.execute("COMMIT")
    other.close()


def test_the_sums_of_many_rows_are_looked_up_and_not_searched(path: Path) -> None:
    """Whether a row was corrected is found by an index: the plan of the query names it."""
    ledger = Ledger(path)
    ledger.append(row(GUESS))
    with sqlite3.connect(path) as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT count(*) FROM requests r WHERE EXISTS (SELECT 1 FROM requests c"
            " WHERE c.correction = 1 AND c.request_id = r.request_id AND c.attempt = r.attempt)"
        ).fetchall()
    connection.close()
    assert any("INDEX requests_once" in step[-1] for step in plan), plan


def test_two_attempts_of_one_request_are_corrected_each(ledger: Ledger) -> None:
    for number in (1, 2):
        ledger.append(replace(row(GUESS, finish="failed"), attempt=number, generation_id=f"gen-{number}"))
    for guess in ledger.unreconciled("openrouter", 10):
        assert ledger.append(correction(guess, TRUTH))
    assert ledger.totals("model")[0].input_tokens == 1_800


def test_a_correction_stands_where_its_original_does_and_adds_to_the_providers_figure(ledger: Ledger) -> None:
    """Its bucket, and whether it thought or called tools, are its original's: else the two would be told apart in a ranking."""
    guess = replace(row(GUESS, finish="failed", cost=Cost(priced_nanos=5_000)), tool_calls=2, images=1, opens_turn=True)
    truth = replace(TRUTH, usage=Usage(input_tokens=90_000, output_tokens=20, reasoning_tokens=9))
    ledger.append(guess)
    ledger.append(correction(ledger.unreconciled("openrouter", 10)[0], truth))
    (found,) = ledger.sums(Query(by=("bucket", "reasons", "calls_tools", "has_images", "free")))
    assert found.group == ("1000", "0", "1", "1", "0")
    assert (found.requests, found.failed, found.estimated, found.turns, found.tool_calls, found.images) == (1, 1, 0, 1, 2, 1)
    assert (found.input_tokens, found.output_tokens, found.reasoning_tokens) == (90_000, 20, 9)
    assert (found.cost_nanos, found.provider_nanos, found.priced_nanos) == (7_000, 7_000, 5_000)


def test_a_correction_that_tells_no_charge_leaves_the_cost_unknown(ledger: Ledger) -> None:
    ledger.append(row(GUESS, finish="failed", cost=Cost()))
    ledger.append(correction(ledger.unreconciled("openrouter", 10)[0], replace(TRUTH, cost_nanos=None)))
    (total,) = ledger.totals("model")
    assert (total.estimated, total.unpriced, total.cost_nanos) == (0, 1, 0)


def test_a_row_and_its_correction_may_come_together(ledger: Ledger) -> None:
    guess = row(GUESS, finish="failed", cost=Cost())
    assert ledger.append_many([guess, correction(guess, TRUTH)]) == 2
    assert ledger.append_many([guess, correction(guess, TRUTH)]) == 0
    (total,) = ledger.totals("model")
    assert (total.requests, total.estimated, total.unpriced, total.cost_nanos) == (1, 0, 0, 7_000)
