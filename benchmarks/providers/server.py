"""A server that answers at once: a short whole answer, or a stream of so many chunks. Raw asyncio, so that it weighs nothing."""

import asyncio
import json
import sys


def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    row = {"id": "gen-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [choice]}
    return b"data: " + json.dumps(row).encode() + b"\n\n"


USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


def stream(count: int) -> bytes:
    pieces = [chunk({"role": "assistant"}), *(chunk({"content": f"word{number} "}) for number in range(count))]
    last = {"id": "gen-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [], "usage": USAGE}
    return b"".join(pieces) + chunk({}, "stop") + b"data: " + json.dumps(last).encode() + b"\n\ndata: [DONE]\n\n"


def whole() -> bytes:
    message = {"role": "assistant", "content": "Hello there, how can I help?"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps(
        {"id": "gen-1", "object": "chat.completion", "created": 1, "model": "scripted", "choices": [choice], "usage": USAGE}
    ).encode()


async def main() -> None:
    bodies = {True: (b"text/event-stream", stream(int(sys.argv[1]))), False: (b"application/json", whole())}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.lower().split(b"\r\n")
                length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
                # Some gateways look first whether anybody is there.
                asked = json.loads(await reader.readexactly(length) or b"{}")
                kind, body = bodies[bool(asked.get("stream"))]
                size = str(len(body)).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\ncontent-length: " + size + b"\r\n\r\n" + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    async with server:
        await asyncio.wait_for(server.serve_forever(), 1_800)


if __name__ == "__main__":
    asyncio.run(main())
