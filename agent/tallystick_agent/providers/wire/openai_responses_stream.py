"""Reading OpenAI Responses: typed events of a stream, and whole responses through the same code. Owns that JSON."""

import json
from typing import Any, Final, cast

from tallystick_agent.protocol.errors import ContextOverflow, ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.classify import classify_body
from tallystick_agent.providers.request import Reply, StreamEvent
from tallystick_agent.providers.wire.answer import Answer
from tallystick_agent.providers.wire.base import ODD_SHAPE, count, no_json, odd_chunk, part_of

_ENDS: Final = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")


class ResponsesDecoder:
    def __init__(self, endpoint: Endpoint) -> None:
        self._answer = Answer(endpoint.slug)
        self._slots: dict[str, int] = {}
        """Call index by output index, which every event of an item carries."""
        self._items: list[dict[str, Any]] = []
        self._told: set[str] = set()
        """Items whose text came in pieces, so that the finished item does not repeat it."""

    @property
    def partial(self) -> str:
        return self._answer.partial

    @property
    def started(self) -> bool:
        return self._answer.started

    def feed(self, data: str) -> list[StreamEvent]:
        if data.strip() == "[DONE]":
            return []
        try:
            event = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise no_json() from error
        if not isinstance(event, dict):
            return []
        try:
            return self._feed(cast(dict[str, Any], event))
        except ODD_SHAPE as error:
            raise odd_chunk(error) from error

    def _feed(self, event: dict[str, Any]) -> list[StreamEvent]:
        kind = str(event.get("type") or "")
        if event.get("object") == "response":
            return self._whole(event)
        key = str(event.get("output_index") if event.get("output_index") is not None else event.get("item_id"))
        match kind:
            case "response.created" | "response.in_progress" | "response.queued":
                self._name(cast(dict[str, Any], event.get("response") or {}))
                return []
            case "response.output_text.delta":
                self._told.add(key)
                return [self._answer.say(str(event["delta"]))] if event.get("delta") else []
            case "response.refusal.delta":
                self._told.add(key)
                return [self._answer.refuse(str(event["delta"]))] if event.get("delta") else []
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._told.add(key)
                return [self._answer.think(str(event["delta"]))] if event.get("delta") else []
            case "response.output_item.added":
                return self._added(key, cast(dict[str, Any], event.get("item") or {}))
            case "response.function_call_arguments.delta":
                slot = self._slots.get(key)
                return [self._answer.more_call(slot, str(event["delta"]))] if slot is not None and event.get("delta") else []
            case "response.output_item.done":
                return self._done(key, cast(dict[str, Any], event.get("item") or {}))
            case "error" | "response.error":
                raise classify_body(status=200, body=event if isinstance(event.get("error"), dict) else {"error": event})
            case _ if kind in _ENDS:
                return self._end(kind, cast(dict[str, Any], event.get("response") or {}))
            case _ if isinstance(event.get("error"), dict):
                raise classify_body(status=200, body=event)
            case _:
                return []

    def _whole(self, response: dict[str, Any]) -> list[StreamEvent]:
        """An answer that was not streamed: its items, then its end."""
        self._name(response)
        events: list[StreamEvent] = []
        for number, item in enumerate(cast(list[dict[str, Any]], response.get("output") or [])):
            events += self._added(str(number), {**item, "arguments": ""})
            events += self._done(str(number), item)
        return events + self._end(f"response.{response.get('status')}", response)

    def _added(self, key: str, item: dict[str, Any]) -> list[StreamEvent]:
        if item.get("type") == "function_call":
            self._slots[key] = self._answer.open_call(
                str(item.get("call_id") or item.get("id") or ""), str(item.get("name") or "")
            )
        return []

    def _done(self, key: str, item: dict[str, Any]) -> list[StreamEvent]:
        self._items.append(item)
        events: list[StreamEvent] = []
        match item.get("type"):
            case "function_call":
                if key not in self._slots:
                    self._added(key, item)
                call = self._answer.calls[self._slots[key]]
                whole = str(item.get("arguments") or "")
                if not call.arguments and whole:
                    events.append(self._answer.more_call(self._slots[key], whole))
            case "message" if key not in self._told:
                for part in cast(list[dict[str, Any]], item.get("content") or []):
                    if part.get("type") == "output_text" and part.get("text"):
                        events.append(self._answer.say(str(part["text"])))
                    elif part.get("type") == "refusal" and part.get("refusal"):
                        events.append(self._answer.refuse(str(part["refusal"])))
            case "reasoning" if key not in self._told:
                pieces = cast(list[dict[str, Any]], item.get("summary") or item.get("content") or [])
                text = "\n\n".join(str(piece.get("text") or "") for piece in pieces)
                if text:
                    events.append(self._answer.think(text))
            case _:
                pass
        return events

    def _end(self, kind: str, response: dict[str, Any]) -> list[StreamEvent]:
        self._name(response)
        answer = self._answer
        answer.usage = _usage(response) or answer.usage
        match kind:
            case "response.completed":
                answer.finish = "stop"
            case "response.incomplete":
                reason = str(cast(dict[str, Any], response.get("incomplete_details") or {}).get("reason") or "")
                answer.finish = "content_filter" if reason == "content_filter" else "length"
                if answer.finish == "length" and not answer.partial and not self._items and answer.usage is None:
                    # A router turns an input that is too long into this "success".
                    raise ContextOverflow("The request is too long for the model.")
            case _:
                error = response.get("error")
                if isinstance(error, dict):
                    raise classify_body(status=200, body=response)
                raise ProviderError("The provider broke off with an error.", retryable=True)
        return []

    def _name(self, response: dict[str, Any]) -> None:
        self._answer.generation_id = str(response.get("id") or self._answer.generation_id)
        self._answer.model = str(response.get("model") or self._answer.model)

    def finish(self, *, cut: bool = False) -> Reply:
        if any(item.get("type") == "reasoning" for item in self._items):
            self._answer.native = self._items
        return self._answer.whole(cut=cut)


def _usage(response: dict[str, Any]) -> Usage | None:
    raw = response.get("usage")
    if not isinstance(raw, dict):
        return None
    usage = cast(dict[str, Any], raw)
    inputs, outputs = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    if inputs is None or outputs is None or (inputs, outputs) == (0, 0):
        return None
    details = cast(dict[str, Any], usage.get("input_tokens_details") or {})
    spent = cast(dict[str, Any], usage.get("output_tokens_details") or {})
    cached = part_of(details.get("cached_tokens"), inputs)
    written = part_of(details.get("cache_write_tokens"), inputs - cached)
    by_time = cast(dict[str, Any], details.get("cache_write_tokens_details") or {})
    return Usage(
        input_tokens=inputs,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=part_of(by_time.get("ttl_12h_tokens"), written),
        output_tokens=outputs,
        reasoning_tokens=part_of(spent.get("reasoning_tokens"), outputs),
    )
