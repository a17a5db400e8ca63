"""Reading OpenAI Responses: typed events of a stream, and whole responses through the same code. Owns that JSON."""

from typing import Any, Final, cast

from tallystick_agent.protocol.chat import Reply, StreamEvent
from tallystick_agent.protocol.errors import ContextOverflow, ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.classify import classify_body
from tallystick_agent.providers.dialects import dialect_of
from tallystick_agent.providers.wire.base import count, part_of
from tallystick_agent.providers.wire.object_decoder import ObjectDecoder
from tallystick_agent.providers.wire.openai_chat_usage import cost_of

_BETWEEN: Final = "\n\n"
"""Between the parts of a summary, which are paragraphs."""
_ENDS: Final = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")


class ResponsesDecoder(ObjectDecoder):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._dialect = dialect_of(endpoint.dialect)
        self._slots: dict[str, int] = {}
        """Call index by output index and by the item's id: an event has one of them or both."""
        self._items: list[dict[str, Any]] = []
        self._told: set[str] = set()
        """Items whose text came in pieces, so that the finished item does not repeat it; by both names."""

    def _feed(self, event: dict[str, Any]) -> list[StreamEvent]:
        kind = str(event.get("type") or "")
        if event.get("object") == "response":
            return self._whole(event)
        index, item_id = event.get("output_index"), str(event.get("item_id") or "")
        key = item_id if index is None else str(index)
        match kind:
            case "response.created" | "response.in_progress" | "response.queued":
                self._name(cast(dict[str, Any], event.get("response") or {}))
                return []
            case "response.output_text.delta":
                self._told.update((key, item_id))
                return [self._answer.say(str(event["delta"]))] if event.get("delta") else []
            case "response.refusal.delta":
                self._told.update((key, item_id))
                return [self._answer.refuse(str(event["delta"]))] if event.get("delta") else []
            case "response.reasoning_summary_part.added" if event.get("summary_index"):
                return [self._answer.think(_BETWEEN)]
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._told.update((key, item_id))
                return [self._answer.think(str(event["delta"]))] if event.get("delta") else []
            case "response.output_item.added":
                return self._added(key, cast(dict[str, Any], event.get("item") or {}))
            case "response.function_call_arguments.delta":
                slot = self._slots.get(key, self._slots.get(item_id))
                return [self._answer.more_call(slot, str(event["delta"]))] if slot is not None and event.get("delta") else []
            case "response.output_item.done":
                return self._done(key, cast(dict[str, Any], event.get("item") or {}))
            case "error" | "response.error":
                raise _failure(event)
            case _ if kind in _ENDS:
                return self._end(kind, cast(dict[str, Any], event.get("response") or {}))
            case _ if isinstance(event.get("error"), dict):
                raise _failure(event)
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
            item_id = str(item.get("id") or "")
            slot = self._answer.open_call(str(item.get("call_id") or item_id), str(item.get("name") or ""))
            self._slots[key] = slot
            if item_id:
                self._slots[item_id] = slot
        return []

    def _done(self, key: str, item: dict[str, Any]) -> list[StreamEvent]:
        self._items.append(item)
        events: list[StreamEvent] = []
        told = key in self._told or str(item.get("id") or key) in self._told
        match item.get("type"):
            case "function_call":
                slot = self._slots.get(key, self._slots.get(str(item.get("id"))))
                if slot is None:
                    self._added(key, item)
                    slot = self._slots[key]
                call = self._answer.calls[slot]
                whole = str(item.get("arguments") or "")
                if whole != call.arguments and whole.startswith(call.arguments):
                    events.append(self._answer.more_call(slot, whole[len(call.arguments) :]))
                # The finished item is what holds.
                call.arguments = whole or call.arguments
            case "message" if not told:
                for part in cast(list[dict[str, Any]], item.get("content") or []):
                    if part.get("type") == "output_text" and part.get("text"):
                        events.append(self._answer.say(str(part["text"])))
                    elif part.get("type") == "refusal" and part.get("refusal"):
                        events.append(self._answer.refuse(str(part["refusal"])))
            case "reasoning" if not told:
                pieces = cast(list[dict[str, Any]], item.get("summary") or item.get("content") or [])
                text = _BETWEEN.join(str(piece.get("text") or "") for piece in pieces)
                if text:
                    events.append(self._answer.think(text))
            case _:
                pass
        return events

    def _end(self, kind: str, response: dict[str, Any]) -> list[StreamEvent]:
        self._name(response)
        answer = self._answer
        answer.usage = _usage(response) or answer.usage
        if self._dialect.cost_in_usage:
            answer.cost_nanos = cost_of(response)
        events: list[StreamEvent] = []
        output = cast(list[dict[str, Any]], response.get("output") or [])
        if not self._items:
            for number, item in enumerate(output):
                events += self._done(str(number), item)
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
                if response.get("error"):
                    raise _failure(response)
                raise ProviderError("The provider broke off with an error.", retryable=True)
        # The last event has every item whole, also one that broke off at a limit.
        self._items = output or self._items
        return events

    def _name(self, response: dict[str, Any]) -> None:
        self._answer.generation_id = str(response.get("id") or self._answer.generation_id)
        self._answer.model = str(response.get("model") or self._answer.model)

    def finish(self, *, cut: bool = False) -> Reply:
        thoughts = [item for item in self._items if item.get("type") == "reasoning"]
        if thoughts and all(item.get("encrypted_content") for item in thoughts):
            # Without server-side state an item that is not sealed is a name that the server does not know any more.
            self._answer.native = self._items
        return self._answer.whole(cut=cut)


def _failure(event: dict[str, Any]) -> ProviderError:
    """The error of an event: in its own object, or the event itself; a router names the kind beside the object."""
    error = event.get("error")
    if not isinstance(error, dict):
        return classify_body(status=200, body={"error": error or event})
    named = {"error_type": event["error_type"]} if event.get("error_type") else {}
    return classify_body(status=200, body={"error": {**named, **cast(dict[str, Any], error)}})


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
