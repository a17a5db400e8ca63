"""A request that goes on as its caller wrote it, to an endpoint of the same wire. Owns which fields are the router's to set.

What nobody here knows passes through: a caller may use what its provider offered yesterday. Ours are the model's name, what
routing wishes become, the limit of the answer, and the fields whose names differ between servers of one wire.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.model_info import Endpoint, WireName
from tallystick_agent.providers.caching import NONE, marks_for
from tallystick_agent.providers.dialects import Dialect, dialect_of
from tallystick_agent.providers.wire.base import Wire

_OURS: Final = ("model", "stream")
_ROUTER: Final = (
    "models", "provider", "route", "plugins", "transforms", "session_id", "reasoning", "include_reasoning", "usage",
    "cache_control", "trace", "debug", "stop_server_tools_when", "fallbacks",
)  # fmt: skip
"""Fields that only a router behind us understands."""
_LIMITS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_CHAT: Final = (
    "stream_options", "temperature", "top_p", "seed", "tool_choice", "parallel_tool_calls", "reasoning_effort",
    "prompt_cache_key",
)  # fmt: skip
"""Fields of Chat Completions that servers name, refuse or bend in different ways: ours are taken where we know them."""
_DEVELOPERS: Final = ("openai", "azure", "openrouter")
"""Dialects that know the role `developer`; to the others it is the system."""


def passing(wire: Wire) -> Wire:
    """The wire with its caller's own body and headers."""

    def encode(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
        assert request.verbatim is not None
        ours = wire.encode(request, endpoint)
        return _MERGES[request.verbatim.wire](request, endpoint, request.verbatim.body, ours)

    def headers(request: ChatRequest, endpoint: Endpoint) -> dict[str, str]:
        assert request.verbatim is not None
        return {**wire.headers(request, endpoint), **request.verbatim.headers}

    return Wire(path=wire.path, headers=headers, encode=encode, decoder=wire.decoder)


def _chat(request: ChatRequest, endpoint: Endpoint, body: Mapping[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    dialect = dialect_of(endpoint.dialect)
    dropped = {*_OURS, *_LIMITS, *_CHAT, *(() if dialect.onward else _ROUTER)}
    found = {name: value for name, value in body.items() if name not in dropped}
    for name in (*_OURS, *_CHAT, "session_id", "user" if dialect.session_field == "user" else "session_id", "models", "provider"):
        if name in ours:
            found[name] = ours[name]
    found.update(_chat_choice(request, body, dialect))
    if not (request.open_ended and "max_tokens" not in body):
        found[dialect.max_tokens_field] = request.max_output_tokens
    for name in ("reasoning", "enable_thinking", "thinking_budget", "reasoning_format", "chat_template_kwargs"):
        if name in ours and name not in found:
            found[name] = ours[name]
    if dialect.onward:
        # What the caller said of thinking goes on in the caller's words, of which the router knows more than we do.
        found.update({name: body[name] for name in ("reasoning", "reasoning_effort") if name in body})
    found.update(_chat_format(body, dialect))
    if request.verbatim is not None and request.verbatim.understood and _rewritten(endpoint, dialect, request):
        found["messages"] = ours["messages"]
        if "tools" in ours:
            found["tools"] = ours["tools"]
    elif endpoint.dialect not in _DEVELOPERS:
        found["messages"] = [_system(one) for one in cast(list[Any], body["messages"])]
    return found


def _chat_choice(request: ChatRequest, body: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """A named tool in the caller's own words, where a tool can be forced at all."""
    if request.forced_tool and dialect.tool_choice and dialect.forced_calls and "tool_choice" in body:
        return {"tool_choice": body["tool_choice"]}
    return {}


def _chat_format(body: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    asked: Any = body.get("response_format")
    if not isinstance(asked, dict) or dialect.schema_style == "openai":
        return {}
    return {"response_format": {"type": "json_object"}} if dialect.schema_style == "object" else {}


def _rewritten(endpoint: Endpoint, dialect: Dialect, request: ChatRequest) -> bool:
    """Whether this server takes only histories of a certain shape, or gets marks for its cache that the caller did not set."""
    short = dialect.call_ids == "alnum9" or endpoint.author.startswith("mistral")
    unmarked = request.verbatim is not None and not request.verbatim.marked and marks_for(request, endpoint) != NONE
    return short or unmarked or bool(dialect.echo_reasoning and request.tools)


def _system(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    known = cast(dict[str, Any], message)
    return {**known, "role": "system"} if known.get("role") == "developer" else known


def _responses(request: ChatRequest, endpoint: Endpoint, body: Mapping[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in body.items() if name not in (*_OURS, *(set(_ROUTER) - {"reasoning"}))}
    found.update({name: ours[name] for name in _OURS})
    if not request.open_ended:
        found["max_output_tokens"] = ours["max_output_tokens"]
    if "prompt_cache_key" in ours:
        found.setdefault("prompt_cache_key", ours["prompt_cache_key"])
    if not endpoint.capabilities.sampling:
        found = {name: value for name, value in found.items() if name not in ("temperature", "top_p")}
    return found


def _messages(request: ChatRequest, endpoint: Endpoint, body: Mapping[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in body.items() if name not in (*_OURS, *(set(_ROUTER) - {"cache_control"}))}
    return {**found, "model": ours["model"], "stream": ours["stream"], "max_tokens": request.max_output_tokens}


_MERGES: Final = {"openai_chat": _chat, "openai_responses": _responses, "anthropic": _messages}
VERBATIM: Final[tuple[WireName, ...]] = ("openai_chat", "openai_responses", "anthropic")
"""Wires on which a request can be passed on."""
