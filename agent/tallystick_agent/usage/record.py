"""One row of the ledger as a value, and the attribution that every row carries. Owns no storage."""

from dataclasses import dataclass

from tallystick_agent.protocol.usage import Cost, Segment, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Who used the tokens."""

    app: str
    """The door: `cli`, `lsp`, …"""
    client: str = ""
    """The editor or caller behind it."""
    user: str = ""
    workspace: str = ""
    title: str = ""
    url: str = ""
    categories: tuple[str, ...] = ()


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
    """The finish reason, or `failed` / `aborted`."""
    error_code: str = ""
    latency_ms: int = 0
    first_token_ms: int | None = None
