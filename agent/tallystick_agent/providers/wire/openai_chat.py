"""OpenAI Chat Completions, streamed. Owns its JSON; what differs between servers comes as a `Dialect`.

Traps it covers (each has a test): empty `choices`, usage before or after the finish, several finish reasons, calls
without index or id, whole calls in one piece, text in the finishing chunk, an error object inside a 200 stream, a stream
that ends without a finish (never a success), reasoning under three names.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import (
    AssistantMessage,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    UserMessage,
)
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage, nanos_from_usd
from tallystick_agent.providers.classify import classify_body
from tallystick_agent.providers.dialects import Dialect
from tallystick_agent.providers.request import (
    ChatRequest,
    Finish,
    ReasoningDelta,
    Reply,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)

PATH = "/chat/completions"
_MOST_TOKENS = 2**40
"""More than any report can mean: such a count is taken as none."""
_FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "eos": "stop",
    "max_tokens": "length",
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_JOINED = ("text", "summary", "data")
"""What of a reasoning block comes in pieces; its other fields come whole."""


def encode(request: ChatRequest, endpoint: Endpoint, dialect: Dialect) -> dict[str, Any]:
    """The request body. Key order is fixed so that equal prefixes stay equal bytes."""
    body: dict[str, Any] = {"model": endpoint.model}
    if request.tools:
        body["tools"] = [
            {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.parameters}}
            for t in request.tools
        ]
    body["messages"] = [{"role": "system", "content": request.system}] if request.system else []
    for message in request.messages:
        body["messages"].extend(_message(message, endpoint))
    body["stream"] = True
    if dialect.ask_usage:
        body["stream_options"] = {"include_usage": True}
    body[dialect.max_tokens_field] = request.max_output_tokens
    if request.temperature is not None and endpoint.capabilities.sampling:
        body["temperature"] = request.temperature
    if request.seed is not None and dialect.seed:
        body["seed"] = request.seed
    if request.stop:
        body["stop"] = list(request.stop)
    if request.response_schema is not None and dialect.schema_style == "openai":
        schema = {"name": "reply", "strict": True, "schema": request.response_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if dialect.session_field and request.session_key:
        body[dialect.session_field] = request.session_key
    return body


def _message(message: Message, endpoint: Endpoint) -> list[dict[str, Any]]:
    match message:
        case UserMessage():
            return [{"role": "user", "content": "".join(part.text for part in message.parts)}]
        case ToolMessage():
            return [{"role": "tool", "tool_call_id": p.call_id, "content": p.text} for p in message.parts]
        case AssistantMessage():
            out: dict[str, Any] = {"role": "assistant", "content": None}
            calls: list[dict[str, Any]] = []
            for part in message.parts:
                match part:
                    case TextPart():
                        out["content"] = (out["content"] or "") + part.text
                    case ToolCallPart():
                        function = {"name": part.name, "arguments": _history_arguments(part.arguments)}
                        calls.append({"id": part.call_id, "type": "function", "function": function})
                    case ReasoningPart():
                        # Native reasoning is not portable: another endpoint rejects it.
                        if part.native and part.endpoint == endpoint.slug:
                            out.update(cast(dict[str, Any], part.native))
            if calls:
                out["tool_calls"] = calls
            elif out["content"] is None:
                out["content"] = ""
            return [out]


def _history_arguments(raw: str) -> str:
    # Servers that render a chat template parse the arguments of earlier calls and fail on broken JSON.
    if not raw.strip():
        return "{}"
    try:
        return raw if isinstance(json.loads(raw), dict) else "{}"
    except (ValueError, RecursionError):
        return json.dumps({"invalid_arguments": raw[:400]})


class OpenAIChatDecoder:
    """Chunks in, typed events out, and at the end one `Reply`."""

    def __init__(self, endpoint: Endpoint, dialect: Dialect) -> None:
        self._endpoint = endpoint
        self._dialect = dialect
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._reasoning_field = ""
        self._details: list[dict[str, Any]] = []
        self._refused = False
        self._calls: list[dict[str, str]] = []
        self._slots: dict[Any, int] = {}
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._cost: int | None = None
        self._id = ""
        self._model = ""
        self._done = False

    @property
    def text(self) -> str:
        """What was said so far, for estimates of a stream that broke."""
        return "".join(self._text) + "".join(self._reasoning) + "".join(c["arguments"] for c in self._calls)

    @property
    def started(self) -> bool:
        """Whether anything of an answer, or its usage, has come."""
        return bool(self._text or self._reasoning or self._calls or self._details or self._usage or self._finish)

    def feed(self, data: str) -> list[StreamEvent]:
        """One `data:` payload. Raises `ProviderError` for an error object, and for what is not JSON of the known shape."""
        try:
            return self._feed(data)
        except (AttributeError, TypeError, KeyError, IndexError, ValueError, OverflowError) as error:
            raise ProviderError("The provider sent a chunk of an unknown shape.", retryable=True) from error

    def _feed(self, data: str) -> list[StreamEvent]:
        if data.strip() == "[DONE]":
            self._done = True
            return []
        try:
            chunk = json.loads(data)
        except ValueError as error:
            raise ProviderError("The provider sent something that is not JSON.", retryable=True) from error
        if not isinstance(chunk, dict):
            return []
        chunk = cast(dict[str, Any], chunk)
        if chunk.get("error"):
            raise classify_body(status=200, body=chunk)
        self._id = self._id or str(chunk.get("id") or "")
        self._model = str(chunk.get("model") or self._model)
        self._take_usage(chunk)
        events: list[StreamEvent] = []
        for choice in cast(list[dict[str, Any]], chunk.get("choices") or [])[:1]:
            if choice.get("error"):
                raise classify_body(status=200, body=choice)
            events += self._take_delta(choice.get("delta") or choice.get("message") or {"content": choice.get("text")})
            reason = choice.get("finish_reason")
            if reason == "error":
                raise ProviderError("The provider broke off with an error.", retryable=True)
            if reason:
                known = _FINISH.get(str(reason))
                if known is None:
                    # A reason that nobody knows is no success: some mean a broken call, some a broken network.
                    raise ProviderError(f"The provider ended the answer with `{str(reason)[:60]}`.", retryable=True)
                self._finish = self._finish if self._finish == "tool_calls" else known
        return events

    def _take_delta(self, delta: dict[str, Any]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for field in ("reasoning_content", "reasoning", "thinking"):
            text = delta.get(field)
            if isinstance(text, str) and text:
                self._reasoning.append(text)
                self._reasoning_field = field
                events.append(ReasoningDelta(text=text))
                break
        if isinstance(delta.get("reasoning_details"), list):
            for fragment in cast(list[Any], delta["reasoning_details"]):
                if isinstance(fragment, dict):
                    self._take_detail(cast(dict[str, Any], fragment))
        content = delta.get("content")
        if isinstance(content, list):
            content = "".join(str(p.get("text", "")) for p in cast(list[dict[str, Any]], content) if p.get("type") == "text")
        if isinstance(content, str) and content:
            self._text.append(content)
            events.append(TextDelta(text=content))
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refused = True
            self._text.append(refusal)
            events.append(TextDelta(text=refusal))
        for piece in cast(list[dict[str, Any]], delta.get("tool_calls") or []):
            events.append(self._take_call(piece))
        return events

    def _take_detail(self, fragment: dict[str, Any]) -> None:
        """Adds a fragment to its block: the one of its index and type, unless both have an id and these differ.

        A block goes back as one piece, or its signature does not fit. What has no index stands for itself.
        """
        key = fragment.get("index"), fragment.get("type")
        known = None
        if key[0] is not None:
            known = next((one for one in reversed(self._details) if (one.get("index"), one.get("type")) == key), None)
        if known is not None and known.get("id") and fragment.get("id") and known["id"] != fragment["id"]:
            known = None
        if known is None:
            self._details.append(dict(fragment))
            return
        for field, value in fragment.items():
            if field in _JOINED and isinstance(value, str) and isinstance(known.get(field), str):
                known[field] += value
            elif value is not None:
                known[field] = value

    def _take_call(self, piece: dict[str, Any]) -> ToolCallDelta:
        function = cast(dict[str, Any], piece.get("function") or {})
        call_id, index = str(piece.get("id") or ""), piece.get("index")
        name = str(function.get("name") or "")
        slot = self._slots.get(("id", call_id)) if call_id else None
        if slot is None and index is not None:
            known = self._slots.get(("index", index))
            # Some servers give every call the index 0: a new id on a known index is a new call, and so is another name
            # where there are no ids.
            if known is not None and self._continues(self._calls[known], call_id, name):
                slot = known
        elif slot is None and self._calls and not call_id and not name:
            slot = len(self._calls) - 1
        if slot is None:
            slot = len(self._calls)
            self._calls.append({"id": call_id, "name": "", "arguments": ""})
            if index is not None:
                self._slots[("index", index)] = slot
        call = self._calls[slot]
        if call_id:
            call["id"] = call_id
            self._slots[("id", call_id)] = slot
        if name and not call["name"]:
            call["name"] = name
        arguments = function.get("arguments")
        text = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
        call["arguments"] += text
        return ToolCallDelta(index=slot, name=call["name"], text=text)

    @staticmethod
    def _continues(call: dict[str, str], call_id: str, name: str) -> bool:
        """Whether a piece with this id and name, at the index of `call`, is more of that call."""
        if call_id and call["id"]:
            return call_id == call["id"]
        return not (name and call["name"] and name != call["name"])

    def _take_usage(self, chunk: dict[str, Any]) -> None:
        groq = cast(dict[str, Any], chunk.get("x_groq") or {})
        found: Any = chunk.get("usage") or groq.get("usage")
        if not isinstance(found, dict):
            return
        raw = cast(dict[str, Any], found)
        given = raw.get("prompt_tokens"), raw.get("completion_tokens")
        if not all(isinstance(value, int) and 0 <= value < _MOST_TOKENS for value in given) or given == (0, 0):
            return
        prompt = cast(dict[str, Any], raw.get("prompt_tokens_details") or {})
        completion = cast(dict[str, Any], raw.get("completion_tokens_details") or {})
        cached = prompt.get("cached_tokens") or raw.get("prompt_cache_hit_tokens") or 0
        inputs, outputs = cast(tuple[int, int], given)
        cached = min(int(cached), inputs)
        self._usage = Usage(
            input_tokens=inputs,
            cached_tokens=cached,
            cache_write_tokens=min(int(prompt.get("cache_write_tokens") or 0), inputs - cached),
            output_tokens=outputs,
            reasoning_tokens=min(int(completion.get("reasoning_tokens") or 0), outputs),
        )
        if self._dialect.cost_in_usage and raw.get("cost") is not None:
            try:
                cost = Decimal(str(raw["cost"]))
            except InvalidOperation:
                cost = Decimal("NaN")
            self._cost = nanos_from_usd(cost) if cost.is_finite() else None

    def finish(self, *, cut: bool = False) -> Reply:
        """The whole answer. Raises `ProviderError` when the stream ended without saying why.

        `cut` is ours: we stopped reading on purpose, so there is no finish and no usage to wait for.
        """
        if self._finish is None and not cut:
            # Some servers end a text with [DONE] alone; a call that nobody finished is never run.
            if not self._done or self._calls or not self._text:
                raise ProviderError(
                    "The provider's stream broke off before the answer ended.",
                    code="provider_stream_cut",
                    retryable=True,
                )
            self._finish = "stop"
        finish: Finish = "repetition" if cut else cast(Finish, self._finish)
        if finish == "stop" and self._calls:
            finish = "tool_calls"
        elif finish == "stop" and self._refused:
            # The model declined in the field made for it, which servers end with a plain `stop`.
            finish = "content_filter"
        parts: list[TextPart | ReasoningPart | ToolCallPart] = []
        if self._reasoning or self._details:
            parts.append(self._reasoning_part())
        if self._text:
            parts.append(TextPart(text="".join(self._text)))
        for number, call in enumerate(self._calls):
            call_id = CallId(call["id"] or f"call_{number}_{self._id or 'x'}")
            parts.append(ToolCallPart(call_id=call_id, name=call["name"], arguments=call["arguments"]))
        return Reply(
            message=AssistantMessage(parts=tuple(parts)),
            finish=finish,
            usage=self._usage,
            provider_nanos=self._cost,
            generation_id=self._id,
            served_model=self._model,
        )

    def _reasoning_part(self) -> ReasoningPart:
        text = "".join(self._reasoning)
        native: dict[str, Any] = {}
        if self._details:
            native = {"reasoning_details": self._details}
        elif self._reasoning_field:
            native = {self._reasoning_field: text}
        return ReasoningPart(text=text, native=native, endpoint=self._endpoint.slug)
