"""Telling an answer in Anthropic Messages, whole and as events. Owns that JSON on its way out."""

import json
from typing import Any, Final, cast

from tallystick_agent.protocol.chat import ReasoningDelta, Reply, StreamEvent, TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.messages import ReasoningPart, TextPart, ToolCallPart
from tallystick_agent.protocol.relay import RelayAnswer
from tallystick_server.gateway.dialects import messages_request
from tallystick_server.gateway.dialects.base import Asked, Passed, Writer, kind_of, native_of, raw_sse, sse
from tallystick_server.gateway.failures import kind_of_error

_STOP: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "repetition": "end_turn",
}
_KINDS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    503: "overloaded_error",
}


def usage_of(answer: RelayAnswer) -> dict[str, Any]:
    """This API's `input_tokens` leaves out what was read from a cache or written to it."""
    used = answer.usage
    return {
        "input_tokens": used.input_tokens - used.cached_tokens - used.cache_write_tokens,
        "cache_creation_input_tokens": used.cache_write_tokens,
        "cache_read_input_tokens": used.cached_tokens,
        "output_tokens": used.output_tokens,
    }


def _input(arguments: str) -> dict[str, Any]:
    """A call's arguments as an object; those of a call that broke are none that could run."""
    try:
        found: Any = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return {"invalid_arguments": arguments[:400]}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {"invalid_arguments": arguments[:400]}


def whole(asked: Asked, answer: RelayAnswer, answer_id: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    sealed = native_of(answer.reply)
    for part in answer.reply.message.parts:
        match part:
            case ReasoningPart():
                content.append({"type": "thinking", "thinking": part.text, "signature": sealed})
            case TextPart():
                content.append({"type": "text", "text": part.text})
            case ToolCallPart():
                content.append({"type": "tool_use", "id": part.call_id, "name": part.name, "input": _input(part.arguments)})
    return {
        "id": answer_id,
        "type": "message",
        "role": "assistant",
        "model": answer.reply.served_model or answer.endpoint,
        "content": content,
        "stop_reason": _STOP[answer.reply.finish],
        "stop_sequence": None,
        "usage": usage_of(answer),
    }


class MessagesWriter:
    def __init__(self, asked: Asked, answer_id: str) -> None:
        self._asked = asked
        self._id = answer_id
        self._begun = False
        self._open: str = ""
        """The kind of the open block, with the call's number where it is one."""
        self._index = -1
        self._calls: set[int] = set()

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        usage = {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}
        message: dict[str, Any] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._asked.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        return sse({"type": "message_start", "message": message}, "message_start")

    def event(self, event: StreamEvent) -> bytes:
        match event:
            case TextDelta():
                begun = self._block("text", {"type": "text", "text": ""})
                return begun + self._delta({"type": "text_delta", "text": event.text})
            case ReasoningDelta():
                begun = self._block("thinking", {"type": "thinking", "thinking": "", "signature": ""})
                return begun + self._delta({"type": "thinking_delta", "thinking": event.text})
            case ToolCallDelta():
                begun = self._call(event.index, event.call_id, event.name)
                return begun + self._delta({"type": "input_json_delta", "partial_json": event.text})

    def _call(self, index: int, call_id: str, name: str) -> bytes:
        self._calls.add(index)
        named = call_id or f"call_{self._id}_{index}"
        return self._block(f"tool_use {index}", {"type": "tool_use", "id": named, "name": name, "input": {}})

    def _block(self, kind: str, block: dict[str, Any]) -> bytes:
        if self._open == kind:
            return b""
        found = self._begin() + self._close()
        self._open, self._index = kind, self._index + 1
        started = {"type": "content_block_start", "index": self._index, "content_block": block}
        return found + sse(started, "content_block_start")

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return sse({"type": "content_block_delta", "index": self._index, "delta": delta}, "content_block_delta")

    def _close(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return sse({"type": "content_block_stop", "index": self._index}, "content_block_stop")

    def passed(self, data: tuple[str, ...]) -> Passed:
        now: list[bytes] = []
        later: list[bytes] = []
        for one in data:
            kind = kind_of(one)
            (later if kind == "message_stop" else now).append(raw_sse(one, kind))
        # It has begun by itself: nothing of ours may begin it again.
        self._begun = self._begun or bool(now)
        return Passed(now=b"".join(now), later=b"".join(later))

    def end(self, answer: RelayAnswer) -> bytes:
        reply = answer.reply
        found = self._begin() + self._sealed(reply)
        calls = [part for part in reply.message.parts if isinstance(part, ToolCallPart)]
        for index, call in enumerate(calls):
            if index not in self._calls:
                found += self._call(index, call.call_id, call.name)
                found += self._delta({"type": "input_json_delta", "partial_json": call.arguments})
        found += self._close()
        stopped = {"stop_reason": _STOP[reply.finish], "stop_sequence": None}
        delta = {"type": "message_delta", "delta": stopped, "usage": usage_of(answer)}
        return found + sse(delta, "message_delta") + sse({"type": "message_stop"}, "message_stop")

    def _sealed(self, reply: Reply) -> bytes:
        """The blocks of thoughts that the caller has to give back: they are whole only at the end."""
        sealed = native_of(reply)
        if not sealed:
            return b""
        found = self._block("sealed", {"type": "thinking", "thinking": "", "signature": ""})
        return found + self._delta({"type": "signature_delta", "signature": sealed})

    def failure(self, error: TallystickError, status: int) -> bytes:
        return sse(failure(error, status), "error")

    def alive(self) -> bytes:
        # What begins a message has to wait for who answers: it may be passed on, with a beginning of its own.
        return sse({"type": "ping"}, "ping") if self._begun else b": TALLYSTICK PROCESSING\n\n"


def failure(error: TallystickError, status: int) -> dict[str, Any]:
    remedy = f" {error.remedy}" if error.remedy else ""
    kind = _KINDS.get(status, "invalid_request_error" if status < 500 else "api_error")
    told = {"type": kind, "message": f"{error.message}{remedy}", "error_type": kind_of_error(error)}
    return {"type": "error", "error": {**told, "tallystick_code": error.code}}


class MessagesDialect:
    name = "messages"

    def __init__(self) -> None:
        self.read = messages_request.read
        self.whole = whole
        self.error = failure

    def writer(self, asked: Asked, answer_id: str) -> Writer:
        return MessagesWriter(asked, answer_id)
