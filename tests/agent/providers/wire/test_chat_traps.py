"""Chat Completions as OpenAI, OpenRouter and the clouds like them really send it: one test a trap.

What a stream as a whole must give is in `tests.support.scripted.recorded`; here stands what one trap is about.
"""

import json
from typing import Any

import pytest
from tests.agent.providers.wire.conversation import ASK, READ, again, ask, body, call, endpoint, heard, native, read, result, said

from tallystick_agent.protocol.chat import ReasoningDelta, TextDelta
from tallystick_agent.protocol.errors import Code, ContextOverflow, ProviderError
from tallystick_agent.protocol.messages import AssistantMessage, ReasoningPart, TextPart, ToolMessage
from tallystick_agent.protocol.usage import Usage

DONE = "[DONE]"
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
Event = dict[str, Any] | str


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": "gen-1", "model": "m", "choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}], **fields}


STOP = chunk(finish="stop")
LAST: dict[str, Any] = {"id": "gen-1", "choices": [], "usage": USAGE}
HELLO = chunk({"content": "Hello."})


def fails(*events: Event, dialect: str = "openrouter") -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read("openai_chat", *events, dialect=dialect)
    return caught.value


# --- §3.1 and §1.6: chunks, usage, ends --------------------------------------------------------------------------------

STREAMS: dict[str, list[Event]] = {
    "the-first-delta-has-a-role": [chunk({"role": "assistant", "content": ""}), HELLO, STOP, LAST, DONE],
    "obfuscation-is-passed-over": [chunk({"content": "Hello."}, obfuscation="a8f"), STOP, LAST, DONE],
    "usage-is-null-on-other-chunks": [chunk({"content": "Hello."}, usage=None), STOP, LAST, DONE],
    "usage-has-no-choices": [HELLO, STOP, {"choices": [], "usage": USAGE}, DONE],
    "usage-comes-before-the-finish": [HELLO, LAST, STOP, DONE],
    "two-chunks-finish": [HELLO, STOP, STOP, LAST, DONE],
    "text-with-the-finish": [chunk({"content": "Hello."}, "stop"), LAST, DONE],
    "no-end-mark": [HELLO, STOP, LAST],
    "an-echo-of-the-upstream-body-comes-first": [{"choices": [], "debug": {"echo_upstream_body": {}}}, HELLO, STOP, LAST, DONE],
    "metadata-on-the-last-chunk": [HELLO, STOP, {**LAST, "openrouter_metadata": {"strategy": "direct"}}, DONE],
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_a_stream_that_says_hello(stream: list[Event]) -> None:
    reply = read("openai_chat", *stream)
    assert (said(reply).text, reply.finish, reply.usage) == ("Hello.", "stop", Usage(input_tokens=100, output_tokens=20))


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("function_call", "tool_calls"),
        ("model_length", "length"),
    ],
)
def test_finish_reason(reason: str, finish: str) -> None:
    assert read("openai_chat", HELLO, chunk(finish=reason), DONE).finish == finish


@pytest.mark.parametrize("reasons", [("length", "stop"), ("stop", "length"), ("length", "tool_calls")])
def test_of_several_finishes_a_limit_is_not_forgotten(reasons: tuple[str, ...]) -> None:
    assert read("openai_chat", HELLO, *(chunk(finish=one) for one in reasons), DONE).finish == "length"


def test_usage_is_lost_when_the_stream_breaks_and_is_unknown_then() -> None:
    reply = read("openai_chat", HELLO, STOP)
    assert (said(reply).text, reply.usage) == ("Hello.", None)


def test_a_count_on_the_way_is_not_what_an_answer_cost() -> None:
    """A running count, and the last one lost with the connection: unknown is better than too little."""
    early = chunk({"content": "Hello."}, usage={**USAGE, "completion_tokens": 1, "cost": 0.1})
    reply = read("openai_chat", early, STOP)
    assert (reply.finish, reply.usage, reply.provider_nanos) == ("stop", None, None)
    assert read("openai_chat", early, STOP, DONE).usage == Usage(input_tokens=100, output_tokens=1)


def test_a_refusal_in_its_own_field_is_a_filtered_answer() -> None:
    reply = read("openai_chat", chunk({"refusal": "I will "}), chunk({"refusal": "not."}), STOP, DONE)
    assert (said(reply).text, reply.finish) == ("I will not.", "content_filter")


def test_counts_of_reasoning_come_without_its_text() -> None:
    """OpenAI returns no thoughts on this wire."""
    usage = {**USAGE, "completion_tokens_details": {"reasoning_tokens": 15}}
    reply = read("openai_chat", HELLO, STOP, {"choices": [], "usage": usage}, DONE, dialect="openai")
    assert reply.usage == Usage(input_tokens=100, output_tokens=20, reasoning_tokens=15)
    assert native(reply) is None


# --- §1.6: errors inside a stream --------------------------------------------------------------------------------------

ERRORS: dict[str, tuple[Event, Code]] = {
    "code-is-a-number": ({"error": {"code": 502, "message": "Broke."}, "choices": []}, "provider_unavailable"),
    "code-is-a-string": ({"error": {"code": "rate_limit_exceeded", "message": "Slow."}}, "provider_rate_limited"),
    "code-is-a-number-as-a-string": ({"error": {"code": "429", "message": "Slow."}}, "provider_rate_limited"),
    "kind-in-the-metadata": (
        {"error": {"code": 502, "message": "Broke.", "metadata": {"error_type": "provider_overloaded"}}},
        "provider_unavailable",
    ),
    "with-a-finish-of-error": (chunk(finish="error", error={"code": 502, "message": "Broke."}), "provider_unavailable"),
    "a-finish-of-error-alone": (chunk(finish="error"), "provider_failed"),
    "in-the-choice-of-a-whole-answer": (
        {"choices": [{"message": {"content": "He"}, "finish_reason": "error", "error": {"code": 502, "message": "Broke."}}]},
        "provider_unavailable",
    ),
    "in-groqs-own-field": ({"choices": [], "x_groq": {"error": "Broke."}}, "provider_unavailable"),
    "a-finish-that-nobody-knows": (chunk(finish="insufficient_system_resource"), "provider_failed"),
}


@pytest.mark.parametrize(("event", "code"), ERRORS.values(), ids=ERRORS)
def test_an_error_after_words_with_status_200(event: Event, code: str) -> None:
    error = fails(HELLO, event, STOP, DONE)
    assert (error.code, error.retryable) == (code, True)


def test_an_overflow_inside_a_stream() -> None:
    error = fails({"error": {"code": 400, "message": "This endpoint's maximum context length is 8192 tokens."}})
    assert isinstance(error, ContextOverflow)


# --- §1.6: calls -------------------------------------------------------------------------------------------------------


def piece(arguments: str = "", name: str = "", **fields: Any) -> dict[str, Any]:
    return chunk({"tool_calls": [{**fields, "function": {**({"name": name} if name else {}), "arguments": arguments}}]})


CALLS: dict[str, list[Event]] = {
    "id-and-name-on-the-first-fragment": [piece("", "ls", index=0, id="a"), piece('{"x"', index=0), piece(":1}", index=0)],
    "whole": [piece('{"x":1}', "ls", index=0, id="a")],
    "index-is-missing": [piece("", "ls", id="a"), piece('{"x"', id="a"), piece(":1}")],
    "index-is-wrong-and-the-id-decides": [piece('{"x"', "ls", index=0, id="a"), piece(":1}", index=3, id="a")],
    "id-is-missing": [piece("", "ls", index=0), piece('{"x":1}', index=0)],
    "neither-index-nor-id": [piece('{"x"', "ls"), piece(":1}")],
}


@pytest.mark.parametrize("pieces", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
def test_a_call_in_pieces(pieces: list[Event], finish: str) -> None:
    """A plain `stop` after a call is one of the oddities: what decides is that there is a call."""
    reply = read("openai_chat", *pieces, chunk(finish=finish), DONE)
    assert (said(reply).calls, reply.finish) == ([("ls", '{"x":1}')], "tool_calls")


def test_parallel_calls_whose_index_is_always_0() -> None:
    both = [piece("{}", "ls", index=0, id="a"), piece('{"x":1}', "cat", index=0, id="b")]
    assert said(read("openai_chat", *both, STOP, DONE)).calls == [("ls", "{}"), ("cat", '{"x":1}')]


def test_empty_arguments_go_back_as_an_object() -> None:
    reply = read("openai_chat", piece("", "ls", index=0, id="a"), chunk(finish="tool_calls"), DONE)
    assert again("openai_chat", reply)["messages"][1]["tool_calls"][0]["function"]["arguments"] == "{}"


# --- §1.5, §1.6: reasoning blocks --------------------------------------------------------------------------------------

TEXT = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
SEALED = {"type": "reasoning.encrypted", "index": 1, "format": "openai-responses-v1", "id": "rs_1", "data": "d"}
SUMMARY = {"type": "reasoning.summary", "index": 2, "format": "openai-responses-v1"}


def details(*blocks: dict[str, Any]) -> dict[str, Any]:
    return chunk({"reasoning_details": list(blocks)})


def test_reasoning_details_go_back_in_their_order_and_unmodified() -> None:
    whole = [{**TEXT, "text": "Hm, so.", "signature": "s"}, SEALED, {**SUMMARY, "summary": "All."}]
    pieces = [
        details({**TEXT, "text": "Hm, "}),
        details({**TEXT, "text": "so."}),
        details({**TEXT, "signature": "s"}),
        details(SEALED),
        details({**SUMMARY, "summary": "A"}),
        details({**SUMMARY, "summary": "ll."}),
    ]
    reply = read("openai_chat", *pieces, piece("{}", "ls", index=0, id="a"), chunk(finish="tool_calls"), DONE)
    assert native(reply) == {"reasoning_details": whole}
    sent = again("openai_chat", reply)["messages"][1]
    assert sent["reasoning_details"] == whole
    assert sent["tool_calls"][0]["id"] == "a"


def test_the_signature_comes_last_and_alone() -> None:
    reply = read("openai_chat", details({**TEXT, "text": "Hm."}), details({**TEXT, "signature": "s"}), HELLO, STOP, DONE)
    assert native(reply)["reasoning_details"] == [{**TEXT, "text": "Hm.", "signature": "s"}]


def test_fragments_without_an_index_are_not_merged_by_the_length_of_the_list() -> None:
    bare = [{"type": "reasoning.text", "text": "One."}, {"type": "reasoning.summary", "summary": "Two."}]
    reply = read("openai_chat", details(bare[0]), details(bare[1]), HELLO, STOP, DONE)
    assert native(reply)["reasoning_details"] == bare


def test_two_blocks_of_one_index_with_different_ids_stay_two() -> None:
    two = [{**SEALED, "id": "rs_1"}, {**SEALED, "id": "rs_2"}]
    assert native(read("openai_chat", details(two[0]), details(two[1]), HELLO, STOP, DONE))["reasoning_details"] == two


def test_the_thoughts_of_another_endpoint_stay_behind() -> None:
    reply = read("openai_chat", details({**TEXT, "text": "Hm."}), HELLO, STOP, DONE)
    assert again("openai_chat", reply, slug="other/m")["messages"][1] == {"role": "assistant", "content": "Hello."}


# --- §3.6: the clouds --------------------------------------------------------------------------------------------------


def test_deepseek_gets_its_thoughts_back_with_every_answer_where_tools_are_used() -> None:
    """A missing one is a 400; what was lost at another endpoint is stood for by a blank."""
    at = endpoint("openai_chat", dialect="deepseek")
    thought = ReasoningPart(text="Hm.", native={"reasoning_content": "Hm."}, endpoint=at.slug)
    history = (
        ASK,
        AssistantMessage(parts=(thought, call("c1"))),
        ToolMessage(parts=(result("c1"),)),
        AssistantMessage(parts=(TextPart(text="Done."),)),
        ASK,
    )
    with_tools = body(ask(*history, tools=(READ,)), at)["messages"]
    assert [one.get("reasoning_content") for one in with_tools] == [None, "Hm.", None, " ", None]
    without = body(ask(*history), at)["messages"]
    assert [one.get("reasoning_content") for one in without] == [None, "Hm.", None, None, None]


def test_deepseek_thinks_in_a_field_of_its_own() -> None:
    stream = chunk({"reasoning_content": "Hm, ", "content": None}), chunk({"reasoning_content": "so."}), HELLO
    assert heard("openai_chat", *stream, dialect="deepseek") == [
        ReasoningDelta(text="Hm, "),
        ReasoningDelta(text="so."),
        TextDelta(text="Hello."),
    ]
    assert native(read("openai_chat", *stream, STOP, DONE)) == {"reasoning_content": "Hm, so."}


def thinks(text: str, **fields: Any) -> dict[str, Any]:
    return chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}], **fields}]})


def test_mistral_thinks_inside_of_the_content_and_gets_it_back_there() -> None:
    reply = read("openai_chat", thinks("Hm, "), thinks("so.", closed=True), HELLO, STOP, DONE, dialect="mistral")
    assert (said(reply).reasoning, said(reply).text) == ("Hm, so.", "Hello.")
    blocks = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm, so."}], "closed": True},
        {"type": "text", "text": "Hello."},
    ]
    assert again("openai_chat", reply, dialect="mistral")["messages"][1]["content"] == blocks
    assert again("openai_chat", reply, slug="other/m")["messages"][1]["content"] == "Hello."


@pytest.mark.parametrize(
    ("dialect", "model"), [("mistral", "devstral-latest"), ("openrouter", "mistralai/devstral-small")], ids=["direct", "routed"]
)
def test_mistral_takes_call_ids_of_nine_letters_and_digits_alone(dialect: str, model: str) -> None:
    history = (
        AssistantMessage(parts=(call("toolu_01D7FLrfh4G"), call("abcdef123"))),
        ToolMessage(parts=(result("toolu_01D7FLrfh4G"), result("abcdef123"))),
    )
    messages = body(ask(ASK, *history), endpoint("openai_chat", dialect=dialect, model=model))["messages"]
    ids = [one["id"] for one in messages[1]["tool_calls"]]
    assert all(len(one) == 9 and one.isalnum() for one in ids)
    assert ids[1] == "abcdef123"
    assert [one["tool_call_id"] for one in messages[2:]] == ids


def test_mistral_sends_calls_whole() -> None:
    whole = piece('{"x":1}', "ls", index=0, id="abcdef123")
    assert said(read("openai_chat", whole, chunk(finish="tool_calls"), DONE, dialect="mistral")).calls == [("ls", '{"x":1}')]


def test_groq_thinks_under_another_name_and_counts_in_a_field_of_its_own() -> None:
    stream = chunk({"reasoning": "Hm."}), HELLO, chunk(finish="stop", x_groq={"id": "r", "usage": {**USAGE, "queue_time": 0.1}})
    reply = read("openai_chat", *stream, DONE, dialect="groq")
    assert (said(reply).reasoning, reply.usage) == ("Hm.", Usage(input_tokens=100, output_tokens=20))


def test_groqs_usage_counts_once_where_it_comes_twice() -> None:
    both = chunk(finish="stop", x_groq={"usage": USAGE}), LAST
    assert read("openai_chat", HELLO, *both, DONE, dialect="groq").usage == Usage(input_tokens=100, output_tokens=20)


def test_xai_adds_fields_to_the_usage_that_nobody_must_know() -> None:
    usage = {**USAGE, "cost_in_usd_ticks": 37_756_000, "num_sources_used": 0}
    reply = read("openai_chat", HELLO, STOP, {"choices": [], "usage": usage}, DONE, dialect="xai")
    assert reply.usage == Usage(input_tokens=100, output_tokens=20)


# --- what served -------------------------------------------------------------------------------------------------------


def test_who_served_is_told() -> None:
    reply = read("openai_chat", chunk({"content": "Hello."}, provider="Novita"), STOP, {**LAST, "model": "x/y-2"}, DONE)
    assert (reply.generation_id, reply.served_model, reply.served_by) == ("gen-1", "x/y-2", "Novita")


def test_the_cost_is_what_the_router_charged_and_with_a_key_of_ones_own_the_providers_bill_too() -> None:
    usage = {**USAGE, "cost": 0.01}
    assert read("openai_chat", HELLO, STOP, {"choices": [], "usage": usage}, DONE).provider_nanos == 10_000_000
    own = {**usage, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}
    assert read("openai_chat", HELLO, STOP, {"choices": [], "usage": own}, DONE).provider_nanos == 210_000_000


def test_an_answer_of_nothing_is_read_and_is_empty() -> None:
    """The router charges nothing for it; what to do is the loop's."""
    assert said(read("openai_chat", chunk({"role": "assistant"}), STOP, DONE)).text == ""


def test_a_whole_answer_reads_like_its_stream() -> None:
    message: dict[str, Any] = {"role": "assistant", "content": "Hello.", "refusal": None, "annotations": []}
    whole = {"id": "gen-1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": USAGE}
    assert read("openai_chat", whole) == read("openai_chat", json.dumps(HELLO), STOP, LAST, DONE)
