"""Telling an answer in OpenAI Chat Completions, whole and in chunks. Owns that JSON on its way out."""

import json
from typing import Any, Final, cast

from tallystick_agent.protocol.chat import ReasoningDelta, Reply, StreamEvent, TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.messages import ReasoningPart, TextPart, ToolCallPart
from tallystick_agent.protocol.relay import RelayAnswer
from tallystick_agent.protocol.usage import usd
from tallystick_server.gateway.dialects import chat_request
from tallystick_server.gateway.dialects.base import Asked, Passed, Writer, native_of, now_s, raw_sse, sse
from tallystick_server.gateway.failures import kind_of_error

_FINISH: Final = {"repetition": "stop"}
_DONE: Final = b"data: [DONE]\n\n"


def usage_of(answer: RelayAnswer) -> dict[str, Any]:
    """Tokens in the caller's words, and what was charged in dollars where that is known."""
    used = answer.usage
    cost = {"cost": float(usd(answer.cost.nanos))} if answer.cost.nanos is not None else {}
    return {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.total_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens, "cache_write_tokens": used.cache_write_tokens},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        **cost,
    }


def _details(reply: Reply) -> dict[str, Any]:
    sealed = native_of(reply)
    if not sealed:
        return {}
    return {"reasoning_details": [{"type": "reasoning.encrypted", "data": sealed, "format": chat_request.FORMAT, "index": 0}]}


def whole(asked: Asked, answer: RelayAnswer, answer_id: str) -> dict[str, Any]:
    reply = answer.reply
    text = "".join(part.text for part in reply.message.parts if isinstance(part, TextPart))
    thoughts = "".join(part.text for part in reply.message.parts if isinstance(part, ReasoningPart))
    calls = [part for part in reply.message.parts if isinstance(part, ToolCallPart)]
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None, "refusal": None}
    if thoughts:
        message["reasoning"] = thoughts
    message.update(_details(reply))
    if calls:
        message["tool_calls"] = [
            {"id": one.call_id, "type": "function", "function": {"name": one.name, "arguments": one.arguments or "{}"}}
            for one in calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": _FINISH.get(reply.finish, reply.finish), "logprobs": None}
    return {
        "id": answer_id,
        "object": "chat.completion",
        "created": now_s(),
        "model": reply.served_model or answer.endpoint,
        "provider": answer.provider,
        "choices": [choice],
        "usage": usage_of(answer),
    }


class ChatWriter:
    def __init__(self, asked: Asked, answer_id: str) -> None:
        self._asked = asked
        self._id = answer_id
        self._created = now_s()
        self._begun = False
        self._calls: set[int] = set()
        self._empty: set[int] = set()
        """Calls that have no arguments so far."""

    def event(self, event: StreamEvent) -> bytes:
        match event:
            case TextDelta():
                delta: dict[str, Any] = {"content": event.text}
            case ReasoningDelta():
                delta = {"reasoning": event.text}
            case ToolCallDelta():
                delta = {"tool_calls": [self._call(event.index, event.call_id, event.name, event.text)]}
        return self._chunk(delta)

    def _call(self, index: int, call_id: str, name: str, text: str) -> dict[str, Any]:
        piece: dict[str, Any] = {"index": index, "function": {"arguments": text}}
        if text:
            self._empty.discard(index)
        elif index not in self._calls:
            self._empty.add(index)
        if index not in self._calls:
            self._calls.add(index)
            piece = {"index": index, "id": call_id or f"call_{self._id}_{index}", "type": "function"}
            piece["function"] = {"name": name, "arguments": text}
        return piece

    def _chunk(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        if not self._begun:
            self._begun = True
            delta = {"role": "assistant", **({"content": ""} if "content" not in delta else {}), **delta}
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return sse({**self._frame(), "choices": choices, **more})

    def _frame(self) -> dict[str, Any]:
        return {"id": self._id, "object": "chat.completion.chunk", "created": self._created, "model": self._asked.model}

    def passed(self, data: tuple[str, ...]) -> Passed:
        now: list[bytes] = []
        later: list[bytes] = []
        for one in data:
            if one.strip() == "[DONE]":
                later.append(_DONE)
            elif self._asked.wants_usage or '"usage"' not in one or not _only_usage(one):
                now.append(raw_sse(one))
        return Passed(now=b"".join(now), later=b"".join(later))

    def end(self, answer: RelayAnswer) -> bytes:
        reply = answer.reply
        found = b""
        calls = [part for part in reply.message.parts if isinstance(part, ToolCallPart)]
        for index, call in enumerate(calls):
            if index not in self._calls:
                # Some endpoints tell a call without arguments only at the end.
                found += self._chunk({"tool_calls": [self._call(index, call.call_id, call.name, call.arguments or "{}")]})
            elif index in self._empty:
                # Callers read arguments as JSON.
                found += self._chunk({"tool_calls": [self._call(index, call.call_id, call.name, "{}")]})
        found += self._chunk(_details(reply), _FINISH.get(reply.finish, reply.finish), provider=answer.provider)
        if self._asked.wants_usage:
            found += sse({**self._frame(), "choices": [], "usage": usage_of(answer)})
        return found + _DONE

    def failure(self, error: TallystickError, status: int) -> bytes:
        choices = [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
        return sse({**self._frame(), "choices": choices, **failure(error, status)})

    def alive(self) -> bytes:
        return b": TALLYSTICK PROCESSING\n\n"


def _only_usage(data: str) -> bool:
    found = cast(dict[str, Any], json.loads(data))
    return not found.get("choices") and bool(found.get("usage"))


def failure(error: TallystickError, status: int) -> dict[str, Any]:
    remedy = f" {error.remedy}" if error.remedy else ""
    told = {"error_type": kind_of_error(error), "tallystick_code": error.code}
    return {
        "error": {
            "message": f"{error.message}{remedy}",
            "type": kind_of_error(error),
            "param": None,
            "code": status,
            "metadata": told,
        }
    }


class ChatDialect:
    name = "chat"

    def __init__(self) -> None:
        self.read = chat_request.read
        self.whole = whole
        self.error = failure

    def writer(self, asked: Asked, answer_id: str) -> Writer:
        return ChatWriter(asked, answer_id)
