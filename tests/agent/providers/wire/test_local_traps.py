"""Servers on this machine (§3.5): Ollama's own wire, llama.cpp, vLLM and LM Studio. One test a trap."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.agent.providers.wire.conversation import (
    ASK,
    READ,
    again,
    ask,
    body,
    call,
    endpoint,
    heard,
    payloads_of,
    read,
    result,
    said,
)

from tallystick_agent.protocol.chat import ReasoningDelta, TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import ContextOverflow, ProviderError
from tallystick_agent.protocol.messages import AssistantMessage, ImagePart, TextPart, ToolMessage, UserMessage
from tallystick_agent.protocol.usage import Usage

Event = dict[str, Any]


def line(content: str = "", **message: Any) -> Event:
    return {"model": "m", "message": {"role": "assistant", "content": content, **message}, "done": False}


def last(reason: str | None = "stop", **counts: Any) -> Event:
    named = {"done_reason": reason} if reason else {}
    return {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, **named, **counts}


COUNTS: dict[str, Any] = {"prompt_eval_count": 100, "eval_count": 20, "total_duration": 5_000_000}
END = last(**COUNTS)


def tool(name: str = "ls", **arguments: Any) -> Event:
    return {"function": {"name": name, "arguments": arguments}}


def fails(*events: Event | str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read("ollama", *events)
    return caught.value


# --- Ollama's own wire -------------------------------------------------------------------------------------------------


def test_ollama_streams_lines_of_json() -> None:
    stream = b"".join(json.dumps(one).encode() + b"\n" for one in (line("Hel"), line("lo."), END))
    reply = read("ollama", *payloads_of("ollama", [stream]))
    assert (said(reply).text, reply.finish, reply.usage) == ("Hello.", "stop", Usage(input_tokens=100, output_tokens=20))


def test_ollama_streams_unless_it_is_told_not_to() -> None:
    assert body(ask(stream=False), endpoint("ollama"))["stream"] is False


def test_ollama_thinks_in_a_field_of_its_own_and_gets_it_back_there() -> None:
    stream = line(thinking="Hm, "), line(thinking="so."), line("Hello.")
    assert heard("ollama", *stream) == [ReasoningDelta(text="Hm, "), ReasoningDelta(text="so."), TextDelta(text="Hello.")]
    reply = read("ollama", *stream, END)
    assert again("ollama", reply)["messages"][1] == {"role": "assistant", "content": "Hello.", "thinking": "Hm, so."}
    assert "thinking" not in again("ollama", reply, slug="other/m")["messages"][1]


def test_ollama_sends_arguments_as_an_object_and_calls_without_ids() -> None:
    stream = line(tool_calls=[tool(x=1), tool("cat", y="ä")])
    assert heard("ollama", stream) == [
        ToolCallDelta(index=0, name="ls", text='{"x": 1}'),
        ToolCallDelta(index=1, name="cat", text='{"y": "ä"}'),
    ]
    reply = read("ollama", stream, END)
    assert reply.finish == "tool_calls"
    ids = [part.call_id for part in reply.message.parts if part.kind == "tool_call"]
    assert all(ids)
    assert len(set(ids)) == 2
    sent = again("ollama", reply)["messages"]
    assert sent[1]["tool_calls"] == [tool(x=1), tool("cat", y="ä")]
    assert [one["tool_name"] for one in sent[2:]] == ["ls", "cat"]


@pytest.mark.parametrize(("reason", "finish"), [("stop", "stop"), ("length", "length"), (None, "stop")], ids=str)
def test_ollama_says_why_it_is_done(reason: str | None, finish: str) -> None:
    assert read("ollama", line("Hello."), last(reason)).finish == finish


def test_ollama_fails_in_the_middle_with_a_line_and_status_200() -> None:
    error = fails(line("Hello."), {"error": "an unknown error was encountered while running the model"})
    assert (error.code, error.retryable) == ("provider_unavailable", True)


def test_ollama_without_a_last_line_is_cut() -> None:
    assert fails(line("Hello.")).code == "provider_stream_cut"


@pytest.mark.parametrize("missing", ["prompt_eval_count", "eval_count"])
def test_ollama_leaves_out_counts_of_0_so_a_missing_one_is_unknown(missing: str) -> None:
    counts = {name: value for name, value in COUNTS.items() if name != missing}
    assert read("ollama", line("Hello."), last(**counts)).usage is None


def test_ollama_may_neither_cut_the_history_nor_shift_it_without_a_word() -> None:
    sent = body(ask(), replace(endpoint("ollama"), window_tokens=4_096))
    assert (sent["truncate"], sent["shift"], sent["options"]["num_ctx"]) == (False, False, 4_096)


def test_ollama_takes_the_bytes_of_pictures_and_fetches_none() -> None:
    pictures = ImagePart(media_type="image/png", data="aW1n"), ImagePart(media_type="image/png", url="https://example.org/a.png")
    sent = body(ask(UserMessage(parts=(TextPart(text="Look. "), *pictures))), endpoint("ollama"))["messages"][0]
    assert sent == {"role": "user", "content": "Look. [picture: https://example.org/a.png]", "images": ["aW1n"]}


# --- servers of OpenAI's kind ------------------------------------------------------------------------------------------


def chunk(delta: Event | None = None, finish: str | None = None, **fields: Any) -> Event:
    return {"id": "c", "choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}], **fields}


USAGE: dict[str, Any] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
HELLO, STOP = chunk({"content": "Hello."}), chunk(finish="stop")


def test_ollamas_other_door_knows_no_choice_of_tools() -> None:
    sent = body(ask(tools=(READ,), tool_choice="required", parallel_calls=False), endpoint("openai_chat", dialect="ollama"))
    assert not {"tool_choice", "user", "n", "parallel_tool_calls"} & set(sent)
    assert sent["stream_options"] == {"include_usage": True}


def test_llamacpp_counts_the_cache_in_its_timings() -> None:
    timings = {"cache_n": 60, "prompt_n": 40, "predicted_n": 20}
    reply = read("openai_chat", HELLO, STOP, {"choices": [], "usage": USAGE, "timings": timings}, "[DONE]", dialect="llamacpp")
    assert reply.usage == Usage(input_tokens=100, cached_tokens=60, output_tokens=20)


def test_llamacpp_counts_the_cache_in_its_usage() -> None:
    usage = {**USAGE, "prompt_tokens_details": {"cached_tokens": 60}}
    reply = read("openai_chat", HELLO, STOP, {"choices": [], "usage": usage}, "[DONE]", dialect="llamacpp")
    assert reply.usage == Usage(input_tokens=100, cached_tokens=60, output_tokens=20)


def test_llamacpp_says_that_the_context_is_exceeded() -> None:
    error = {"code": 400, "message": "the request exceeds the available context size", "type": "exceed_context_size_error"}
    with pytest.raises(ContextOverflow) as caught:
        read("openai_chat", {"error": {**error, "n_ctx": 4_096, "n_prompt_tokens": 5_000}}, dialect="llamacpp")
    assert (caught.value.limit_tokens, caught.value.prompt_tokens) == (4_096, 5_000)


@pytest.mark.parametrize(("choice", "sent"), [("required", None), ("none", "none"), ("auto", None)])
def test_llamacpp_is_not_forced_to_call(choice: Any, sent: str | None) -> None:
    """Forced, small models write until their limit."""
    at = endpoint("openai_chat", dialect="llamacpp")
    assert body(ask(tools=(READ,), tool_choice=choice), at).get("tool_choice") == sent


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_vllm_thinks_under_its_new_name_and_its_old_one(field: str) -> None:
    reply = read("openai_chat", chunk({field: "Hm."}), HELLO, STOP, "[DONE]", dialect="vllm")
    assert said(reply).reasoning == "Hm."
    assert again("openai_chat", reply, dialect="vllm")["messages"][1][field] == "Hm."


def test_vllms_running_usage_is_replaced_by_the_last() -> None:
    running = [chunk({"content": one}, usage={**USAGE, "completion_tokens": n}) for n, one in enumerate(("Hel", "lo."), 1)]
    reply = read("openai_chat", *running, STOP, {"choices": [], "usage": USAGE}, "[DONE]", dialect="vllm")
    assert (said(reply).text, reply.usage) == ("Hello.", Usage(input_tokens=100, output_tokens=20))


def test_vllm_puts_an_error_at_the_top() -> None:
    with pytest.raises(ProviderError) as caught:
        read("openai_chat", HELLO, {"object": "error", "message": "Out of memory.", "code": 500}, dialect="vllm")
    assert caught.value.message == "Out of memory."


def test_lm_studio_is_sent_no_wish_that_it_does_not_know() -> None:
    history = AssistantMessage(parts=(call("c1"),)), ToolMessage(parts=(result("c1"),))
    sent = body(ask(ASK, *history, tools=(READ,), parallel_calls=True), endpoint("openai_chat", dialect="lmstudio"))
    assert "parallel_tool_calls" not in sent
