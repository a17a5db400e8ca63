"""What broken attempts really cost, asked of the provider afterwards. Owns the asking; the correction is a row of its own.

Only OpenRouter can be asked, by the id of the generation. A correction holds the difference to the estimate, so every sum
over the ledger is right, and nothing that was written is ever changed.
"""

import asyncio
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from tallystick_agent.ports import Clock, SecretStore
from tallystick_agent.protocol.errors import StorageError, TallystickError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.providers.account import Generation, parse_generation
from tallystick_agent.providers.http import Transport, origin_of
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.record import LedgerRow

PAUSES_S: Final = (0.5, 2.0, 8.0)
"""The provider knows a generation's cost a little after its end."""
FRESH_S: Final = 60.0
"""Seconds in which it may not know a generation yet; for an older one it is asked once and no more."""
OLDEST_S: Final = 3 * 86_400.0
AT_CLOSE_S: Final = 1.5
"""Seconds that closing waits for corrections; what is not there by then is asked another time."""
MOST: Final = 100


class Reconciler:
    def __init__(self, transport: Transport, secrets: SecretStore, ledger: Ledger, clock: Clock) -> None:
        self._transport = transport
        self._secrets = secrets
        self._ledger = ledger
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[int]] = {}
        self._unknown: set[str] = set()
        """Generations that the provider did not know when they were old enough."""

    def later(self, endpoint: Endpoint) -> None:
        """Something of this endpoint's may be estimated, now or from an earlier run: asks for it in the background."""
        running = self._tasks.get(endpoint.provider)
        if endpoint.aggregator and (running is None or running.done()):
            self._tasks[endpoint.provider] = asyncio.ensure_future(self.run(endpoint))

    async def run(self, endpoint: Endpoint) -> int:
        """Corrects what can be corrected, and gives the number of corrections. Never raises for a provider's failure."""
        corrected = 0
        for pause in (*PAUSES_S, 0.0):
            now_s = self._clock.now().timestamp()
            since_ms = int((now_s - OLDEST_S) * 1000)
            try:
                found = await asyncio.to_thread(self._ledger.unreconciled, endpoint.provider, MOST, since_ms=since_ms)
            except StorageError:
                # The next row that is written says so to the user.
                break
            left = [row for row in found if row.generation_id not in self._unknown]
            for row in left:
                done = await self._one(endpoint, row)
                corrected += done
                if not done and now_s - row.time_ms / 1000 > FRESH_S:
                    self._unknown.add(row.generation_id)
            if not any(now_s - row.time_ms / 1000 <= FRESH_S for row in left):
                break
            await self._clock.sleep(pause)
        return corrected

    async def _one(self, endpoint: Endpoint, row: LedgerRow) -> bool:
        url = f"{endpoint.base_url.rstrip('/')}/generation?id={quote(row.generation_id, safe='')}"
        try:
            key = self._secrets.get(endpoint.key_name, origin_of(endpoint.base_url)) if endpoint.key_name else None
            found = parse_generation(await self._transport.fetch(url, key=key, auth=endpoint.auth))
            if found is None:
                return False
            # Whoever comes second finds the correction made: the ledger takes one a row.
            await asyncio.shield(asyncio.to_thread(self._ledger.append, correction(row, found)))
        except TallystickError:
            return False
        return True

    async def close(self) -> None:
        """Gives the background a moment, then ends it."""
        tasks = set(self._tasks.values())
        if not tasks:
            return
        _, running = await asyncio.wait(tasks, timeout=AT_CLOSE_S)
        for task in running:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def correction(row: LedgerRow, found: Generation) -> LedgerRow:
    """The row that, added to an estimated one, gives what was really used and charged; it counts at the time of that one."""
    was, is_ = row.usage, found.usage
    usage = Usage(
        input_tokens=is_.input_tokens - was.input_tokens,
        cached_tokens=is_.cached_tokens - was.cached_tokens,
        cache_write_tokens=is_.cache_write_tokens - was.cache_write_tokens,
        output_tokens=is_.output_tokens - was.output_tokens,
        reasoning_tokens=is_.reasoning_tokens - was.reasoning_tokens,
    )
    booked = row.cost.nanos
    nanos = found.cost_nanos - (booked or 0) if found.cost_nanos is not None else None
    return replace(
        row,
        usage=usage,
        cost=Cost(provider_nanos=nanos),
        segments=(Segment(name="correction", tokens=usage.total_tokens),) if usage.total_tokens else (),
        finish="reconciled",
        error_code="",
        latency_ms=0,
        first_token_ms=None,
    )
