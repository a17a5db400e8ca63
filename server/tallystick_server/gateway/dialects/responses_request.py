"""Reading OpenAI Responses, without state on the server's side. Owns that JSON on its way in."""

from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic import Field

from tallystick_agent.protocol.chat import ChatRequest, Reasoning, ToolChoice, Verbatim
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import ImagePart, ReasoningPart, TextPart, ToolCallPart
from tallystick_server.gateway.dialects.base import OUTPUT, Asked, Body, checked, objects, refused, unseal
from tallystick_server.gateway.dialects.chat_request import routing_of
from tallystick_server.gateway.dialects.history import History, choice, picture, tool, wish

_ROLES: Final = ("user", "assistant", "system", "developer")


class _Tool(Body):
    type: str = "function"
    name: str = ""
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ResponsesBody(Body):
    model: str = Field(default="", max_length=512)
    models: list[str] = Field(default_factory=list, max_length=20)
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    stream: bool | None = False
    tools: list[_Tool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    reasoning: dict[str, Any] | None = None
    text: dict[str, Any] | None = None
    previous_response_id: str | None = None
    conversation: Any = None
    background: bool | None = None
    provider: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    session_id: str | None = Field(default=None, max_length=256)
    user: str | None = None


def read(body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
    """Raises `ConfigurationError` (`bad_usage`)."""
    asked = checked(ResponsesBody, body)
    if asked.previous_response_id or asked.conversation or asked.background:
        raise refused("previous_response_id, conversation and background need state that no server keeps here: send the items.")
    history = History()
    history.instruct(asked.instructions or "")
    if isinstance(asked.input, str):
        history.say([TextPart(text=asked.input)])
    else:
        _items(history, asked.input)
    if not history.messages:
        raise refused("input: no message in it.")
    tools = [one for one in asked.tools or [] if one.type == "function" and one.name]
    if len(tools) != len(asked.tools or []):
        history.odd()
    chosen, forced = _choice(asked.tool_choice)
    shape = (asked.text or {}).get("format")
    schema = cast(dict[str, Any], shape).get("schema") if isinstance(shape, dict) else None
    request = ChatRequest(
        system=history.system_text,
        messages=tuple(history.messages),
        tools=tuple(tool(one.name, one.description or "", one.parameters) for one in tools),
        tool_choice=chosen,
        forced_tool=forced,
        parallel_calls=asked.parallel_tool_calls,
        max_output_tokens=asked.max_output_tokens or OUTPUT,
        open_ended=asked.max_output_tokens is None,
        temperature=asked.temperature,
        top_p=asked.top_p,
        response_schema=cast(dict[str, Any], schema) if isinstance(schema, dict) else None,
        reasoning=_reasoning(asked.reasoning),
        verbatim=Verbatim(wire="openai_responses", body=body, marked=True, understood=history.understood),
        stream=bool(asked.stream),
    )
    return Asked(
        request=request,
        model=asked.model or next(iter(asked.models), ""),
        fallbacks=tuple(one for one in asked.models if one != asked.model)[0 if asked.model else 1 :],
        routing=routing_of(asked.provider),
        session=asked.session_id or asked.prompt_cache_key or "",
        user=asked.user or "",
    )


def _items(history: History, items: list[dict[str, Any]]) -> None:
    answer: list[TextPart | ReasoningPart | ToolCallPart] = []
    for item in items:
        kind = item.get("type") or ("message" if item.get("role") else "")
        if kind == "message" and item.get("role") not in _ROLES:
            raise refused(f"input: a message's role is one of {', '.join(_ROLES)}.")
        if kind == "message" and item.get("role") == "assistant":
            answer += [part for part in _content(history, item.get("content")) if isinstance(part, TextPart)]
            continue
        if kind == "reasoning":
            answer.append(unseal(_summary(item), str(item.get("encrypted_content") or "")))
            continue
        if kind == "function_call":
            call_id = CallId(str(item.get("call_id") or item.get("id") or ""))
            answer.append(
                ToolCallPart(call_id=call_id, name=str(item.get("name") or ""), arguments=str(item.get("arguments") or ""))
            )
            continue
        history.answer(answer)
        answer = []
        match kind:
            case "message" if item.get("role") in ("system", "developer"):
                texts = [part.text for part in _content(history, item.get("content")) if isinstance(part, TextPart)]
                history.instruct("".join(texts))
            case "message":
                history.say(_content(history, item.get("content")))
            case "function_call_output":
                history.result(str(item.get("call_id") or ""), _output(history, item.get("output")))
            case _:
                history.odd()
    history.answer(answer)


def _summary(item: dict[str, Any]) -> str:
    pieces = objects(item.get("summary") or item.get("content"), "input: summary")
    return "\n\n".join(str(piece.get("text") or "") for piece in pieces)


def _output(history: History, output: Any) -> str:
    if isinstance(output, str):
        return output
    return "".join(part.text for part in _content(history, output) if isinstance(part, TextPart))


def _content(history: History, content: Any) -> list[TextPart | ImagePart]:
    if content is None or isinstance(content, str):
        return [TextPart(text=content or "")]
    found: list[TextPart | ImagePart] = []
    for part in objects(content, "input: content"):
        match part.get("type"):
            case "input_text" | "output_text" | "text" | "refusal":
                found.append(TextPart(text=str(part.get("text") or part.get("refusal") or "")))
            case "input_image" if part.get("image_url"):
                found.append(picture(str(part["image_url"])))
            case _:
                history.odd()
    return found


def _choice(given: str | dict[str, Any] | None) -> tuple[ToolChoice, str]:
    if isinstance(given, dict):
        return ("required", str(given["name"])) if given.get("name") else ("auto", "")
    return choice(given), ""


def _reasoning(given: dict[str, Any] | None) -> Reasoning | None:
    return wish(given.get("effort"), given.get("max_tokens"), enabled=given.get("enabled")) if given else None
