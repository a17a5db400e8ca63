"""Anthropic Messages: the request. Owns its JSON; reading is in `anthropic_stream`.

The version header is pinned here: later versions of it reject sampling parameters. Every tool result stands first in the
user message after its call.
"""

from typing import Any, Final, cast

from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.messages import AssistantMessage, ImagePart, TextPart
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.caching import marks_for
from tallystick_agent.providers.reasoning import Asked, resolve
from tallystick_agent.providers.wire.anthropic_stream import AnthropicDecoder
from tallystick_agent.providers.wire.base import Decoder, Wire
from tallystick_agent.providers.wire.history import UserTurn, arguments_object, call_parts, native_of, text_parts, turns

PATH: Final = "/messages"
VERSION: Final = "2023-06-01"
_MARK: Final[dict[str, Any]] = {"cache_control": {"type": "ephemeral"}}
_UNMARKED: Final = ("thinking", "redacted_thinking")
"""Blocks that take no mark."""
_EMPTY: Final = "(nothing)"
"""Stands for a text that the API would refuse because it is empty."""


def encode(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    """The request body. Key order is fixed so that equal prefixes stay equal bytes."""
    marks = marks_for(request, endpoint)
    asked = resolve(request.reasoning, endpoint.capabilities.reasoning, request.max_output_tokens)
    body: dict[str, Any] = {"model": endpoint.model}
    if request.tools:
        body["tools"] = [{"name": t.name, "description": t.description, "input_schema": t.parameters} for t in request.tools]
        if marks.tools:
            body["tools"][-1].update(_MARK)
    if request.system:
        body["system"] = [{"type": "text", "text": request.system, **(_MARK if marks.system else {})}]
    body["messages"] = _messages(request, endpoint, marks.messages)
    body["max_tokens"] = request.max_output_tokens
    body["stream"] = request.stream
    thinking = _thinking(asked, endpoint)
    body.update(thinking)
    thinks = _thinks(thinking, endpoint)
    if endpoint.capabilities.sampling and not thinks:
        sampling = {"temperature": request.temperature, "top_p": request.top_p}
        body.update({name: value for name, value in sampling.items() if value is not None})
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    body.update(_choice(request, forced=not thinks))
    if request.response_schema is not None:
        shape = {"type": "json_schema", "schema": request.response_schema}
        body["output_config"] = {**body.get("output_config", {}), "format": shape}
    return body


def _thinks(thinking: dict[str, Any], endpoint: Endpoint) -> bool:
    """Whether it will think: then it takes neither a temperature nor a forced call."""
    rule = endpoint.capabilities.reasoning
    kind = cast(dict[str, Any], thinking.get("thinking") or {}).get("type")
    return kind in ("enabled", "adaptive") or (rule is not None and rule.mandatory)


def _thinking(asked: Asked | None, endpoint: Endpoint) -> dict[str, Any]:
    rule = endpoint.capabilities.reasoning
    if asked is None or rule is None:
        return {}
    if asked.silent and not rule.mandatory:
        return {}
    if not asked.on:
        return {"thinking": {"type": "disabled"}}
    shown: dict[str, Any] = {"display": "omitted"} if asked.exclude else {}
    if rule.style == "budget":
        # A model of this kind does not measure by itself, and thinks only when it is told how much.
        return {"thinking": {"type": "enabled", "budget_tokens": asked.budget, **shown}} if asked.budget else {}
    effort = {"output_config": {"effort": asked.effort}} if asked.effort and asked.effort != "none" else {}
    return {"thinking": {"type": "adaptive", **shown}, **effort}


def _choice(request: ChatRequest, *, forced: bool) -> dict[str, Any]:
    if not request.tools:
        return {}
    kind = {"auto": "auto", "none": "none", "required": "any" if forced else "auto"}[request.tool_choice]
    single = request.parallel_calls is False and kind != "none"
    if kind == "auto" and not single:
        return {}
    named = {"type": "tool", "name": request.forced_tool} if kind == "any" and request.forced_tool else {"type": kind}
    return {"tool_choice": {**named, **({"disable_parallel_tool_use": True} if single else {})}}


def _messages(request: ChatRequest, endpoint: Endpoint, marked: frozenset[int]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    left = sorted(marked)
    for end, turn in turns(request.messages):
        content = _assistant(turn, endpoint) if isinstance(turn, AssistantMessage) else _user(turn)
        if not content:
            continue
        here = [place for place in left if place <= end]
        if here and content[-1].get("type") not in _UNMARKED:
            # A mark stands at the end of the turn that its message became a part of.
            content[-1].update(_MARK)
        left = left[len(here) :]
        found.append({"role": "assistant" if isinstance(turn, AssistantMessage) else "user", "content": content})
    return found


def _user(turn: UserTurn) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [
        {
            "type": "tool_result",
            "tool_use_id": part.call_id,
            "content": part.text or _EMPTY,
            **({"is_error": True} if part.status != "ok" else {}),
        }
        for part in turn.results
    ]
    blocks += [_part(part) for part in turn.parts if not isinstance(part, TextPart) or part.text.strip()]
    return blocks or [{"type": "text", "text": _EMPTY}]


def _part(part: TextPart | ImagePart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if part.url:
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    return {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": part.data}}


def _assistant(message: AssistantMessage, endpoint: Endpoint) -> list[dict[str, Any]]:
    native = native_of(message, endpoint.slug)
    if isinstance(native, list):
        kept = _native(cast(list[dict[str, Any]], native), message)
        if kept is not None:
            return kept
    text = text_parts(message)
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text}] if text.strip() else []
    blocks += [
        {"type": "tool_use", "id": part.call_id, "name": part.name, "input": arguments_object(part.arguments)}
        for part in call_parts(message)
    ]
    return blocks


def _native(blocks: list[dict[str, Any]], message: AssistantMessage) -> list[dict[str, Any]] | None:
    """The blocks as they came, with the calls' present ids; `None` where the message is no longer what they say."""
    calls = list(call_parts(message))
    found: list[dict[str, Any]] = []
    for block in blocks:
        if block.get("type") == "text" and not str(block.get("text") or "").strip():
            # The API sends empty texts, and does not take them back.
            continue
        if block.get("type") != "tool_use":
            found.append(dict(block))
            continue
        if not calls or calls[0].name != block.get("name"):
            return None
        found.append({**block, "id": calls.pop(0).call_id})
    return None if calls else found


def _path(request: ChatRequest, endpoint: Endpoint) -> str:
    return PATH


def _headers(request: ChatRequest, endpoint: Endpoint) -> dict[str, str]:
    return {"anthropic-version": VERSION}


def _decoder(endpoint: Endpoint) -> Decoder:
    return AnthropicDecoder(endpoint)


WIRE: Final = Wire(path=_path, headers=_headers, encode=encode, decoder=_decoder)
