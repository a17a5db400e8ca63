"""Reading OpenAI Chat Completions, with the fields that OpenRouter adds. Owns that JSON on its way in."""

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from pydantic import Field

from tallystick_agent.protocol.chat import ChatRequest, ToolChoice, Verbatim
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import ImagePart, ReasoningPart, TextPart, ToolCallPart
from tallystick_server.gateway.dialects.base import OUTPUT, Asked, Body, an_object, checked, refused, unseal
from tallystick_server.gateway.dialects.history import History, choice, picture, tool, wish

FORMAT: Final = "tallystick-v1"


class _Function(Body):
    name: str = Field(min_length=1, max_length=256)
    arguments: str | dict[str, Any] = ""


class _Call(Body):
    id: str = ""
    function: _Function | None = None


class _Message(Body):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str = ""
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None


class _ToolFunction(Body):
    name: str = Field(min_length=1, max_length=256)
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Tool(Body):
    type: str = "function"
    function: _ToolFunction | None = None


class _StreamOptions(Body):
    include_usage: bool = False


class ChatBody(Body):
    model: str = Field(default="", max_length=512)
    models: list[str] = Field(default_factory=list, max_length=20)
    messages: list[_Message] = Field(min_length=1)
    tools: list[_Tool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    stream: bool | None = False
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    n: int | None = 1
    response_format: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    provider: dict[str, Any] | None = None
    plugins: list[dict[str, Any]] | None = None
    usage: dict[str, Any] | None = None
    session_id: str | None = Field(default=None, max_length=256)
    prompt_cache_key: str | None = None
    user: str | None = None


def read(body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
    """Raises `ConfigurationError` (`bad_usage`)."""
    asked = checked(ChatBody, body)
    if asked.n not in (None, 1):
        raise refused("n: one answer at a time.")
    history = History()
    for message in asked.messages:
        _take(history, message)
    chosen, forced = _choice(asked.tool_choice)
    limit = asked.max_completion_tokens or asked.max_tokens
    tools = [one.function for one in asked.tools or [] if one.function is not None]
    if len(tools) != len(asked.tools or []):
        history.odd()
    marked = "cache_control" in str(body.get("messages")) or "prompt_cache_breakpoint" in str(body.get("messages"))
    request = ChatRequest(
        system=history.system_text,
        messages=tuple(history.messages),
        tools=tuple(tool(one.name, one.description or "", one.parameters) for one in tools),
        tool_choice=chosen,
        forced_tool=forced,
        parallel_calls=asked.parallel_tool_calls,
        max_output_tokens=limit or OUTPUT,
        open_ended=limit is None,
        temperature=asked.temperature,
        top_p=asked.top_p,
        seed=asked.seed,
        stop=(asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ()),
        response_schema=_schema(asked.response_format),
        reasoning=_reasoning(asked),
        web=any(one.get("id") == "web" for one in asked.plugins or ()),
        verbatim=Verbatim(wire="openai_chat", body=body, marked=marked, understood=history.understood),
        stream=bool(asked.stream),
    )
    return Asked(
        request=request,
        model=asked.model or next(iter(asked.models), ""),
        fallbacks=tuple(one for one in asked.models if one != asked.model)[0 if asked.model else 1 :],
        routing=routing_of(asked.provider),
        session=asked.session_id or asked.prompt_cache_key or "",
        user=asked.user or "",
        wants_usage=(asked.stream_options is not None and asked.stream_options.include_usage)
        or bool((asked.usage or {}).get("include")),
    )


def _take(history: History, message: _Message) -> None:
    match message.role:
        case "system" | "developer":
            history.instruct(_plain(history, message.content))
        case "user":
            history.say(_parts(history, message.content))
        case "tool" | "function":
            history.result(message.tool_call_id, _plain(history, message.content))
        case "assistant":
            found: list[TextPart | ReasoningPart | ToolCallPart] = []
            thought = _thoughts(message)
            if thought is not None:
                found.append(thought)
            text = _plain(history, message.content)
            if text:
                found.append(TextPart(text=text))
            for call in message.tool_calls or []:
                if call.function is None:
                    history.odd()
                    continue
                raw = call.function.arguments
                found.append(ToolCallPart(call_id=CallId(call.id), name=call.function.name, arguments=_arguments(raw)))
            history.answer(found)


def _arguments(raw: str | dict[str, Any]) -> str:
    import json

    return raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)


def _thoughts(message: _Message) -> ReasoningPart | None:
    text = message.reasoning or message.reasoning_content or ""
    sealed = next((str(one.get("data") or "") for one in message.reasoning_details or () if one.get("format") == FORMAT), "")
    return unseal(text, sealed) if text or sealed else None


def _plain(history: History, content: str | list[dict[str, Any]] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    texts = [part.text for part in _parts(history, content) if isinstance(part, TextPart)]
    if len(texts) != len(content):
        history.odd()
    return "".join(texts)


def _parts(history: History, content: str | list[dict[str, Any]] | None) -> list[TextPart | ImagePart]:
    if content is None or isinstance(content, str):
        return [TextPart(text=content or "")]
    found: list[TextPart | ImagePart] = []
    for part in content:
        match part.get("type"):
            case "text" | "input_text" | "refusal":
                found.append(TextPart(text=str(part.get("text") or part.get("refusal") or "")))
            case "image_url":
                at = part.get("image_url")
                url = cast(dict[str, Any], at).get("url") if isinstance(at, dict) else at
                found.append(picture(str(url or "")))
            case _:
                history.odd()
    return found


def _choice(given: str | dict[str, Any] | None) -> tuple[ToolChoice, str]:
    if isinstance(given, dict):
        named = an_object(given.get("function"), "tool_choice.function").get("name") or given.get("name")
        return ("required", str(named)) if named else ("auto", "")
    return choice(given), ""


def _schema(given: dict[str, Any] | None) -> dict[str, Any] | None:
    shape = given.get("json_schema") if given is not None and given.get("type") == "json_schema" else None
    schema = cast(dict[str, Any], shape).get("schema") if isinstance(shape, dict) else None
    return cast(dict[str, Any], schema) if isinstance(schema, dict) else None


def _reasoning(asked: ChatBody) -> Any:
    given = asked.reasoning or {}
    effort = given.get("effort") or asked.reasoning_effort
    return wish(effort, given.get("max_tokens"), exclude=bool(given.get("exclude")), enabled=given.get("enabled"))


_SORTS: Final = {"price": "price", "throughput": "throughput", "latency": "latency", "exacto": "exacto"}
_SAME: Final = (
    "order", "only", "ignore", "allow_fallbacks", "require_parameters", "data_collection", "zdr", "quantizations",
    "max_price", "preferred_min_throughput", "preferred_max_latency",
)  # fmt: skip


def routing_of(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """OpenRouter's `provider` object in the words of our settings. Raises `ConfigurationError` for an unknown sort."""
    if not given:
        return {}
    found = {name: given[name] for name in _SAME if given.get(name) is not None}
    if isinstance(found.get("max_price"), dict):
        # We know no prices of pictures and sound; what is said of them is not checked.
        kept = {name: cast(dict[str, Any], found["max_price"]).get(name) for name in ("prompt", "completion", "request")}
        found["max_price"] = {name: str(value) for name, value in kept.items() if value is not None}
    sort: Any = given.get("sort")
    if isinstance(sort, dict):
        sort = cast(dict[str, Any], sort).get("by")
    if sort is not None:
        if not isinstance(sort, str) or sort not in _SORTS:
            raise refused(f"provider.sort: one of {', '.join(_SORTS)}.")
        found["policy"] = _SORTS[sort]
    return found
