"""Telemetry while it happens. Owns a thread of its own and what waits in it: whoever books a row hands it over and goes on.

Nothing here can hold up, break or lose a request: the ledger has the row already. What does not fit is dropped and counted.
"""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Final

from tallystick_agent.ports import Clock
from tallystick_agent.providers.http import Transport
from tallystick_agent.settings import AttributionSettings, NetworkSettings
from tallystick_agent.usage.record import LedgerRow
from tallystick_server.telemetry import encode
from tallystick_server.telemetry.measures import Measures
from tallystick_server.telemetry.send import Collector, Sent, Signal, send
from tallystick_server.telemetry.spans import NS, Span, Turns, request_span
from tallystick_server.telemetry.words import Servers, Value

MOST_WAITING: Final = 10_000
"""Rows, and spans, that wait for a collector."""
TOGETHER: Final = 512
"""Spans of one request."""
IDLE_MS: Final = 600_000
"""A turn in which nothing happened for so long is over."""
_LOG: Final = logging.getLogger("tallystick.telemetry")


class _Impatient:
    """A clock whose pauses end when something else is to be done."""

    def __init__(self, clock: Clock, wake: asyncio.Event) -> None:
        self._clock = clock
        self._wake = wake

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)


class LiveExport:
    """`offer` may be called from any thread. The thread behind it begins with the first row."""

    def __init__(
        self,
        collector: Collector,
        servers: Servers,
        resource: dict[str, Value],
        clock: Clock,
        *,
        interval_s: float = 10.0,
        delta: bool = False,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self.dropped = 0
        """Requests whose spans did not go."""
        self._collector = collector
        self._resource = resource
        self._servers = servers
        self._clock = clock
        self._interval_s = interval_s
        self._delta = delta
        self._most = most_waiting
        self._guard = threading.Lock()
        self._inbox: deque[LedgerRow] = deque()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._closing = False
        self._complained = False
        self._under_way = 0
        """Spans that are being sent."""
        # From here on only the thread touches them.
        self._spans: deque[Span] = deque()
        self._turns = Turns(IDLE_MS)
        self._measures = Measures(servers)
        self._measured_ns = self._now_ms() * NS

    def offer(self, rows: Iterable[LedgerRow]) -> None:
        """Takes rows that have been booked. Never waits for a collector, and never raises."""
        with self._guard:
            if self._closing:
                return
            for row in rows:
                if len(self._inbox) < self._most:
                    self._inbox.append(row)
                else:
                    self.dropped += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="tallystick-telemetry", daemon=True)
                self._thread.start()

    def close(self, within_s: float) -> None:
        """Sends what is left, for so many seconds at most."""
        with self._guard:
            self._closing = True
            thread, loop = self._thread, self._loop
        if thread is None:
            return
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # It has ended by itself meanwhile.
                loop.call_soon_threadsafe(self._wake.set)
        thread.join(within_s)
        left = len(self._inbox) + len(self._spans) + self._under_way if thread.is_alive() else 0
        self.dropped += left
        if self.dropped:
            _LOG.warning("%d requests did not reach the collector of telemetry; the ledger has them all", self.dropped)

    def _work(self) -> None:
        try:
            asyncio.run(self._run())
        except Exception as error:
            _LOG.warning("telemetry has ended: a bug in Tallystick: %s", type(error).__name__)

    async def _run(self) -> None:
        with self._guard:
            self._loop = asyncio.get_running_loop()
        transport = Transport(NetworkSettings(), AttributionSettings(), self._clock)
        try:
            await asyncio.gather(self._repeat(self._send_spans, transport), self._repeat(self._send_metrics, transport))
        finally:
            await transport.close()

    async def _repeat(self, step: "Callable[[Transport], Awaitable[None]]", transport: Transport) -> None:
        """Both signals by themselves: a collector that is slow for one does not hold up the other."""
        while not self._closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._interval_s)
            if not self._closing:
                await step(transport)
        # What came between the last look and the end.
        await step(transport)

    def _take(self) -> None:
        """Moves what came to where it waits. Sums are kept whatever happens to the spans."""
        with self._guard:
            rows = list(self._inbox)
            self._inbox.clear()
        for row in rows:
            self._measures.add(row)
            if row.correction:
                continue
            self._turns.add(row)
            self._queue(request_span(row, self._servers))
        for span in self._turns.rest() if self._closing else self._turns.ended(self._now_ms()):
            self._queue(span)

    def _queue(self, span: Span) -> None:
        if not self._collector.traces_url:
            return
        if len(self._spans) < self._most:
            self._spans.append(span)
        else:
            self.dropped += 1

    async def _send_spans(self, transport: Transport) -> None:
        self._take()
        while self._spans:
            batch = [self._spans.popleft() for _ in range(min(TOGETHER, len(self._spans)))]
            self._under_way = len(batch)
            sent = await self._sent(transport, "traces", encode.traces(batch, self._resource))
            self._under_way = 0
            if sent.error or sent.refused:
                self._lost(len(batch) if sent.error else sent.refused, sent.error or "It did not want all of them.")

    async def _send_metrics(self, transport: Transport) -> None:
        self._take()
        if not self._measures or not self._collector.metrics_url:
            return
        until_ns = self._now_ms() * NS
        body = encode.metrics(self._measures, self._resource, start_ns=self._measured_ns, end_ns=until_ns, delta=self._delta)
        kept, self._measures = self._measures, Measures(self._servers) if self._delta else self._measures
        sent = await self._sent(transport, "metrics", body)
        if sent.error:
            self._lost(0, sent.error)
            if self._delta:
                kept.join(self._measures)
                self._measures = kept
        elif self._delta:
            self._measured_ns = until_ns

    async def _sent(self, transport: Transport, signal: Signal, body: bytes) -> Sent:
        """At the end nothing is tried twice: whoever closes waits for it."""
        return await send(transport, self._collector, signal, body, _Impatient(self._clock, self._wake), lambda: self._closing)

    def _lost(self, count: int, why: str) -> None:
        self.dropped += count
        if not self._complained:
            self._complained = True
            _LOG.warning("telemetry does not arrive, which is said once and harms no request: %s", why)

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)
