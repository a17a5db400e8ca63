"""From a response's bytes to its JSON payloads. Owns three questions: is it a stream, is it whole, and does it get on.

Keep-alive comments are bytes, so they hold the connection open; they are no progress, so they do not hold it for ever.
"""

import json
from collections.abc import AsyncIterator
from typing import Final

from tallystick_agent.ports import Clock
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.providers.sse import SseDecoder

PATIENCE: Final = 5
"""Times the idle timeout that a stream may go on with comments alone."""
MOST_BYTES: Final = 16 * 1024 * 1024
_STREAM_STARTS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")


class Progress:
    """How long a stream has brought nothing but comments, and how long it may take in all."""

    def __init__(self, clock: Clock, limit_s: float, total_s: float = float("inf")) -> None:
        self._clock = clock
        self._limit_s = limit_s
        self._total_s = total_s
        self._start = self._last = clock.monotonic()

    def made(self) -> None:
        self._last = self._clock.monotonic()
        self._in_time()

    def _in_time(self) -> None:
        if self._last - self._start > self._total_s:
            raise ProviderError(
                f"The answer took longer than {self._total_s:g} s.",
                code="provider_timeout",
                retryable=True,
                remedy="Raise network.request_timeout_s, or ask for less at once.",
            )

    def check(self) -> None:
        """Raises `ProviderError` once a limit is over."""
        if self._clock.monotonic() - self._start > self._total_s:
            self._last = self._clock.monotonic()
            self._in_time()
        if self._clock.monotonic() - self._last > self._limit_s:
            raise ProviderError(
                f"The provider kept the line open for {self._limit_s:g} s and said nothing.",
                code="provider_timeout",
                retryable=True,
            )


def _whole(data: bytes) -> str:
    """A last line or an answer that nothing closes. Raises `ProviderError` for one that was cut."""
    text = data.decode("utf-8", "replace").strip()
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProviderError(
            "The provider's answer broke off before its end.", code="provider_stream_cut", retryable=True
        ) from error
    return text


async def lines(chunks: AsyncIterator[bytes], progress: Progress) -> AsyncIterator[list[str]]:
    """The lines of a stream of JSON lines, as many as came together. Raises `ProviderError` for a line over 16 MiB."""
    rest, size = list[bytes](), 0
    async for chunk in chunks:
        progress.made()
        first, *more = chunk.split(b"\n")
        rest.append(first)
        size += len(first)
        if size > MOST_BYTES:
            raise ProviderError("The provider sent a line over 16 MiB.", retryable=True)
        if more:
            # Pieces are joined once a line: joining them at each would cost the square of a long one.
            found = [b"".join(rest), *more[:-1]]
            rest, size = [more[-1]], len(more[-1])
            yield [line.decode("utf-8", "replace") for line in found if line.strip()]
    last = b"".join(rest)
    if last.strip():
        yield [_whole(last)]


async def payloads(chunks: AsyncIterator[bytes], progress: Progress, *, event_stream: bool) -> AsyncIterator[list[str]]:
    """The `data:` of an event stream, as many as came together, or the one JSON object of a server that does not stream.

    Some servers stream under another content type, so the first bytes are believed above the header. Raises `ProviderError`.
    """
    decoder, streams, fresh = SseDecoder(), event_stream, True
    pieces, size = list[bytes](), 0
    async for chunk in chunks:
        if fresh:
            begin = chunk.lstrip()
            fresh = not begin
            if begin.startswith(b"<"):
                raise ProviderError(
                    "A web page came instead of an answer.",
                    code="provider_rejected",
                    remedy="Is the base URL that of the API, with its path?",
                )
            # Some errors come as plain JSON under the stream's content type.
            streams = begin.startswith(_STREAM_STARTS) or (streams and not begin.startswith(b"{"))
        if not streams:
            pieces.append(chunk)
            size += len(chunk)
            if size > MOST_BYTES:
                raise ProviderError("The provider's answer is over 16 MiB.", retryable=False)
            progress.made()
            continue
        found = decoder.feed(chunk)
        if found:
            progress.made()
            yield found
        else:
            progress.check()
    if streams:
        return
    whole = b"".join(pieces)
    if not whole.lstrip().startswith(b"{"):
        raise ProviderError("The provider's answer is not an event stream and not JSON.", retryable=True)
    yield [_whole(whole)]
