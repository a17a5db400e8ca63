"""What every reader must bear (§3.7), on all wires at once: one test a requirement."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.providers.wire.conversation import WIRE_NAMES, decoder, payloads_of, read, said
from tests.support.scripted.reply import Reply, Tokens
from tests.support.scripted.wires import WIRES

from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import WireName

TOKENS = Tokens(input=100, output=20)
FRAMED = [name for name in WIRE_NAMES if name != "ollama"]
"""Wires that stream events; Ollama's has lines."""


def stream(name: str, script: Reply | None = None) -> bytes:
    return b"".join(WIRES[name].frames(script or Reply(lines="Hello."), TOKENS))


def text_of(name: str, data: bytes) -> str:
    wire = WIRE_NAMES[name]
    return said(read(wire, *payloads_of(wire, [data]))).text


SHAPES: dict[str, Callable[[bytes], bytes]] = {
    "crlf": lambda data: data.replace(b"\n", b"\r\n"),
    "comments-between-events": lambda data: data.replace(b"\n\n", b"\n\n: ping\n\n"),
    "a-comment-inside-an-event": lambda data: data.replace(b"data:", b": ping\ndata:"),
    "event-names-and-ids": lambda data: data.replace(b"data:", b"id: 7\nretry: 10\ndata:"),
    "no-space-after-the-colon": lambda data: data.replace(b"data: ", b"data:"),
    "empty-lines-between": lambda data: data.replace(b"\n\n", b"\n\n\n\n"),
    "data-over-several-lines": lambda data: data.replace(b'data: {"', b'data: {\ndata: "'),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", FRAMED)
def test_framing(name: str, shape: Callable[[bytes], bytes]) -> None:
    assert text_of(name, shape(stream(name))) == "Hello."


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n"], ids=["lf", "crlf", "empty lines"])
def test_lines_of_json(end: bytes) -> None:
    assert text_of("ollama", stream("ollama").replace(b"\n", end)) == "Hello."


def test_the_last_line_of_json_may_lack_its_end() -> None:
    assert text_of("ollama", stream("ollama").rstrip(b"\n")) == "Hello."


UNKNOWN: list[dict[str, Any] | str] = [
    {"type": "something.new", "payload": {"deep": [1, 2]}},
    {"object": "something.new"},
    {},
    "[]",
    "null",
    "7",
    '"text"',
]


@pytest.mark.parametrize("unknown", UNKNOWN, ids=str)
@pytest.mark.parametrize("name", WIRE_NAMES)
def test_an_unknown_event_changes_nothing(name: str, unknown: dict[str, Any] | str) -> None:
    wire = WIRE_NAMES[name]
    event = unknown if isinstance(unknown, str) else json.dumps(unknown)
    events = payloads_of(wire, [stream(name)])
    assert said(read(wire, event, *events[:2], event, *events[2:], event)).text == "Hello."


@pytest.mark.parametrize("name", WIRE_NAMES)
def test_an_end_mark_that_a_wire_does_not_need_changes_nothing(name: str) -> None:
    wire = WIRE_NAMES[name]
    if wire != "ollama":
        assert said(read(wire, *payloads_of(wire, [stream(name)]), "[DONE]")).text == "Hello."


@pytest.mark.parametrize("name", WIRE_NAMES)
def test_a_stream_without_its_last_event_is_a_failure_and_never_a_success(name: str) -> None:
    wire = WIRE_NAMES[name]
    events = payloads_of(wire, [stream(name)])
    # Chat ends with a reason, its usage and a mark; the others with one event that says all.
    without = events[:-3] if name == "chat" else events[:-1]
    with pytest.raises(ProviderError) as caught:
        read(wire, *without)
    assert (caught.value.code, caught.value.retryable) == ("provider_stream_cut", True)


@pytest.mark.parametrize("name", WIRE_NAMES)
@pytest.mark.parametrize(
    "broken", ["{oops", "<html></html>", '{"a": 1}{"b": 2}', "[" * 100_000], ids=["oops", "html", "two", "deep"]
)
def test_what_is_no_json_is_an_error_that_may_be_tried_again(name: str, broken: str) -> None:
    with pytest.raises(ProviderError) as caught:
        decoder(WIRE_NAMES[name]).feed(broken)
    assert caught.value.retryable


@pytest.mark.parametrize("name", WIRE_NAMES)
def test_an_error_object_with_status_200_is_an_error(name: str) -> None:
    with pytest.raises(ProviderError) as caught:
        decoder(WIRE_NAMES[name]).feed(json.dumps({"error": {"code": 429, "message": "Slow down."}}))
    assert (caught.value.code, caught.value.message) == ("provider_rate_limited", "Slow down.")


ARGUMENTS: list[tuple[str, str]] = [("", "{}"), ("{}", "{}"), ('{"path": "a.py"}', '{"path": "a.py"}')]


@pytest.mark.parametrize(("raw", "meant"), ARGUMENTS, ids=["none", "empty", "some"])
@pytest.mark.parametrize("name", WIRE_NAMES)
def test_arguments(name: str, raw: str, meant: str) -> None:
    wire = WIRE_NAMES[name]
    reply = read(wire, *payloads_of(wire, [stream(name, Reply(lines=f"call ls {raw}"))]))
    ((_, arguments),) = said(reply).calls
    assert json.loads(arguments or "{}") == json.loads(meant)
    assert reply.finish == "tool_calls"


@pytest.mark.parametrize("name", ["chat", "responses", "anthropic"])
def test_a_call_whose_arguments_were_lost_at_the_limit_is_no_call_without_arguments(name: str) -> None:
    wire = WIRE_NAMES[name]
    reply = read(wire, *payloads_of(wire, [stream(name, Reply(lines="Well.\ncall ls {}\ncall run", finish="length"))]))
    assert (said(reply).calls, reply.finish) == ([("ls", "{}")], "length")


@pytest.mark.parametrize("name", ["chat", "responses", "anthropic"])
def test_broken_arguments_are_passed_on_for_the_tool_to_report(name: str) -> None:
    wire = WIRE_NAMES[name]
    reply = read(wire, *payloads_of(wire, [stream(name, Reply(lines='call ls {"path": '))]))
    assert said(reply).calls == [("ls", '{"path": ')]


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS: dict[WireName, str] = {
    "openai_chat": "choices delta message content tool_calls function arguments index usage prompt_tokens completion_tokens"
    " finish_reason reasoning_details x_groq error prompt_tokens_details",
    "openai_responses": "type response item output_index delta usage output status object error summary content arguments"
    " input_tokens output_tokens input_tokens_details",
    "anthropic": "type index content_block delta message usage content stop_reason error input input_tokens output_tokens"
    " iterations partial_json text cache_creation",
    "gemini": "candidates content parts text functionCall name args usageMetadata finishReason promptTokenCount"
    " promptFeedback blockReason error thought thoughtSignature",
    "ollama": "message content thinking tool_calls function arguments done error eval_count prompt_eval_count done_reason",
}
KINDS = """response.completed response.failed response.output_item.done response.output_item.added message message_start
content_block_start content_block_delta content_block_stop message_delta message_stop response.output_text.delta
function_call reasoning error tool_use text response completed""".split()


def shaped(wire: WireName) -> st.SearchStrategy[Any]:
    """JSON whose names are the wire's own, and whose values are anything."""
    names = st.sampled_from(FIELDS[wire].split())
    values = Json | st.sampled_from(KINDS)
    return st.recursive(
        values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5), max_leaves=14
    )


@pytest.mark.parametrize("wire", FIELDS)
@given(data=st.data())
def test_no_shape_of_an_event_is_a_bug_of_ours(wire: WireName, data: st.DataObject) -> None:
    one = decoder(wire)
    try:
        for event in data.draw(st.lists(shaped(wire), max_size=4)):
            one.feed(json.dumps(event))
        one.finish()
    except ProviderError:
        return
