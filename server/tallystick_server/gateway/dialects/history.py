"""What histories of all dialects have in common: texts, pictures, calls and their results as our messages. Pure."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tallystick_agent.protocol.chat import Reasoning, ToolChoice, ToolSpec
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import (
    AssistantMessage,
    ImagePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    ToolResultPart,
    UserMessage,
)
from tallystick_agent.protocol.model_info import EFFORTS, Effort
from tallystick_server.gateway.dialects.base import refused

_CHOICES: Final[dict[str, ToolChoice]] = {"auto": "auto", "none": "none", "required": "required"}


class History:
    """Gathers messages in order. Knows the name of every call, and whether all that came was understood."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.system: list[str] = []
        self.understood = True
        self._names: dict[str, str] = {}

    def instruct(self, text: str) -> None:
        """Words of the system. Those that come in the middle stay in their place, as a notice."""
        if not self.messages:
            self.system.append(text)
        elif text:
            self.messages.append(UserMessage(parts=(TextPart(text=text),), origin="notice"))

    def say(self, parts: Iterable[TextPart | ImagePart]) -> None:
        found = tuple(parts)
        if found:
            self.messages.append(UserMessage(parts=found))

    def answer(self, parts: Iterable[TextPart | ReasoningPart | ToolCallPart]) -> None:
        found = tuple(parts)
        for part in found:
            if isinstance(part, ToolCallPart):
                self._names[part.call_id] = part.name
        if found:
            self.messages.append(AssistantMessage(parts=found))

    def result(self, call_id: str, text: str, *, failed: bool = False) -> None:
        part = ToolResultPart(
            call_id=CallId(call_id), name=self._names.get(call_id, "tool"), text=text, status="error" if failed else "ok"
        )
        last = self.messages[-1] if self.messages else None
        if isinstance(last, ToolMessage):
            # Results of calls that were made together stand together.
            self.messages[-1] = ToolMessage(parts=(*last.parts, part))
        else:
            self.messages.append(ToolMessage(parts=(part,)))

    def odd(self) -> None:
        """Something came that only an endpoint of the caller's own wire understands."""
        self.understood = False

    @property
    def system_text(self) -> str:
        return "\n\n".join(text for text in self.system if text)


def picture(url: str) -> ImagePart:
    """A picture by its address or as `data:`. Raises `ConfigurationError` for what is neither."""
    if url.startswith("data:"):
        head, _, data = url[5:].partition(",")
        kind = head.partition(";")[0]
        if not kind.startswith("image/") or ";base64" not in head:
            raise refused("A picture's data: URL must be image/…;base64.")
        return ImagePart(media_type=kind, data=valid(data))
    if not url.startswith(("https://", "http://")):
        raise refused("A picture's URL must begin with https:, http: or data:.")
    return ImagePart(media_type="image/*", url=url)


def valid(data: str) -> str:
    """Base64 as it came. Raises `ConfigurationError` for what is none."""
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refused("A picture's base64 is broken.") from error
    return data


def choice(given: str | None) -> ToolChoice:
    """OpenAI's words for whether tools may be called. Raises `ConfigurationError` for others."""
    known = _CHOICES.get(given or "auto")
    if known is None:
        raise refused("tool_choice: auto, none, required, or a function's name.")
    return known


def tool(name: str, description: str, parameters: Mapping[str, Any] | None) -> ToolSpec:
    return ToolSpec(name=name, description=description, parameters=dict(parameters or {"type": "object", "properties": {}}))


def wish(effort: Any, max_tokens: Any = None, *, exclude: bool = False, enabled: Any = None) -> Reasoning | None:
    """A wish for reasoning; `None` where there is none."""
    if enabled is False:
        return Reasoning(effort="none")
    known: Effort | None = next((one for one in EFFORTS if one == effort), None)
    if effort is not None and known is None:
        raise refused(f"reasoning effort: one of {', '.join(EFFORTS)}.")
    tokens = max_tokens if isinstance(max_tokens, int) and max_tokens > 0 and known is None else None
    if known is None and tokens is None and not exclude and not enabled:
        return None
    return Reasoning(effort=known, max_tokens=tokens, exclude=exclude)
