"""The conversation as typed parts. Owns no provider's JSON (that is `providers.wire`) and no token counts."""

from dataclasses import dataclass
from typing import Any, Literal

from tallystick_agent.protocol.ids import CallId

JsonValue = Any
"""A value that `json.dumps` takes. Its shape is checked where it enters, by pydantic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    text: str
    name: str = ""
    """What it is where it is no words of a person or a model: `rules:AGENTS.md`, `map`, `file:src/a.py`."""
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePart:
    """A picture that the user shows: base64 of its bytes, or an address that the provider may fetch."""

    media_type: str
    data: str = ""
    url: str = ""
    width: int = 0
    height: int = 0
    """Pixels; 0 where they are not known."""
    kind: Literal["image"] = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningPart:
    """A model's reasoning. `native` goes back unchanged to the endpoint that made it, and to no other."""

    text: str
    native: JsonValue = None
    endpoint: str = ""
    kind: Literal["reasoning"] = "reasoning"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallPart:
    """A call as the model wrote it: `arguments` is the raw text, parsed strictly and never repaired."""

    call_id: CallId
    name: str
    arguments: str
    kind: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResultPart:
    call_id: CallId
    name: str
    text: str
    status: Literal["ok", "error", "denied", "unknown"] = "ok"
    kind: Literal["tool_result"] = "tool_result"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage:
    parts: tuple[TextPart | ImagePart, ...]
    origin: Literal["prompt", "context", "notice"] = "prompt"
    """Who put it there: the user, the workspace view that goes with a prompt, or the engine telling the model."""
    role: Literal["user"] = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantMessage:
    parts: tuple[TextPart | ReasoningPart | ToolCallPart, ...]
    role: Literal["assistant"] = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolMessage:
    parts: tuple[ToolResultPart, ...]
    role: Literal["tool"] = "tool"


Message = UserMessage | AssistantMessage | ToolMessage


def text_of(message: Message) -> str:
    """The text that a person would read in `message`: no reasoning, no call arguments."""
    return "".join(part.text for part in message.parts if isinstance(part, TextPart | ToolResultPart))
