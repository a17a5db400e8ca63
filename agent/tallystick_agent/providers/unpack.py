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
    taken = 0
    async for chunk in chunks:
        taken += len(chunk)
        data = chunk
        while data:
            try:
                piece = inflater.decompress(data, STEP)
            except zlib.error as error:
                raise ProviderError("The provider sent something that cannot be unpacked.", retryable=True) from error
            total += len(piece)
            if total > MOST or (total > STEP and total > taken * MOST_RATIO):
                raise _too_much()
            if piece:
                yield piece
            data = inflater.unconsumed_tail


def _too_much() -> ProviderError:
    return ProviderError("The provider's answer grew beyond anything a model can say.", retryable=False)
