"""Anthropic Messages: the request. Owns its JSON; reading is in `anthropic_stream`.

The version header is pinned here: later versions of it reject sampling parameters. Every tool result stands first in the
user message after its call.
"""

from typing import Any, Final, cast

from tallystick_agent.protocol.messages import AssistantMessage, ImagePart, TextPart
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.caching import marks_for
from tallystick_agent.providers.reasoning import Asked, resolve
from tallystick_agent.providers.request import ChatRequest
from tallystick_agent.providers.wire.anthropic_stream import AnthropicDecoder
from tallystick_agent.providers.wire.base import Decoder, Wire
from tallystick_agent.providers.wire.history import UserTurn, arguments_object, call_parts, native_of, text_parts, turns

PATH: Final = "/messages"
VERSION: Final = "2023-06-01"
_MARK: Final[dict[str, Any]] = {"cache_control": {"type": "ephemeral"}}
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
    if endpoint.capabilities.sampling and not _thinks(asked):
        sampling = {"temperature": request.temperature, "top_p": request.top_p}
        body.update({name: value for name, value in sampling.items() if value is not None})
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    body.update(_choice(request, forced=not _thinks(asked)))
    if request.response_schema is not None:
        shape = {"type": "json_schema", "schema": request.response_schema}
        body["output_config"] = {**body.get("output_config", {}), "format": shape}
    return body


def _thinks(asked: Asked | None) -> bool:
    return asked is not None and asked.on


def _thinking(asked: Asked | None, endpoint: Endpoint) -> dict[str, Any]:
    rule = endpoint.capabilities.reasoning
    if asked is None or rule is None:
        return {}
    if not asked.on:
        return {"thinking": {"type": "disabled"}}
    shown: dict[str, Any] = {"display": "omitted"} if asked.exclude else {}
    if rule.style == "budget" and asked.budget:
        return {"thinking": {"type": "enabled", "budget_tokens": asked.budget, **shown}}
    effort = {"output_config": {"effort": asked.effort}} if asked.effort and asked.effort != "none" else {}
    return {"thinking": {"type": "adaptive", **shown}, **effort}


def _choice(request: ChatRequest, *, forced: bool) -> dict[str, Any]:
    if not request.tools:
        return {}
    kind = {"auto": "auto", "none": "none", "required": "any" if forced else "auto"}[request.tool_choice]
    single = request.parallel_calls is False and kind != "none"
    if kind == "auto" and not single:
        return {}
    return {"tool_choice": {"type": kind, **({"disable_parallel_tool_use": True} if single else {})}}


def _messages(request: ChatRequest, endpoint: Endpoint, marked: frozenset[int]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for turn in turns(request.messages):
        if isinstance(turn, AssistantMessage):
            content = _assistant(turn, endpoint)
            if content:
                found.append({"role": "assistant", "content": content})
        else:
            found.append({"role": "user", "content": _user(turn)})
    _mark(found, request, marked)
    return found


def _mark(found: list[dict[str, Any]], request: ChatRequest, marked: frozenset[int]) -> None:
    """Marks the last block of the turns that the marked messages became part of."""
    turn_of: dict[int, int] = {}
    number = -1
    previous = ""
    for place, message in enumerate(request.messages):
        role = "assistant" if message.role == "assistant" else "user"
        number += role != previous or role == "assistant"
        previous = role
        turn_of[place] = number
    for place in marked:
        turn = turn_of[place]
        if turn < len(found) and (turn == len(found) - 1 or place + 1 not in turn_of or turn_of[place + 1] != turn):
            block = cast(list[dict[str, Any]], found[turn]["content"])[-1]
            if block.get("type") not in ("thinking", "redacted_thinking"):
                block.update(_MARK)


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
