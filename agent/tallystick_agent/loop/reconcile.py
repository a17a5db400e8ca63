"""What broken attempts really cost, asked of the provider afterwards. Owns the asking; the correction is a row of its own.

Only OpenRouter can be asked, by the id of the generation. A correction holds the difference to the estimate, so every sum
over the ledger is right, and nothing that was written is ever changed.
"""

import asyncio
import contextlib
from dataclasses import replace
from typing import Final

from tallystick_agent.ports import Clock, SecretStore
from tallystick_agent.protocol.errors import ProviderError, StorageError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.providers.account import Generation, parse_generation
from tallystick_agent.providers.http import Transport, origin_of
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.record import LedgerRow

PAUSES_S: Final = (0.5, 2.0, 8.0)
"""The provider knows a generation's cost a little after its end."""
AT_CLOSE_S: Final = 1.5
"""Seconds that closing waits for corrections; what is not there by then is asked another time."""
MOST: Final = 100


class Reconciler:
    def __init__(self, transport: Transport, secrets: SecretStore, ledger: Ledger, clock: Clock) -> None:
        self._transport = transport
        self._secrets = secrets
        self._ledger = ledger
        self._clock = clock
        self._task: asyncio.Task[int] | None = None

    def later(self, endpoint: Endpoint) -> None:
        """Something of this endpoint's may be estimated, now or from an earlier run: asks for it in the background."""
        if endpoint.aggregator and (self._task is None or self._task.done()):
            self._task = asyncio.ensure_future(self.run(endpoint))

    async def run(self, endpoint: Endpoint) -> int:
        """Corrects what can be corrected, and gives the number of corrections. Never raises for a provider's failure."""
        corrected = 0
        for pause in (*PAUSES_S, 0.0):
            left = await asyncio.to_thread(self._ledger.unreconciled, endpoint.provider, MOST)
            found = [await self._one(endpoint, row) for row in left]
            corrected += sum(found)
            if all(found):
                break
            await self._clock.sleep(pause)
        return corrected

    async def _one(self, endpoint: Endpoint, row: LedgerRow) -> bool:
        url = f"{endpoint.base_url.rstrip('/')}/generation?id={row.generation_id}"
        try:
            key = self._secrets.get(endpoint.key_name, origin_of(endpoint.base_url)) if endpoint.key_name else None
            found = parse_generation(await self._transport.fetch(url, key=key, auth=endpoint.auth))
        except ProviderError:
            return False
        if found is None:
            return False
        await asyncio.shield(asyncio.to_thread(self._ledger.append, correction(row, found, self._clock.now().timestamp())))
        return True

    async def close(self) -> None:
        """Gives the background a moment, then ends it."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError, asyncio.CancelledError, StorageError):
            await asyncio.wait_for(self._task, AT_CLOSE_S)


def correction(row: LedgerRow, found: Generation, now: float) -> LedgerRow:
    """The row that, added to an estimated one, gives what was really used and charged. `now` in seconds since 1970."""
    was, is_ = row.usage, found.usage
    usage = Usage(
        input_tokens=is_.input_tokens - was.input_tokens,
        cached_tokens=is_.cached_tokens - was.cached_tokens,
        cache_write_tokens=is_.cache_write_tokens - was.cache_write_tokens,
        output_tokens=is_.output_tokens - was.output_tokens,
        reasoning_tokens=is_.reasoning_tokens - was.reasoning_tokens,
    )
    booked = row.cost.nanos
    nanos = found.cost_nanos - (booked or 0) if found.cost_nanos is not None else 0
    return replace(
        row,
        time_ms=int(now * 1000),
        usage=usage,
        cost=Cost(provider_nanos=nanos),
        segments=(Segment(name="correction", tokens=usage.total_tokens),) if usage.total_tokens else (),
        finish="reconciled",
        error_code="",
        latency_ms=0,
        first_token_ms=None,
    )
