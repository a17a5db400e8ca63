"""Reading Anthropic Messages. Owns that JSON on its way in."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from pydantic import Field

from tallystick_agent.protocol.chat import ChatRequest, Reasoning, ToolChoice, Verbatim
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import ImagePart, ReasoningPart, TextPart, ToolCallPart
from tallystick_server.gateway.dialects.base import Asked, Body, an_object, checked, objects, refused, unseal
from tallystick_server.gateway.dialects.chat_request import routing_of
from tallystick_server.gateway.dialects.history import History, picture, tool, valid, wish

_HEADERS: Final = ("anthropic-beta", "anthropic-version")
_THINKING: Final = ("thinking", "redacted_thinking")


class _Message(Body):
    role: Literal["user", "assistant", "system"]
    content: str | list[dict[str, Any]]


class _Tool(Body):
    name: str = Field(min_length=1, max_length=256)
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None


class MessagesBody(Body):
    model: str = Field(default="", max_length=512)
    messages: list[_Message] = Field(min_length=1)
    system: str | list[dict[str, Any]] | None = None
    max_tokens: int = Field(ge=1)
    stream: bool | None = False
    tools: list[_Tool] | None = None
    tool_choice: dict[str, Any] | None = None
    temperature: float | None = Field(default=None, ge=0, le=1)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stop_sequences: list[str] | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    fallbacks: list[dict[str, Any]] | None = Field(default=None, max_length=20)
    provider: dict[str, Any] | None = None
    session_id: str | None = Field(default=None, max_length=256)


class CountBody(MessagesBody):
    max_tokens: int = 1


def read(body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
    """Raises `ConfigurationError` (`bad_usage`)."""
    return _asked(checked(MessagesBody, body), body, headers)


def read_count(body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
    """The same for a request that is only counted."""
    return _asked(checked(CountBody, body), body, headers)


def _asked(asked: MessagesBody, body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
    history = History()
    history.instruct(_text(history, asked.system or ""))
    for message in asked.messages:
        match message.role:
            case "system":
                history.instruct(_text(history, message.content))
            case "user":
                _user(history, message.content)
            case "assistant":
                history.answer(_answer(history, message.content))
    tools = [one for one in asked.tools or [] if one.type in (None, "custom")]
    if len(tools) != len(asked.tools or []):
        history.odd()
    choice, forced = _choice(asked.tool_choice)
    request = ChatRequest(
        system=history.system_text,
        messages=tuple(history.messages),
        tools=tuple(tool(one.name, one.description or "", one.input_schema) for one in tools),
        tool_choice=choice,
        forced_tool=forced,
        parallel_calls=False if (asked.tool_choice or {}).get("disable_parallel_tool_use") else None,
        max_output_tokens=asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        stop=tuple(asked.stop_sequences or ()),
        response_schema=_schema(asked.output_config),
        reasoning=_reasoning(asked),
        verbatim=Verbatim(
            wire="anthropic",
            body=body,
            headers={name: headers[name] for name in _HEADERS if name in headers},
            marked=True,
            understood=history.understood,
        ),
        stream=bool(asked.stream),
    )
    return Asked(
        request=request,
        model=asked.model,
        fallbacks=tuple(str(one["model"]) for one in asked.fallbacks or () if one.get("model")),
        routing=routing_of(asked.provider),
        session=asked.session_id or _session(asked.metadata),
        user=str((asked.metadata or {}).get("user_id") or "")[:256],
    )


def _session(metadata: dict[str, Any] | None) -> str:
    """Some put the conversation's name into `user_id`, as JSON or behind `session_`."""
    told = str((metadata or {}).get("user_id") or "")
    if told.startswith("{"):
        try:
            found: Any = json.loads(told)
            return str(found.get("session_id") or "")
        except (ValueError, AttributeError, RecursionError):
            return ""
    return told.partition("session_")[2]


def _text(history: History, content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    if any(block.get("type") != "text" for block in content):
        history.odd()
    return "\n\n".join(str(block.get("text") or "") for block in content if block.get("type") == "text")


def _user(history: History, content: str | list[dict[str, Any]]) -> None:
    if isinstance(content, str):
        history.say([TextPart(text=content)])
        return
    parts: list[TextPart | ImagePart] = []
    for block in content:
        match block.get("type"):
            case "tool_result":
                text, shown = _result(history, block.get("content"))
                history.result(str(block.get("tool_use_id") or ""), text, failed=bool(block.get("is_error")))
                parts += shown
            case "text":
                parts.append(TextPart(text=str(block.get("text") or "")))
            case "image":
                parts += _image(history, block)
            case _:
                history.odd()
    history.say(parts)


def _result(history: History, content: Any) -> tuple[str, list[ImagePart]]:
    """A result's text, and its pictures, which other APIs take only from a user."""
    if content is None or isinstance(content, str):
        return content or "", []
    texts: list[str] = []
    shown: list[ImagePart] = []
    for block in objects(content, "messages: content"):
        match block.get("type"):
            case "text":
                texts.append(str(block.get("text") or ""))
            case "image":
                shown += _image(history, block)
            case _:
                history.odd()
    return "\n".join(texts), shown


def _image(history: History, block: dict[str, Any]) -> list[ImagePart]:
    source = an_object(block.get("source"), "messages: source")
    match source.get("type"):
        case "base64":
            return [ImagePart(media_type=str(source.get("media_type") or "image/png"), data=valid(str(source.get("data") or "")))]
        case "url":
            return [picture(str(source.get("url") or ""))]
        case _:
            history.odd()
            return []


def _answer(history: History, content: str | list[dict[str, Any]]) -> list[TextPart | ReasoningPart | ToolCallPart]:
    if isinstance(content, str):
        return [TextPart(text=content)] if content else []
    found: list[TextPart | ReasoningPart | ToolCallPart] = []
    for block in content:
        match block.get("type"):
            case "text" if block.get("text"):
                found.append(TextPart(text=str(block["text"])))
            case "thinking":
                found.append(unseal(str(block.get("thinking") or ""), str(block.get("signature") or "")))
            case "tool_use":
                arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
                call_id, name = CallId(str(block.get("id") or "")), str(block.get("name") or "")
                found.append(ToolCallPart(call_id=call_id, name=name, arguments=arguments))
            case "text" | "redacted_thinking":
                pass
            case _:
                history.odd()
    return found


def _choice(given: dict[str, Any] | None) -> tuple[ToolChoice, str]:
    kind = (given or {}).get("type", "auto")
    if kind == "tool":
        return "required", str((given or {}).get("name") or "")
    known: dict[str, ToolChoice] = {"auto": "auto", "any": "required", "none": "none"}
    if not isinstance(kind, str) or kind not in known:
        raise refused("tool_choice.type: auto, any, tool or none.")
    return known[kind], ""


def _schema(config: dict[str, Any] | None) -> dict[str, Any] | None:
    shape = (config or {}).get("format")
    schema = cast(dict[str, Any], shape).get("schema") if isinstance(shape, dict) else None
    return cast(dict[str, Any], schema) if isinstance(schema, dict) else None


def _reasoning(asked: MessagesBody) -> Reasoning | None:
    given = asked.thinking or {}
    effort = (asked.output_config or {}).get("effort")
    match given.get("type"):
        case "enabled":
            return wish(None, given.get("budget_tokens"), exclude=given.get("display") == "omitted", enabled=True)
        case "adaptive":
            return wish(effort, exclude=given.get("display") == "omitted", enabled=True)
        case "disabled":
            return wish(None, enabled=False)
        case _:
            return wish(effort)
