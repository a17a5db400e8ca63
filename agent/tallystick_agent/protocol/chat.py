"""What is asked of a model and what comes back, in our own words. Owns values only; JSON belongs to `providers/wire/`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tallystick_agent.protocol.messages import AssistantMessage, Message
from tallystick_agent.protocol.model_info import Effort, WireName
from tallystick_agent.protocol.usage import Usage

Finish = Literal["stop", "length", "tool_calls", "content_filter", "repetition"]
ToolChoice = Literal["auto", "none", "required"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as the model sees it. `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Infill:
    """The text around a gap that a code model is to fill."""

    prefix: str
    suffix: str
    extra: tuple[tuple[str, str], ...] = ()
    """Other texts that the model may look at, as name and text; a server that has no place for them gets none."""
    most_ms: int | None = None
    """Milliseconds for the answer from its first token on, where the server can keep to it; it ends with a whole line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoning:
    """A wish for reasoning: an effort or a number of tokens. With neither, the model's own default."""

    effort: Effort | None = None
    max_tokens: int | None = None
    exclude: bool = False
    """Let it think, and do not send the thoughts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """Routing wishes for a provider that chooses among providers itself."""

    models: tuple[str, ...] = ()
    """Further models, in order, where the first fails."""
    provider: dict[str, Any] | None = None
    """OpenRouter's `provider` object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verbatim:
    """A request as its caller wrote it on a wire. An endpoint of the same wire gets it so, but for what routing decides."""

    wire: WireName
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=lambda: {})
    """Headers that belong to the body and go on with it."""
    marked: bool = False
    """The caller placed marks for a provider's cache itself."""
    understood: bool = True
    """Everything in it is in the typed request too, so that it may be written anew where a server needs that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    described_tools: str = ""
    """The part of `system` that describes the tools, where they are not sent as `tools`; it is counted apart."""
    tool_choice: ToolChoice = "auto"
    forced_tool: str = ""
    """The one tool that `required` means, where the caller names it."""
    parallel_calls: bool | None = None
    """`None` leaves it to the model."""
    max_output_tokens: int = 4_096
    open_ended: bool = False
    """The caller set no limit: `max_output_tokens` is then what is reckoned with, and is sent only where it must be."""
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    response_schema: dict[str, Any] | None = None
    """A JSON Schema that the reply must follow, where the endpoint can force one."""
    reasoning: Reasoning | None = None
    web: bool = False
    """Let the provider search the web, where it can."""
    infill: Infill | None = None
    """Set: the request is a gap to fill, and carries no messages and no tools."""
    session_key: str = ""
    """Stable within a session: lets a provider keep its cache warm."""
    onward: Onward | None = None
    verbatim: Verbatim | None = None
    stream: bool = True

    @property
    def images(self) -> bool:
        """Whether a picture is in it."""
        return any(part.kind == "image" for message in self.messages for part in message.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallDelta:
    """Arguments are arriving; only the finished reply may be acted on."""

    index: int
    name: str
    text: str
    call_id: str = field(default="", compare=False)
    """The call's name, for a reader who has to name it on; empty where the endpoint gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer. `usage` is `None` where the provider reported none."""

    message: AssistantMessage
    finish: Finish
    usage: Usage | None = None
    provider_nanos: int | None = None
    generation_id: str = ""
    served_model: str = ""
    served_by: str = ""
    """The provider behind an aggregator, as it names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payloads:
    """What an endpoint said on the wire of a verbatim request, payload by payload, each of them understood."""

    data: tuple[str, ...]


StreamEvent = TextDelta | ReasoningDelta | ToolCallDelta
