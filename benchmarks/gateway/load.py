"""Load over raw sockets, so that whoever asks weighs next to nothing. Runs as a process of its own; prints JSON."""

import asyncio
import json
import re
import sys
import time
from typing import Any
from urllib.parse import urlsplit


async def _answer(reader: asyncio.StreamReader) -> bool:
    """Reads one answer; whether the connection can serve another."""
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head[:20]:
        raise RuntimeError((head + await reader.read(600)).decode("utf-8", "replace"))
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    if length is not None and b"text/event-stream" in head:
        # LiteLLM hands on its upstream's length, which its own stream does not have: it ends with its last event.
        await reader.readuntil(b"data: [DONE]\n\n")
        return False
    if length is not None:
        await reader.readexactly(int(length[1]))
        return True
    while True:
        size = int((await reader.readline()).strip() or b"0", 16)
        await reader.readexactly(size + 2)
        if size == 0:
            return True


async def load(url: str, headers: dict[str, str], body: dict[str, Any], count: int, together: int) -> dict[str, float]:
    """Milliseconds at p50 and p99, and requests a second."""
    parts = urlsplit(url)
    data = json.dumps(body).encode()
    named = {**headers, "host": parts.netloc, "content-type": "application/json", "content-length": str(len(data))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    raw = f"POST {parts.path} HTTP/1.1\r\n{lines}\r\n".encode() + data
    left, taken = count, list[float]()

    async def ask() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while left > 0:
            left -= 1
            begun = time.perf_counter()
            writer.write(raw)
            again = await _answer(reader)
            taken.append(time.perf_counter() - begun)
            if not again:
                writer.close()
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(together)))
    spent = time.perf_counter() - begun
    taken.sort()
    return {
        "p50": taken[len(taken) // 2] * 1_000,
        "p99": taken[int(len(taken) * 0.99)] * 1_000,
        "per_s": count / spent,
    }


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps(asyncio.run(load(**given))))
