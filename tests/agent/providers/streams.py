"""Streams of OpenAI Chat Completions in a few words, for the tests of the wire."""

import json
from typing import Any

from tallystick_agent.protocol.chat import Reply
from tallystick_agent.protocol.messages import TextPart, ToolCallPart
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.dialects import dialect_of
from tallystick_agent.providers.wire.openai_chat_stream import OpenAIChatDecoder

ENDPOINT = Endpoint(slug="openrouter/x/y", provider="openrouter", model="x/y", base_url="http://127.0.0.1/v1")
DONE = "[DONE]"


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": "gen-1", "model": "served", "choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}], **fields}


def text(content: str) -> dict[str, Any]:
    return chunk({"content": content})


def calls(*pieces: dict[str, Any]) -> dict[str, Any]:
    return chunk({"tool_calls": list(pieces)})


def piece(arguments: Any = None, *, name: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        **fields,
        "function": {**({"name": name} if name else {}), **({"arguments": arguments} if arguments is not None else {})},
    }


def read(*chunks: dict[str, Any] | str, dialect: str = "openrouter") -> Reply:
    decoder = OpenAIChatDecoder(ENDPOINT, dialect_of(dialect))
    for one in chunks:
        decoder.feed(one if isinstance(one, str) else json.dumps(one))
    return decoder.finish()


def said(reply: Reply) -> str:
    return "".join(part.text for part in reply.message.parts if isinstance(part, TextPart))


def called(reply: Reply) -> list[tuple[str, str]]:
    return [(part.name, part.arguments) for part in reply.message.parts if isinstance(part, ToolCallPart)]
