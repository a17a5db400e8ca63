"""Chunks of a shape that nobody documented: each is the provider's error, to be tried again, and never a bug of ours."""

import json
from typing import Any

import pytest

from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.dialects import dialect_of
from tallystick_agent.providers.wire.openai_chat_stream import OpenAIChatDecoder

ENDPOINT = Endpoint(slug="openai/m", provider="openai", model="m", base_url="http://127.0.0.1:9/v1")


def decoder() -> OpenAIChatDecoder:
    return OpenAIChatDecoder(ENDPOINT, dialect_of("openai"))


ODD: list[dict[str, Any]] = [
    {"choices": [None]},
    {"choices": [{"delta": "text"}]},
    {"choices": [{"delta": {"tool_calls": [None]}}]},
    {"choices": [{"delta": {}, "finish_reason": "malformed_function_call"}]},
    {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": [1]}},
    {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": "x"}}},
]


@pytest.mark.parametrize("chunk", ODD)
def test_an_unknown_shape_is_an_error_that_may_be_tried_again(chunk: dict[str, Any]) -> None:
    with pytest.raises(ProviderError) as caught:
        decoder().feed(json.dumps(chunk))
    assert caught.value.retryable


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": -5, "completion_tokens": -2}, {"prompt_tokens": 10**30, "completion_tokens": 1}]
)
def test_counts_that_cannot_be_are_taken_as_none(usage: dict[str, int]) -> None:
    one = decoder()
    one.feed(json.dumps({"choices": [{"delta": {"content": "Hello."}, "finish_reason": "stop"}], "usage": usage}))
    assert one.finish().usage is None


def test_a_call_that_nobody_finished_is_never_whole() -> None:
    one = decoder()
    call = {"index": 0, "id": "c", "function": {"name": "run_command", "arguments": '{"command": "ls"}'}}
    one.feed(json.dumps({"choices": [{"delta": {"tool_calls": [call]}}]}))
    one.feed("[DONE]")
    with pytest.raises(ProviderError) as caught:
        one.finish()
    assert caught.value.code == "provider_stream_cut"
