"""Ollama's own chat API: lines of JSON instead of events. Owns that JSON, both ways.

It is used where the context size matters: the OpenAI-compatible door cannot set it, and a prompt over the size is cut
there without a word. Counts of 0 are left out of its JSON, so a missing one is unknown.
"""

import json
from typing import Any, Final, cast

from tallystick_agent.protocol.chat import ChatRequest, Reply, StreamEvent
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import AssistantMessage, ImagePart, Message, TextPart, ToolMessage, UserMessage
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.classify import classify_body
from tallystick_agent.providers.reasoning import resolve
from tallystick_agent.providers.wire.base import Decoder, Wire, count, no_headers
from tallystick_agent.providers.wire.history import arguments_object, call_names, call_parts, native_of, text_parts
from tallystick_agent.providers.wire.object_decoder import ObjectDecoder

PATH: Final = "/api/chat"


def encode(request: ChatRequest, endpoint: Endpoint) -> dict[str, Any]:
    body: dict[str, Any] = {"model": endpoint.model}
    if request.tools:
        body["tools"] = [
            {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.parameters}}
            for t in request.tools
        ]
    names = call_names(request.messages)
    body["messages"] = [{"role": "system", "content": request.system}] if request.system else []
    for message in request.messages:
        body["messages"].extend(_message(message, endpoint, names))
    body["stream"] = request.stream
    # Neither the history nor what is said may be dropped without a word where the context is full.
    body["truncate"] = False
    body["shift"] = False
    options: dict[str, Any] = {"num_predict": request.max_output_tokens}
    if endpoint.window_tokens is not None:
        options["num_ctx"] = endpoint.window_tokens
    for name, value in (("temperature", request.temperature), ("top_p", request.top_p), ("seed", request.seed)):
        if value is not None:
            options[name] = value
    if request.stop:
        options["stop"] = list(request.stop)
    body["options"] = options
    if request.response_schema is not None:
        body["format"] = request.response_schema
    asked = resolve(request.reasoning, endpoint.capabilities.reasoning, request.max_output_tokens)
    if asked is not None and not asked.silent:
        body["think"] = asked.effort if asked.on and asked.effort in ("low", "medium", "high", "max") else asked.on
    return body


def _message(message: Message, endpoint: Endpoint, names: dict[CallId, str]) -> list[dict[str, Any]]:
    match message:
        case UserMessage():
            out: dict[str, Any] = {"role": "user", "content": "".join(_words(part) for part in message.parts)}
            images = [part.data for part in message.parts if isinstance(part, ImagePart) and part.data]
            return [{**out, **({"images": images} if images else {})}]
        case ToolMessage():
            return [{"role": "tool", "tool_name": names.get(p.call_id, p.name), "content": p.text} for p in message.parts]
        case AssistantMessage():
            out = {"role": "assistant", "content": text_parts(message)}
            native = native_of(message, endpoint.slug)
            if isinstance(native, dict):
                out.update(cast(dict[str, Any], native))
            calls = [
                {"function": {"name": part.name, "arguments": arguments_object(part.arguments)}} for part in call_parts(message)
            ]
            return [{**out, **({"tool_calls": calls} if calls else {})}]


def _words(part: TextPart | ImagePart) -> str:
    if isinstance(part, TextPart):
        return part.text
    # It fetches nothing: the model is told at least where the picture would be.
    return "" if part.data else f"[picture: {part.url}]"


class OllamaDecoder(ObjectDecoder):
    """One line of JSON a payload; the last has `done`."""

    def _feed(self, line: dict[str, Any]) -> list[StreamEvent]:
        if line.get("error"):
            raise classify_body(status=200, body=line)
        answer = self._answer
        answer.model = str(line.get("model") or answer.model)
        message = cast(dict[str, Any], line.get("message") or {})
        events: list[StreamEvent] = []
        if message.get("thinking"):
            events.append(answer.think(str(message["thinking"])))
        if message.get("content"):
            events.append(answer.say(str(message["content"])))
        for call in cast(list[dict[str, Any]], message.get("tool_calls") or []):
            function = cast(dict[str, Any], call.get("function") or {})
            slot = answer.open_call(str(call.get("id") or ""), str(function.get("name") or ""))
            events.append(answer.more_call(slot, json.dumps(function.get("arguments") or {}, ensure_ascii=False)))
        if line.get("done"):
            answer.finish = "length" if line.get("done_reason") == "length" else "stop"
            answer.usage = usage_of(line)
        return events

    def finish(self, *, cut: bool = False) -> Reply:
        if self._answer.reasoning:
            self._answer.native = {"thinking": self._answer.reasoning}
        return self._answer.whole(cut=cut)


def usage_of(line: dict[str, Any]) -> Usage | None:
    """The counts of the last line; `None` where one is missing."""
    inputs, outputs = count(line.get("prompt_eval_count")), count(line.get("eval_count"))
    if inputs is None or outputs is None:
        return None
    return Usage(input_tokens=inputs, output_tokens=outputs)


def _path(request: ChatRequest, endpoint: Endpoint) -> str:
    return PATH


def _decoder(endpoint: Endpoint) -> Decoder:
    return OllamaDecoder(endpoint)


WIRE: Final = Wire(path=_path, headers=no_headers, encode=encode, decoder=_decoder)
