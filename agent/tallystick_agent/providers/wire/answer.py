"""An answer while it arrives, whatever the wire. Owns its parts, and when they make a whole."""

from dataclasses import dataclass
from typing import Any

from tallystick_agent.protocol.chat import Finish, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import AssistantMessage, ReasoningPart, TextPart, ToolCallPart
from tallystick_agent.protocol.usage import Usage


@dataclass(slots=True, kw_only=True)
class Call:
    """A tool call while it arrives. `arguments` is raw text and is never repaired."""

    call_id: str = ""
    name: str = ""
    arguments: str = ""


class Answer:
    """Collects deltas. The decoder of a wire fills it and asks it for the reply."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self.calls: list[Call] = []
        self.native: Any = None
        """What goes back to this endpoint unchanged; `None` where the answer has nothing of the kind."""
        self.usage: Usage | None = None
        self.cost_nanos: int | None = None
        self.generation_id = ""
        self.model = ""
        self.served_by = ""
        self.finish: Finish | None = None
        self.refused = False
        self.ended = False
        """The provider said that the stream is over, even where it gave no reason."""

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        return "".join(self._reasoning)

    @property
    def partial(self) -> str:
        return self.text + self.reasoning + "".join(call.arguments for call in self.calls)

    @property
    def started(self) -> bool:
        return bool(self._text or self._reasoning or self.calls or self.native or self.usage or self.finish)

    def say(self, text: str) -> TextDelta:
        self._text.append(text)
        return TextDelta(text=text)

    def refuse(self, text: str) -> TextDelta:
        """Words in the field that is made for declining."""
        self.refused = True
        return self.say(text)

    def think(self, text: str) -> ReasoningDelta:
        self._reasoning.append(text)
        return ReasoningDelta(text=text)

    def open_call(self, call_id: str, name: str) -> int:
        """Begins a call and gives its index."""
        self.calls.append(Call(call_id=call_id, name=name))
        return len(self.calls) - 1

    def more_call(self, index: int, text: str) -> ToolCallDelta:
        call = self.calls[index]
        call.arguments += text
        return ToolCallDelta(index=index, name=call.name, text=text, call_id=call.call_id)

    def whole(self, *, cut: bool = False) -> Reply:
        """The reply. Raises `ProviderError` when the stream ended without saying why; a cut one is ours and has no usage."""
        if self.finish is None and not cut:
            # Some servers end a text with an end mark alone; a call that nobody finished is never run.
            if not self.ended or self.calls or not self._text:
                raise ProviderError(
                    "The provider's stream broke off before the answer ended.", code="provider_stream_cut", retryable=True
                )
            self.finish = "stop"
        parts: list[TextPart | ReasoningPart | ToolCallPart] = []
        # Blocks of an answer that was cut are no whole ones, and a provider refuses them.
        native = None if cut else self.native
        if self._reasoning or native:
            parts.append(ReasoningPart(text=self.reasoning, native=native, endpoint=self._endpoint))
        if self._text:
            parts.append(TextPart(text=self.text))
        if self.finish == "length" and self.calls and not self.calls[-1].arguments.strip():
            # It was named and its arguments never came: what would run is not what was meant.
            self.calls.pop()
        for number, call in enumerate(self.calls):
            call_id = CallId(call.call_id or f"call_{number}_{self.generation_id or 'x'}")
            parts.append(ToolCallPart(call_id=call_id, name=call.name, arguments=call.arguments))
        return Reply(
            message=AssistantMessage(parts=tuple(parts)),
            finish=self._reason(cut),
            # What a stream counted on the way is not what the cut answer cost.
            usage=None if cut else self.usage,
            provider_nanos=None if cut else self.cost_nanos,
            generation_id=self.generation_id,
            served_model=self.model,
            served_by=self.served_by,
        )

    def _reason(self, cut: bool) -> Finish:
        if cut or self.finish is None:
            return "repetition"
        if self.finish == "stop" and self.calls:
            # Several servers end calls with a plain stop.
            return "tool_calls"
        if self.finish == "stop" and self.refused:
            return "content_filter"
        return self.finish
