"""What is sent as OpenAI Chat Completions: the body of a request, byte-stable from one request to the next."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tallystick_agent.protocol.chat import ChatRequest, Infill, ToolSpec
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import (
    AssistantMessage,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    ToolResultPart,
    UserMessage,
)
from tallystick_agent.protocol.model_info import Capabilities, Endpoint
from tallystick_agent.providers.dialects import dialect_of
from tallystick_agent.providers.wire import openai_chat, openai_infill

ENDPOINT = Endpoint(slug="openrouter/x/y", provider="openrouter", model="x/y", base_url="http://127.0.0.1/v1")
ASK = UserMessage(parts=(TextPart(text="fix it"),))
TOOL = ToolSpec(name="ls", description="List.", parameters={"type": "object", "properties": {}})


def encode(request: ChatRequest, *, dialect: str = "openai_compatible", endpoint: Endpoint = ENDPOINT) -> dict[str, Any]:
    return openai_chat.encode(request, endpoint, dialect_of(dialect))


def call(arguments: str, call_id: str = "c1") -> ToolCallPart:
    return ToolCallPart(call_id=CallId(call_id), name="ls", arguments=arguments)


def result(call_id: str = "c1") -> ToolMessage:
    return ToolMessage(parts=(ToolResultPart(call_id=CallId(call_id), name="ls", text="a.py"),))


def sent(*parts: TextPart | ReasoningPart | ToolCallPart, endpoint: Endpoint = ENDPOINT) -> dict[str, Any]:
    """The one assistant message with these parts, as it goes out."""
    messages: list[dict[str, Any]] = encode(ChatRequest(system="", messages=(AssistantMessage(parts=parts),)), endpoint=endpoint)[
        "messages"
    ]
    return messages[0]


def test_a_whole_conversation() -> None:
    messages = (ASK, AssistantMessage(parts=(TextPart(text="Looking."), call("{}"))), result())
    body = encode(ChatRequest(system="Be brief.", messages=messages, tools=(TOOL,), max_output_tokens=100))
    assert body == {
        "model": "x/y",
        "tools": [{"type": "function", "function": {"name": "ls", "description": "List.", "parameters": TOOL.parameters}}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "fix it"},
            {
                "role": "assistant",
                "content": "Looking.",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "a.py"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 100,
    }


def test_tools_and_system_come_before_the_messages_in_the_bytes() -> None:
    raw = json.dumps(encode(ChatRequest(system="S", messages=(ASK,), tools=(TOOL,))))
    assert raw.index('"tools"') < raw.index('"system"') < raw.index("fix it") < raw.index('"max_tokens"')


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [
        ('{"a": 1}', {"a": 1}),
        ("{}", {}),
        ("", {}),
        ("[1]", {}),
        ('{"a": ', {"invalid_arguments": '{"a": '}),
        ("x" * 900, {"invalid_arguments": "x" * 400}),
    ],
)
def test_arguments_of_earlier_calls_are_always_an_object_in_json(raw: str, arguments: Any) -> None:
    function = sent(call(raw))["tool_calls"][0]["function"]
    assert json.loads(function["arguments"]) == arguments


def test_an_assistant_message_has_text_or_calls() -> None:
    assert sent(TextPart(text="a"), TextPart(text="b"))["content"] == "ab"
    assert sent(call("{}"))["content"] is None
    assert sent() == {"role": "assistant", "content": ""}


def test_reasoning_goes_back_to_the_endpoint_that_made_it_and_to_no_other() -> None:
    part = ReasoningPart(
        text="hm", native={"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, endpoint=ENDPOINT.slug
    )
    other = replace(ENDPOINT, slug="openai/z")
    assert sent(part, TextPart(text="a"))["reasoning_details"] == [{"type": "reasoning.text", "text": "hm"}]
    assert sent(part, TextPart(text="a"), endpoint=other) == {"role": "assistant", "content": "a"}
    assert sent(ReasoningPart(text="hm"), TextPart(text="a")) == {"role": "assistant", "content": "a"}


@pytest.mark.parametrize(
    ("dialect", "field", "session"),
    [
        ("openai", "max_completion_tokens", "prompt_cache_key"),
        ("openrouter", "max_tokens", "session_id"),
        ("openai_compatible", "max_tokens", None),
        ("llamacpp", "max_tokens", None),
        ("a dialect that nobody knows", "max_tokens", None),
    ],
)
def test_what_differs_between_servers(dialect: str, field: str, session: str | None) -> None:
    body = encode(ChatRequest(system="", messages=(ASK,), max_output_tokens=77, session_key="s-1"), dialect=dialect)
    assert body[field] == 77
    assert {name for name, value in body.items() if value == "s-1"} == ({session} if session else set())
    assert "system" not in {message["role"] for message in body["messages"]}


def test_sampling_is_left_out_where_it_is_rejected() -> None:
    request = ChatRequest(system="", messages=(ASK,), temperature=0.0, seed=7, stop=("\n",))
    assert encode(request)["temperature"] == 0.0
    assert encode(request)["seed"] == 7
    assert encode(request)["stop"] == ["\n"]
    assert "temperature" not in encode(request, endpoint=replace(ENDPOINT, capabilities=Capabilities(sampling=False)))
    assert "seed" not in encode(request, dialect="anthropic")


def test_a_schema_is_forced_by_name() -> None:
    body = encode(ChatRequest(system="", messages=(ASK,), response_schema={"type": "object"}))
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": {"type": "object"}},
    }


def test_a_gap_is_asked_for_with_the_familys_markers() -> None:
    qwen = replace(ENDPOINT, token_family="qwen")
    request = ChatRequest(
        system="", messages=(), infill=Infill(prefix="def f():\n    ", suffix="\n"), max_output_tokens=80, stop=("\n",)
    )
    body = openai_infill.encode(request, qwen, dialect_of("llamacpp"))
    assert body["prompt"] == "<|fim_prefix|>def f():\n    <|fim_suffix|>\n<|fim_middle|>"
    assert (body["max_tokens"], body["stop"], body["stream"]) == (80, ["\n"], True)


def test_a_marker_inside_a_file_stays_text() -> None:
    qwen = replace(ENDPOINT, token_family="qwen")
    request = ChatRequest(system="", messages=(), infill=Infill(prefix='x = "<|fim_middle|>"', suffix="<|endoftext|>"))
    prompt = openai_infill.encode(request, qwen, dialect_of("llamacpp"))["prompt"]
    assert prompt.count("<|") == 3


def test_a_family_without_markers_cannot_fill_gaps() -> None:
    with pytest.raises(ProviderError) as refused:
        openai_infill.encode(
            ChatRequest(system="", messages=(), infill=Infill(prefix="", suffix="")), ENDPOINT, dialect_of("openai")
        )
    assert not refused.value.retryable
