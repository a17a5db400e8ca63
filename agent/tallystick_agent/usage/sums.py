"""Questions to the ledger and their answers, as values. Owns no database: every backend answers the same question alike."""

from dataclasses import dataclass
from typing import Literal

from tallystick_agent.usage.families import Family
from tallystick_agent.usage.record import LedgerRow

Dimension = Literal[
    "day", "door", "app", "key", "client", "user", "workspace", "purpose", "use_case", "natural_language",
    "programming_language", "model", "endpoint", "provider", "author", "bucket", "calls_tools", "has_images", "reasons", "free",
]  # fmt: skip
"""What rows can be told apart by. `day` counts UTC days since 1970; `bucket` is in tokens; the last four are `0` or `1`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Sums of whole UTC days `first_day` … `last_day`, both included, by the dimensions named, where every filter holds."""

    by: tuple[Dimension, ...] = ()
    first_day: int = 0
    last_day: int = 10**6
    where: tuple[tuple[Dimension, str], ...] = ()
    """Dimension and value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """One group. Tokens are inclusive as in `Usage`; money is in nano-dollars and covers the priced requests only."""

    group: tuple[str, ...] = ()
    """A value for each dimension asked, in its order."""
    requests: int = 0
    failed: int = 0
    aborted: int = 0
    estimated: int = 0
    """Requests whose tokens the provider did not tell."""
    unpriced: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nanos: int = 0
    """By the provider's word where it gave one, else by our price."""
    provider_nanos: int = 0
    priced_nanos: int = 0
    drift_nanos: int = 0
    """Provider's minus ours, over the rows that have both."""
    turns: int = 0
    tool_calls: int = 0
    images: int = 0
    latency_ms: int = 0
    """Summed over requests that were answered."""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """A row as it stands in the ledger. Ids grow with the order of booking."""

    id: int
    row: LedgerRow


@dataclass(frozen=True, slots=True, kw_only=True)
class AppEntry:
    """An app as all its rows tell of it."""

    app: str
    title: str
    url: str
    categories: tuple[str, ...]
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSum:
    """What one session used in one UTC week (Monday to Sunday) by one app and model."""

    first_day: int
    """The week's Monday, in days since 1970."""
    session_id: str
    app: str
    model: str
    turns: int
    requests: int
    tokens: int
    cost_nanos: int
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSum:
    """Tokens by family of segments (`usage.families`)."""

    family: Family
    tokens: int
