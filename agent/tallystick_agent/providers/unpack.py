"""Packed answers, unpacked in bounded steps. Owns the guard against answers that grow without end.

We ask for no packing; some servers pack all the same. A few kilobytes can unpack to gigabytes, so each step gives at most
a mebibyte, and an answer that unpacks far beyond what a model can say is refused.
"""

import zlib
from collections.abc import AsyncIterator
from typing import Final

from tallystick_agent.protocol.errors import ProviderError

STEP: Final = 1024 * 1024
MOST: Final = 256 * 1024 * 1024
"""Bytes of one answer, unpacked or not."""
MOST_RATIO: Final = 200
"""Unpacked bytes for a packed one, beyond the first mebibyte; text packs to a tenth at best."""
_GZIP: Final = b"\x1f\x8b"


async def unpacked(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The bytes of an answer. Raises `ProviderError` for an unknown packing, a broken one, and an answer without end."""
    kind = encoding.strip().lower()
    total = 0
    if kind in ("", "identity"):
        async for chunk in chunks:
            total += len(chunk)
            if total > MOST:
                raise _too_much()
            yield chunk
        return
    if kind not in ("gzip", "x-gzip", "deflate"):
        raise ProviderError(f"The provider packed its answer as `{kind[:20]}`, which nobody asked for.", retryable=True)
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
    taken, start, rest = 0, b"", b""
    async for chunk in chunks:
        taken += len(chunk)
        if taken > MOST:
            raise _too_much()
        data, rest = rest + chunk, b""
        if len(start) < 2:
            # The first two bytes tell what it is.
            data = start = start + chunk
            if len(start) < 2:
                continue
            if kind == "deflate" and not _has_header(start):
                inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        while data:
            if inflater.eof:
                if data == _GZIP[:1]:
                    rest = data
                    break
                if not data.startswith(_GZIP):
                    # Padding after the end says nothing.
                    break
                inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
            try:
                piece = inflater.decompress(data, STEP)
            except zlib.error as error:
                raise ProviderError("The provider sent something that cannot be unpacked.", retryable=True) from error
            total += len(piece)
            if total > MOST or (total > STEP and total > taken * MOST_RATIO):
                raise _too_much()
            if piece:
                yield piece
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail


def _has_header(start: bytes) -> bool:
    """Whether it begins as zlib or gzip do; some servers send what they call deflate without a header."""
    return start.startswith(_GZIP) or (start[0] & 0x0F == 8 and int.from_bytes(start[:2]) % 31 == 0)


def _too_much() -> ProviderError:
    return ProviderError("The provider's answer grew beyond anything a model can say.", retryable=False)
