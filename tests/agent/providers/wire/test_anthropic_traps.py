"""Anthropic Messages (§3.3): one test a trap."""

import json
from typing import Any

import pytest
from tests.agent.providers.wire.conversation import (
    ASK,
    READ,
    again,
    ask,
    body,
    call,
    decoder,
    endpoint,
    heard,
    native,
    read,
    result,
    said,
)

from tallystick_agent.protocol.chat import ReasoningDelta, TextDelta
from tallystick_agent.protocol.errors import Code, ContextOverflow, ProviderError
from tallystick_agent.protocol.messages import AssistantMessage, TextPart, ToolMessage, UserMessage
from tallystick_agent.protocol.usage import Usage

Event = dict[str, Any]
START: Event = {
    "type": "message_start",
    "message": {"id": "msg_1", "model": "claude", "content": [], "usage": {"input_tokens": 10, "output_tokens": 1}},
}
STOP: Event = {"type": "message_stop"}
TEXT: Event = {"type": "text", "text": ""}


def ends(reason: str | None = "end_turn", **usage: Any) -> Event:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 20, **usage}}


def block(given: Event, *deltas: Event, index: int = 0, closed: bool = True) -> list[Event]:
    found: list[Event] = [{"type": "content_block_start", "index": index, "content_block": given}]
    found += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [*found, {"type": "content_block_stop", "index": index}] if closed else found


def text(*pieces: str, index: int = 0) -> list[Event]:
    return block(TEXT, *({"type": "text_delta", "text": piece} for piece in pieces), index=index)


def thinking(*pieces: str, signature: str = "sig", index: int = 0) -> list[Event]:
    deltas: list[Event] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    signed = [{"type": "signature_delta", "signature": signature}] if signature else []
    return block({"type": "thinking", "thinking": "", "signature": ""}, *deltas, *signed, index=index)


def tool(*pieces: str, index: int = 0, number: int = 0) -> list[Event]:
    given: Event = {"type": "tool_use", "id": f"toolu_{number}", "name": "ls", "input": {}}
    return block(given, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces), index=index)


def fails(*events: Event) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read("anthropic", *events)
    return caught.value


# --- events ------------------------------------------------------------------------------------------------------------

HELLO = text("Hel", "lo.")
STREAMS: dict[str, list[Event]] = {
    "plain": [START, *HELLO, ends(), STOP],
    "pings-anywhere": [START, {"type": "ping"}, *HELLO, {"type": "ping"}, ends(), STOP],
    "unknown-events-are-ignored": [START, {"type": "content_block_mood", "index": 0}, *HELLO, {"type": "new"}, ends(), STOP],
    "text-in-the-start-of-its-block": [START, *block({"type": "text", "text": "Hello."}), ends(), STOP],
    "a-delta-of-an-unknown-kind": [START, *block(TEXT, {"type": "x"}, {"type": "text_delta", "text": "Hello."}), ends(), STOP],
    "no-stop-reason": [START, *HELLO, ends(None), STOP],
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_a_stream_that_says_hello(stream: list[Event]) -> None:
    reply = read("anthropic", *stream)
    assert (said(reply).text, reply.finish) == ("Hello.", "stop")
    assert (reply.generation_id, reply.served_model) == ("msg_1", "claude")


def test_usage_of_message_delta_is_cumulative_and_replaces() -> None:
    stream = START, *HELLO, ends(None, output_tokens=12), ends(output_tokens=20, input_tokens=11), STOP
    assert read("anthropic", *stream).usage == Usage(input_tokens=11, output_tokens=20)


def test_a_null_in_the_last_usage_forgets_nothing() -> None:
    stream = START, *HELLO, ends(input_tokens=None, cache_read_input_tokens=None), STOP
    assert read("anthropic", *stream).usage == Usage(input_tokens=10, output_tokens=20)


@pytest.mark.parametrize("pieces", [(), ("",), ("", "")], ids=["none", "empty", "several"])
def test_arguments_may_be_empty(pieces: tuple[str, ...]) -> None:
    reply = read("anthropic", START, *tool(*pieces), ends("tool_use"), STOP)
    assert (said(reply).calls, reply.finish) == ([("ls", "")], "tool_calls")
    assert again("anthropic", reply)["messages"][1]["content"][0]["input"] == {}


def test_parallel_calls_each_in_their_own_block() -> None:
    reply = read("anthropic", START, *tool("", '{"x"', ":1}"), *tool('{"y":2}', index=1, number=1), ends("tool_use"), STOP)
    assert said(reply).calls == [("ls", '{"x":1}'), ("ls", '{"y":2}')]


def test_blocks_of_the_servers_tools_are_no_calls_and_go_back_as_they_came() -> None:
    given: Event = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}}
    found: Event = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []}
    query = block(given, {"type": "input_json_delta", "partial_json": '{"query": "x"}'})
    reply = read("anthropic", START, *query, *block(found, index=1), *text("Hello.", index=2), ends(), STOP)
    assert (said(reply).calls, reply.finish) == ([], "stop")
    back = again("anthropic", reply)["messages"][1]["content"]
    assert back == [{**given, "input": {"query": "x"}}, found, {"type": "text", "text": "Hello."}]


def test_citations_are_no_words_and_stay_with_their_text() -> None:
    citation = {"type": "char_location", "cited_text": "x"}
    deltas = {"type": "text_delta", "text": "Hello."}, {"type": "citations_delta", "citation": citation}
    reply = read("anthropic", START, *thinking("Hm."), *block(TEXT, *deltas, index=1), ends(), STOP)
    assert said(reply).text == "Hello."
    assert native(reply)[1] == {"type": "text", "text": "Hello.", "citations": [citation]}


# --- thinking ----------------------------------------------------------------------------------------------------------

HIDDEN: Event = {"type": "redacted_thinking", "data": "cmVk"}


def test_thoughts_and_their_signatures_go_back_byte_for_byte_and_in_order() -> None:
    stream = [*thinking("Hm, ", "so."), *block(HIDDEN, index=1), *text("Looking.", index=2), *tool('{"x":1}', index=3)]
    reply = read("anthropic", START, *stream, ends("tool_use"), STOP)
    blocks = [
        {"type": "thinking", "thinking": "Hm, so.", "signature": "sig"},
        HIDDEN,
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "toolu_0", "name": "ls", "input": {"x": 1}},
    ]
    assert again("anthropic", reply)["messages"][1]["content"] == blocks
    assert again("anthropic", reply, slug="other/m")["messages"][1]["content"] == blocks[2:]


def test_thoughts_that_are_omitted_still_have_a_signature() -> None:
    """`display: omitted`: nothing to read, and something to send back."""
    reply = read("anthropic", START, *thinking(), *text("Hello.", index=1), ends(), STOP)
    assert said(reply).reasoning == ""
    assert native(reply)[0] == {"type": "thinking", "thinking": "", "signature": "sig"}


def test_thoughts_are_told_as_they_come() -> None:
    assert heard("anthropic", START, *thinking("Hm, ", "so."), *text("Hello.", index=1)) == [
        ReasoningDelta(text="Hm, "),
        ReasoningDelta(text="so."),
        TextDelta(text="Hello."),
    ]


def test_a_thought_that_broke_off_does_not_go_back() -> None:
    """It has no signature, and the API refuses it."""
    broken = block({"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "Hm"})
    reply = read("anthropic", START, *broken[:-1], ends("max_tokens"), STOP)
    assert (said(reply).reasoning, native(reply), reply.finish) == ("Hm", None, "length")


def test_an_answer_that_we_cut_takes_no_blocks_back_and_no_usage() -> None:
    one = decoder("anthropic")
    for event in [START, *thinking("Hm."), *text("a a a a", index=1)[:-1]]:
        one.feed(json.dumps(event))
    reply = one.finish(cut=True)
    assert (native(reply), reply.usage, reply.finish) == (None, None, "repetition")


def test_an_empty_text_among_the_blocks_does_not_go_back() -> None:
    """The API sends them, and answers them with a 400."""
    reply = read("anthropic", START, *thinking("Hm."), *text(index=1), *tool("{}", index=2), ends("tool_use"), STOP)
    assert [one["type"] for one in again("anthropic", reply)["messages"][1]["content"]] == ["thinking", "tool_use"]


def test_a_call_with_broken_arguments_goes_back_as_an_object() -> None:
    reply = read("anthropic", START, *thinking("Hm."), *tool('{"x": ', index=1), ends("tool_use"), STOP)
    assert said(reply).calls == [("ls", '{"x": ')]
    assert again("anthropic", reply)["messages"][1]["content"][1]["input"] == {}


# --- ends --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "stop"),
        ("refusal", "content_filter"),
        ("model_context_window_exceeded", "length"),
        ("a reason of next year", "stop"),
    ],
)
def test_stop_reason(reason: str, finish: str) -> None:
    assert read("anthropic", START, *HELLO, ends(reason), STOP).finish == finish


def test_a_window_that_is_full_before_a_word_was_said_is_an_overflow() -> None:
    assert isinstance(fails(START, ends("model_context_window_exceeded"), STOP), ContextOverflow)


def test_a_reason_without_message_stop_is_a_cut_stream() -> None:
    assert fails(START, *HELLO, ends()).code == "provider_stream_cut"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("overloaded_error", "provider_unavailable"),
        ("api_error", "provider_unavailable"),
        ("rate_limit_error", "provider_rate_limited"),
    ],
)
def test_an_error_after_status_200(kind: str, code: Code) -> None:
    error = fails(START, *HELLO, {"type": "error", "error": {"type": kind, "message": "No."}})
    assert (error.code, error.retryable) == (code, True)


# --- what is sent ------------------------------------------------------------------------------------------------------


def test_every_result_stands_first_in_the_user_message_after_its_call() -> None:
    """Also where words of the user came between the results."""
    answer = AssistantMessage(parts=(call("c1"), call("c2")))
    note = UserMessage(parts=(TextPart(text="Mind the gap."),))
    history = (ASK, answer, ToolMessage(parts=(result("c1"),)), note, ToolMessage(parts=(result("c2"),)), note)
    messages = body(ask(*history, tools=(READ,)), endpoint("anthropic"))["messages"]
    assert [one["role"] for one in messages] == ["user", "assistant", "user"]
    assert [one["type"] for one in messages[2]["content"]] == ["tool_result", "tool_result", "text", "text"]


def test_a_result_of_nothing_and_a_prompt_of_nothing_are_not_empty_on_the_wire() -> None:
    answer = AssistantMessage(parts=(call("c1"),))
    empty = UserMessage(parts=(TextPart(text=" "),))
    history = (empty, answer, ToolMessage(parts=(result("c1", ""),)), empty)
    messages = body(ask(*history), endpoint("anthropic"))["messages"]
    assert messages[0]["content"] == [{"type": "text", "text": "(nothing)"}]
    assert messages[2]["content"] == [{"type": "tool_result", "tool_use_id": "c1", "content": "(nothing)"}]


@pytest.mark.parametrize("status", ["error", "denied", "unknown"])
def test_a_result_that_is_none_says_so(status: Any) -> None:
    history = ASK, AssistantMessage(parts=(call("c1"),)), ToolMessage(parts=(result("c1", status=status),))
    assert body(ask(*history), endpoint("anthropic"))["messages"][2]["content"][0]["is_error"] is True


def test_an_answer_of_nothing_is_left_out() -> None:
    assert len(body(ask(ASK, AssistantMessage(parts=())), endpoint("anthropic"))["messages"]) == 1


def test_a_whole_message_reads_like_its_stream() -> None:
    content = [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "text", "text": "Hello."},
        {"type": "tool_use", "id": "toolu_0", "name": "ls", "input": {"x": 1}},
    ]
    usage = {"input_tokens": 10, "output_tokens": 20}
    whole = {"type": "message", "id": "msg_1", "model": "claude", "content": content, "stop_reason": "tool_use", "usage": usage}
    stream = [*thinking("Hm."), *text("Hello.", index=1), *tool('{"x": 1}', index=2)]
    assert read("anthropic", whole) == read("anthropic", START, *stream, ends("tool_use"), STOP)
