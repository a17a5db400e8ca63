"""Gemini's native `generateContent`: the request. Owns its JSON; reading is in `gemini_stream`.

Thought signatures go back on the part that they came with. A call without one of this endpoint's, which a model of the
third generation would refuse, carries the word that Google publishes for histories made elsewhere.
"""

import re
from typing import Any, Final, cast
from urllib.parse import quote

from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import AssistantMessage, ImagePart, TextPart, ToolResultPart
from tallystick_agent.protocol.model_info import Effort, Endpoint
from tallystick_agent.providers.reasoning import resolve
from tallystick_agent.providers.wire.base import Decoder, Wire
from tallystick_agent.providers.wire.gemini_stream import GeminiDecoder
from tallystick_agent.providers.wire.history import (
    UserTurn,
    arguments_object,
    call_names,
    call_parts,
    native_of,
    text_parts,
    turns,
)

NO_SIGNATURE: Final = "skip_thought_signature_validator"
_LEVELS: Final[dict[Effort, Effort]] = {"none": "minimal", "max": "xhigh"}
"""Levels that the API has no word for."""
_EMPTY: Final = "(nothing)"
"""Stands for a text that the API would refuse because it is empty."""
_CHOICES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def encode(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    """The request body. Key order is fixed so that equal prefixes stay equal bytes."""
    body: dict[str, Any] = {}
    tools: list[dict[str, Any]] = []
    if request.tools:
        declared = [{"name": t.name, "description": t.description, "parametersJsonSchema": t.parameters} for t in request.tools]
        tools.append({"functionDeclarations": declared})
    if request.web:
        tools.append({"googleSearch": {}})
    if tools:
        body["tools"] = tools
    if request.tools and request.tool_choice != "auto":
        named = {"allowedFunctionNames": [request.forced_tool]} if request.forced_tool else {}
        body["toolConfig"] = {"functionCallingConfig": {"mode": _CHOICES[request.tool_choice], **named}}
    if request.system:
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    body["contents"] = _contents(request, endpoint)
    body["generationConfig"] = _config(request, endpoint)
    return body


def _config(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    config: dict[str, Any] = {} if request.open_ended else {"maxOutputTokens": request.max_output_tokens}
    if endpoint.capabilities.sampling:
        sampling = {"temperature": request.temperature, "topP": request.top_p}
        config.update({name: value for name, value in sampling.items() if value is not None})
    if request.seed is not None:
        config["seed"] = request.seed
    if request.stop:
        config["stopSequences"] = list(request.stop)[:5]
    if request.response_schema is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = request.response_schema
    thinking = _thinking(request, endpoint)
    return {**config, **({"thinkingConfig": thinking} if thinking else {})}


def _thinking(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    """A level or a budget by what the model takes: both at once are refused, and a level model has no budget of 0."""
    rule = endpoint.capabilities.reasoning
    asked = resolve(request.reasoning, rule, request.max_output_tokens)
    if asked is None or rule is None:
        return {}
    shown = {"includeThoughts": asked.on and not asked.exclude}
    if rule.style in ("effort", "adaptive"):
        return {**shown, **({"thinkingLevel": _LEVELS.get(asked.effort, asked.effort)} if asked.effort else {})}
    return {**shown, **({"thinkingBudget": asked.budget} if asked.budget is not None else {})}


def _contents(request: ChatRequest, endpoint: Endpoint) -> list[dict[str, Any]]:
    names = call_names(request.messages)
    ids = _native_ids(request, endpoint)
    found: list[dict[str, Any]] = []
    for _, turn in turns(request.messages):
        if isinstance(turn, AssistantMessage):
            parts = _model(turn, endpoint)
            if parts:
                found.append({"role": "model", "parts": parts})
        else:
            found.append({"role": "user", "parts": _user(turn, names, ids)})
    return found


def _native_ids(request: ChatRequest, endpoint: Endpoint) -> frozenset[CallId]:
    """Calls to which Gemini itself gave an id: their results name it."""
    found: set[CallId] = set()
    for message in request.messages:
        if isinstance(message, AssistantMessage):
            sent = [part["functionCall"] for part in _model(message, endpoint) if "functionCall" in part]
            found.update(one["id"] for one in sent if one.get("id"))
    return frozenset(found)


def _user(turn: UserTurn, names: dict[CallId, str], ids: frozenset[CallId]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [_result(part, names, ids) for part in turn.results]
    parts += [_part(part) for part in turn.parts if not isinstance(part, TextPart) or part.text]
    return parts or [{"text": _EMPTY}]


def _result(part: ToolResultPart, names: dict[CallId, str], ids: frozenset[CallId]) -> dict[str, Any]:
    response: dict[str, Any] = {"name": names.get(part.call_id, part.name)}
    if part.call_id in ids:
        response["id"] = part.call_id
    response["response"] = {"output" if part.status == "ok" else "error": part.text}
    return {"functionResponse": response}


def _part(part: TextPart | ImagePart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"text": part.text}
    if part.url:
        return {"fileData": {"mimeType": part.media_type, "fileUri": part.url}}
    return {"inlineData": {"mimeType": part.media_type, "data": part.data}}


def _model(message: AssistantMessage, endpoint: Endpoint) -> list[dict[str, Any]]:
    native = native_of(message, endpoint.slug)
    if isinstance(native, list):
        kept = _native(cast(list[dict[str, Any]], native), message)
        if kept is not None:
            return kept
    text = text_parts(message)
    parts: list[dict[str, Any]] = [{"text": text}] if text else []
    for number, call in enumerate(call_parts(message)):
        part: dict[str, Any] = {"functionCall": {"name": call.name, "args": arguments_object(call.arguments)}}
        if number == 0 and signs(endpoint.model):
            part["thoughtSignature"] = NO_SIGNATURE
        parts.append(part)
    return parts


def signs(model: str) -> bool:
    """Whether a model insists on signatures: those from the third generation on, so what is always the latest too."""
    found = re.search(r"gemini-(\d+)", model)
    return int(found.group(1)) >= 3 if found else "gemini" in model and "latest" in model


def _native(parts: list[dict[str, Any]], message: AssistantMessage) -> list[dict[str, Any]] | None:
    """The parts as they came, with the calls' present ids; `None` where the message is no longer what they say."""
    calls = list(call_parts(message))
    found: list[dict[str, Any]] = []
    for part in parts:
        if "functionCall" not in part:
            found.append(part)
            continue
        native = cast(dict[str, Any], part["functionCall"])
        if not calls or calls[0].name != str(native.get("name") or ""):
            return None
        call = calls.pop(0)
        found.append({**part, "functionCall": {**native, "id": call.call_id}} if native.get("id") else part)
    return None if calls else found


def _path(request: ChatRequest, endpoint: Endpoint) -> str:
    method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
    return f"/models/{quote(endpoint.model, safe='')}:{method}"


def _headers(request: ChatRequest, endpoint: Endpoint) -> dict[str, str]:
    return {}


def _decoder(endpoint: Endpoint) -> Decoder:
    return GeminiDecoder(endpoint)


WIRE: Final = Wire(path=_path, headers=_headers, encode=encode, decoder=_decoder)
