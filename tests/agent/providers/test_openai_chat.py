"""Reading OpenAI Chat Completions as servers really send it: one table a trap."""

import json
from typing import Any

import pytest
from tests.agent.providers.streams import DONE, ENDPOINT, called, calls, chunk, piece, read, said, text

from tallystick_agent.protocol.chat import ReasoningDelta, TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.messages import ReasoningPart, ToolCallPart
from tallystick_agent.providers.dialects import dialect_of
from tallystick_agent.providers.wire.openai_chat_stream import OpenAIChatDecoder


def test_a_plain_answer() -> None:
    reply = read(chunk({"role": "assistant"}), text("Hel"), text("lo"), chunk(finish="stop"), DONE)
    assert (said(reply), reply.finish, reply.generation_id, reply.served_model) == ("Hello", "stop", "gen-1", "served")


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "gen-1", "choices": []},
        {"id": "gen-1", "choices": None},
        {"id": "gen-1"},
        {"id": "gen-1", "object": "something.new", "payload": {"a": 1}},
        {"choices": [{"index": 0}]},
        {"choices": [{"index": 0, "delta": None, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {"content": None, "tool_calls": None}}], "obfuscation": "x7f"},
        {"choices": [{"index": 0, "delta": {"content": ""}}], "usage": None},
        "[]",
        "null",
    ],
)
def test_a_chunk_that_says_nothing_changes_nothing(odd: dict[str, Any] | str) -> None:
    assert said(read(odd, text("a"), odd, text("b"), odd, chunk(finish="stop"), odd, DONE)) == "ab"


@pytest.mark.parametrize(
    ("finishes", "finish"),
    [
        (["stop"], "stop"),
        (["length"], "length"),
        (["content_filter"], "content_filter"),
        (["stop", "stop"], "stop"),
        (["eos"], "stop"),
        (["function_call"], "tool_calls"),
    ],
)
def test_the_words_for_the_end(finishes: list[str], finish: str) -> None:
    assert read(text("a"), *(chunk(finish=one) for one in finishes), DONE).finish == finish


def test_with_several_finishes_a_call_stays_a_call() -> None:
    whole = calls(piece("{}", name="ls", index=0, id="c1"))
    for finishes in (["tool_calls", "stop"], ["stop", "tool_calls"], ["stop"], ["stop", "stop"]):
        assert read(whole, *(chunk(finish=one) for one in finishes), DONE).finish == "tool_calls"


def test_text_in_the_finishing_chunk_is_kept() -> None:
    assert said(read(text("a"), chunk({"content": "b"}, finish="stop"), DONE)) == "ab"


CALLS: list[tuple[str, list[dict[str, Any]], list[tuple[str, str]]]] = [
    (
        "in pieces",
        [
            calls(piece("", name="edit", index=0, id="c1", type="function")),
            calls(piece('{"a"', index=0)),
            calls(piece(": 1}", index=0)),
        ],
        [("edit", '{"a": 1}')],
    ),
    ("whole", [calls(piece('{"a": 1}', name="edit", index=0, id="c1"))], [("edit", '{"a": 1}')]),
    (
        "two whole ones in one chunk",
        [calls(piece("{}", name="ls", index=0, id="c1"), piece('{"b": 2}', name="cat", index=1, id="c2"))],
        [("ls", "{}"), ("cat", '{"b": 2}')],
    ),
    (
        "two, their pieces mixed",
        [
            calls(piece("", name="a", index=0, id="c1")),
            calls(piece("", name="b", index=1, id="c2")),
            calls(piece('{"x"', index=0)),
            calls(piece('{"y"', index=1)),
            calls(piece(":1}", index=0)),
            calls(piece(":2}", index=1)),
        ],
        [("a", '{"x":1}'), ("b", '{"y":2}')],
    ),
    (
        "without index, told apart by id",
        [
            calls(piece('{"x"', name="a", id="c1")),
            calls(piece('{"y"', name="b", id="c2")),
            calls(piece(":1}", id="c1")),
            calls(piece(":2}", id="c2")),
        ],
        [("a", '{"x":1}'), ("b", '{"y":2}')],
    ),
    (
        "without index, id on the first piece alone",
        [
            calls(piece("", name="a", id="c1")),
            calls(piece('{"x"')),
            calls(piece(":1}")),
            calls(piece("", name="b", id="c2")),
            calls(piece("{}")),
        ],
        [("a", '{"x":1}'), ("b", "{}")],
    ),
    (
        "without index and id, whole",
        [calls(piece('{"x":1}', name="a")), calls(piece('{"y":2}', name="b"))],
        [("a", '{"x":1}'), ("b", '{"y":2}')],
    ),
    (
        "without index and id, in pieces",
        [calls(piece("", name="a")), calls(piece('{"x"')), calls(piece(":1}"))],
        [("a", '{"x":1}')],
    ),
    (
        "every index 0, told apart by id",
        [calls(piece('{"x":1}', name="a", index=0, id="c1")), calls(piece('{"y":2}', name="b", index=0, id="c2"))],
        [("a", '{"x":1}'), ("b", '{"y":2}')],
    ),
    (
        "every index 0 and no id, told apart by name",
        [calls(piece('{"x":1}', name="a", index=0)), calls(piece('{"y":2}', name="b", index=0))],
        [("a", '{"x":1}'), ("b", '{"y":2}')],
    ),
    (
        "id and name on every piece",
        [calls(piece('{"x"', name="a", index=0, id="c1")), calls(piece(":1}", name="a", index=0, id="c1"))],
        [("a", '{"x":1}')],
    ),
    (
        "empty id on later pieces",
        [calls(piece("", name="a", index=0, id="c1")), calls(piece('{"x":1}', index=0, id=""))],
        [("a", '{"x":1}')],
    ),
    ("index from 1", [calls(piece("{}", name="a", index=1, id="c1"))], [("a", "{}")]),
    ("arguments as an object", [calls(piece({"x": 1}, name="a", index=0))], [("a", '{"x": 1}')]),
    ("no arguments at all", [calls(piece(name="a", index=0, id="c1"))], [("a", "")]),
    ("arguments null", [calls({"index": 0, "id": "c1", "function": {"name": "a", "arguments": None}})], [("a", "")]),
]


@pytest.mark.parametrize(("stream", "expected"), [row[1:] for row in CALLS], ids=[row[0] for row in CALLS])
def test_calls_however_they_are_cut_and_named(stream: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    reply = read(*stream, chunk(finish="tool_calls"), DONE)
    assert called(reply) == expected
    ids = [part.call_id for part in reply.message.parts if isinstance(part, ToolCallPart)]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def test_broken_arguments_are_passed_on_as_they_are() -> None:
    assert called(read(calls(piece('{"a": ', name="edit", index=0, id="c1")), chunk(finish="tool_calls"), DONE)) == [
        ("edit", '{"a": ')
    ]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_under_its_three_names_goes_back_under_the_same(field: str) -> None:
    reply = read(chunk({field: "think"}), chunk({field: "ing"}), text("a"), chunk(finish="stop"), DONE)
    assert reply.message.parts[0] == ReasoningPart(text="thinking", native={field: "thinking"}, endpoint=ENDPOINT.slug)
    assert said(reply) == "a"


def test_reasoning_that_comes_twice_in_a_chunk_counts_once() -> None:
    reply = read(chunk({"reasoning": "hm", "reasoning_content": "hm"}), text("a"), chunk(finish="stop"), DONE)
    assert [part.text for part in reply.message.parts if not isinstance(part, ToolCallPart)] == ["hm", "a"]


def test_pieces_of_a_reasoning_block_are_joined_by_their_index() -> None:
    block = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
    stream = [
        chunk({"reasoning": "a", "reasoning_details": [{**block, "text": "a"}]}),
        chunk({"reasoning": "b", "reasoning_details": [{**block, "text": "b"}]}),
        chunk({"reasoning_details": [{**block, "signature": "s"}]}),
        chunk({"reasoning_details": [{"type": "reasoning.encrypted", "index": 1, "data": "x"}]}),
    ]
    part = read(*stream, text("c"), chunk(finish="stop"), DONE).message.parts[0]
    assert isinstance(part, ReasoningPart)
    blocks = [{**block, "text": "ab", "signature": "s"}, {"type": "reasoning.encrypted", "index": 1, "data": "x"}]
    assert part.native == {"reasoning_details": blocks}


def test_content_as_a_list_of_parts() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}]
    assert said(read(chunk({"content": parts}), chunk(finish="stop"), DONE)) == "a"


def test_a_refusal_in_its_own_field_is_not_an_empty_answer() -> None:
    assert "cannot help" in said(read(chunk({"refusal": "I cannot help with that."}), chunk(finish="stop"), DONE))


BROKEN: list[dict[str, Any] | str] = [
    {"error": {"code": 502, "message": "upstream broke"}},
    {
        "error": {"code": "server_error", "message": "upstream broke"},
        "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}],
    },
    {"choices": [{"index": 0, "error": {"code": 502, "message": "upstream broke"}, "finish_reason": "error"}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]},
    {"error": "upstream broke"},
    "data that is no JSON",
]


@pytest.mark.parametrize("broken", BROKEN)
def test_an_error_inside_a_good_stream_is_an_error(broken: dict[str, Any] | str) -> None:
    with pytest.raises(ProviderError) as failed:
        read(text("a"), broken, chunk(finish="stop"), DONE)
    assert failed.value.retryable


@pytest.mark.parametrize(
    "stream",
    [
        [],
        [DONE],
        [text("a")],
        [calls(piece('{"a"', name="edit", index=0, id="c1"))],
        [chunk({"role": "assistant"}), DONE],
        [text("a"), {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}],
    ],
)
def test_a_stream_that_ends_without_saying_so_is_never_a_success(stream: list[Any]) -> None:
    with pytest.raises(ProviderError) as failed:
        read(*stream)
    assert (failed.value.code, failed.value.retryable) == ("provider_stream_cut", True)


def test_a_server_that_only_sends_done_after_its_text_has_finished() -> None:
    assert read(text("a"), DONE).finish == "stop"


def test_an_answer_that_was_not_streamed_reads_like_one_large_chunk() -> None:
    whole = {"id": "gen-1", "choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}
    assert said(read(whole)) == "Hello"


def test_a_completion_has_text_in_place_of_a_delta() -> None:
    assert said(read({"choices": [{"text": "a"}]}, {"choices": [{"text": "b", "finish_reason": "stop"}]}, DONE)) == "ab"


def test_deltas_come_out_as_they_come_in() -> None:
    decoder = OpenAIChatDecoder(ENDPOINT, dialect_of("openrouter"))
    feed = [
        chunk({"reasoning": "hm"}),
        text("a"),
        calls(piece('{"x"', name="edit", index=0, id="c1")),
        calls(piece(":1}", index=0)),
    ]
    events = [event for one in feed for event in decoder.feed(json.dumps(one))]
    assert events == [
        ReasoningDelta(text="hm"),
        TextDelta(text="a"),
        ToolCallDelta(index=0, name="edit", text='{"x"'),
        ToolCallDelta(index=0, name="edit", text=":1}"),
    ]
    assert decoder.partial == 'ahm{"x":1}'


def test_an_answer_that_we_cut_ends_as_repetition() -> None:
    decoder = OpenAIChatDecoder(ENDPOINT, dialect_of("openrouter"))
    decoder.feed(json.dumps(text("a a a a")))
    assert (decoder.finish(cut=True).finish, decoder.finish(cut=True).usage) == ("repetition", None)
