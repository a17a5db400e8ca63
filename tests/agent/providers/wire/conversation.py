"""One conversation with everything in it, an endpoint for each wire, and short ways to encode and to read.

Owns what the tests of the wires share; no wire's JSON beyond the blocks that go back unchanged.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tallystick_agent.protocol.chat import ChatRequest, Reply, StreamEvent, ToolSpec
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
from tallystick_agent.protocol.model_info import Capabilities, Endpoint, ReasoningRule, WireName
from tallystick_agent.providers.payloads import Progress, lines, payloads
from tallystick_agent.providers.wire.base import Decoder
from tallystick_agent.providers.wire.formats import wire_of

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"done": {"type": "boolean"}}}
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
READ = ToolSpec(name="read_file", description="Read a file.", parameters=PARAMETERS)
ASK = UserMessage(parts=(TextPart(text="What is it?"),))


def endpoint(wire: WireName, *, dialect: str = "openai_compatible", model: str = "m", **can: Any) -> Endpoint:
    """An endpoint of that wire; further names are capabilities."""
    provider = "maker" if wire == "openai_chat" else wire
    return Endpoint(
        slug=f"{provider}/{model}",
        provider=provider,
        model=model,
        base_url="http://127.0.0.1:9/v1",
        wire=wire,
        dialect=dialect,
        capabilities=Capabilities(**can),
    )


def body(request: ChatRequest, at: Endpoint) -> dict[str, Any]:
    return wire_of(at, request).encode(request, at)


def ask(*messages: Message, **fields: Any) -> ChatRequest:
    """A request that says little; further names are its fields."""
    return replace(ChatRequest(system="", messages=messages or (ASK,)), **fields)


def call(call_id: str = "c1", arguments: str = '{"path": "a.py"}', name: str = "read_file") -> ToolCallPart:
    return ToolCallPart(call_id=CallId(call_id), name=name, arguments=arguments)


def result(call_id: str = "c1", text: str = "alpha", **fields: Any) -> ToolResultPart:
    return ToolResultPart(call_id=CallId(call_id), name="read_file", text=text, **fields)


def conversation(native: Any, slug: str) -> ChatRequest:
    """System, user with a picture, an answer with thoughts and two calls, their results, a second prompt, tools, a schema."""
    picture = ImagePart(media_type="image/png", data="aW1n")
    thought = ReasoningPart(text="Hm.", native=native, endpoint=slug)
    answer = AssistantMessage(parts=(thought, TextPart(text="Looking."), call("c1"), call("c2", '{"path": "b.py"}')))
    results = ToolMessage(parts=(result("c1"), result("c2", "No such file.", status="error")))
    return ChatRequest(
        system="Be brief.",
        messages=(
            UserMessage(parts=(TextPart(text="What is it?"), picture)),
            answer,
            results,
            UserMessage(parts=(TextPart(text="Go on."),)),
        ),
        tools=(READ,),
        response_schema=SCHEMA,
        max_output_tokens=4_000,
    )


EFFORTS = ReasoningRule(efforts=("low", "medium", "high"))


class Still:
    """A clock that stands."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        return None


WIRE_NAMES: dict[str, WireName] = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "ollama": "ollama",
}
"""The scripted wires' names in the product's words."""


def decoder(wire: WireName, *, dialect: str = "openrouter") -> Decoder:
    at = endpoint(wire, dialect=dialect)
    return wire_of(at, ask()).decoder(at)


def payloads_of(wire: WireName, chunks: Iterable[bytes]) -> list[str]:
    """What the product makes of a stream's bytes."""

    async def run() -> list[str]:
        async def bytes_() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        progress = Progress(Still(), 1.0)
        found = lines(bytes_(), progress) if wire == "ollama" else payloads(bytes_(), progress, event_stream=True)
        return [data async for together in found for data in together]

    return asyncio.run(run())


def read(wire: WireName, *events: dict[str, Any] | str, dialect: str = "openrouter") -> Reply:
    """The reply of a stream that is whole."""
    one = decoder(wire, dialect=dialect)
    for event in events:
        one.feed(event if isinstance(event, str) else json.dumps(event))
    return one.finish()


def heard(wire: WireName, *events: dict[str, Any] | str, dialect: str = "openrouter") -> list[StreamEvent]:
    one = decoder(wire, dialect=dialect)
    return [said for event in events for said in one.feed(event if isinstance(event, str) else json.dumps(event))]


class Said(NamedTuple):
    text: str
    reasoning: str
    calls: list[tuple[str, str]]


def said(reply: Reply) -> Said:
    parts = reply.message.parts
    return Said(
        text="".join(part.text for part in parts if isinstance(part, TextPart)),
        reasoning="".join(part.text for part in parts if isinstance(part, ReasoningPart)),
        calls=[(part.name, part.arguments) for part in parts if isinstance(part, ToolCallPart)],
    )


def native(reply: Reply) -> Any:
    return next((part.native for part in reply.message.parts if isinstance(part, ReasoningPart)), None)


def again(wire: WireName, reply: Reply, *, slug: str = "", **fields: Any) -> dict[str, Any]:
    """The body of the request after this reply: to its own endpoint, or to another one of the same wire."""
    at = endpoint(wire, **fields)
    results = ToolMessage(parts=tuple(result(p.call_id) for p in reply.message.parts if isinstance(p, ToolCallPart)))
    messages = (ASK, reply.message, *((results,) if results.parts else ()))
    return body(ask(*messages, tools=(READ,)), replace(at, slug=slug or at.slug))
