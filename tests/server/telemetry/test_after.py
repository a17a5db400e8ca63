"""A period sent after the fact to a real collector: the sums, the times, the ids, and what happens when it does not go well."""

import asyncio
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from tests.support.ledger_rows import MIDDAY, Stored, correction_of, few_rows, plain_row
from tests.support.otlp_collector import OtlpCollector, Reply
from tests.support.quick_clock import QuickClock

from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.providers.http import Transport
from tallystick_agent.settings import AttributionSettings, NetworkSettings
from tallystick_server.telemetry import after
from tallystick_server.telemetry.after import HOUR_MS, Exported, PeriodExport
from tallystick_server.telemetry.encode import resource_of
from tallystick_server.telemetry.send import Collector, endpoints
from tallystick_server.telemetry.words import Server


def in_time(entries: list[Stored]) -> list[Stored]:
    return sorted(entries, key=lambda one: (one.row.time_ms, one.id))


def export(url: str, entries: list[Stored], clock: QuickClock | None = None, **changed: Any) -> Exported:
    traces, metrics = endpoints(url)
    collector = replace(Collector(traces_url=traces, metrics_url=metrics, headers={"x-team": "blue"}), **changed)
    quick = clock or QuickClock()

    async def run() -> Exported:
        transport = Transport(NetworkSettings(), AttributionSettings(), quick)
        servers = {"openrouter": Server(address="openrouter.ai", port=443)}
        try:
            return await PeriodExport(transport, collector, servers, resource_of({"team": "blue"}, "ledger"), quick).run(
                in_time(entries)
            )
        finally:
            await transport.close()

    return asyncio.run(run())


def many(count: int) -> list[Stored]:
    """Rows of some hours, every tenth of them corrected."""
    entries: list[Stored] = []
    for number in range(1, count + 1):
        row = plain_row(number, time_ms=MIDDAY + number * 20_000, session_id=f"s-{number // 40}", turn_id=f"t-{number // 4}")
        entries.append(Stored(id=2 * number, row=row))
        if number % 10 == 0:
            entries.append(Stored(id=2 * number + 1, row=correction_of(row, tokens=number % 7 - 3, nanos=-number)))
    return entries


def test_everything_arrives_to_the_token_and_the_nano_dollar() -> None:
    entries = many(1_300)
    with OtlpCollector() as collector:
        done = export(collector.url, entries)
        spans, rows = collector.spans, [one.row for one in entries]
        chats = [one for one in spans if one["attributes"]["gen_ai.operation.name"] == "chat"]
    assert len(chats) == done.requests == 1_300
    assert done.spans == len(spans)
    assert sum(one["attributes"]["tallystick.cost.nanos"] for one in chats) == sum(row.cost.nanos or 0 for row in rows)
    outputs = sum(row.usage.output_tokens for row in rows)
    assert sum(one["attributes"]["gen_ai.usage.output_tokens"] for one in chats) == outputs
    assert collector.total("gen_ai.client.inference.usage.output_tokens") == outputs
    assert collector.total("gen_ai.client.inference.usage.input_tokens") == sum(row.usage.input_tokens for row in rows)
    assert collector.total("gen_ai.client.inference.usage.cache_read.input_tokens") == sum(
        row.usage.cached_tokens for row in rows
    )
    assert collector.total("tallystick.cost.nanos") == sum(row.cost.nanos or 0 for row in rows)
    assert collector.total("tallystick.segment.tokens") == sum(row.usage.total_tokens for row in rows)
    assert collector.total("tallystick.requests") == 1_300
    assert sum(one.count for one in collector.points if one.metric == "gen_ai.client.operation.duration") == 1_300


def test_a_turn_is_the_parent_of_its_requests_and_a_session_their_trace() -> None:
    with OtlpCollector() as collector:
        export(collector.url, few_rows())
        spans = {one["id"]: one for one in collector.spans}
    turns = {key: one for key, one in spans.items() if one["name"] == "invoke_agent Cline"}
    chats = [one for key, one in spans.items() if key not in turns]
    assert len(turns) == 3
    for one in chats:
        if one["name"] == "text_completion qwen":
            assert one["parent"] == ""
            continue
        parent = turns[one["parent"]]
        assert parent["trace"] == one["trace"]
        assert int(parent["startTimeUnixNano"]) <= int(one["startTimeUnixNano"])
        assert int(parent["endTimeUnixNano"]) >= int(one["endTimeUnixNano"])
        assert parent["attributes"]["gen_ai.conversation.id"] == one["attributes"]["gen_ai.conversation.id"]
    assert {one["kind"] for one in chats} == {"SPAN_KIND_CLIENT"}
    assert {one["kind"] for one in turns.values()} == {"SPAN_KIND_INTERNAL"}
    assert len({one["trace"] for one in spans.values()}) == 3
    assert Counter(one["attributes"]["tallystick.turn.requests"] for one in turns.values()) == {2: 1, 1: 2}


def test_times_are_those_of_then() -> None:
    with OtlpCollector() as collector:
        export(collector.url, [Stored(id=1, row=plain_row())])
        chat = next(one for one in collector.spans if one["name"] == "chat x/y")
        point = next(one for one in collector.points if one.metric == "tallystick.requests")
    assert int(chat["endTimeUnixNano"]) == plain_row().time_ms * 1_000_000
    assert int(chat["startTimeUnixNano"]) == (plain_row().time_ms - 1_500) * 1_000_000
    assert point.start_ns == MIDDAY // HOUR_MS * HOUR_MS * 1_000_000
    assert point.end_ns - point.start_ns == HOUR_MS * 1_000_000
    assert point.temporality == 1


def test_a_second_export_says_the_same_bytes() -> None:
    entries = many(200)
    with OtlpCollector() as first, OtlpCollector() as second:
        export(first.url, entries)
        export(second.url, entries)
        assert [one.body for one in first.came] == [one.body for one in second.came]


def test_every_hour_is_a_point_of_its_own() -> None:
    entries = many(400)
    with OtlpCollector() as collector:
        export(collector.url, entries)
        by_hour = Counter[int]()
        for one in collector.points:
            if one.metric == "tallystick.requests":
                by_hour[one.start_ns // 1_000_000] += one.value
    wanted = Counter(one.row.time_ms // HOUR_MS * HOUR_MS for one in entries if not one.row.correction)
    assert by_hour == wanted
    assert len(wanted) > 2


def test_it_is_packed_and_carries_the_headers_and_the_resource() -> None:
    with OtlpCollector() as collector:
        export(collector.url, many(50))
        came, spans = collector.came, collector.spans
    assert {one.headers["content-type"] for one in came} == {"application/x-protobuf"}
    assert "gzip" in {one.headers.get("content-encoding") for one in came}
    assert {one.headers["x-team"] for one in came} == {"blue"}
    assert not any("http-referer" in one.headers or "authorization" in one.headers for one in came)
    assert spans[0]["resource"]["service.name"] == "tallystick"
    assert spans[0]["resource"]["team"] == "blue"


def test_it_can_go_unpacked() -> None:
    with OtlpCollector() as collector:
        export(collector.url, many(50), packed=False)
        assert not any("content-encoding" in one.headers for one in collector.came)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_collector_is_asked_again_when_it_wishes(status: int) -> None:
    clock = QuickClock()
    replies = {0: Reply(status=status, headers={"retry-after": "7"}), 1: Reply(status=status)}
    with OtlpCollector(lambda number: replies.get(number, Reply())) as collector:
        done = export(collector.url, [Stored(id=1, row=plain_row())], clock)
        assert [code for _, code in collector.attempts] == [status, status, 200, 200]
    assert clock.pauses[0] == 7.0
    assert 0.5 <= clock.pauses[1] <= 2.0
    assert done.requests == 1


def test_one_that_asks_for_too_much_patience_is_left() -> None:
    with OtlpCollector(lambda number: Reply(status=503, headers={"retry-after": "3600"})) as collector:
        with pytest.raises(ProviderError, match="503"):
            export(collector.url, [Stored(id=1, row=plain_row())])
        assert len(collector.attempts) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 500, 302])
def test_a_refusal_is_said_and_not_repeated(status: int) -> None:
    with OtlpCollector(lambda number: Reply(status=status, headers={"location": "http://127.0.0.1:1/"})) as collector:
        with pytest.raises(ProviderError, match=str(status)):
            export(collector.url, [Stored(id=1, row=plain_row())])
        assert len(collector.attempts) == 1


def test_nobody_there() -> None:
    clock = QuickClock()
    with pytest.raises(ProviderError, match="Nothing answers"):
        export("http://127.0.0.1:1", [Stored(id=1, row=plain_row())], clock)
    assert sum(clock.pauses) <= 60


def test_a_collector_that_never_answers_is_left() -> None:
    held = threading.Event()
    with OtlpCollector(lambda number: Reply(hold=held)) as collector:
        with pytest.raises(ProviderError, match=r"did not answer|sent nothing"):
            export(collector.url, [Stored(id=1, row=plain_row())], timeout_s=0.05, patience_s=0.01)
        held.set()


def test_what_it_does_not_want_is_counted() -> None:
    with OtlpCollector(lambda number: Reply(refused=1)) as collector:
        done = export(collector.url, [Stored(id=1, row=plain_row())])
        assert done.refused == len(collector.came) == 2


@pytest.mark.parametrize(("wanted", "path"), [("traces_url", "/v1/traces"), ("metrics_url", "/v1/metrics")])
def test_one_signal_alone(wanted: str, path: str) -> None:
    other = "metrics_url" if wanted == "traces_url" else "traces_url"
    with OtlpCollector() as collector:
        export(collector.url, many(30), **dict[str, Any]({other: ""}))
        assert {one.path for one in collector.came} == {path}


def test_batches_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after, "TOGETHER", 10)
    with OtlpCollector() as collector:
        export(collector.url, many(95))
        sizes = [len(one.body.resource_spans[0].scope_spans[0].spans) for one in collector.came if one.path == "/v1/traces"]
    assert max(sizes) == 10


def test_nothing_is_sent_of_nothing() -> None:
    with OtlpCollector() as collector:
        assert export(collector.url, []) == Exported()
        assert collector.came == []
