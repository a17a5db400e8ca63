"""A look at a server of this machine without the engine: one small GET. Owns that exchange; no key and no name goes along."""

import asyncio
import contextlib
import json
from typing import Any, Final
from urllib.parse import urlsplit

MOST_BYTES: Final = 256 * 1024


async def look(url: str, *, timeout_s: float) -> Any:
    """The JSON at a plain `http` address; `None` where nobody answers in time, or with anything else."""
    try:
        async with asyncio.timeout(timeout_s):
            return json.loads(await _get(url))
    except (OSError, ValueError, TimeoutError, asyncio.LimitOverrunError, EOFError, RecursionError):
        return None


async def _get(url: str) -> bytes:
    """The body of a success. Raises `ValueError` for anything else."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("not a plain address")
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        host = parts.netloc.rpartition("@")[2]
        # The old version of HTTP has no chunks: the body is what comes until the end.
        writer.write(f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n\r\n".encode())
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        status = head.split(b"\r\n", 1)[0].split(b" ")
        if len(status) < 2 or status[1] != b"200":
            raise ValueError("no success")
        body = b""
        while len(body) < MOST_BYTES and (piece := await reader.read(MOST_BYTES)):
            body += piece
        return body
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
