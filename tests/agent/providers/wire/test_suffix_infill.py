"""Completions that take a suffix: where they are posted, and what is sent."""

from typing import Any

import pytest
from tests.agent.providers.wire.conversation import payloads_of
from tests.support.scripted.reply import sse

from tallystick_agent.protocol.chat import ChatRequest, Infill
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.messages import text_of
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.wire.formats import wire_of
from tallystick_agent.providers.wire.suffix_infill import base_of, encode

REQUEST = ChatRequest(
    system="", messages=(), infill=Infill(prefix="a = ", suffix="\n"), max_output_tokens=64, temperature=0.0, stop=("\n",)
)


def endpoint(dialect: str, base_url: str = "http://127.0.0.1:1/v1") -> Endpoint:
    return Endpoint(slug=f"{dialect}/m", provider=dialect, model="m", base_url=base_url, dialect=dialect, wire="suffix_infill")


@pytest.mark.parametrize(
    ("dialect", "path", "more"),
    [
        ("mistral", "/fim/completions", {}),
        ("deepseek", "/completions", {"stream_options": {"include_usage": True}}),
        ("ollama", "/completions", {"stream_options": {"include_usage": True}}),
    ],
)
def test_what_is_sent(dialect: str, path: str, more: dict[str, Any]) -> None:
    at = endpoint(dialect)
    assert wire_of(at, REQUEST).path(REQUEST, at) == path
    plain = {"model": "m", "prompt": "a = ", "suffix": "\n", "max_tokens": 64, "stream": True, "temperature": 0.0, "stop": ["\n"]}
    assert encode(REQUEST, at) == {**plain, **more}


def test_deepseek_has_gaps_at_an_address_of_their_own() -> None:
    assert base_of(endpoint("deepseek", "https://api.deepseek.com/v1")) == "https://api.deepseek.com/beta"
    assert base_of(endpoint("deepseek", "http://127.0.0.1:1/v1")) == "http://127.0.0.1:1/v1"


def test_what_is_no_gap_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ProviderError):
        encode(ChatRequest(system="", messages=()), endpoint("mistral"))
    with pytest.raises(ProviderError):
        encode(REQUEST, endpoint("openai"))


@pytest.mark.parametrize("piece", [{"text": "1"}, {"delta": {"content": "1"}}], ids=["text", "delta"])
def test_both_kinds_of_chunks_are_read(piece: dict[str, Any]) -> None:
    at = endpoint("mistral")
    reader = wire_of(at, REQUEST).decoder(at)
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    last = {"choices": [{"index": 0, "finish_reason": "stop", "text": ""}], "usage": usage}
    frames: list[dict[str, Any]] = [{"choices": [{"index": 0, "finish_reason": None, **piece}]}, last]
    for payload in payloads_of("suffix_infill", [*(sse(frame) for frame in frames), b"data: [DONE]\n\n"]):
        reader.feed(payload)
    reply = reader.finish()
    assert (text_of(reply.message), reply.finish) == ("1", "stop")
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (5, 1)
