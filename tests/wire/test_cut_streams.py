"""Every recorded stream, cut on the wire at the places where a cut deceives most: the product's client makes a success of
nothing but the whole answer, and shows nothing that was not said.

The answer comes over a real socket, framed in the three ways of HTTP. That the readers hold at every byte is tested without
sockets, with the readers.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.support.provider_client import Told, calls_of, endpoint_at, provider_client, saying, tell, text_of
from tests.support.scripted.recorded import Recorded, recorded_streams
from tests.support.scripted.wires import WIRES

from tallystick_agent.protocol.model_info import WireName

NAMES: dict[str, WireName] = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "ollama": "ollama",
}
FRAMINGS = ("close", "length", "chunk")
"""What tells the end of a body: the connection's end, a length told beforehand, or an empty chunk."""
USUAL = ("-text", "-reasoning", "-call", "-parallel-calls", "-length")
MARKS = (b'"usage"', b'"usageMetadata"', b'"prompt_eval_count"', b"data: [DONE]", b'"finish', b'"stop_reason"')
"""What a stream says near its end."""


class Cut:
    """A server that sends these bytes to whoever asks, and closes."""

    answer = b""
    port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        writer.write(self.answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def cut_server() -> AsyncGenerator[Cut, None]:
    cut = Cut()
    server = await asyncio.start_server(cut.serve, "127.0.0.1", 0)
    cut.port = int(server.sockets[0].getsockname()[1])
    async with server:
        yield cut


def framed(one: Recorded, framing: str) -> tuple[bytes, bytes, bytes]:
    """The head of the answer, and what stands before and behind its body."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {WIRES[one.wire].content_type}\r\n".encode()
    match framing:
        case "close":
            return head + b"connection: close\r\n\r\n", b"", b""
        case "length":
            return head + b"content-length: %d\r\n\r\n" % len(one.data), b"", b""
        case _:
            return head + b"transfer-encoding: chunked\r\n\r\n", b"%x\r\n" % len(one.data), b"\r\n0\r\n\r\n"


def places(one: Recorded, framing: str) -> list[int]:
    """Where to cut: in the head, before and in the body, inside a character, at each mark, around the end."""
    head, before, after = map(len, framed(one, framing))
    size = len(one.data)
    inside = next((at + 1 for at, byte in enumerate(one.data) if byte >= 0xC0), 1)
    last = one.data.rstrip().rfind(b"\n")
    marks = [at + more for at in (last, *map(one.data.rfind, MARKS)) if at >= 0 for more in (0, 4)]
    body = {head + before + min(at, size) for at in (0, inside, size // 2, *marks, size - 1, size)}
    whole = head + before + size + after
    return sorted(body | {10, head - 3, whole - 1, whole})


def neutral(told: Told) -> dict[str, Any]:
    reply = told.reply
    thoughts = "".join(part.text for part in reply.message.parts if part.kind == "reasoning")
    calls = [(call.name, json.loads(call.arguments or "{}")) for call in calls_of(reply)]
    return {"text": text_of(reply), "reasoning": thoughts, "calls": calls, "finish": reply.finish}


def faults_of(one: Recorded, told: Told, *, head: bool, whole: bool) -> list[str]:
    """What is wrong with the outcome of a cut in the head, after everything, or anywhere between."""
    expected, found = one.expected, list[str]()
    if not expected["text"].startswith(told.shown):
        found.append(f"shows {told.shown!r}")
    if told.error is not None:
        if whole and expected["error"] is None:
            found.append(f"the whole answer fails: {told.error.message}")
        if head and (told.error.code, told.accepted) != ("provider_unavailable", 0):
            found.append(f"{told.error.code} where nothing had been answered")
        charged = told.ended[-1].accepted
        if not head and expected["error"] is None and not (told.error.retryable and charged):
            found.append(f"{told.error.message} (final, or free of charge)")
        return found
    wanted = {name: expected[name] for name in ("text", "reasoning", "calls", "finish")}
    if expected["error"] is not None or neutral(told) != wanted:
        found.append(f"a success with {neutral(told)}")
    usage = told.reply.usage
    if whole and expected["usage"] != (usage and {name: getattr(usage, f"{name}_tokens") for name in expected["usage"] or ()}):
        found.append(f"usage {usage}")
    return found


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("wire", WIRES)
def test_a_cut_answer_is_never_a_success_unless_nothing_is_missing(wire: str, framing: str) -> None:
    # A cut looks like the end where only the connection's end tells it, so all streams are cut there.
    streams = [one for one in recorded_streams() if one.wire == wire and (framing == "close" or one.name.endswith(USUAL))]

    async def cut_all() -> tuple[list[str], int]:
        found, cuts = list[str](), 0
        async with cut_server() as server, provider_client(max_attempts=1) as client:
            endpoint = endpoint_at(f"http://127.0.0.1:{server.port}", NAMES[wire])
            for one in streams:
                head, before, after = framed(one, framing)
                whole = head + before + one.data + after
                for place in places(one, framing):
                    server.answer = whole[:place]
                    told = await tell(client, saying(), endpoint)
                    wrong = faults_of(one, told, head=place < len(head), whole=place == len(whole))
                    found += [f"{one.name} cut at {place} of {len(whole)}: {fault}" for fault in wrong]
                    cuts += 1
        return found, cuts

    found, cuts = asyncio.run(cut_all())
    assert not found, "\n".join(found)
    assert cuts >= 8 * len(streams) >= 40
