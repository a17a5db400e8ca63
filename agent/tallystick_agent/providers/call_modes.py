"""Asking a model for a tool call in the way that it can. Owns the three modes and the strict reading of replies; pure.

`native`: the provider's `tools`. `schema`: a JSON schema with one branch per tool, which llama.cpp and others force
token by token (a 1.5B model gave 6 of 6 valid calls that way and 0 of 6 natively, on a quarter of the prompt).
`text`: the same object in a fence, read back strictly. Reading never repairs: a cut object is not a call.
"""

import json
import re
from dataclasses import replace
from typing import Any, cast

from tallystick_agent.protocol.chat import ChatRequest, Reply, ToolSpec
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import (
    AssistantMessage,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    UserMessage,
)
from tallystick_agent.protocol.model_info import CallMode

ANSWER = "answer"
_FENCE = re.compile(r"```([^\n`]*)\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
_CALL_TAGS = ("", "json", "tool_call")
_XML = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)


def adapt(request: ChatRequest, mode: CallMode) -> ChatRequest:
    """The request as it is sent in `mode`; native requests pass unchanged."""
    if mode == "native" or not request.tools:
        return request
    lines = [f"- {t.name}({_signature(t)}): {t.description}" for t in request.tools]
    if mode == "schema":
        guide = 'Reply with one JSON object: {"tool": name, …arguments}.'
        lines.append(f"- {ANSWER}(text): Tell the user the result; ends the task.")
        schema = branches(request.tools)
    else:
        guide = 'To use a tool, reply with only ```json {"name": …, "arguments": {…}} ```. Plain text ends the task.'
        schema = None
    described = f"{guide}\nTools:\n" + "\n".join(lines)
    system = f"{request.system}\n\n{described}"
    messages = tuple(_flatten(message, mode) for message in request.messages)
    return replace(request, system=system, described_tools=described, messages=messages, tools=(), response_schema=schema)


def branches(tools: tuple[ToolSpec, ...]) -> dict[str, Any]:
    """One branch per tool, and one for the answer; the tool's name comes first so that it decides the branch."""
    found: list[dict[str, Any]] = []
    for tool in tools:
        properties = {"tool": {"const": tool.name}, **tool.parameters.get("properties", {})}
        required = ["tool", *tool.parameters.get("required", [])]
        found.append({"type": "object", "properties": properties, "required": required, "additionalProperties": False})
    answer = {"tool": {"const": ANSWER}, "text": {"type": "string"}}
    found.append({"type": "object", "properties": answer, "required": ["tool", "text"], "additionalProperties": False})
    return {"anyOf": found}


def read(reply: Reply, mode: CallMode, tools: tuple[ToolSpec, ...]) -> Reply:
    """The reply with its calls found. A reply that was cut, or that already has calls, is returned as it is.

    So is every native one: there the provider says what a call is, and an object in the text is only text.
    """
    if mode == "native" or not tools:
        return reply
    if reply.finish in ("length", "repetition") or any(p.kind == "tool_call" for p in reply.message.parts):
        return reply
    text = "".join(part.text for part in reply.message.parts if part.kind == "text")
    found = _read_schema(text) if mode == "schema" else _read_text(text, {tool.name for tool in tools})
    if found is None:
        return reply
    name, arguments = found
    kept = tuple(part for part in reply.message.parts if isinstance(part, ReasoningPart))
    if name == ANSWER and mode == "schema":
        answer = TextPart(text=str(arguments.get("text", "")))
        return replace(reply, message=AssistantMessage(parts=(*kept, answer)), finish="stop")
    call_id = CallId(f"call_{reply.generation_id or 'x'}")
    call = ToolCallPart(call_id=call_id, name=name, arguments=json.dumps(arguments, ensure_ascii=False))
    return replace(reply, message=AssistantMessage(parts=(*kept, call)), finish="tool_calls")


def _read_schema(text: str) -> tuple[str, dict[str, Any]] | None:
    data = _object(text)
    if data is None or not isinstance(data.get("tool"), str):
        return None
    return str(data.pop("tool")), data


def _read_text(text: str, names: set[str]) -> tuple[str, dict[str, Any]] | None:
    """A single fenced, tagged or bare call object, and nothing else of that form, is a call."""
    # Every fence is matched, also those of code: else the end of one would be read as the start of the next.
    fenced = [body for tag, body in _FENCE.findall(text) if tag.strip() in _CALL_TAGS]
    candidates = fenced or _XML.findall(text) or [text]
    calls: list[tuple[str, dict[str, Any]]] = []
    for candidate in candidates:
        data = _object(candidate)
        if data is None or data.get("name") not in names:
            continue
        arguments = data.get("arguments", data.get("parameters"))
        if isinstance(arguments, dict):
            calls.append((str(data["name"]), cast(dict[str, Any], arguments)))
    return calls[0] if len(calls) == 1 else None


def _object(text: str) -> dict[str, Any] | None:
    try:
        data = json.loads(text.strip())
    except ValueError:
        return None
    return cast(dict[str, Any], data) if isinstance(data, dict) else None


def _signature(tool: ToolSpec) -> str:
    required = set(tool.parameters.get("required", []))
    return ", ".join(name if name in required else f"{name}?" for name in tool.parameters.get("properties", {}))


def _flatten(message: Message, mode: CallMode) -> Message:
    match message:
        case UserMessage():
            return message
        case ToolMessage():
            text = "\n".join(f"Result of {part.name}:\n{part.text}" for part in message.parts)
            if mode == "schema":
                # A small model goes on changing what is done already unless it is told how to end.
                text += f"\nIf the task is done now, use {ANSWER}."
            return UserMessage(parts=(TextPart(text=text),), origin="notice")
        case AssistantMessage():
            parts: list[str] = []
            for part in message.parts:
                if isinstance(part, ToolCallPart):
                    parts.append(_call_text(part, mode))
                elif isinstance(part, TextPart):
                    parts.append(json.dumps({"tool": ANSWER, "text": part.text}) if mode == "schema" else part.text)
            return AssistantMessage(parts=(TextPart(text="\n".join(parts)),))


def _call_text(call: ToolCallPart, mode: CallMode) -> str:
    arguments = _object(call.arguments) or {}
    if mode == "schema":
        return json.dumps({"tool": call.name, **arguments}, ensure_ascii=False)
    return "```json\n" + json.dumps({"name": call.name, "arguments": arguments}, ensure_ascii=False) + "\n```"
