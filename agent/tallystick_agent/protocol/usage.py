"""Token counts, prices and money as values. Owns no arithmetic beyond sums: pricing lives in `usage.pricing`.

Tokens follow the inclusive convention: `cached` and `cache_write` are parts of `input`, `reasoning` is a part of
`output` (the convention of OpenTelemetry GenAI). Money is an integer number of nano-dollars.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one request, or a sum of requests, used."""

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    """The part of `cache_write_tokens` that is kept for an hour or longer, which costs more."""
    output_tokens: int = 0
    reasoning_tokens: int = 0
    source: Literal["reported", "estimated"] = "reported"
    """`estimated` when any part of it was counted by us, because the provider did not say."""

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def plus(self, other: "Usage") -> "Usage":
        """The sum; estimated as soon as one side is."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            cache_write_1h_tokens=self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            source="estimated" if "estimated" in (self.source, other.source) else "reported",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """USD per million tokens. A missing cache or reasoning rate means that the plain input or output rate applies."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    """For what is kept an hour or longer; missing: as `cache_write`."""
    reasoning: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """The rates of a whole request whose input is more than `above` tokens."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an endpoint charges: the rates of an ordinary request, those of long ones, and a fee per request in USD."""

    rates: Rates
    tiers: tuple[Tier, ...] = ()
    """By rising `above`; the last one that the input exceeds holds."""
    request_usd: Decimal = Decimal(0)

    def at(self, input_tokens: int) -> Rates:
        """The rates of a request with this much input."""
        found = self.rates
        for tier in self.tiers:
            if input_tokens > tier.above:
                found = tier.rates
        return found


def flat(input: Decimal | str | int, output: Decimal | str | int) -> Price:
    """A price without cache rates or tiers, in USD per million tokens."""
    return Price(rates=Rates(input=Decimal(input), output=Decimal(output)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Nano-dollars. `None` is unknown, which is never shown or summed as 0."""

    provider_nanos: int | None = None
    """What the provider says it charged."""
    priced_nanos: int | None = None
    """What our price table gives for the reported tokens."""

    @property
    def nanos(self) -> int | None:
        """The figure to show: the invoice where there is one, else our price."""
        return self.provider_nanos if self.provider_nanos is not None else self.priced_nanos


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named share of one request: what tokens were spent on."""

    name: str
    """`system`, `tool:read_file`, `rules:AGENTS.md`, `map`, `file:src/a.py`, `prompt`, `assistant`, `tool_output:search`, … ;
    outputs are `output:text` and the like."""
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Hard limits of one turn. `None` means no limit of that kind."""

    max_cost_nanos: int | None = None
    max_tokens: int | None = None
    max_requests: int | None = None
    timeout_s: float | None = None

    @property
    def bounds_output(self) -> bool:
        """Whether an answer without an end could break a limit."""
        return self.max_cost_nanos is not None or self.max_tokens is not None

    def over(self, below: "Budget") -> "Budget":
        """These limits, and where one is not set, that of `below`."""
        return Budget(
            max_cost_nanos=self.max_cost_nanos if self.max_cost_nanos is not None else below.max_cost_nanos,
            max_tokens=self.max_tokens if self.max_tokens is not None else below.max_tokens,
            max_requests=self.max_requests if self.max_requests is not None else below.max_requests,
            timeout_s=self.timeout_s if self.timeout_s is not None else below.timeout_s,
        )


def usd(nanos: int) -> Decimal:
    """Nano-dollars as exact dollars."""
    return Decimal(nanos) / NANO


def nanos_from_usd(amount: Decimal | str | float) -> int:
    """Dollars as whole nano-dollars, rounded half to even."""
    return int((Decimal(str(amount)) * NANO).to_integral_value())
