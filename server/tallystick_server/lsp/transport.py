"""Bytes in and out: standard streams or one TCP connection, and the framing of messages. Owns no message's meaning.

Input is read by a thread of its own, so that no work of ours can keep the server from hearing its client, and a client
that goes away without a word is noticed as the end of its stream. It reads no further ahead than a bounded number of bytes.
"""

import asyncio
import contextlib
import os
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Callable

MOST_BYTES = 256 * 1024 * 1024
"""A message that claims to be larger is taken as noise."""
_BLOCK = 65_536
_LINE = 65_536
"""Bytes of the longest header line; twice that may wait to be looked at."""
_AHEAD = 16
"""Blocks that may be read while the loop is busy."""
_HEADERS = ("content-length", "content-type")


class FramingError(Exception):
    """What came in is no Language Server Protocol."""


async def read_messages(reader: asyncio.StreamReader) -> AsyncGenerator[bytes, None]:
    """The body of each message until the stream ends. Raises `FramingError`.

    Only the two headers of the protocol pass: a web page that posts a request to our TCP port speaks HTTP, and is cut off.
    """
    while True:
        length: int | None = None
        while True:
            try:
                line = await reader.readline()
            except ValueError as error:
                raise FramingError("a header line is too long") from error
            if not line:
                return
            if not line.strip():
                break
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or name.strip().lower() not in _HEADERS:
                raise FramingError("an unknown header line")
            if name.strip().lower() == "content-length":
                digits = value.strip()
                if length is not None or not digits.isdecimal() or len(digits) > 12 or int(digits) > MOST_BYTES:
                    raise FramingError("a length that cannot be right")
                length = int(digits)
        if length is None:
            raise FramingError("a message without a length")
        try:
            yield await reader.readexactly(length)
        except asyncio.IncompleteReadError:
            return


class Connection:
    """Bytes from and to one client. Both sides block, so each has a thread: see `Outbox` for the other one."""

    def __init__(self, read: Callable[[int], bytes], write: Callable[[bytes], None]) -> None:
        self._read = read
        self.write = write
        """Writes all of it. Raises `OSError`."""

    def reader(self, at_end: Callable[[], None] | None = None) -> asyncio.StreamReader:
        """Fed by a daemon thread: one that waits for input must not keep the process alive.

        `at_end` is called in that thread, so that the end is noticed even while the loop is held up.
        """
        loop = asyncio.get_running_loop()
        gate = _Gate()
        ahead = threading.Semaphore(_AHEAD)
        reader = asyncio.StreamReader(loop=loop, limit=_LINE)
        reader.set_transport(gate)

        def give(block: bytes) -> None:
            reader.feed_data(block)
            ahead.release()

        def feed() -> None:
            with contextlib.suppress(OSError, RuntimeError):
                while block := self._read(_BLOCK):
                    ahead.acquire()
                    loop.call_soon_threadsafe(give, block)
                    gate.wait()
            if at_end is not None:
                at_end()
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(reader.feed_eof)

        threading.Thread(target=feed, name="tallystick-input", daemon=True).start()
        return reader


class _Gate(asyncio.ReadTransport):
    """What a `StreamReader` closes when it holds enough; the thread that feeds it then waits."""

    def __init__(self) -> None:
        super().__init__()
        self._open = threading.Event()
        self._open.set()

    def wait(self) -> None:
        self._open.wait()

    def pause_reading(self) -> None:
        self._open.clear()

    def resume_reading(self) -> None:
        self._open.set()

    def is_closing(self) -> bool:
        return False


def standard_streams() -> Connection:
    """Our own copies of the process's standard input and output.

    The originals are turned away (input to nothing, output to standard error), so that neither a library that prints nor
    a child process can put bytes into the protocol.
    """
    sys.stdout.flush()
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)

    def write(data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(outgoing, left) :]

    return Connection(lambda size: os.read(incoming, size), write)


def tcp_stream(client: socket.socket) -> Connection:
    client.setblocking(True)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(client.recv, client.sendall)
