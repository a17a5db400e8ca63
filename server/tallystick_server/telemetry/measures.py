"""Metrics of requests. Owns the instruments and the sums since some moment; knows no encoding and no clock.

What is held is bounded: beyond `MOST` combinations of an instrument's attributes, the rest is one series that says so.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from tallystick_agent.usage.record import LedgerRow
from tallystick_server.telemetry.words import (
    ERROR_TYPE,
    MODALITY,
    REQUEST_MODEL,
    TOKEN_TYPE,
    Attributes,
    Servers,
    Value,
    answered,
    cost_source,
    error_type,
    families,
    metric_attributes,
    outcome,
)

MOST: Final = 2_000
OVERFLOW: Final = (("otel.metric.overflow", True),)
_SECONDS: Final = tuple(0.01 * 2**power for power in range(14))
_TOKENS: Final = tuple(float(4**power) for power in range(14))


@dataclass(frozen=True, slots=True)
class Instrument:
    name: str
    kind: Literal["counter", "updown", "histogram"]
    unit: str
    meaning: str
    bounds: tuple[float, ...] = ()


DURATION: Final = Instrument("gen_ai.client.operation.duration", "histogram", "s", "How long a request took.", _SECONDS)
FIRST_CHUNK: Final = Instrument(
    "gen_ai.client.operation.time_to_first_chunk", "histogram", "s", "From sending to the first piece of an answer.", _SECONDS
)
TOKEN_USAGE: Final = Instrument(
    "gen_ai.client.token.usage", "histogram", "{token}", "Input and output tokens of a request.", _TOKENS
)
INPUT_PER: Final = Instrument(
    "gen_ai.client.inference.operation.input_tokens", "histogram", "{token}", "Input tokens of an answered request.", _TOKENS
)
OUTPUT_PER: Final = Instrument(
    "gen_ai.client.inference.operation.output_tokens", "histogram", "{token}", "Output tokens of an answered request.", _TOKENS
)
INPUT: Final = Instrument("gen_ai.client.inference.usage.input_tokens", "counter", "{token}", "Input, cached tokens included.")
OUTPUT: Final = Instrument("gen_ai.client.inference.usage.output_tokens", "counter", "{token}", "Output, thoughts included.")
CACHE_READ: Final = Instrument(
    "gen_ai.client.inference.usage.cache_read.input_tokens", "counter", "{token}", "Input that was read from a cache."
)
CACHE_WRITE: Final = Instrument(
    "gen_ai.client.inference.usage.cache_write.input_tokens", "counter", "{token}", "Input that was written to a cache."
)
REASONING: Final = Instrument(
    "gen_ai.client.inference.usage.reasoning.output_tokens", "counter", "{token}", "Output that was thoughts."
)
COST: Final = Instrument(
    "tallystick.cost.nanos", "updown", "{nanodollar}", "Billionths of a US dollar; corrections may take some of it back."
)
REQUESTS: Final = Instrument("tallystick.requests", "counter", "{request}", "Requests by how they ended.")
UNPRICED: Final = Instrument("tallystick.requests.unpriced", "counter", "{request}", "Requests whose cost is not known.")
SEGMENTS: Final = Instrument("tallystick.segment.tokens", "updown", "{token}", "Tokens by the part of the request they were.")
CORRECTIONS: Final = Instrument(
    "tallystick.correction.tokens", "updown", "{token}", "Found out after an estimate: to be added to the counters of tokens."
)
INSTRUMENTS: Final = (
    DURATION, FIRST_CHUNK, TOKEN_USAGE, INPUT_PER, OUTPUT_PER, INPUT, OUTPUT, CACHE_READ, CACHE_WRITE, REASONING, COST, REQUESTS,
    UNPRICED, SEGMENTS, CORRECTIONS,
)  # fmt: skip

Key = tuple[tuple[str, Value], ...]


@dataclass(slots=True)
class Sums:
    """One series. A counter has its `total`; a histogram the rest too."""

    total: int | float = 0
    count: int = 0
    least: float = 0.0
    most: float = 0.0
    buckets: list[int] = field(default_factory=list[int])

    def add(self, more: "Sums") -> None:
        if not self.count:
            self.least, self.most, self.buckets = more.least, more.most, [0] * len(more.buckets)
        elif more.count:
            self.least, self.most = min(self.least, more.least), max(self.most, more.most)
        self.total += more.total
        self.count += more.count
        if more.count:
            self.buckets = [here + there for here, there in zip(self.buckets, more.buckets, strict=True)]


class Measures:
    """Add rows, then read the series. Not safe to share between threads."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self.series: dict[Instrument, dict[Key, Sums]] = {}

    def add(self, row: LedgerRow) -> None:
        base = metric_attributes(row, self._servers)
        if row.correction:
            self._correction(row, base)
        else:
            self._request(row, base)
            self._tokens(row, base)
        if row.cost.nanos is not None:
            self._count(COST, base | {"tallystick.cost.source": cost_source(row)}, row.cost.nanos)
        # Eleven families at a time: told apart by less than the rest, so that they do not fill the bound.
        few = {name: base[name] for name in (REQUEST_MODEL, "tallystick.app") if name in base}
        for family, tokens in families(row).items():
            self._count(SEGMENTS, few | {"tallystick.segment": family}, tokens)

    def __iter__(self) -> Iterator[tuple[Instrument, dict[Key, Sums]]]:
        return iter(self.series.items())

    def __bool__(self) -> bool:
        return bool(self.series)

    def clear(self) -> None:
        """Begins anew, for sums of what comes next."""
        self.series = {}

    def join(self, later: "Measures") -> None:
        """Adds sums that were begun after these."""
        for instrument, series in later:
            for key, more in series.items():
                self._at(instrument, key).add(more)

    def _request(self, row: LedgerRow, base: Attributes) -> None:
        wrong = error_type(row)
        failing = base if wrong is None else base | {ERROR_TYPE: wrong}
        self._measure(DURATION, failing, row.latency_ms / 1000)
        if row.first_token_ms is not None:
            self._measure(FIRST_CHUNK, base, row.first_token_ms / 1000)
        self._count(REQUESTS, failing | {"tallystick.outcome": outcome(row), "tallystick.usage.source": row.usage.source}, 1)
        if row.cost.nanos is None:
            self._count(UNPRICED, base, 1)

    def _tokens(self, row: LedgerRow, base: Attributes) -> None:
        usage = row.usage
        if usage.total_tokens or answered(row):
            self._measure(TOKEN_USAGE, base | {TOKEN_TYPE: "input"}, usage.input_tokens)
            self._measure(TOKEN_USAGE, base | {TOKEN_TYPE: "output"}, usage.output_tokens)
        if answered(row):
            self._measure(INPUT_PER, base, usage.input_tokens)
            self._measure(OUTPUT_PER, base, usage.output_tokens)
        # Nobody says how many tokens a picture took, and of a request without usage not even that there were none.
        unknown = not usage.total_tokens
        inputs = base | {MODALITY: "unknown" if unknown or row.images else "text", "tallystick.usage.source": usage.source}
        outputs = base | {MODALITY: "unknown" if unknown else "text", "tallystick.usage.source": usage.source}
        self._count(INPUT, inputs, usage.input_tokens)
        self._count(CACHE_READ, inputs, usage.cached_tokens)
        self._count(CACHE_WRITE, inputs, usage.cache_write_tokens)
        self._count(OUTPUT, outputs, usage.output_tokens)
        self._count(REASONING, outputs, usage.reasoning_tokens)

    def _correction(self, row: LedgerRow, base: Attributes) -> None:
        for kind, tokens in (("input", row.usage.input_tokens), ("output", row.usage.output_tokens)):
            if tokens:
                self._count(CORRECTIONS, base | {TOKEN_TYPE: kind}, tokens)

    def _sums(self, instrument: Instrument, attributes: Attributes) -> Sums:
        return self._at(instrument, tuple(sorted(attributes.items())))

    def _at(self, instrument: Instrument, key: Key) -> Sums:
        series = self.series.setdefault(instrument, {})
        found = series.get(key)
        if found is None:
            if len(series) >= MOST - 1:
                key = OVERFLOW
            found = series.setdefault(key, Sums())
        return found

    def _count(self, instrument: Instrument, attributes: Attributes, amount: int) -> None:
        self._sums(instrument, attributes).total += amount

    def _measure(self, instrument: Instrument, attributes: Attributes, value: float) -> None:
        sums = self._sums(instrument, attributes)
        if not sums.count:
            sums.least = sums.most = value
            sums.buckets = [0] * (len(instrument.bounds) + 1)
        sums.least, sums.most = min(sums.least, value), max(sums.most, value)
        sums.total += value
        sums.count += 1
        sums.buckets[bisect_left(instrument.bounds, value)] += 1
