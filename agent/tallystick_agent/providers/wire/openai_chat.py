"""OpenAI Chat Completions: the request. Owns its JSON; what differs between servers comes as a `Dialect`."""

import hashlib
from typing import Any, Final, cast

from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.messages import AssistantMessage, ImagePart, Message, TextPart, ToolMessage, UserMessage
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.caching import Marks, marks_for
from tallystick_agent.providers.dialects import Dialect, dialect_of
from tallystick_agent.providers.reasoning import Asked, resolve
from tallystick_agent.providers.wire.base import Decoder, Wire
from tallystick_agent.providers.wire.history import arguments_text, call_parts, native_of, text_parts
from tallystick_agent.providers.wire.openai_chat_stream import OpenAIChatDecoder

PATH: Final = "/chat/completions"


def encode(request: ChatRequest, endpoint: Endpoint, dialect: Dialect) -> dict[str, Any]:
    """The request body. Key order is fixed so that equal prefixes stay equal bytes."""
    marks = marks_for(request, endpoint)
    body: dict[str, Any] = {"model": endpoint.model}
    if request.tools:
        body["tools"] = [_tool(one.name, one.description, one.parameters) for one in request.tools]
        if marks.tools:
            body["tools"][-1].update(_mark(endpoint))
    body["messages"] = _messages(request, endpoint, dialect, marks)
    if request.stream:
        body["stream"] = True
        if dialect.ask_usage:
            more = {"continuous_usage_stats": True} if dialect.running_usage else {}
            body["stream_options"] = {"include_usage": True, **more}
    if not request.open_ended:
        body[dialect.max_tokens_field] = request.max_output_tokens
    body.update(_sampling(request, endpoint, dialect))
    if request.tools:
        body.update(_choice(request, dialect))
    body.update(_format(request, dialect))
    asked = resolve(request.reasoning, endpoint.capabilities.reasoning, request.max_output_tokens)
    if asked is not None:
        body.update(_reasoning(asked, dialect))
    if dialect.session_field and request.session_key:
        body[dialect.session_field] = request.session_key[:256]
    if dialect.onward and request.onward is not None:
        if request.onward.models:
            body["models"] = list(request.onward.models)
        if request.onward.provider:
            body["provider"] = request.onward.provider
    if dialect.onward and request.web and not endpoint.model.endswith(":online"):
        body["plugins"] = [{"id": "web"}]
    return body


def _tool(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def _mark(endpoint: Endpoint) -> dict[str, Any]:
    rule = endpoint.capabilities.cache
    if rule is not None and rule.style == "breakpoints":
        return {"prompt_cache_breakpoint": {"mode": "explicit"}}
    return {"cache_control": {"type": "ephemeral"}}


def _sampling(request: ChatRequest, endpoint: Endpoint, dialect: Dialect) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if request.temperature is not None and endpoint.capabilities.sampling:
        found["temperature"] = request.temperature
    if request.top_p is not None and endpoint.capabilities.sampling:
        found["top_p"] = request.top_p
    if request.seed is not None and dialect.seed:
        found["seed"] = request.seed
    if request.stop:
        found["stop"] = list(request.stop)
    return found


def _choice(request: ChatRequest, dialect: Dialect) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if request.tool_choice != "auto" and dialect.tool_choice and (dialect.forced_calls or request.tool_choice == "none"):
        forced = {"type": "function", "function": {"name": request.forced_tool}}
        found["tool_choice"] = forced if request.forced_tool else request.tool_choice
    if request.parallel_calls is not None and dialect.parallel_field:
        found["parallel_tool_calls"] = request.parallel_calls
    return found


def _format(request: ChatRequest, dialect: Dialect) -> dict[str, Any]:
    if request.response_schema is None or dialect.schema_style == "none":
        return {}
    if dialect.schema_style == "object":
        return {"response_format": {"type": "json_object"}}
    schema = {"name": "reply", "strict": dialect.strict_schema, "schema": request.response_schema}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _reasoning(asked: Asked, dialect: Dialect) -> dict[str, Any]:
    match dialect.reasoning:
        case "none":
            return {}
        case "effort":
            return {"reasoning_effort": asked.effort} if asked.effort else {}
        case "object":
            wish: dict[str, Any] = {"effort": asked.effort} if asked.effort else {}
            if asked.budget:
                wish = {"max_tokens": asked.budget}
            if not wish:
                wish = {} if asked.silent else {"enabled": True} if asked.on else {"effort": "none"}
            return {"reasoning": {**wish, **({"exclude": True} if asked.exclude else {})}}
        case "qwen" | "template" if asked.silent:
            return {}
        case "qwen":
            return {"enable_thinking": asked.on, **({"thinking_budget": asked.budget} if asked.on and asked.budget else {})}
        case "groq":
            shown = {"reasoning_format": "hidden" if asked.exclude else "parsed"}
            return {**({"reasoning_effort": asked.effort} if asked.effort else {}), **shown}
        case "template":
            return {"chat_template_kwargs": {"enable_thinking": asked.on}}


def _messages(request: ChatRequest, endpoint: Endpoint, dialect: Dialect, marks: Marks) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if request.system:
        found.append({"role": "system", "content": request.system})
        if marks.system:
            found[-1]["content"] = [{"type": "text", "text": request.system, **_mark(endpoint)}]
    echo = dialect.echo_reasoning if request.tools else ""
    for number, message in enumerate(request.messages):
        made = _message(message, endpoint, dialect, echo)
        if number in marks.messages and made:
            _mark_message(made[-1], endpoint)
        found.extend(made)
    return found


def _mark_message(message: dict[str, Any], endpoint: Endpoint) -> None:
    content = message.get("content")
    if isinstance(content, str) and content:
        message["content"] = [{"type": "text", "text": content, **_mark(endpoint)}]
    elif isinstance(content, list) and content:
        cast(list[dict[str, Any]], content)[-1].update(_mark(endpoint))


def _message(message: Message, endpoint: Endpoint, dialect: Dialect, echo: str) -> list[dict[str, Any]]:
    match message:
        case UserMessage():
            if all(isinstance(part, TextPart) for part in message.parts):
                return [{"role": "user", "content": "".join(part.text for part in message.parts if part.kind == "text")}]
            return [{"role": "user", "content": [_user_part(part) for part in message.parts]}]
        case ToolMessage():
            short = _short_ids(endpoint, dialect)
            return [{"role": "tool", "tool_call_id": _call_id(p.call_id, short), "content": p.text} for p in message.parts]
        case AssistantMessage():
            return [_assistant(message, endpoint, dialect, echo)]


def _user_part(part: TextPart | ImagePart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": part.url or f"data:{part.media_type};base64,{part.data}"}}


def _assistant(message: AssistantMessage, endpoint: Endpoint, dialect: Dialect, echo: str) -> dict[str, Any]:
    text = text_parts(message)
    out: dict[str, Any] = {"role": "assistant", "content": text or None}
    native = native_of(message, endpoint.slug)
    if isinstance(native, dict):
        out.update(cast(dict[str, Any], native))
    if echo and not out.get(echo):
        # Lost thoughts cannot be made again; a blank is taken where nothing is refused.
        out[echo] = " "
    short = _short_ids(endpoint, dialect)
    calls = [
        {
            "id": _call_id(part.call_id, short),
            "type": "function",
            "function": {"name": part.name, "arguments": arguments_text(part.arguments)},
        }
        for part in call_parts(message)
    ]
    if calls:
        out["tool_calls"] = calls
    elif out["content"] is None:
        out["content"] = ""
    return out


def _short_ids(endpoint: Endpoint, dialect: Dialect) -> bool:
    """Whether call ids must be nine letters and digits; a router passes them on to Mistral as they are."""
    return dialect.call_ids == "alnum9" or endpoint.author.startswith("mistral")


def _call_id(call_id: str, short: bool) -> str:
    if not short or (len(call_id) == 9 and call_id.isalnum() and call_id.isascii()):
        return call_id
    return hashlib.sha256(call_id.encode()).hexdigest()[:9]


def _path(request: ChatRequest, endpoint: Endpoint) -> str:
    return PATH


def _headers(request: ChatRequest, endpoint: Endpoint) -> dict[str, str]:
    dialect = dialect_of(endpoint.dialect)
    return {dialect.session_header: request.session_key} if dialect.session_header and request.session_key else {}


def _encode(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    return encode(request, endpoint, dialect_of(endpoint.dialect))


def _decoder(endpoint: Endpoint) -> Decoder:
    return OpenAIChatDecoder(endpoint, dialect_of(endpoint.dialect))


WIRE: Final = Wire(path=_path, headers=_headers, encode=_encode, decoder=_decoder)
