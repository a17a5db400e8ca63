"""Telling an answer in OpenAI Responses, whole and as events. Owns that JSON on its way out."""

from collections.abc import Callable
from typing import Any, Final

from tallystick_agent.protocol.chat import ReasoningDelta, Reply, StreamEvent, TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.messages import ReasoningPart, TextPart, ToolCallPart
from tallystick_agent.protocol.relay import RelayAnswer
from tallystick_agent.protocol.usage import usd
from tallystick_server.gateway.dialects import responses_request
from tallystick_server.gateway.dialects.base import Asked, Passed, Writer, kind_of, native_of, now_s, raw_sse, sse
from tallystick_server.gateway.dialects.chat_answer import failure

_ENDS: Final = ("response.completed", "response.incomplete", "response.failed")
_REASONS: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


def usage_of(answer: RelayAnswer) -> dict[str, Any]:
    used = answer.usage
    cost = {"cost": float(usd(answer.cost.nanos))} if answer.cost.nanos is not None else {}
    return {
        "input_tokens": used.input_tokens,
        "input_tokens_details": {"cached_tokens": used.cached_tokens, "cache_write_tokens": used.cache_write_tokens},
        "output_tokens": used.output_tokens,
        "output_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        "total_tokens": used.total_tokens,
        **cost,
    }


def _frame(model: str, answer_id: str, status: str) -> dict[str, Any]:
    return {
        "id": f"resp_{answer_id}",
        "object": "response",
        "created_at": now_s(),
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "temperature": None,
        "top_p": None,
        "tool_choice": "auto",
        "tools": [],
        "previous_response_id": None,
        "store": False,
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _message(item_id: str, text: str, status: str) -> dict[str, Any]:
    content = [_text(text)] if status == "completed" else []
    return {"id": item_id, "type": "message", "role": "assistant", "status": status, "content": content}


def _call(item_id: str, call_id: str, name: str, arguments: str, status: str) -> dict[str, Any]:
    told = {"call_id": call_id, "name": name, "arguments": arguments}
    return {"id": item_id, "type": "function_call", "status": status, **told}


def _thought(item_id: str, text: str, sealed: str) -> dict[str, Any]:
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": item_id, "type": "reasoning", "summary": summary, **({"encrypted_content": sealed} if sealed else {})}


def _items(reply: Reply, answer_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    sealed = native_of(reply)
    for part in reply.message.parts:
        item_id = f"item_{answer_id}_{len(found)}"
        match part:
            case ReasoningPart():
                found.append(_thought(item_id, part.text, sealed))
            case TextPart():
                found.append(_message(item_id, part.text, "completed"))
            case ToolCallPart():
                found.append(_call(item_id, part.call_id, part.name, part.arguments or "{}", "completed"))
    return found


def _ended(asked: Asked, answer: RelayAnswer, answer_id: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    reason = _REASONS.get(answer.reply.finish)
    found = _frame(answer.reply.served_model or answer.endpoint, answer_id, "completed" if reason is None else "incomplete")
    if reason is not None:
        found["incomplete_details"] = {"reason": reason}
    return {**found, "output": output, "usage": usage_of(answer)}


def whole(asked: Asked, answer: RelayAnswer, answer_id: str) -> dict[str, Any]:
    return _ended(asked, answer, answer_id, _items(answer.reply, answer_id))


class ResponsesWriter:
    def __init__(self, asked: Asked, answer_id: str) -> None:
        self._asked = asked
        self._id = answer_id
        self._number = 0
        self._begun = False
        self._kind = ""
        self._item: dict[str, Any] = {}
        self._told: list[str] = []
        self._items: list[dict[str, Any]] = []
        self._calls: set[int] = set()

    def _tell(self, kind: str, **more: Any) -> bytes:
        found = sse({"type": kind, "sequence_number": self._number, **more}, kind)
        self._number += 1
        return found

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        frame = _frame(self._asked.model, self._id, "in_progress")
        return self._tell("response.created", response=frame) + self._tell("response.in_progress", response=frame)

    def event(self, event: StreamEvent) -> bytes:
        match event:
            case TextDelta():
                found = self._open("message", lambda name: _message(name, "", "in_progress"))
                return found + self._piece("response.output_text.delta", event.text, content_index=0, logprobs=[])
            case ReasoningDelta():
                found = self._open("reasoning", lambda name: _thought(name, "", ""))
                return found + self._piece("response.reasoning_summary_text.delta", event.text, summary_index=0)
            case ToolCallDelta():
                found = self._open_call(event.index, event.call_id, event.name)
                return found + self._piece("response.function_call_arguments.delta", event.text)

    def _open_call(self, index: int, call_id: str, name: str) -> bytes:
        self._calls.add(index)
        named = call_id or f"call_{self._id}_{index}"
        return self._open(f"function_call {index}", lambda item_id: _call(item_id, named, name, "", "in_progress"))

    def _piece(self, kind: str, text: str, **more: Any) -> bytes:
        self._told.append(text)
        place = {"item_id": self._item["id"], "output_index": len(self._items), **more}
        return self._tell(kind, **place, delta=text)

    def _open(self, kind: str, make: Callable[[str], dict[str, Any]]) -> bytes:
        if self._kind == kind:
            return b""
        found = self._begin() + self._close()
        self._kind, self._told = kind, []
        self._item = make(f"item_{self._id}_{len(self._items)}")
        found += self._tell("response.output_item.added", output_index=len(self._items), item=self._item)
        place = {"item_id": self._item["id"], "output_index": len(self._items)}
        if kind == "message":
            found += self._tell("response.content_part.added", **place, content_index=0, part=_text(""))
        elif kind == "reasoning":
            part = {"type": "summary_text", "text": ""}
            found += self._tell("response.reasoning_summary_part.added", **place, summary_index=0, part=part)
        return found

    def _close(self, sealed: str = "") -> bytes:
        if not self._kind:
            return b""
        text, item, found = "".join(self._told), self._item, b""
        place = {"item_id": item["id"], "output_index": len(self._items)}
        if self._kind == "message":
            item = _message(item["id"], text, "completed")
            found += self._tell("response.output_text.done", **place, content_index=0, text=text, logprobs=[])
            found += self._tell("response.content_part.done", **place, content_index=0, part=_text(text))
        elif self._kind == "reasoning":
            item = _thought(item["id"], text, sealed)
            part = {"type": "summary_text", "text": text}
            found += self._tell("response.reasoning_summary_text.done", **place, summary_index=0, text=text)
            found += self._tell("response.reasoning_summary_part.done", **place, summary_index=0, part=part)
        else:
            if not text:
                # Callers read arguments as JSON.
                text = "{}"
                found += self._tell("response.function_call_arguments.delta", **place, delta=text)
            item = {**item, "arguments": text, "status": "completed"}
            found += self._tell("response.function_call_arguments.done", **place, arguments=text)
        found += self._tell("response.output_item.done", output_index=len(self._items), item=item)
        self._items.append(item)
        self._kind = ""
        return found

    def passed(self, data: tuple[str, ...]) -> Passed:
        now: list[bytes] = []
        later: list[bytes] = []
        for one in data:
            kind = kind_of(one)
            (later if kind in _ENDS or not kind else now).append(raw_sse(one, kind))
        # It has begun by itself: what we may have to add goes on from there.
        self._begun, self._number = self._begun or bool(now), self._number + len(now)
        return Passed(now=b"".join(now), later=b"".join(later))

    def end(self, answer: RelayAnswer) -> bytes:
        found = self._begin() + self._close()
        calls = [part for part in answer.reply.message.parts if isinstance(part, ToolCallPart)]
        for index, call in enumerate(calls):
            if index not in self._calls:
                found += self._open_call(index, call.call_id, call.name)
                found += self._piece("response.function_call_arguments.delta", call.arguments) + self._close()
        sealed = native_of(answer.reply)
        if sealed:
            # The blocks are whole only now: they go as an item of their own, which the caller gives back with the others.
            item = _thought(f"item_{self._id}_{len(self._items)}", "", sealed)
            found += self._tell("response.output_item.added", output_index=len(self._items), item=item)
            found += self._tell("response.output_item.done", output_index=len(self._items), item=item)
            self._items.append(item)
        ended = _ended(self._asked, answer, self._id, self._items)
        return found + self._tell(f"response.{ended['status']}", response=ended)

    def failure(self, error: TallystickError, status: int) -> bytes:
        told = failure(error, status)["error"]
        frame = _frame(self._asked.model, self._id, "failed")
        frame["error"] = {"code": told["type"], "message": told["message"]}
        return self._begin() + self._tell("response.failed", response=frame, error_type=told["type"])

    def alive(self) -> bytes:
        return b": TALLYSTICK PROCESSING\n\n"


class ResponsesDialect:
    name = "responses"

    def __init__(self) -> None:
        self.read = responses_request.read
        self.whole = whole
        self.error = failure

    def writer(self, asked: Asked, answer_id: str) -> Writer:
        return ResponsesWriter(asked, answer_id)
