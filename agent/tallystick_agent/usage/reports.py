"""Sums for a user's own periods, which begin at their midnight. Owns how UTC days and what lies before them are put together.

Whole days are read from roll-ups, the rest from rows; both count the same, so the sum is that of the rows.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from tallystick_agent.usage.columns import DAY_MS
from tallystick_agent.usage.database import Work
from tallystick_agent.usage.rollups import QUARTER_MS, smallest

GroupBy = Literal["app", "door", "key", "model", "purpose", "session", "provider", "workspace", "day", "client"]
_COLUMN: Final[dict[GroupBy, str]] = {
    "app": "app",
    "door": "door",
    "key": "key",
    "model": "endpoint",
    "purpose": "purpose",
    "session": "session_id",
    "provider": "provider",
    "workspace": "workspace",
    "client": "client",
}
_SUMS: Final = (
    "requests", "failed", "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "cost_nanos", "unpriced",
    "estimated",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Sums over rows of one group. `cost_nanos` covers the priced requests; `unpriced` counts the others."""

    name: str
    requests: int
    failed: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_nanos: int
    unpriced: int
    estimated: int
    """Requests whose tokens were counted by us because the provider did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentTotal:
    name: str
    tokens: int


def totals(work: Work, by: GroupBy, *, since_ms: int, session_id: str | None) -> list[Total]:
    """Sums by group, most tokens first."""
    found = _Sums()
    if by == "day":
        # Every zone's midnight is at a quarter of an hour, so a day of the user's is a sum of quarters.
        table, time, edge = "quarters", "quarter", -(-since_ms // QUARTER_MS)
        rows = _by_day(work, since_ms, session_id) if session_id else _by_day(work, since_ms, None, edge * QUARTER_MS)
        for name, sums in rows:
            found.add(name, sums)
        if session_id is None:
            for quarter, *sums in work.all(f"SELECT {time}, {', '.join(_SUMS)} FROM {table} WHERE {time} >= ?", (edge,)):
                found.add(_local_day(quarter * QUARTER_MS), sums)
        return found.totals()
    column = _COLUMN[by]
    columns = f"{column}, {', '.join(f'sum({name})' for name in _SUMS)}"
    first_day = -(-since_ms // DAY_MS)
    values: tuple[Any, ...]
    if session_id is not None:
        where, values = "session_id = ? AND time_ms >= ?", (session_id, since_ms)
    else:
        where, values = "time_ms >= ? AND time_ms < ?", (since_ms, first_day * DAY_MS)
    for name, *sums in work.all(f"SELECT {columns} FROM requests WHERE {where} GROUP BY 1", values):
        found.add(name, sums)
    if session_id is None:
        table = "session_days" if by == "session" else smallest([column]).table
        for name, *sums in work.all(f"SELECT {columns} FROM {table} WHERE day >= ? GROUP BY 1", (first_day,)):
            found.add(name, sums)
    return found.totals()


def by_segment(work: Work, *, since_ms: int, session_id: str | None) -> list[SegmentTotal]:
    """Tokens by segment, most first; the sum equals the sum of input and output tokens."""
    first_day = -(-since_ms // DAY_MS)
    values: tuple[Any, ...]
    if session_id is not None:
        where, values = "r.session_id = ? AND r.time_ms >= ?", (session_id, since_ms)
    else:
        where, values = "r.time_ms >= ? AND r.time_ms < ?", (since_ms, first_day * DAY_MS)
    raw = f"SELECT s.key, sum(CAST(s.value AS BIGINT)) FROM requests r, {work.dialect.parts} WHERE {where} GROUP BY 1"
    found: dict[str, int] = {name: int(tokens) for name, tokens in work.all(raw, values)}
    if session_id is None:
        for name, tokens in work.all("SELECT name, sum(tokens) FROM segment_days WHERE day >= ? GROUP BY 1", (first_day,)):
            found[name] = found.get(name, 0) + int(tokens)
    ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return [SegmentTotal(name=name, tokens=tokens) for name, tokens in ordered if tokens]


class _Sums:
    """Groups that come from several places."""

    def __init__(self) -> None:
        self._found: dict[str, list[int]] = {}

    def add(self, name: str, sums: list[Any]) -> None:
        known = self._found.setdefault(name, [0] * len(_SUMS))
        for at, one in enumerate(sums):
            known[at] += int(one)

    def totals(self) -> list[Total]:
        found = [Total(name=name, **dict(zip(_SUMS, sums, strict=True))) for name, sums in self._found.items() if any(sums)]
        return sorted(found, key=lambda one: (-one.input_tokens - one.output_tokens, one.name))


def _by_day(work: Work, since_ms: int, session_id: str | None, until_ms: int = 2**62) -> list[tuple[str, list[Any]]]:
    """Rows before the first whole quarter, or all of a session."""
    where = "time_ms >= ? AND time_ms < ?" + ("" if session_id is None else " AND session_id = ?")
    values = (since_ms, until_ms) if session_id is None else (since_ms, until_ms, session_id)
    columns = f"time_ms / {QUARTER_MS}, {', '.join(f'sum({name})' for name in _SUMS)}"
    rows = work.all(f"SELECT {columns} FROM requests WHERE {where} GROUP BY 1", values)
    return [(_local_day(quarter * QUARTER_MS), sums) for quarter, *sums in rows]


def _local_day(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d")
