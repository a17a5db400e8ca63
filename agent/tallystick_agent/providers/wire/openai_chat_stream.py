"""Reading OpenAI Chat Completions: chunks of a stream, and whole answers through the same code. Owns that JSON.

Traps it covers (each has a test): empty `choices`, usage before or after the finish, several finish reasons, calls
without index or id, whole calls in one piece, text in the finishing chunk, an error object inside a 200 stream, a stream
that ends without a finish (never a success), reasoning under four names.
"""

from typing import Any, Final, cast

from tallystick_agent.protocol.chat import Finish, Reply, StreamEvent
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.classify import classify_body
from tallystick_agent.providers.dialects import Dialect
from tallystick_agent.providers.wire.answer import Answer
from tallystick_agent.providers.wire.base import ODD_SHAPE, odd_chunk, parsed
from tallystick_agent.providers.wire.openai_chat_calls import CallRouter
from tallystick_agent.providers.wire.openai_chat_usage import cost_of, usage_of

_FINISH: Final[dict[str, Finish]] = {
    "end_turn": "stop",
    "eos": "stop",
    "max_tokens": "length",
    "stop": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_PLAIN: Final = ("content", "role")
_WEIGHTS: Final[tuple[Finish, ...]] = ("stop", "tool_calls", "length", "content_filter")
"""Reasons by what they say, least first."""
_REASONING_FIELDS: Final = ("reasoning_content", "reasoning", "thinking")
_JOINED: Final = ("text", "summary", "data")
"""What of a reasoning block comes in pieces; its other fields come whole."""


class OpenAIChatDecoder:
    """Chunks in, typed events out, and at the end one `Reply`."""

    def __init__(self, endpoint: Endpoint, dialect: Dialect) -> None:
        self._dialect = dialect
        self._answer = Answer(endpoint.slug)
        self._calls = CallRouter(self._answer)
        self._named = False
        """Whether a chunk has told the names: then the plain ones after it have nothing new but text."""
        self._counted = False
        """Whether usage came with the end of the answer or after it: what came before may be a count on the way."""
        self._reasoning_field = ""
        self._details: list[dict[str, Any]] = []
        self._blocks: list[dict[str, Any]] = []
        """Thoughts that came inside of the content."""

    @property
    def partial(self) -> str:
        return self._answer.partial

    @property
    def started(self) -> bool:
        return self._answer.started or bool(self._details)

    @property
    def running(self) -> Usage | None:
        return self._answer.usage

    @property
    def ended(self) -> bool:
        return self._answer.ended

    def feed(self, data: str) -> list[StreamEvent]:
        """One `data:` payload. Raises `ProviderError` for an error object, and for what is not JSON of the known shape."""
        if data.strip() == "[DONE]":
            self._answer.ended = True
            return []
        chunk = parsed(data)
        if not isinstance(chunk, dict):
            return []
        try:
            text = self._plain(cast(dict[str, Any], chunk)) if self._named else None
            return [self._answer.say(text)] if text else self._feed(cast(dict[str, Any], chunk))
        except ODD_SHAPE as error:
            raise odd_chunk(error) from error

    def _plain(self, chunk: dict[str, Any]) -> str | None:
        """The text of a chunk that holds text and nothing else, which most do; `None` for all others."""
        if chunk.get("usage") or chunk.get("error") or "x_groq" in chunk or chunk.get("object") == "error":
            return None
        choices: list[dict[str, Any]] = chunk.get("choices") or []
        if len(choices) != 1 or choices[0].get("finish_reason") or choices[0].get("error"):
            return None
        delta: dict[str, Any] = choices[0].get("delta") or {}
        text = delta.get("content")
        if not isinstance(text, str) or any(delta[name] for name in delta if name not in _PLAIN):
            return None
        return text

    def _feed(self, chunk: dict[str, Any]) -> list[StreamEvent]:
        groq = cast(dict[str, Any], chunk.get("x_groq") or {})
        if chunk.get("error") or groq.get("error"):
            raise classify_body(status=200, body=chunk if chunk.get("error") else groq)
        if chunk.get("object") == "error":
            raise classify_body(status=200, body=chunk)
        answer = self._answer
        self._named = True
        answer.generation_id = answer.generation_id or str(chunk.get("id") or "")
        answer.model = str(chunk.get("model") or answer.model)
        answer.served_by = str(chunk.get("provider") or answer.served_by)
        usage = usage_of(chunk, self._dialect)
        if usage is not None:
            answer.usage = usage
            answer.cost_nanos = cost_of(chunk) if self._dialect.cost_in_usage else None
        events: list[StreamEvent] = []
        for choice in cast(list[dict[str, Any]], chunk.get("choices") or [])[:1]:
            if choice.get("error"):
                raise classify_body(status=200, body=choice)
            events += self._take_delta(choice.get("delta") or choice.get("message") or {"content": choice.get("text")})
            reason = choice.get("finish_reason")
            if reason:
                self._take_reason(str(reason))
        if usage is not None:
            self._counted = answer.finish is not None
        return events

    def _take_reason(self, reason: str) -> None:
        if reason == "error":
            raise ProviderError("The provider broke off with an error.", retryable=True)
        known = _FINISH.get(reason)
        if known is None:
            # A reason that nobody knows is no success: some mean a broken call, some a broken network.
            raise ProviderError(f"The provider ended the answer with `{reason[:60]}`.", retryable=True)
        # Where several come, the one that says most holds: a plain `stop` after a limit does not make the answer whole.
        heard: tuple[Finish, ...] = (self._answer.finish or "stop", known)
        self._answer.finish = max(heard, key=_WEIGHTS.index)

    def _take_delta(self, delta: dict[str, Any]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for field in _REASONING_FIELDS:
            text = delta.get(field)
            if isinstance(text, str) and text:
                self._reasoning_field = field
                events.append(self._answer.think(text))
                break
        if isinstance(delta.get("reasoning_details"), list):
            for fragment in cast(list[Any], delta["reasoning_details"]):
                if isinstance(fragment, dict):
                    self._take_detail(cast(dict[str, Any], fragment))
        content = delta.get("content")
        if isinstance(content, list):
            events += self._take_blocks(cast(list[dict[str, Any]], content))
        elif isinstance(content, str) and content:
            events.append(self._answer.say(content))
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            events.append(self._answer.refuse(refusal))
        for piece in cast(list[dict[str, Any]], delta.get("tool_calls") or []):
            events.append(self._calls.take(piece))
        return events

    def _take_blocks(self, blocks: list[dict[str, Any]]) -> list[StreamEvent]:
        """Content as a list: Mistral puts its thoughts there, as blocks that hold blocks of text."""
        events: list[StreamEvent] = []
        for block in blocks:
            match block.get("type"):
                case "text" if block.get("text"):
                    events.append(self._answer.say(str(block["text"])))
                case "thinking":
                    inner = block.get("thinking")
                    pieces = cast(list[dict[str, Any]], inner) if isinstance(inner, list) else [{"text": inner}]
                    text = "".join(str(one.get("text") or "") for one in pieces)
                    if text:
                        events.append(self._answer.think(text))
                        self._take_thought(block, text)
                case _:
                    pass
        return events

    def _take_thought(self, block: dict[str, Any], text: str) -> None:
        """Keeps a block of thoughts for its way back; pieces that follow each other are one block."""
        if not self._blocks or self._answer.text:
            self._blocks.append({**block, "thinking": [{"type": "text", "text": text}]})
            return
        last = self._blocks[-1]
        last["thinking"][0]["text"] += text
        last.update({field: value for field, value in block.items() if field != "thinking"})

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

    def finish(self, *, cut: bool = False) -> Reply:
        if self._details:
            self._answer.native = {"reasoning_details": self._details}
        elif self._blocks:
            said = [{"type": "text", "text": self._answer.text}] if self._answer.text else []
            self._answer.native = {"content": [*self._blocks, *said]}
        elif self._reasoning_field:
            self._answer.native = {self._reasoning_field: self._answer.reasoning}
        if not self._counted and not self._answer.ended:
            self._answer.usage = self._answer.cost_nanos = None
        return self._answer.whole(cut=cut)
