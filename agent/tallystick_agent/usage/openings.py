"""Requests that are under way: told to the ledger before they are sent, so that none is forgotten where a process dies.

Owns their table and what becomes of them: closed with their row, or booked as `lost` where their process is gone.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from tallystick_agent.protocol.usage import Segment
from tallystick_agent.usage.columns import LONGEST, clean
from tallystick_agent.usage.database import Dialect, Work
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.row_text import from_text, to_text

_WHO: Final = ("app", "key", "model", "user_label", "session_id", "task")
_COLUMNS: Final = (
    "request_id", "attempt", "host", "pid", "born", "opened_ms", "expires_ms", *_WHO, "nanos", "tokens", "lost_row",
)  # fmt: skip
_INSERT: Final = (
    f"INSERT INTO open_requests ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT DO NOTHING"
)


_WHOLES: Final = ("attempt", "pid", "opened_ms", "expires_ms", "nanos", "tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process, so that another can tell later whether it still runs."""

    host: str
    """The machine, and on it the room in which process ids count."""
    pid: int
    born: str = ""
    """When it began: a process id is given out again."""


Alive = Callable[[Process], bool]
"""Whether a process of this host runs. Where that cannot be told it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """One attempt that is about to be sent."""

    lost: LedgerRow
    """What is booked where its process dies: `finish="lost"`, with an estimate of its usage."""
    nanos: int | None
    """The most that it can cost; `None` where its price is not known."""
    tokens: int
    """The most that it can use, input and output."""
    expires_ms: int
    """When another host may take it for lost."""


def create(dialect: Dialect) -> Iterator[str]:
    texts = "".join(f"{name} TEXT NOT NULL, " for name in ("request_id", "host", "born", *_WHO, "lost_row"))
    wholes = "".join(f"{name} {dialect.whole} NOT NULL, " for name in _WHOLES)
    yield f"CREATE TABLE open_requests ({texts}{wholes}PRIMARY KEY (request_id, attempt))"


def insert(work: Work, request: OpenRequest, process: Process) -> None:
    """`nanos` that nobody knows count as none: a limit in money has refused the request before."""
    row, who = request.lost, request.lost.attribution
    names = (who.app[:LONGEST], who.key, row.model, who.user, row.session_id[:LONGEST], row.task)
    values = (
        row.request_id[:LONGEST], row.attempt, process.host, process.pid, process.born, row.time_ms, request.expires_ms,
        *map(clean, names), request.nanos or 0, request.tokens, to_text(row),
    )  # fmt: skip
    work.run(_INSERT, values)


def close(work: Work, names: Iterable[tuple[str, int]]) -> None:
    """Requests and their attempts are over: booked, or never sent."""
    rows = [(request_id[:LONGEST], attempt) for request_id, attempt in names]
    work.many("DELETE FROM open_requests WHERE request_id = ? AND attempt = ?", rows)


def orphans(work: Work, me: Process, alive: Alive, now_ms: int) -> list[LedgerRow]:
    """Rows of requests whose process is gone: on this host it runs no more, on another one it should have ended long ago."""
    found: list[LedgerRow] = []
    known: dict[Process, bool] = {me: True}
    for host, pid, born, expires_ms, text in work.all("SELECT host, pid, born, expires_ms, lost_row FROM open_requests"):
        process = Process(host=host, pid=pid, born=born)
        if host == me.host:
            if process not in known:
                known[process] = alive(process)
            gone = not known[process]
        else:
            gone = expires_ms < now_ms
        if gone:
            with contextlib.suppress(ValueError):
                # What another version wrote may be no row of ours.
                found.append(from_text(text))
    return found


def late(lost: LedgerRow, real: LedgerRow) -> LedgerRow:
    """The correction that makes a row out of one that was taken for lost before its answer came."""
    was, now = lost.usage, real.usage
    usage = replace(
        now,
        input_tokens=now.input_tokens - was.input_tokens,
        cached_tokens=now.cached_tokens - was.cached_tokens,
        cache_write_tokens=now.cache_write_tokens - was.cache_write_tokens,
        cache_write_1h_tokens=now.cache_write_1h_tokens - was.cache_write_1h_tokens,
        output_tokens=now.output_tokens - was.output_tokens,
        reasoning_tokens=now.reasoning_tokens - was.reasoning_tokens,
    )
    nanos = real.cost.nanos
    cost = replace(real.cost, provider_nanos=None if nanos is None else nanos - (lost.cost.nanos or 0), priced_nanos=None)
    sizes: dict[str, int] = {one.name: one.tokens for one in real.segments}
    for one in lost.segments:
        sizes[one.name] = sizes.get(one.name, 0) - one.tokens
    segments = tuple(Segment(name=name, tokens=tokens) for name, tokens in sizes.items() if tokens)
    return replace(real, usage=usage, cost=cost, segments=segments, finish="reconciled", error_code="")
