"""A period of the ledger as spans and metrics, after the fact. Owns the batches and the hours; the rows come in order of time.

Times are those of then. Metrics are differences, a point for each UTC hour, so who exports a period in parts gets the same sum.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tallystick_agent.ports import Clock
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.providers.http import Transport
from tallystick_agent.usage.exports.columns import Entry
from tallystick_agent.usage.exports.net import net
from tallystick_server.telemetry import encode
from tallystick_server.telemetry.measures import Measures
from tallystick_server.telemetry.send import Collector, Signal, send
from tallystick_server.telemetry.spans import NS, Span, Turns, request_span
from tallystick_server.telemetry.words import Servers, Value

TOGETHER: Final = 512
"""Spans of one request."""
HOUR_MS: Final = 3_600_000
IDLE_MS: Final = HOUR_MS
"""A turn in which nothing happened for so long is over."""


@dataclass(slots=True, kw_only=True)
class Exported:
    requests: int = 0
    spans: int = 0
    points: int = 0
    refused: int = 0


class PeriodExport:
    """Use once."""

    def __init__(
        self, transport: Transport, collector: Collector, servers: Servers, resource: dict[str, Value], clock: Clock
    ) -> None:
        self._transport = transport
        self._collector = collector
        self._servers = servers
        self._resource = resource
        self._clock = clock
        self._spans: list[Span] = []
        self._turns = Turns(IDLE_MS)
        self._measures = Measures(servers)
        self._hour: int | None = None
        self.done = Exported()

    async def run(self, entries: Iterable[Entry]) -> Exported:
        """Sends everything, corrections in their rows. Raises `ProviderError` at the first batch that does not arrive."""
        for entry in net(entries):
            row = entry.row
            hour = row.time_ms // HOUR_MS
            if hour != self._hour:
                await self._end_hour(row.time_ms)
                self._hour = hour
            self._measures.add(row)
            if row.correction:
                continue
            self.done.requests += 1
            self._turns.add(row)
            self._spans.append(request_span(row, self._servers))
            if len(self._spans) >= TOGETHER:
                await self._send_spans()
        self._spans += self._turns.rest()
        await self._end_hour(0)
        await self._send_spans()
        return self.done

    async def _end_hour(self, now_ms: int) -> None:
        self._spans += self._turns.ended(now_ms)
        if self._hour is None or not self._collector.metrics_url:
            self._measures.clear()
            return
        start = self._hour * HOUR_MS * NS
        body = encode.metrics(self._measures, self._resource, start_ns=start, end_ns=start + HOUR_MS * NS, delta=True)
        self.done.points += sum(len(series) for _, series in self._measures)
        self._measures.clear()
        await self._send("metrics", body)

    async def _send_spans(self) -> None:
        waiting, self._spans = self._spans, []
        if not self._collector.traces_url:
            return
        for begin in range(0, len(waiting), TOGETHER):
            batch = waiting[begin : begin + TOGETHER]
            await self._send("traces", encode.traces(batch, self._resource))
            self.done.spans += len(batch)

    async def _send(self, signal: Signal, body: bytes) -> None:
        sent = await send(self._transport, self._collector, signal, body, self._clock)
        if sent.error:
            raise ProviderError(
                f"The collector did not take it after {self.done.requests:,} requests: {sent.error}",
                remedy="Run it again when the collector is there: spans that it has already are the same spans.",
            )
        self.done.refused += sent.refused
