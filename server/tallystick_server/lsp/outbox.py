"""Messages on their way to the client. Owns their order, how many may wait, and the thread that writes them.

A client may stop reading for a while, and a write to a full pipe blocks; so nothing is written on the loop. What is done
when messages pile up, in this order:
1. of messages that only tell a present state (a progress report, a document's marks, our status) the newest is kept;
2. above `FULL` bytes streams of events are held. What the client says is still heard, such as that it wants no more;
3. above `CROWDED` bytes, which only answers can add, nothing more is read from the client, so no new request comes in;
4. above `MOST` bytes the client is taken as gone: turns end and sessions are saved, as when it dies.
Answers, requests and events are never left out.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Hashable

FULL = 1024 * 1024
CROWDED = 4 * FULL
MOST = 64 * 1024 * 1024
"""Bytes that wait; a single message may be larger."""
_BATCH = 65_536


class Outbox:
    """Made on the loop. `write` is called in a thread with whole messages and may block; `on_broken` is called on the loop."""

    def __init__(self, write: Callable[[bytes], object], on_broken: Callable[[], None]) -> None:
        self._write = write
        self._on_broken = on_broken
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[object, bytes] = {}
        self._size = 0
        self._writing = self._closed = self._broken = False
        self._changed = threading.Condition()
        self._room = asyncio.Event()
        self._room.set()
        self._uncrowded = asyncio.Event()
        self._uncrowded.set()
        self._written = asyncio.Event()
        threading.Thread(target=self._run, name="tallystick-output", daemon=True).start()

    def put(self, message: bytes, state: Hashable | None = None) -> None:
        """Returns at once. A message that waits for the same `state` is replaced."""
        with self._changed:
            if self._closed or self._broken:
                return
            if self._size and self._size + len(message) > MOST:
                self._break()
                return
            key = object() if state is None else state
            self._size += len(message) - len(self._waiting.pop(key, b""))
            self._waiting[key] = message
            if self._size > FULL:
                self._room.clear()
            if self._size > CROWDED:
                self._uncrowded.clear()
            self._changed.notify()

    async def room(self) -> None:
        """Waits while too much waits for one more event. Returns, too, when nobody reads any more."""
        await self._room.wait()

    async def uncrowded(self) -> None:
        """Waits while too much waits for one more request. Returns, too, when nobody reads any more."""
        await self._uncrowded.wait()

    async def close(self, timeout_s: float) -> None:
        """Takes nothing more, and waits that long for what is under way to be written."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._written.wait()

    def _run(self) -> None:
        while batch := self._take():
            try:
                self._write(batch)
            except (OSError, ValueError):
                with self._changed:
                    self._break()
                break
        self._tell(self._written.set)

    def _take(self) -> bytes:
        """Blocks until there is something; nothing when there never will be."""
        with self._changed:
            while not self._waiting:
                if self._closed or self._broken:
                    return b""
                self._changed.wait()
            batch = bytearray()
            while self._waiting and len(batch) < _BATCH:
                batch += self._waiting.pop(next(iter(self._waiting)))
            self._size -= len(batch)
            if self._size <= FULL // 2:
                self._tell(self._room.set)
            if self._size <= CROWDED // 2:
                self._tell(self._uncrowded.set)
            return bytes(batch)

    def _break(self) -> None:
        self._broken = True
        self._waiting.clear()
        self._size = 0
        self._tell(self._room.set)
        self._tell(self._uncrowded.set)
        self._tell(self._on_broken)
        self._changed.notify()

    def _tell(self, what: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what)
