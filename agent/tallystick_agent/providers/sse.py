"""Server-sent events from bytes. Owns framing only: lines, comments, multi-line data; pure and incremental.

Any cut of the byte stream gives the same events as the whole (CR, LF, CRLF, a cut inside a UTF-8 character). An event
that is not closed by an empty line is dropped, as the standard says.
"""

from tallystick_agent.protocol.errors import ProviderError

MAX_EVENT_BYTES = 16 * 1024 * 1024


class SseDecoder:
    """Feed it bytes; it gives back the `data` of each event that those bytes complete."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        """A line that has not ended, in pieces: joining them at each piece would cost the square of a long line."""
        self._held = 0
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[str]:
        """Raises `ProviderError` for an event over 16 MiB."""
        if b"\n" not in chunk and b"\r" not in chunk and not (self._rest and self._rest[-1].endswith(b"\r")):
            self._hold(chunk)
            return []
        buffer = b"".join([*self._rest, chunk])
        if b"\r" in buffer:
            held = buffer.endswith(b"\r")
            # A CR at the end may be half of a CRLF: wait for the next byte.
            body = (buffer[:-1] if held else buffer).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            buffer = body + b"\r" if held else body
        lines = buffer.split(b"\n")
        self._rest, self._held = [], 0
        self._hold(lines.pop())
        done: list[str] = []
        for line in lines:
            if line.startswith(b"data:"):
                value = line[6:] if line[5:6] == b" " else line[5:]
                self._data.append(value)
                self._size += len(value)
            elif not line and self._data:
                done.append(b"\n".join(self._data).decode("utf-8", "replace"))
                self._data, self._size = [], 0
        return done

    def _hold(self, piece: bytes) -> None:
        if piece:
            self._rest.append(piece)
            self._held += len(piece)
        if self._held + self._size > MAX_EVENT_BYTES:
            raise ProviderError("The provider sent an event over 16 MiB.", code="provider_failed", retryable=True)
