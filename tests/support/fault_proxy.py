"""A TCP proxy on 127.0.0.1 that fails in the ways networks fail, at a chosen place of the answer. For tests.

Owns the faults (named as Toxiproxy names them) and where they begin. It knows bytes, not HTTP: an answer's bytes are counted
from the first byte of its status line, over the whole connection. To learn where a place is, let one clean connection pass
and look for it in `FaultProxy.sent`.
"""

import asyncio
import math
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["latency", "down", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"]
Place = Literal["connect", "headers", "mid_stream", "after_last_token"]
Pause = Callable[[float], Awaitable[object]]

TICK_S = 0.02
"""A bandwidth's smallest unit of time."""
_NEEDS_AMOUNT = ("bandwidth", "slicer", "latency", "slow_close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxic:
    """One fault.

    What `amount` is depends on the kind. Seconds: `latency` (one pause, which moves all that follows), `slow_close` (between
    the server's end and ours), `timeout` (silence, then the end; 0 is silence for ever), `reset_peer` (before the reset).
    Bytes a second: `bandwidth`. Bytes: `slicer` (the size of a slice), `limit_data` (what still passes before the end).
    `down` has none: every connection ends and new ones are refused until `FaultProxy.set` is called.

    `after_last_token` is `mid_stream` with a name that says what the test means: the test gives the bytes for both.
    """

    kind: Kind
    at: Place = "connect"
    after_bytes: int = 0
    """Bytes of the answer that pass unharmed; for `mid_stream` and `after_last_token` alone."""
    amount: float = 0.0
    delay_s: float = 0.0
    """The pause after each slice of a `slicer`, in seconds."""
    first: int = 0
    """Only this many connections, counted from the proxy's first, are harmed; 0 harms all."""

    def __post_init__(self) -> None:
        if (self.after_bytes > 0) != (self.at in ("mid_stream", "after_last_token")):
            raise ValueError(f"after_bytes={self.after_bytes} does not go with at={self.at}")
        if self.amount < 0 or (self.kind in _NEEDS_AMOUNT and not self.amount):
            raise ValueError(f"{self.kind} cannot have the amount {self.amount}")
        if self.kind == "down" and self.at == "connect" and self.first:
            raise ValueError("a refused connection cannot be counted")


def shaped(data: bytes, shapes: Sequence[Toxic]) -> Iterator[tuple[bytes, float]]:
    """The pieces that `data` is sent in, each with the pause after it in seconds."""
    sizes = [
        max(1, math.floor(shape.amount * (TICK_S if shape.kind == "bandwidth" else 1)))
        for shape in shapes
        if shape.kind in ("bandwidth", "slicer")
    ]
    step = min(sizes, default=len(data))
    for start in range(0, len(data), step or 1):
        piece = data[start : start + step]
        slow = sum(len(piece) / shape.amount for shape in shapes if shape.kind == "bandwidth")
        yield piece, slow + sum(shape.delay_s for shape in shapes if shape.kind == "slicer")


class FaultProxy:
    """Use as a context manager; all its connections end with it. `pause` stands in for time in its own tests."""

    def __init__(self, host: str, port: int, *toxics: Toxic, pause: Pause = asyncio.sleep) -> None:
        self.upstream = (host, port)
        self.pause = pause
        self.toxics = toxics
        self.sent: list[bytearray] = []
        """What each connection was sent, in the order in which they came."""
        self.links: set[asyncio.Task[None]] = set()
        self._broken: list[Exception] = []
        self._socket = _bound(0)
        self.port = int(self._socket.getsockname()[1])
        self._listener: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy", daemon=True)

    @property
    def address(self) -> str:
        """Host and port, as in a URL."""
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many have been accepted; refused ones are not seen."""
        return len(self.sent)

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        if self._broken:
            raise self._broken[0]

    def set(self, *toxics: Toxic) -> None:
        """Other faults from the next connection on, or none; a proxy that is down comes up unless it is to be down."""

        async def change() -> None:
            self.toxics = toxics
            if self._listener is None:
                await self._listen()
            elif self._refuses():
                self.go_down()

        asyncio.run_coroutine_threadsafe(change(), self._loop).result(10)

    def go_down(self) -> None:
        """Refuses new connections and ends those there are. On the proxy's own thread."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            # Bound but not listening: nobody else takes the port, and whoever connects is refused.
            self._socket = _bound(self.port)
        for link in self.links:
            link.cancel()

    def _refuses(self) -> bool:
        return any(toxic.kind == "down" and toxic.at == "connect" for toxic in self.toxics)

    async def _listen(self) -> None:
        if not self._refuses():
            self._listener = await asyncio.start_server(self._accept, sock=self._socket, limit=2**22)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.links.add(task)
        toxics = [toxic for toxic in self.toxics if not toxic.first or len(self.sent) < toxic.first]
        self.sent.append(bytearray())
        try:
            await _Link(self, toxics, self.sent[-1], reader, writer).run()
        except asyncio.CancelledError:
            # The proxy ends or goes down: the link has closed what it had, and nobody waits for this task's word.
            pass
        except Exception as error:
            self._broken.append(error)
        finally:
            self.links.discard(task)

    async def _end(self) -> None:
        if self._listener is not None:
            self._listener.close()
        self._socket.close()
        links = list(self.links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()


class _Over(Exception):
    """A fault has ended the connection."""


class _Link:
    """One connection: what comes from the client goes to the server at once, what comes back passes the faults."""

    def __init__(
        self,
        proxy: FaultProxy,
        toxics: list[Toxic],
        sent: bytearray,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._proxy, self._waiting, self._sent = proxy, toxics, sent
        self._reader, self._writer = reader, writer
        self._shapes: list[Toxic] = []
        self._room: float = math.inf
        """Bytes that may still pass."""
        self._reset = False
        self._server: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        # A drain that waits for the last byte: a reset must not overtake what was sent before it.
        self._writer.transport.set_write_buffer_limits(high=0)
        tasks = [asyncio.create_task(self._ask()), asyncio.create_task(self._answer())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # All that must happen comes before the first wait, where a second cancellation may arrive.
            for task in tasks:
                task.cancel()
            if self._reset:
                self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._writer.transport.abort()
            writers = [self._writer, *([self._server.result()] if self._server.done() else [])]
            for writer in writers:
                writer.close()
            ends = await asyncio.gather(*tasks, *(writer.wait_closed() for writer in writers), return_exceptions=True)
        for end in ends:
            # A peer that was faster is a part of the trade; anything else is a fault of this file.
            if isinstance(end, Exception) and not isinstance(end, _Over | OSError):
                raise end

    async def _ask(self) -> None:
        while data := await self._reader.read(2**16):
            server = await asyncio.shield(self._server)
            await self._write(server, data, [shape for shape in self._shapes if shape.at == "connect"])

    async def _answer(self) -> None:
        await self._begin("connect")
        answer, server = await asyncio.open_connection(*self._proxy.upstream)
        self._server.set_result(server)
        while data := await answer.read(2**16):
            await self._begin("headers")
            await self._pass(data)
        for shape in self._shapes:
            if shape.kind == "slow_close":
                await self._proxy.pause(shape.amount)

    async def _pass(self, data: bytes) -> None:
        while data:
            stops = [toxic.after_bytes - len(self._sent) for toxic in self._waiting if toxic.after_bytes]
            size = int(min(len(data), self._room, *stops))
            piece, data = data[:size], data[size:]
            self._sent += piece
            self._room -= size
            await self._write(self._writer, piece, self._shapes)
            if self._room <= 0:
                raise _Over
            await self._begin("mid_stream", "after_last_token")

    async def _write(self, writer: asyncio.StreamWriter, data: bytes, shapes: Sequence[Toxic]) -> None:
        for piece, pause in shaped(data, shapes):
            writer.write(piece)
            await writer.drain()
            if pause:
                await self._proxy.pause(pause)

    async def _begin(self, *places: Place) -> None:
        due = [toxic for toxic in self._waiting if toxic.at in places and toxic.after_bytes <= len(self._sent)]
        self._waiting = [toxic for toxic in self._waiting if toxic not in due]
        for toxic in due:
            await self._strike(toxic)

    async def _strike(self, toxic: Toxic) -> None:
        match toxic.kind:
            case "latency":
                await self._proxy.pause(toxic.amount)
            case "bandwidth" | "slicer" | "slow_close":
                self._shapes.append(toxic)
            case "limit_data":
                self._room = min(self._room, toxic.amount)
                if not self._room:
                    raise _Over
            case "timeout":
                if not toxic.amount:
                    await asyncio.Event().wait()
                await self._proxy.pause(toxic.amount)
                raise _Over
            case "reset_peer":
                await self._proxy.pause(toxic.amount)
                self._reset = True
                raise _Over
            case "down":
                self._proxy.go_down()
                raise _Over


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    return made
