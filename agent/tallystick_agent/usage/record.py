"""One row of the ledger as a value. Owns no storage."""

from dataclasses import dataclass
from typing import Final

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.usage import Cost, Segment, Usage

RECONCILED: Final = "reconciled"
"""The finish of a correction: its numbers are differences to the row that it corrects."""
BUCKETS: Final = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
"""Upper ends of the context-length buckets in input tokens (providers' public rankings cut at the same places)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One attempt at one model request. Failed and aborted ones are rows too."""

    time_ms: int
    """UTC, milliseconds since 1970."""
    attribution: Attribution
    session_id: str
    turn_id: str
    request_id: str
    attempt: int
    step: int
    """Counts the requests of the turn from 1."""
    purpose: str
    model_asked: str
    endpoint: str
    provider: str
    author: str
    generation_id: str
    usage: Usage
    cost: Cost
    segments: tuple[Segment, ...]
    finish: str
    """The finish reason, or `failed` / `aborted` / `lost` / `reconciled`."""
    error_code: str = ""
    latency_ms: int = 0
    first_token_ms: int | None = None
    task: str = ""
    """What the request was for, where its caller names one; else the turn."""
    served_by: str = ""
    """The provider behind an aggregator, as it names it."""
    use_case: str = ""
    natural_language: str = ""
    programming_language: str = ""
    tools: int = 0
    """Tools offered."""
    tool_calls: int = 0
    """Calls that the answer made."""
    images: int = 0
    """Pictures in the input."""
    opens_turn: bool = False
    """The first request of a turn of its session: the sum of these is the number of turns."""
    bucket: int | None = None
    """The context-length bucket; `None` goes by the row's own input."""

    @property
    def correction(self) -> bool:
        return self.finish == RECONCILED

    @property
    def model(self) -> str:
        """`author/model` as rankings name it: without the router that it was reached by."""
        return model_of(self.endpoint, self.provider)


def model_of(endpoint: str, provider: str) -> str:
    """The model of an endpoint's slug: without the router that it is reached by."""
    head, _, rest = endpoint.partition("/")
    return rest if head == provider and "/" in rest else endpoint


def bucket_of(input_tokens: int) -> int:
    """The smallest bucket that holds so much input; the largest holds whatever is more."""
    return next((size for size in BUCKETS if input_tokens <= size), BUCKETS[-1])
