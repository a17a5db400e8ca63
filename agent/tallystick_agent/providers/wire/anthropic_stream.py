"""Reading Anthropic Messages: events of a stream, and whole messages through the same code. Owns that JSON.

Usage in `message_delta` is cumulative: it replaces what came before. Its `input_tokens` leave cached tokens out, which our
convention counts in. Unknown events and blocks are passed over, as the format asks.
"""

import json
from typing import Any, Final, cast

from tallystick_agent.protocol.chat import Finish, Reply, StreamEvent
from tallystick_agent.protocol.errors import ContextOverflow
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.classify import classify_body
from tallystick_agent.providers.wire.base import ODD_SHAPE, count, odd_chunk, part_of
from tallystick_agent.providers.wire.object_decoder import ObjectDecoder

_FINISH: Final[dict[str, Finish]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_PIECES: Final = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
_OURS: Final = ("text", "tool_use")
"""Blocks that our own words can say again; any other goes back as it came."""


class AnthropicDecoder(ObjectDecoder):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._blocks: dict[int, dict[str, Any]] = {}
        self._json: dict[int, list[str]] = {}
        self._slots: dict[int, int] = {}
        self._open: set[int] = set()
        """Blocks that began and have not ended: such a thought has no signature, and cannot go back."""
        self._usage: dict[str, Any] = {}
        self._running: Usage | None = None
        self._reason = ""

    @property
    def started(self) -> bool:
        return self._answer.started or bool(self._blocks or self._usage)

    @property
    def running(self) -> Usage | None:
        return self._running

    @property
    def ended(self) -> bool:
        return self._answer.ended

    def _feed(self, event: dict[str, Any]) -> list[StreamEvent]:
        match event.get("type"):
            case "message_start":
                message = cast(dict[str, Any], event["message"])
                self._name(message)
                self._report(message.get("usage"))
                return []
            case "content_block_start":
                return self._begin(int(event["index"]), cast(dict[str, Any], event["content_block"]))
            case "content_block_delta":
                return self._more(int(event["index"]), cast(dict[str, Any], event["delta"]))
            case "content_block_stop":
                self._close(int(event["index"]))
                return []
            case "message_delta":
                self._report(event.get("usage"))
                self._reason = str(cast(dict[str, Any], event.get("delta") or {}).get("stop_reason") or self._reason)
                return []
            case "message_stop":
                self._end()
                return []
            case "message":
                return self._whole(event)
            case "error":
                raise classify_body(status=200, body=event)
            case None if isinstance(event.get("error"), dict):
                raise classify_body(status=200, body=event)
            case _:
                return []

    def _whole(self, message: dict[str, Any]) -> list[StreamEvent]:
        """An answer that was not streamed."""
        self._name(message)
        self._report(message.get("usage"))
        events: list[StreamEvent] = []
        for index, block in enumerate(cast(list[dict[str, Any]], message.get("content") or [])):
            events += self._begin(index, block)
        self._open.clear()
        self._reason = str(message.get("stop_reason") or "")
        self._end()
        return events

    def _begin(self, index: int, block: dict[str, Any]) -> list[StreamEvent]:
        self._blocks[index] = dict(block)
        self._open.add(index)
        match block.get("type"):
            case "text" if block.get("text"):
                return [self._answer.say(str(block["text"]))]
            case "thinking" if block.get("thinking"):
                return [self._answer.think(str(block["thinking"]))]
            case "tool_use":
                self._slots[index] = self._answer.open_call(str(block.get("id") or ""), str(block.get("name") or ""))
                given = block.get("input")
                if given:
                    return [self._answer.more_call(self._slots[index], json.dumps(given, ensure_ascii=False))]
                return []
            case _:
                return []

    def _more(self, index: int, delta: dict[str, Any]) -> list[StreamEvent]:
        kind = str(delta.get("type"))
        block = self._blocks[index]
        if kind == "input_json_delta":
            piece = str(delta.get("partial_json") or "")
            self._json.setdefault(index, []).append(piece)
            slot = self._slots.get(index)
            return [self._answer.more_call(slot, piece)] if slot is not None and piece else []
        if kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta.get("citation")]
        field = _PIECES.get(kind)
        if field is None:
            return []
        piece = str(delta.get(field) or "")
        block[field] = str(block.get(field) or "") + piece
        if not piece or field == "signature":
            return []
        return [self._answer.say(piece) if field == "text" else self._answer.think(piece)]

    def _close(self, index: int) -> None:
        self._open.discard(index)
        raw = "".join(self._json.get(index, ()))
        if raw:
            try:
                self._blocks[index]["input"] = json.loads(raw)
            except (ValueError, RecursionError):
                # The call keeps its raw text, which the strict reading refuses later.
                self._blocks[index]["input"] = {}

    def _end(self) -> None:
        finish = _FINISH.get(self._reason)
        if self._reason == "model_context_window_exceeded" and not self._answer.partial:
            raise ContextOverflow("The request fills the model's context window.")
        if self._reason and finish is None:
            # Reasons are added over time; what they have in common is that the answer is over.
            finish = "stop"
        self._answer.finish = finish
        self._answer.ended = True

    def _name(self, message: dict[str, Any]) -> None:
        self._answer.generation_id = str(message.get("id") or "")
        self._answer.model = str(message.get("model") or "")

    def _report(self, usage: Any) -> None:
        if isinstance(usage, dict):
            known = cast(dict[str, Any], usage)
            self._usage.update({name: value for name, value in known.items() if value is not None})
            self._running = usage_of(self._usage)

    def finish(self, *, cut: bool = False) -> Reply:
        blocks = [self._blocks[index] for index in sorted(self._blocks) if index not in self._open]
        if any(block.get("type") not in _OURS for block in blocks):
            self._answer.native = blocks
        if self._answer.finish is not None:
            try:
                self._answer.usage = usage_of(self._usage)
            except ODD_SHAPE as error:
                raise odd_chunk(error) from error
        return self._answer.whole(cut=cut)


def usage_of(raw: dict[str, Any]) -> Usage | None:
    """Anthropic's counts in our inclusive convention; `None` where there are none. Raises `TypeError` on an odd shape."""
    steps = raw.get("iterations")
    if isinstance(steps, list) and steps:
        # Compaction and advice on the server's side are requests of their own, all of them billed.
        return _sum([one for one in map(_single, cast(list[dict[str, Any]], steps)) if one is not None])
    return _single(raw)


def _sum(found: list[Usage]) -> Usage | None:
    total: Usage | None = None
    for one in found:
        total = one if total is None else total.plus(one)
    return total


def _single(raw: dict[str, Any]) -> Usage | None:
    plain, outputs = count(raw.get("input_tokens")), count(raw.get("output_tokens"))
    if plain is None or outputs is None:
        return None
    read = count(raw.get("cache_read_input_tokens")) or 0
    written = count(raw.get("cache_creation_input_tokens")) or 0
    by_time = cast(dict[str, Any], raw.get("cache_creation") or {})
    details = cast(dict[str, Any], raw.get("output_tokens_details") or {})
    inputs = plain + read + written
    if (inputs, outputs) == (0, 0):
        return None
    return Usage(
        input_tokens=inputs,
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=part_of(by_time.get("ephemeral_1h_input_tokens"), written),
        output_tokens=outputs,
        reasoning_tokens=part_of(details.get("thinking_tokens"), outputs),
    )
