"""Bytes in and out: standard streams or one TCP connection, and the framing of messages. Owns no message's meaning.

Standard input is read by a thread of its own, so that no work of ours can keep the server from hearing its client, and a
client that goes away without a word is noticed as the end of its stream.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from typing import BinaryIO

MOST_BYTES = 256 * 1024 * 1024
"""A message that claims to be larger is taken as noise."""
_BLOCK = 65_536
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
                if not value.strip().isdecimal() or int(value) > MOST_BYTES:
                    raise FramingError("a length that cannot be right")
                length = int(value)
        if length is None:
            raise FramingError("a message without a length")
        try:
            yield await reader.readexactly(length)
        except asyncio.IncompleteReadError:
            return


class Output:
    """What pygls writes to. A client that stopped listening is reported once, and then nothing more is tried."""

    def __init__(self, write: Callable[[bytes], object], on_broken: Callable[[], None]) -> None:
        self._write = write
        self._on_broken = on_broken
        self._broken = False

    def write(self, data: bytes) -> None:
        if self._broken:
            return
        try:
            self._write(data)
        except (OSError, ValueError, RuntimeError):
            self._broken = True
            self._on_broken()

    def close(self) -> None:
        self._broken = True


class StandardStreams:
    """Our own copies of the process's standard input and output.

    The originals are turned away (input to nothing, output to standard error), so that neither a library that prints nor
    a child process can put bytes into the protocol.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._input = os.dup(0)
        self._output: BinaryIO = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)

    def write(self, data: bytes) -> None:
        self._output.write(data)
        self._output.flush()

    def reader(self) -> asyncio.StreamReader:
        """Fed by a daemon thread: one that waits for input must not keep the process alive."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)

        def feed() -> None:
            with contextlib.suppress(OSError, RuntimeError):
                while block := os.read(self._input, _BLOCK):
                    loop.call_soon_threadsafe(reader.feed_data, block)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(reader.feed_eof)

        threading.Thread(target=feed, name="tallystick-stdin", daemon=True).start()
        return reader
