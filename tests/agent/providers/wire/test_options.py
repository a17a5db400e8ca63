"""What each wire makes of the options of a request. One table a wire; `None` in a row: the body does not have the field."""

from dataclasses import replace
from typing import Any, cast

import pytest
from tests.agent.providers.wire.conversation import ASK, EFFORTS, READ, SCHEMA, ask, body, endpoint

from tallystick_agent.protocol.chat import ChatRequest, Onward, Reasoning
from tallystick_agent.protocol.messages import ImagePart, TextPart, UserMessage
from tallystick_agent.protocol.model_info import ReasoningRule, WireName
from tallystick_agent.providers.dialects import DIALECTS
from tallystick_agent.providers.wire.formats import wire_of

CLOUDS: tuple[WireName, ...] = ("openai_chat", "openai_responses", "anthropic", "gemini")
WIRES: tuple[WireName, ...] = (*CLOUDS, "ollama")


def field(found: Any, path: str) -> Any:
    """What stands at a dotted path; `None` where nothing does."""
    for name in path.split("."):
        found = cast(dict[str, Any], found).get(name) if isinstance(found, dict) else None
    return found


Row = tuple[WireName, dict[str, Any], str, Any]
TOOLS: dict[str, Any] = {"tools": (READ,)}
ROWS: list[Row] = [
    ("openai_chat", {"temperature": 0.0}, "temperature", 0.0),
    ("openai_chat", {"top_p": 0.5}, "top_p", 0.5),
    ("openai_chat", {"seed": 7}, "seed", 7),
    ("openai_chat", {"stop": ("a", "b")}, "stop", ["a", "b"]),
    ("openai_chat", {**TOOLS, "tool_choice": "required"}, "tool_choice", "required"),
    ("openai_chat", {**TOOLS, "tool_choice": "none"}, "tool_choice", "none"),
    ("openai_chat", TOOLS, "tool_choice", None),
    ("openai_chat", {"tool_choice": "required"}, "tool_choice", None),
    ("openai_chat", {**TOOLS, "parallel_calls": False}, "parallel_tool_calls", False),
    ("openai_chat", {"stream": False}, "stream_options", None),
    ("openai_responses", {"temperature": 0.0}, "temperature", 0.0),
    ("openai_responses", {"top_p": 0.5}, "top_p", 0.5),
    ("openai_responses", {**TOOLS, "tool_choice": "required"}, "tool_choice", "required"),
    ("openai_responses", {**TOOLS, "parallel_calls": True}, "parallel_tool_calls", True),
    ("openai_responses", {"max_output_tokens": 3}, "max_output_tokens", 16),
    ("openai_responses", {"session_key": "s" * 90}, "prompt_cache_key", "s" * 64),
    ("openai_responses", {"seed": 7}, "seed", None),
    ("anthropic", {"temperature": 0.0}, "temperature", 0.0),
    ("anthropic", {"top_p": 0.5}, "top_p", 0.5),
    ("anthropic", {"seed": 7}, "seed", None),
    ("anthropic", {"stop": ("a",)}, "stop_sequences", ["a"]),
    ("anthropic", {**TOOLS, "tool_choice": "required"}, "tool_choice", {"type": "any"}),
    ("anthropic", {**TOOLS, "tool_choice": "none", "parallel_calls": False}, "tool_choice", {"type": "none"}),
    (
        "anthropic",
        {**TOOLS, "parallel_calls": False},
        "tool_choice",
        {"type": "auto", "disable_parallel_tool_use": True},
    ),
    ("anthropic", TOOLS, "tool_choice", None),
    ("anthropic", {"stream": False}, "stream", False),
    ("gemini", {"temperature": 0.0}, "generationConfig.temperature", 0.0),
    ("gemini", {"top_p": 0.5}, "generationConfig.topP", 0.5),
    ("gemini", {"seed": 7}, "generationConfig.seed", 7),
    ("gemini", {"stop": tuple("abcdef")}, "generationConfig.stopSequences", list("abcde")),
    ("gemini", {**TOOLS, "tool_choice": "required"}, "toolConfig", {"functionCallingConfig": {"mode": "ANY"}}),
    ("gemini", {**TOOLS, "tool_choice": "none"}, "toolConfig", {"functionCallingConfig": {"mode": "NONE"}}),
    ("gemini", TOOLS, "toolConfig", None),
    ("gemini", {"web": True}, "tools", [{"googleSearch": {}}]),
    ("ollama", {"temperature": 0.0}, "options.temperature", 0.0),
    ("ollama", {"top_p": 0.5}, "options.top_p", 0.5),
    ("ollama", {"seed": 7}, "options.seed", 7),
    ("ollama", {"stop": ("a",)}, "options.stop", ["a"]),
    ("ollama", {"stream": False}, "stream", False),
    ("ollama", {}, "options.num_ctx", None),
]


@pytest.mark.parametrize(("wire", "fields", "path", "value"), ROWS, ids=[f"{row[0]}-{row[2]}-{row[3]}" for row in ROWS])
def test_an_option(wire: WireName, fields: dict[str, Any], path: str, value: Any) -> None:
    assert field(body(ask(**fields), endpoint(wire)), path) == value


@pytest.mark.parametrize("wire", CLOUDS)
def test_sampling_is_left_out_where_the_endpoint_rejects_it(wire: WireName) -> None:
    """Anthropic's newer versions answer a temperature with a 400; so do models of OpenAI that reason."""
    text = str(body(ask(temperature=0.3, top_p=0.4), endpoint(wire, sampling=False)))
    assert "0.3" not in text
    assert "0.4" not in text


def test_the_version_header_of_anthropic_is_ours() -> None:
    at = endpoint("anthropic")
    assert wire_of(at, ask()).headers(ask(), at) == {"anthropic-version": "2023-06-01"}


@pytest.mark.parametrize(
    ("wire", "dialect", "headers", "fields"),
    [
        ("openai_chat", "openai", {}, {"prompt_cache_key"}),
        ("openai_chat", "openrouter", {}, {"session_id"}),
        ("openai_chat", "xai", {"x-grok-conv-id": "s-1"}, set[str]()),
        ("openai_chat", "fireworks", {}, {"user"}),
        ("openai_chat", "groq", {}, set[str]()),
        ("openai_chat", "mistral", {}, set[str]()),
        ("openai_responses", "openai", {}, {"prompt_cache_key"}),
        ("openai_responses", "xai", {"x-grok-conv-id": "s-1"}, set[str]()),
    ],
)
def test_a_session_keeps_its_warm_cache_by_name(wire: WireName, dialect: str, headers: dict[str, str], fields: set[str]) -> None:
    at, request = endpoint(wire, dialect=dialect), ask(session_key="s-1")
    assert wire_of(at, request).headers(request, at) == headers
    assert {name for name, value in body(request, at).items() if value == "s-1"} == fields


@pytest.mark.parametrize(
    ("dialect", "present", "absent"),
    [
        ("openai", {"max_completion_tokens", "stream_options", "seed", "parallel_tool_calls"}, {"max_tokens"}),
        ("openrouter", {"max_tokens", "models", "provider", "plugins"}, {"max_completion_tokens"}),
        ("deepseek", {"max_tokens"}, {"seed", "parallel_tool_calls", "models"}),
        ("mistral", {"max_tokens", "parallel_tool_calls"}, {"seed", "reasoning_effort"}),
        ("groq", {"max_completion_tokens", "reasoning_effort", "reasoning_format"}, {"max_tokens"}),
        ("xai", {"max_tokens", "reasoning_effort"}, {"session_id"}),
        ("together", {"max_tokens"}, {"parallel_tool_calls"}),
        ("ollama", {"max_tokens", "reasoning_effort"}, {"tool_choice", "parallel_tool_calls"}),
        ("llamacpp", {"max_tokens", "chat_template_kwargs"}, {"tool_choice"}),
        ("vllm", {"max_tokens", "chat_template_kwargs", "tool_choice"}, {"models"}),
    ],
)
def test_how_servers_of_openais_kind_differ(dialect: str, present: set[str], absent: set[str]) -> None:
    request = ask(
        tools=(READ,),
        tool_choice="required",
        parallel_calls=True,
        seed=1,
        reasoning=Reasoning(effort="high"),
        onward=Onward(models=("x/z",), provider={"sort": "price"}),
        web=True,
    )
    names = set(body(request, endpoint("openai_chat", dialect=dialect, reasoning=EFFORTS)))
    assert present <= names
    assert not absent & names


def test_vllm_is_asked_for_the_usage_on_every_chunk() -> None:
    """So a stream that breaks is still counted (§3.5)."""
    options = body(ask(), endpoint("openai_chat", dialect="vllm"))["stream_options"]
    assert options == {"include_usage": True, "continuous_usage_stats": True}


@pytest.mark.parametrize(
    ("dialect", "found"),
    [
        ("openai", {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA}}),
        ("deepseek", {"type": "json_object"}),
        ("qwen", {"type": "json_object"}),
    ],
)
def test_a_schema_as_far_as_the_server_knows_schemas(dialect: str, found: dict[str, Any]) -> None:
    assert body(ask(response_schema=SCHEMA), endpoint("openai_chat", dialect=dialect))["response_format"] == found


@pytest.mark.parametrize("wire", WIRES)
def test_a_picture_that_is_an_address(wire: WireName) -> None:
    picture = ImagePart(media_type="image/png", url="https://example.org/a.png")
    request = ask(UserMessage(parts=(TextPart(text="Look."), picture)))
    assert "https://example.org/a.png" in str(body(request, endpoint(wire)))
    assert "base64" not in str(body(request, endpoint(wire)))


def test_the_context_of_ollama_is_the_endpoints_window() -> None:
    at = replace(endpoint("ollama"), window_tokens=32_768)
    assert body(ask(), at)["options"]["num_ctx"] == 32_768


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("style", ["effort", "budget", "adaptive", "toggle"])
def test_no_dialect_is_sent_an_empty_wish(dialect: str, style: Any) -> None:
    at = endpoint("openai_chat", dialect=dialect, reasoning=ReasoningRule(style=style))
    for wish in (Reasoning(effort="none"), Reasoning(effort="high"), Reasoning(max_tokens=2_000), Reasoning(exclude=True)):
        for most in (500, 4_096):
            found = body(ChatRequest(system="", messages=(ASK,), max_output_tokens=most, reasoning=wish), at)
            assert found.get("reasoning", "absent") not in ({}, None)
            assert found.get("reasoning_effort", "absent") is not None
