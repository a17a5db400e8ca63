"""OpenAI Responses (§3.2) and what routers make of it (§1.6, §1.7): one test a trap."""

import json
from typing import Any

import pytest
from tests.agent.providers.wire.conversation import READ, again, ask, body, endpoint, heard, native, read, said

from tallystick_agent.protocol.chat import ReasoningDelta, TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import Code, ContextOverflow, ProviderError
from tallystick_agent.protocol.messages import ToolCallPart
from tallystick_agent.protocol.model_info import ReasoningRule
from tallystick_agent.protocol.usage import Usage

Event = dict[str, Any]
USAGE: dict[str, Any] = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 7},
    "total_tokens": 120,
}
COUNTED = Usage(input_tokens=100, cached_tokens=60, cache_write_tokens=30, output_tokens=20, reasoning_tokens=7)
THOUGHT: Event = {"id": "rs_0", "type": "reasoning", "summary": [], "encrypted_content": "sealed"}


def message(text: str, item_id: str = "msg_0") -> Event:
    content: list[Event] = [{"type": "output_text", "text": text, "annotations": []}]
    return {"id": item_id, "type": "message", "role": "assistant", "status": "completed", "content": content}


def function(arguments: str, number: int = 0) -> Event:
    names = {"call_id": f"call_{number}", "name": "ls", "arguments": arguments}
    return {"id": f"fc_{number}", "type": "function_call", "status": "completed", **names}


def response(status: str, *items: Event, **fields: Any) -> Event:
    return {"object": "response", "id": "resp_1", "model": "m", "status": status, "output": list(items), "usage": USAGE, **fields}


def end(status: str, *items: Event, **fields: Any) -> Event:
    return {"type": f"response.{status}", "sequence_number": 99, "response": response(status, *items, **fields)}


def text(delta: str, **where: Any) -> Event:
    return {"type": "response.output_text.delta", "delta": delta, **(where or {"item_id": "msg_0", "output_index": 0})}


def done(item: Event, index: int = 0) -> Event:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def added(item: Event, index: int = 0) -> Event:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def fails(*events: Event, dialect: str = "openai") -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read("openai_responses", *events, dialect=dialect)
    return caught.value


# --- the order of events -----------------------------------------------------------------------------------------------

HELLO = message("Hello.")
STREAMS: dict[str, list[Event]] = {
    "no-end-mark-is-needed": [text("Hel"), text("lo."), done(HELLO), end("completed", HELLO)],
    "the-finished-item-does-not-say-it-twice": [added(HELLO), text("Hello."), done(HELLO), end("completed", HELLO)],
    "deltas-keyed-by-the-item-id": [text("Hello.", item_id="msg_0"), done(HELLO), end("completed", HELLO)],
    "deltas-keyed-by-the-output-index": [text("Hello.", output_index=0), done(HELLO), end("completed", HELLO)],
    "no-deltas": [added(HELLO), done(HELLO), end("completed", HELLO)],
    "the-last-event-alone": [end("completed", HELLO)],
    "the-last-event-without-items": [text("Hello."), done(HELLO), end("completed")],
    "queued-and-unknown-events": [
        {"type": "response.queued", "response": {"id": "resp_1"}},
        {"type": "response.compaction.started", "sequence_number": 2},
        {"type": "response.content_part.added", "item_id": "msg_0", "part": {"type": "output_text", "text": ""}},
        text("Hello."),
        {"type": "response.output_text.done", "item_id": "msg_0", "output_index": 0, "text": "Hello."},
        done(HELLO),
        end("completed", HELLO),
    ],
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_a_stream_that_says_hello(stream: list[Event]) -> None:
    reply = read("openai_responses", *stream, dialect="openai")
    assert (said(reply).text, reply.finish, reply.usage) == ("Hello.", "stop", COUNTED)
    assert (reply.generation_id, reply.served_model) == ("resp_1", "m")


@pytest.mark.parametrize("keyed", [{"item_id": "fc_0"}, {"output_index": 0}, {"item_id": "fc_0", "output_index": 0}], ids=str)
def test_arguments_are_keyed_by_item_and_results_answer_the_call(keyed: dict[str, Any]) -> None:
    kind = "response.function_call_arguments"
    item = function('{"x":1}')
    stream = [
        added({**item, "arguments": ""}),
        *({"type": f"{kind}.delta", **keyed, "delta": one} for one in ('{"x"', ":1}")),
        {"type": f"{kind}.done", **keyed, "arguments": '{"x":1}'},
        done(item),
        end("completed", item),
    ]
    reply = read("openai_responses", *stream)
    assert (said(reply).calls, reply.finish) == ([("ls", '{"x":1}')], "tool_calls")
    assert [part.call_id for part in reply.message.parts if isinstance(part, ToolCallPart)] == ["call_0"]
    assert again("openai_responses", reply)["input"][-1] == {
        "type": "function_call_output",
        "call_id": "call_0",
        "output": "alpha",
    }
    assert [one for one in heard("openai_responses", *stream) if isinstance(one, ToolCallDelta)] == [
        ToolCallDelta(index=0, name="ls", text='{"x"'),
        ToolCallDelta(index=0, name="ls", text=":1}"),
    ]


def test_parallel_calls_whose_deltas_are_mixed() -> None:
    kind = "response.function_call_arguments.delta"
    one, two = function('{"x":1}', 0), function('{"y":2}', 1)
    stream = [
        added({**one, "arguments": ""}, 0),
        added({**two, "arguments": ""}, 1),
        {"type": kind, "output_index": 0, "delta": '{"x"'},
        {"type": kind, "output_index": 1, "delta": '{"y":2}'},
        {"type": kind, "output_index": 0, "delta": ":1}"},
        done(two, 1),
        done(one, 0),
        end("completed", one, two),
    ]
    assert said(read("openai_responses", *stream)).calls == [("ls", '{"x":1}'), ("ls", '{"y":2}')]


def test_the_finished_item_holds_where_deltas_were_lost() -> None:
    kind = "response.function_call_arguments.delta"
    item = function('{"x":1}')
    stream = added({**item, "arguments": ""}), {"type": kind, "output_index": 0, "delta": '{"x"'}, done(item)
    assert said(read("openai_responses", *stream, end("completed", item))).calls == [("ls", '{"x":1}')]


# --- reasoning ---------------------------------------------------------------------------------------------------------


def summary(*paragraphs: str) -> list[Event]:
    found: list[Event] = []
    for index, paragraph in enumerate(paragraphs):
        at = {"item_id": "rs_0", "output_index": 0, "summary_index": index}
        found.append({"type": "response.reasoning_summary_part.added", **at, "part": {"type": "summary_text", "text": ""}})
        found.append({"type": "response.reasoning_summary_text.delta", **at, "delta": paragraph})
    return found


def test_the_parts_of_a_summary_are_paragraphs_streamed_or_not() -> None:
    parts = [{"type": "summary_text", "text": one} for one in ("One.", "Two.")]
    item = {**THOUGHT, "summary": parts}
    streamed = read("openai_responses", *summary("One.", "Two."), done(item), text("Hello.", output_index=1), end("completed"))
    whole = read("openai_responses", response("completed", item, HELLO))
    assert said(streamed).reasoning == said(whole).reasoning == "One.\n\nTwo."


def test_thoughts_that_are_told_in_full() -> None:
    at = {"item_id": "rs_0", "output_index": 0, "content_index": 0}
    stream = [{"type": "response.reasoning_text.delta", **at, "delta": one} for one in ("Hm, ", "so.")]
    assert heard("openai_responses", *stream) == [ReasoningDelta(text="Hm, "), ReasoningDelta(text="so.")]
    item = {"id": "rs_0", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm, so."}]}
    assert said(read("openai_responses", response("completed", item, HELLO))).reasoning == "Hm, so."


def test_without_state_on_the_server_sealed_reasoning_is_asked_for_and_whole_items_go_back() -> None:
    early = {**THOUGHT, "encrypted_content": "sea"}
    items = [THOUGHT, {**HELLO, "phase": "commentary"}, function("{}")]
    stream = [added(early), *(done(item, index) for index, item in enumerate(items)), end("completed", *items)]
    reply = read("openai_responses", *stream)
    sent = again("openai_responses", reply, reasoning=ReasoningRule())
    assert (sent["store"], sent["include"]) == (False, ["reasoning.encrypted_content"])
    assert sent["input"][1:-1] == items
    assert THOUGHT not in again("openai_responses", reply, slug="other/m")["input"]


def test_an_item_that_is_not_sealed_does_not_go_back() -> None:
    """Its id means nothing to a server that kept nothing."""
    bare: Event = {"id": "rs_0", "type": "reasoning", "summary": []}
    reply = read("openai_responses", response("completed", bare, HELLO, function("{}")))
    assert native(reply) is None
    assert [one.get("id") for one in again("openai_responses", reply)["input"]] == [None] * 4


def test_a_model_that_does_not_reason_is_not_asked_for_sealed_reasoning() -> None:
    assert "include" not in body(ask(), endpoint("openai_responses"))


def test_the_name_of_the_limit_is_max_output_tokens_and_it_is_at_least_16() -> None:
    found = body(ask(max_output_tokens=4), endpoint("openai_responses"))
    assert found["max_output_tokens"] == 16
    assert not {"max_tokens", "max_completion_tokens"} & set(found)


def test_a_tool_stands_flat_and_is_not_strict() -> None:
    """Left out, `strict` is true, and a schema of ours that leaves a field optional is refused."""
    tool = body(ask(tools=(READ,)), endpoint("openai_responses"))["tools"][0]
    assert (tool["name"], tool["strict"]) == ("read_file", False)


# --- ends --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "finish"), [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("", "length")]
)
def test_incomplete_for_a_reason(reason: str, finish: str) -> None:
    stream = text("Once"), end("incomplete", message("Once"), incomplete_details={"reason": reason} if reason else None)
    assert read("openai_responses", *stream).finish == finish


def test_what_broke_off_at_the_limit_goes_back_as_the_last_event_has_it() -> None:
    cut = {**message("Once upon"), "status": "incomplete"}
    stream = done(THOUGHT), text("Once upon", output_index=1), end("incomplete", THOUGHT, cut)
    assert native(read("openai_responses", *stream)) == [THOUGHT, cut]


def test_a_refusal_is_a_filtered_answer() -> None:
    at = {"item_id": "msg_0", "output_index": 0}
    stream = [{"type": "response.refusal.delta", **at, "delta": one} for one in ("I will ", "not.")]
    reply = read("openai_responses", *stream, end("completed"))
    assert (said(reply).text, reply.finish) == ("I will not.", "content_filter")
    content = [{"type": "refusal", "refusal": "I will not."}]
    whole = read("openai_responses", response("completed", {**HELLO, "content": content}))
    assert (said(whole).text, whole.finish) == ("I will not.", "content_filter")


ENDS: dict[str, tuple[Event, Code]] = {
    "failed": (end("failed", error={"code": "server_error", "message": "Broke."}), "provider_unavailable"),
    "failed-by-a-limit": (end("failed", error={"code": "rate_limit_exceeded", "message": "Slow."}), "provider_rate_limited"),
    "failed-without-a-word": (end("failed", error=None), "provider_failed"),
    "cancelled": (end("cancelled"), "provider_failed"),
    "a-bare-error": ({"type": "error", "code": "server_error", "message": "Broke.", "param": None}, "provider_unavailable"),
    "response.error": ({"type": "response.error", "error": {"code": 502, "message": "Broke."}}, "provider_unavailable"),
    "an-error-object-alone": ({"error": {"code": 429, "message": "Slow."}}, "provider_rate_limited"),
    "kind-at-the-top": (
        {"type": "response.error", "error": {"message": "Slow."}, "error_type": "rate_limit_exceeded"},
        "provider_rate_limited",
    ),
}


@pytest.mark.parametrize(("event", "code"), ENDS.values(), ids=ENDS)
def test_an_error_after_words(event: Event, code: str) -> None:
    error = fails(text("Hello."), event)
    assert (error.code, error.retryable) == (code, True)


def test_a_stream_without_its_last_event_is_cut() -> None:
    assert fails(text("Hello."), done(HELLO)).code == "provider_stream_cut"


def test_a_router_turns_what_is_too_long_into_a_success_of_nothing() -> None:
    empty = end("incomplete", usage=None, incomplete_details={"reason": "max_output_tokens"})
    assert isinstance(fails(empty), ContextOverflow)


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_whole_response_that_is_not_finished_is_no_answer(status: str) -> None:
    assert fails(response(status, HELLO)).retryable


# --- usage -------------------------------------------------------------------------------------------------------------


def test_what_is_kept_for_half_a_day_is_counted_apart() -> None:
    by_time = {"ttl_30m_tokens": 20, "ttl_12h_tokens": 10}
    inputs = {**USAGE["input_tokens_details"], "cache_write_tokens_details": by_time}
    reply = read("openai_responses", end("completed", HELLO, usage={**USAGE, "input_tokens_details": inputs}))
    assert reply.usage is not None
    assert (reply.usage.cache_write_tokens, reply.usage.cache_write_1h_tokens) == (30, 10)


def test_a_routers_cost_is_read_here_too() -> None:
    costs = end("completed", HELLO, usage={**USAGE, "cost": 0.25})
    assert read("openai_responses", costs, dialect="openrouter").provider_nanos == 250_000_000
    assert read("openai_responses", costs, dialect="openai").provider_nanos is None


def test_a_whole_response_reads_like_its_stream() -> None:
    items = [{**THOUGHT, "summary": [{"type": "summary_text", "text": "Hm."}]}, HELLO, function("{}")]
    streamed = [*summary("Hm."), *(done(item, index) for index, item in enumerate(items)), end("completed", *items)]
    assert read("openai_responses", response("completed", *items)) == read("openai_responses", *streamed)


def test_text_comes_out_as_it_comes_in() -> None:
    assert heard("openai_responses", text("Hel"), text("lo.")) == [TextDelta(text="Hel"), TextDelta(text="lo.")]


def test_an_end_mark_changes_nothing() -> None:
    one = read("openai_responses", json.dumps(end("completed", HELLO)), "[DONE]")
    assert said(one).text == "Hello."
