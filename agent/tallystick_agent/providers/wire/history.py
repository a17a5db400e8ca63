"""What of the history every wire treats alike: arguments that must be JSON, and blocks that go back unchanged. Pure."""

import json
from dataclasses import dataclass
from typing import Any, cast

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


def arguments_text(raw: str) -> str:
    """A call's arguments as a JSON object in text: servers that render a template parse them, and fail on broken ones."""
    if not raw.strip():
        return "{}"
    try:
        return raw if isinstance(json.loads(raw), dict) else "{}"
    except (ValueError, RecursionError):
        return json.dumps({"invalid_arguments": raw[:400]})


def arguments_object(raw: str) -> dict[str, Any]:
    """The same as an object, for wires that carry one."""
    return cast(dict[str, Any], json.loads(arguments_text(raw)))


def native_of(message: AssistantMessage, endpoint: str) -> Any:
    """What the message's own endpoint gets back unchanged; `None` for another: native blocks are not portable."""
    for part in message.parts:
        if isinstance(part, ReasoningPart) and part.native and part.endpoint == endpoint:
            return part.native
    return None


def text_parts(message: AssistantMessage) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, TextPart))


def call_parts(message: AssistantMessage) -> tuple[ToolCallPart, ...]:
    return tuple(part for part in message.parts if isinstance(part, ToolCallPart))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTurn:
    """Everything between two answers, results first: the wires of Anthropic and Gemini want it as one message."""

    results: tuple[ToolResultPart, ...]
    parts: tuple[TextPart | ImagePart, ...]


def turns(messages: tuple[Message, ...]) -> list[tuple[int, UserTurn | AssistantMessage]]:
    """The messages as turns, each with the index of its last message; whatever stands between two answers is one turn."""
    found: list[tuple[int, UserTurn | AssistantMessage]] = []
    for place, message in enumerate(messages):
        if isinstance(message, AssistantMessage):
            found.append((place, message))
            continue
        results = message.parts if isinstance(message, ToolMessage) else ()
        parts = message.parts if isinstance(message, UserMessage) else ()
        last = found[-1][1] if found else None
        if isinstance(last, UserTurn):
            found[-1] = place, UserTurn(results=(*last.results, *results), parts=(*last.parts, *parts))
        else:
            found.append((place, UserTurn(results=results, parts=parts)))
    return found


def call_names(messages: tuple[Message, ...]) -> dict[CallId, str]:
    """The names of all calls, for wires whose results name the tool."""
    return {
        part.call_id: part.name for message in messages if isinstance(message, AssistantMessage) for part in call_parts(message)
    }
