"""The books of every request. Owns what can be asked of them; the databases are `sqlite.py` and `postgres.py`.

Rows are only ever added. Money is integer nano-dollars, and unknown cost is NULL.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tallystick_agent.usage import appending, openings, reports, session_list
from tallystick_agent.usage.columns import COLUMNS, row_of
from tallystick_agent.usage.database import Database, Work
from tallystick_agent.usage.limits import COLUMN, Limit, LimitReached, Spender, Standing, check, standings
from tallystick_agent.usage.openings import Alive, OpenRequest, Process
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.reports import GroupBy, SegmentTotal, Total
from tallystick_agent.usage.rollups import FOR_EVER, ROLLUPS, differing, smallest
from tallystick_agent.usage.schema import VERSION as VERSION
from tallystick_agent.usage.session_list import SessionEntry
from tallystick_agent.usage.sums import AppEntry, Booked, Dimension, Query, SegmentSum, SessionSum, Sum

_CORRECTED: Final = (
    "EXISTS (SELECT 1 FROM requests c WHERE c.correction = 1 AND c.request_id = r.request_id AND c.attempt = r.attempt)"
)
_DIMENSION: Final[dict[Dimension, str]] = {"user": "user_label"}
"""Dimensions whose column has another name."""
_NUMBERS: Final = frozenset[Dimension](("day", "bucket", "calls_tools", "has_images", "reasons", "free"))
_SUM_COLUMNS: Final = {"provider_nanos": "charged_nanos", "turns": "opens_turn", "latency_ms": "answered_ms"}
_SUMS: Final = tuple(name for name in Sum.__dataclass_fields__ if name != "group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One attempt, as far as it tells how an endpoint serves."""

    time_ms: int
    endpoint: str
    error_code: str
    latency_ms: int
    first_token_ms: int | None
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A request to be opened, by whom and under which limits."""

    request: OpenRequest
    process: Process
    limits: Sequence[Limit] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    opened: tuple[list[Standing] | LimitReached, ...]
    """Of each request to be opened how its limits stood, or why it was not."""
    added: tuple[bool, ...]
    """Of each row, whether it was new."""


class Ledger:
    """Blocks; safe to call from threads. Every method may raise `StorageError`."""

    def __init__(self, where: Path | Database) -> None:
        if isinstance(where, Path):
            from tallystick_agent.usage.sqlite import SqliteFile

            where = SqliteFile(where)
        self._database: Database = where
        self._checked = False
        self._observers: list[Callable[[Sequence[LedgerRow]], None]] = []

    def on_booked(self, observer: Callable[[Sequence[LedgerRow]], None]) -> None:
        """Tells `observer` of new rows, after they are durable, in the thread that booked them. It may neither wait nor raise."""
        self._observers.append(observer)

    def append(self, row: LedgerRow) -> bool:
        """Adds a row, synced; False where this attempt, or a correction of it, is booked already."""
        return self.append_many((row,)) == 1

    def append_many(self, rows: Sequence[LedgerRow]) -> int:
        """Adds rows, all or none of the new ones, synced; gives how many were new."""
        with self._database.writing() as work:
            added = appending.add(work, rows)
        return self._told(rows, added)

    def _told(self, rows: Sequence[LedgerRow], added: Sequence[bool]) -> int:
        """Tells the observers which rows were new, and gives their number."""
        new = [row for row, fresh in zip(rows, added, strict=True) if fresh]
        for observer in self._observers if new else ():
            observer(new)
        return len(new)

    def commit(self, opens: Sequence[Opening], closed: Sequence[tuple[str, int]], rows: Sequence[LedgerRow]) -> Committed:
        """One transaction: opens requests under their limits, forgets those that were never sent, and adds rows.

        Synced where there are rows. A request that a limit forbids is not opened, and the others are.
        """
        with self._database.writing(durable=bool(rows)) as work:
            opened = [_open(work, one) for one in opens]
            if closed:
                openings.close(work, closed)
            added = appending.add(work, rows) if rows else []
        self._told(rows, added)
        return Committed(opened=tuple(opened), added=tuple(added))

    def book_lost(self, me: Process, alive: Alive, now_ms: int) -> int:
        """Books requests that were under way in processes which are gone; gives how many."""
        with self._database.reading() as work:
            if not openings.orphans(work, me, alive, now_ms):
                return 0
        with self._database.writing() as work:
            lost = openings.orphans(work, me, alive, now_ms)
            added = appending.add(work, lost)
        return self._told(lost, added)

    def standings(self, limits: Sequence[Limit]) -> list[Standing]:
        """What was spent and what is reserved under each limit."""
        with self._database.reading() as work:
            return standings(work, limits)

    def spenders(self, kind: Spender, first_day: int, last_day: int) -> list[str]:
        """The names that something was spent under, or is reserved, dearest first."""
        open_now = f" UNION ALL SELECT {COLUMN[kind]}, nanos, tokens FROM open_requests" if kind in COLUMN else ""
        sql = f"SELECT name, nanos, tokens FROM spending WHERE kind = ? AND day >= ? AND day <= ?{open_now}"
        days = (0, 0) if kind in FOR_EVER else (first_day, last_day)
        with self._database.reading() as work:
            rows = work.all(f"SELECT name, sum(nanos), sum(tokens) FROM ({sql}) found GROUP BY 1", (kind, *days))
        return [name for name, *_ in sorted(rows, key=lambda row: (-row[1], -row[2], row[0])) if name]

    def check(self) -> None:
        """Opens the database, so that nothing is spent that could not be booked. Raises `StorageError`."""
        if not self._checked:
            with self._database.writing():
                pass
            self._checked = True

    def sums(self, query: Query) -> list[Sum]:
        """From roll-ups; most tokens first."""
        columns = [_DIMENSION.get(name, name) for name in query.by]
        where = ["day >= ?", "day <= ?"]
        values: list[Any] = [query.first_day, query.last_day]
        for name, value in query.where:
            where.append(f"{_DIMENSION.get(name, name)} = ?")
            values.append(int(value) if name in _NUMBERS else value)
        shown = ", ".join([*columns, *(f"sum({_SUM_COLUMNS.get(name, name)})" for name in _SUMS)])
        table = smallest([*columns, *(_DIMENSION.get(name, name) for name, _ in query.where)]).table
        groups = f" GROUP BY {', '.join(columns)}" if columns else ""
        with self._database.reading() as work:
            rows = work.all(f"SELECT {shown} FROM {table} WHERE {' AND '.join(where)}{groups}", values)
        width = len(columns)
        found = [
            Sum(group=tuple(map(str, row[:width])), **{name: int(one) for name, one in zip(_SUMS, row[width:], strict=True)})
            for row in rows
            if row[width] is not None
        ]
        return sorted(found, key=lambda one: (-one.tokens, one.group))

    def rows(
        self,
        *,
        since_ms: int = 0,
        until_ms: int | None = None,
        session_id: str | None = None,
        after_id: int = 0,
        most: int = 1_000,
    ) -> list[Booked]:
        """Rows as they were booked, in that order; the next page begins after the last one's id."""
        # The sign keeps a database from collecting all rows of the time for each page: it goes on from the last id.
        where, given = ["id > ?", "+time_ms >= ?"], list[Any]((after_id, since_ms))
        if until_ms is not None:
            where.append("+time_ms < ?")
            given.append(until_ms)
        if session_id is not None:
            where.append("session_id = ?")
            given.append(session_id)
        sql = f"SELECT id, {', '.join(COLUMNS)} FROM requests WHERE {' AND '.join(where)} ORDER BY id LIMIT ?"
        with self._database.reading() as work:
            if since_ms > 0 and after_id == 0 and session_id is None:
                first = work.all("SELECT min(id) FROM requests WHERE time_ms >= ?", (since_ms,))[0][0]
                given[0] = first - 1 if first is not None else 2**62
            found = work.all(sql, (*given, most))
        return [Booked(id=number, row=row_of(values)) for number, *values in found]

    def of_request(self, request_id: str) -> list[LedgerRow]:
        """The attempts of one request and their corrections, as they were booked."""
        sql = f"SELECT {', '.join(COLUMNS)} FROM requests WHERE request_id = ? ORDER BY id LIMIT 100"
        with self._database.reading() as work:
            return [row_of(values) for values in work.all(sql, (request_id,))]

    def newest_session(self) -> str:
        """The session whose row was booked last; empty where there is none. Suggestions at the cursor are no session."""
        sql = "SELECT session_id FROM requests WHERE session_id <> '' AND purpose <> 'completion' ORDER BY id DESC LIMIT 1"
        with self._database.reading() as work:
            found = work.all(sql)
        return str(found[0][0]) if found else ""

    def sessions_named(self, begun: str, most: int = 2) -> list[str]:
        """Ids of sessions that begin so; one that is exactly so is alone."""
        exact = "SELECT session_id FROM session_days WHERE session_id = ? LIMIT 1"
        part = f"substr(session_id, 1, {len(begun)})"
        begins = f"SELECT DISTINCT session_id FROM session_days WHERE {part} = ? ORDER BY 1 LIMIT ?"
        with self._database.reading() as work:
            found = work.all(exact, (begun,)) or work.all(begins, (begun, most))
        return [str(row[0]) for row in found]

    def in_time(
        self,
        *,
        since_ms: int = 0,
        until_ms: int | None = None,
        session_id: str | None = None,
        after: tuple[int, int] | None = None,
        most: int = 1_000,
    ) -> list[Booked]:
        """Rows by time, a correction right behind its row; the next page begins after the last one's time and id."""
        where, values = ["time_ms >= ?"], [since_ms if after is None else after[0]]
        if after is not None:
            where.append("(time_ms > ? OR id > ?)")
            values += after
        if until_ms is not None:
            where.append("time_ms < ?")
            values.append(until_ms)
        given: list[Any] = [*values]
        if session_id is not None:
            where.append("session_id = ?")
            given.append(session_id)
        sql = f"SELECT id, {', '.join(COLUMNS)} FROM requests WHERE {' AND '.join(where)} ORDER BY time_ms, id LIMIT ?"
        with self._database.reading() as work:
            found = work.all(sql, (*given, most))
        return [Booked(id=number, row=row_of(values)) for number, *values in found]

    def apps(self) -> list[AppEntry]:
        """Every app that was seen, by identity."""
        with self._database.reading() as work:
            rows = work.all("SELECT app, title, url, categories, first_ms, last_ms FROM apps")
        found = [
            AppEntry(app=app, title=title, url=url, categories=tuple(json.loads(categories)), first_ms=first, last_ms=last)
            for app, title, url, categories, first, last in rows
        ]
        return sorted(found, key=lambda one: one.app)

    def sessions(self, first_day: int, last_day: int) -> list[SessionSum]:
        """What sessions used in whole UTC days, by week, app and model; the dearest first."""
        # 1970 began with a Thursday.
        week = "(day + 3) / 7 * 7 - 3"
        names = ("requests", "input_tokens + output_tokens", "cost_nanos", "unpriced")
        sums = ", ".join(f"sum({name})" for name in ("opens_turn", *names))
        sql = f"SELECT {week}, session_id, app, model, {sums} FROM session_days WHERE day >= ? AND day <= ? GROUP BY 1, 2, 3, 4"
        with self._database.reading() as work:
            rows = work.all(sql, (first_day, last_day))
        found = [_session_sum(row) for row in rows]
        return sorted(found, key=lambda one: (-one.cost_nanos, -one.tokens, one.session_id, one.first_day, one.app, one.model))

    def session_list(
        self, first_day: int, last_day: int, *, app: str | None = None, model: str | None = None, most: int = 50, offset: int = 0
    ) -> tuple[list[SessionEntry], int]:
        """Sessions with requests in whole UTC days, newest first, and how many there are."""
        with self._database.reading() as work:
            return session_list.newest(work, first_day, last_day, app=app, model=model, most=most, offset=offset)

    def segments(self, first_day: int, last_day: int, app: str | None = None) -> list[SegmentSum]:
        """Tokens of whole UTC days by family of segments, most first."""
        sql = "SELECT family, sum(tokens) FROM segment_days WHERE day >= ? AND day <= ?"
        values: tuple[Any, ...] = (first_day, last_day)
        if app is not None:
            sql, values = f"{sql} AND app = ?", (*values, app)
        with self._database.reading() as work:
            rows = work.all(f"{sql} GROUP BY 1", values)
        found = [SegmentSum(family=family, tokens=int(tokens)) for family, tokens in rows if tokens]
        return sorted(found, key=lambda one: (-one.tokens, one.family))

    def totals(self, by: GroupBy, *, since_ms: int = 0, session_id: str | None = None) -> list[Total]:
        """Sums by group, most tokens first."""
        with self._database.reading() as work:
            return reports.totals(work, by, since_ms=since_ms, session_id=session_id)

    def by_segment(self, *, since_ms: int = 0, session_id: str | None = None) -> list[SegmentTotal]:
        """Tokens by segment, most first; the sum equals the sum of input and output tokens."""
        with self._database.reading() as work:
            return reports.by_segment(work, since_ms=since_ms, session_id=session_id)

    def recent(self, since_ms: int) -> list[Seen]:
        """What attempts of the last time showed of their endpoints, oldest first; corrections are none."""
        sql = """
            SELECT time_ms, endpoint, error_code, latency_ms, first_token_ms, output_tokens FROM requests
            WHERE time_ms >= ? AND finish NOT IN ('reconciled', 'aborted', 'lost') ORDER BY time_ms DESC, id DESC LIMIT 2000"""
        with self._database.reading() as work:
            rows = work.all(sql, (since_ms,))
        names = tuple(Seen.__dataclass_fields__)
        return [Seen(**dict(zip(names, row, strict=True))) for row in reversed(rows)]

    def unreconciled(self, provider: str, most: int, *, since_ms: int = 0) -> list[LedgerRow]:
        """Estimated rows whose generation has an id and no correction yet, newest first."""
        sql = f"""
            SELECT {", ".join(COLUMNS)} FROM requests r WHERE provider = ? AND source = 'estimated' AND time_ms >= ?
            AND generation_id <> '' AND correction = 0 AND NOT {_CORRECTED} ORDER BY time_ms DESC LIMIT ?"""
        with self._database.reading() as work:
            return [row_of(values) for values in work.all(sql, (provider, since_ms, most))]

    def unbalanced(self, since_ms: int = 0) -> int:
        """Rows whose segments do not sum to their tokens; always 0 (`tallystick doctor` checks it)."""
        with self._database.reading() as work:
            parts = f"SELECT coalesce(sum(CAST(s.value AS BIGINT)), 0) FROM {work.dialect.parts}"
            sql = f"SELECT count(*) FROM requests r WHERE time_ms >= ? AND input_tokens + output_tokens <> ({parts})"
            return int(work.all(sql, (since_ms,))[0][0])

    def differing(self, first_day: int = 0) -> dict[str, int]:
        """By roll-up, how many of its sums are not those of the rows from a UTC day on; always 0."""
        with self._database.reading() as work:
            return {rollup.table: differing(work, rollup, first_day) for rollup in ROLLUPS}

    def rebuild(self) -> None:
        """Makes everything that is derived from the rows anew; changes nothing where all is well."""
        with self._database.writing() as work:
            appending.rebuild(work)

    def close(self) -> None:
        self._database.close()


def _open(work: Work, one: Opening) -> list[Standing] | LimitReached:
    request = one.request
    try:
        found = check(work, one.limits, nanos=request.nanos, tokens=request.tokens)
    except LimitReached as reached:
        return reached
    openings.insert(work, request, one.process)
    return found


def _session_sum(row: tuple[Any, ...]) -> SessionSum:
    first_day, session_id, app, model, *sums = row
    turns, requests, tokens, cost_nanos, unpriced = map(int, sums)
    return SessionSum(
        first_day=first_day, session_id=session_id, app=app, model=model, turns=turns, requests=requests, tokens=tokens,
        cost_nanos=cost_nanos, unpriced=unpriced,
    )  # fmt: skip
