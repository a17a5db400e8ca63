"""OpenAI Responses: the request, used without server-side state. Owns its JSON; reading is in `openai_responses_stream`.

Tool results answer a call's `call_id`, which is not the item's `id`. Reasoning items come encrypted and go back whole.
"""

from typing import Any, Final, cast

from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.messages import AssistantMessage, ImagePart, Message, TextPart, ToolMessage, UserMessage
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.caching import marks_for
from tallystick_agent.providers.dialects import dialect_of
from tallystick_agent.providers.reasoning import resolve
from tallystick_agent.providers.wire.base import Decoder, Wire
from tallystick_agent.providers.wire.history import arguments_text, call_parts, native_of, text_parts
from tallystick_agent.providers.wire.openai_responses_stream import ResponsesDecoder

PATH: Final = "/responses"


def encode(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    """The request body. Key order is fixed so that equal prefixes stay equal bytes."""
    dialect = dialect_of(endpoint.dialect)
    body: dict[str, Any] = {"model": endpoint.model}
    if request.tools:
        body["tools"] = [
            {"type": "function", "name": t.name, "description": t.description, "parameters": t.parameters, "strict": False}
            for t in request.tools
        ]
    items: list[dict[str, Any]] = []
    if request.system and marks_for(request, endpoint).system:
        part = {"type": "input_text", "text": request.system, "prompt_cache_breakpoint": {"mode": "explicit"}}
        items.append({"role": "developer", "content": [part]})
    elif request.system:
        body["instructions"] = request.system
    for message in request.messages:
        items.extend(_items(message, endpoint))
    body["input"] = items
    body["stream"] = request.stream
    body["store"] = False
    if endpoint.capabilities.reasoning is not None:
        # A model that does not reason refuses the wish.
        body["include"] = ["reasoning.encrypted_content"]
    if not request.open_ended:
        body["max_output_tokens"] = max(16, request.max_output_tokens)
    if endpoint.capabilities.sampling:
        sampling = {"temperature": request.temperature, "top_p": request.top_p}
        body.update({name: value for name, value in sampling.items() if value is not None})
    if request.tools and request.tool_choice != "auto":
        forced = {"type": "function", "name": request.forced_tool}
        body["tool_choice"] = forced if request.forced_tool else request.tool_choice
    if request.tools and request.parallel_calls is not None:
        body["parallel_tool_calls"] = request.parallel_calls
    if request.response_schema is not None:
        body["text"] = {"format": {"type": "json_schema", "name": "reply", "strict": True, "schema": request.response_schema}}
    asked = resolve(request.reasoning, endpoint.capabilities.reasoning, request.max_output_tokens)
    if asked is not None:
        shown = {} if asked.exclude or not asked.on else {"summary": "auto"}
        wish = {**({"effort": asked.effort} if asked.effort else {}), **shown}
        body.update({"reasoning": wish} if wish else {})
    if request.session_key and not dialect.session_header:
        body["prompt_cache_key"] = request.session_key[:64]
    return body


def _items(message: Message, endpoint: Endpoint) -> list[dict[str, Any]]:
    match message:
        case UserMessage():
            return [{"role": "user", "content": [_part(part) for part in message.parts]}]
        case ToolMessage():
            return [{"type": "function_call_output", "call_id": part.call_id, "output": part.text} for part in message.parts]
        case AssistantMessage():
            return _assistant(message, endpoint)


def _part(part: TextPart | ImagePart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "input_text", "text": part.text}
    return {"type": "input_image", "image_url": part.url or f"data:{part.media_type};base64,{part.data}", "detail": "auto"}


def _assistant(message: AssistantMessage, endpoint: Endpoint) -> list[dict[str, Any]]:
    calls = call_parts(message)
    native = native_of(message, endpoint.slug)
    if isinstance(native, list):
        kept = _native(cast(list[dict[str, Any]], native), message)
        if kept is not None:
            return kept
    items: list[dict[str, Any]] = []
    text = text_parts(message)
    if text:
        items.append({"role": "assistant", "content": [{"type": "output_text", "text": text}]})
    items += [
        {"type": "function_call", "call_id": part.call_id, "name": part.name, "arguments": arguments_text(part.arguments)}
        for part in calls
    ]
    return items


def _native(items: list[dict[str, Any]], message: AssistantMessage) -> list[dict[str, Any]] | None:
    """The items as they came, with the calls' present ids; `None` where the message is no longer what they say."""
    calls = list(call_parts(message))
    found: list[dict[str, Any]] = []
    for item in items:
        if item.get("type") != "function_call":
            found.append(item)
            continue
        if not calls or calls[0].name != item.get("name") or calls[0].arguments != item.get("arguments"):
            return None
        found.append({**item, "call_id": calls.pop(0).call_id, "arguments": arguments_text(str(item.get("arguments")))})
    return None if calls else found


def _path(request: ChatRequest, endpoint: Endpoint) -> str:
    return PATH


def _headers(request: ChatRequest, endpoint: Endpoint) -> dict[str, str]:
    dialect = dialect_of(endpoint.dialect)
    return {dialect.session_header: request.session_key} if dialect.session_header and request.session_key else {}


def _decoder(endpoint: Endpoint) -> Decoder:
    return ResponsesDecoder(endpoint)


WIRE: Final = Wire(path=_path, headers=_headers, encode=encode, decoder=_decoder)
