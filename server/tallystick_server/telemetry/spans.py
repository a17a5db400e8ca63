"""Spans of requests and turns. Pure: a session is a trace, a turn a span in it, a request a span in that.

Ids are digests of our own ids, so whoever exports a row again, by whatever way, says the same span once more.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from tallystick_agent.usage.record import LedgerRow
from tallystick_server.telemetry.words import (
    CONVERSATION,
    OPERATION,
    PROVIDER,
    Attributes,
    Servers,
    error_type,
    operation,
    provider_name,
    request_attributes,
    sent_model,
)

NS: Final = 1_000_000
"""Nanoseconds of a millisecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    """Empty for the first of a trace."""
    name: str
    kind: Literal["client", "internal"]
    start_ns: int
    end_ns: int
    attributes: Attributes
    error: str = ""
    """What went wrong, as a code."""


def trace_id(row: LedgerRow) -> bytes:
    """A request without a session is a trace by itself."""
    return _digest("session", row.session_id)[:16] if row.session_id else _digest("request", row.request_id)[:16]


def turn_id(row: LedgerRow) -> bytes:
    """Empty where the request belongs to no turn."""
    return _digest("turn", row.session_id, row.turn_id)[:8] if row.session_id and row.turn_id else b""


def request_span(row: LedgerRow, servers: Servers) -> Span:
    """The span of one attempt. A row is booked when the request has ended."""
    wrong = error_type(row)
    return Span(
        trace_id=trace_id(row),
        span_id=_digest("attempt", row.session_id, row.request_id, str(row.attempt))[:8],
        parent_id=turn_id(row),
        name=f"{operation(row)} {sent_model(row)}",
        kind="client",
        start_ns=(row.time_ms - row.latency_ms) * NS,
        end_ns=row.time_ms * NS,
        attributes=request_attributes(row, servers),
        error=wrong or "",
    )


@dataclass(slots=True, kw_only=True)
class _Turn:
    row: LedgerRow
    start_ms: int
    end_ms: int
    requests: int = 0


class Turns:
    """Turns that are not over as far as is known. What is held does not grow with time: a turn ends by standing still."""

    def __init__(self, idle_ms: int) -> None:
        self._idle_ms = idle_ms
        self._open: dict[bytes, _Turn] = {}

    def add(self, row: LedgerRow) -> None:
        key = turn_id(row)
        if not key:
            return
        start = row.time_ms - row.latency_ms
        turn = self._open.get(key)
        if turn is None:
            turn = self._open[key] = _Turn(row=row, start_ms=start, end_ms=row.time_ms)
        turn.start_ms, turn.end_ms = min(turn.start_ms, start), max(turn.end_ms, row.time_ms)
        turn.requests += 1

    def ended(self, now_ms: int) -> list[Span]:
        """The spans of turns in which nothing has happened for a while."""
        over = [key for key, turn in self._open.items() if now_ms - turn.end_ms > self._idle_ms]
        return [_turn_span(self._open.pop(key)) for key in over]

    def rest(self) -> list[Span]:
        """The spans of all that are left."""
        turns, self._open = list(self._open.values()), {}
        return [_turn_span(turn) for turn in turns]


def _turn_span(turn: _Turn) -> Span:
    """Says no tokens and no money: those are its requests', and whoever sums spans would count them twice."""
    row, who = turn.row, turn.row.attribution
    agent = who.title or who.app or "tallystick"
    attributes: Attributes = {
        OPERATION: "invoke_agent",
        PROVIDER: provider_name(row.provider),
        "gen_ai.agent.name": agent,
        CONVERSATION: row.session_id,
        "tallystick.turn.id": row.turn_id,
        "tallystick.turn.requests": turn.requests,
    }
    ours = {
        "door": who.door,
        "app": who.app,
        "client": who.client,
        "user": who.user,
        "workspace": who.workspace,
        "task": row.task,
    }
    attributes |= {f"tallystick.{name}": value for name, value in ours.items() if value}
    return Span(
        trace_id=trace_id(row),
        span_id=turn_id(row),
        parent_id=b"",
        name=f"invoke_agent {agent}",
        kind="internal",
        start_ns=turn.start_ms * NS,
        end_ns=turn.end_ms * NS,
        attributes=attributes,
    )


def _digest(*words: str) -> bytes:
    return sha256("\0".join(("tallystick", *words)).encode("utf-8", "replace")).digest()
