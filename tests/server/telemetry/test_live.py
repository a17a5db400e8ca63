"""Telemetry while it happens: everything arrives, and nothing that a collector does is felt by who books."""

import logging
import threading
from datetime import UTC, datetime

import pytest
from tests.support.ledger_rows import few_rows, plain_row
from tests.support.otlp_collector import OtlpCollector, Reply

from tallystick_server.local.system import SystemClock
from tallystick_server.telemetry.encode import resource_of
from tallystick_server.telemetry.live import LiveExport
from tallystick_server.telemetry.send import Collector, endpoints


def live(url: str, *, interval_s: float = 0.02, delta: bool = False, most: int = 10_000) -> LiveExport:
    traces, metrics = endpoints(url)
    collector = Collector(traces_url=traces, metrics_url=metrics, headers={}, timeout_s=5.0)
    resource = resource_of({}, "one")
    return LiveExport(collector, {}, resource, SystemClock(), interval_s=interval_s, delta=delta, most_waiting=most)


def test_what_was_booked_arrives() -> None:
    rows = [one.row for one in few_rows()]
    with OtlpCollector() as collector:
        export = live(collector.url)
        for row in rows:
            export.offer((row,))
        export.close(10)
        chats = [one for one in collector.spans if one["attributes"]["gen_ai.operation.name"] != "invoke_agent"]
        assert {one["attributes"]["tallystick.request.id"] for one in chats} == {f"r-{number}" for number in range(1, 6)}
        assert len(collector.spans) == 5 + 3
        last = {one.metric: one for one in collector.points}
        assert last["tallystick.requests"].temporality == 2
        assert last["tallystick.requests"].end_ns > last["tallystick.requests"].start_ns
    assert export.dropped == 0


def test_it_has_the_ids_of_an_export_after_the_fact() -> None:
    from tallystick_server.telemetry.spans import request_span

    with OtlpCollector() as collector:
        export = live(collector.url)
        export.offer((plain_row(),))
        export.close(10)
        ids = {one["id"] for one in collector.spans}
    assert request_span(plain_row(), {}).span_id.hex() in ids


def test_differences_sum_to_the_whole_even_where_a_batch_was_lost() -> None:
    lost = threading.Event()

    def reply(number: int) -> Reply:
        return Reply(status=200 if lost.is_set() else 400)

    with OtlpCollector(reply) as collector:
        export = live(collector.url, delta=True)
        for number in range(1, 200):
            if number == 100:
                while not collector.attempts:
                    threading.Event().wait(0.005)
                lost.set()
            export.offer((plain_row(number),))
        export.close(10)
        assert collector.total("tallystick.requests") == 199
        assert collector.total("tallystick.cost.nanos") == 199 * 1_234_567
        assert {one.temporality for one in collector.points} == {1}


def test_nobody_there_is_said_once_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    export = live("http://127.0.0.1:1")
    with caplog.at_level(logging.WARNING):
        for number in range(50):
            export.offer((plain_row(number),))
        export.close(10)
    assert [record.message for record in caplog.records if "said once" in record.message] == [
        "telemetry does not arrive, which is said once and harms no request: Nothing answers at 127.0.0.1:1."
    ]
    assert sum("did not reach the collector" in record.message for record in caplog.records) == 1
    assert export.dropped >= 50


def test_a_collector_that_holds_everything_holds_nobody_here(caplog: pytest.LogCaptureFixture) -> None:
    held = threading.Event()
    with OtlpCollector(lambda number: Reply(hold=held)) as collector, caplog.at_level(logging.WARNING):
        export = live(collector.url, most=20)
        for number in range(500):
            export.offer((plain_row(number),))
        export.close(0.2)
        # What fits waits, one batch may be under way, and what is left of the rest is counted.
        assert export.dropped >= 400
        assert any("did not reach" in record.message for record in caplog.records)
        held.set()


def test_spans_that_are_dropped_are_still_in_the_sums() -> None:
    with OtlpCollector(lambda number: Reply()) as collector:
        export = live(collector.url, most=1_000)
        export.offer(plain_row(number) for number in range(1, 900))
        export.close(10)
        last = [one for one in collector.points if one.metric == "tallystick.requests"][-1]
        assert last.value == 899


def test_without_a_row_there_is_no_thread() -> None:
    before = threading.active_count()
    export = live("http://127.0.0.1:1")
    assert threading.active_count() == before
    export.close(1)
    export.offer((plain_row(),))
    assert threading.active_count() == before


def test_a_turn_is_told_when_it_has_stood_still() -> None:
    from tallystick_server.telemetry.spans import Turns

    turns = Turns(idle_ms=1_000)
    turns.add(plain_row(1))
    end = plain_row(1).time_ms
    assert turns.ended(end + 1_000) == []
    (span,) = turns.ended(end + 1_001)
    assert span.name == "invoke_agent Cline"
    assert turns.rest() == []
    assert datetime.fromtimestamp(span.end_ns / 1e9, UTC).year == 2025
