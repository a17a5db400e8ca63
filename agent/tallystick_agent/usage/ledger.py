"""The database of every request. Owns SQLite: its file, its schema, appends and the sums that are read from it.

Rows are only ever added. Several processes share the file (WAL). Money is integer nano-dollars, and unknown cost is NULL.
"""

import json
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.errors import StorageError
from tallystick_agent.protocol.usage import Cost, Usage
from tallystick_agent.usage.record import LedgerRow

VERSION: Final = 2
BUSY_S: Final = 15.0
"""Seconds to wait for another process."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS requests (
  id INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL,
  app TEXT NOT NULL, client TEXT NOT NULL, user_label TEXT NOT NULL, workspace TEXT NOT NULL,
  app_title TEXT NOT NULL, app_url TEXT NOT NULL, app_categories TEXT NOT NULL,
  session_id TEXT NOT NULL, turn_id TEXT NOT NULL, request_id TEXT NOT NULL, attempt INTEGER NOT NULL,
  step INTEGER NOT NULL, purpose TEXT NOT NULL, model_asked TEXT NOT NULL, endpoint TEXT NOT NULL,
  provider TEXT NOT NULL, author TEXT NOT NULL, generation_id TEXT NOT NULL,
  input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL, source TEXT NOT NULL,
  provider_nanos INTEGER, priced_nanos INTEGER, drift_nanos INTEGER,
  latency_ms INTEGER NOT NULL, first_token_ms INTEGER, finish TEXT NOT NULL, error_code TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS requests_by_time ON requests(time_ms);
CREATE INDEX IF NOT EXISTS requests_by_session ON requests(session_id);
CREATE TABLE IF NOT EXISTS segments (
  request INTEGER NOT NULL REFERENCES requests(id), name TEXT NOT NULL, tokens INTEGER NOT NULL,
  PRIMARY KEY (request, name)
) WITHOUT ROWID;
"""

_CORRECTED: Final = (
    "EXISTS (SELECT 1 FROM requests c WHERE c.finish = 'reconciled'"
    " AND c.generation_id = r.generation_id AND c.request_id = r.request_id)"
)
_NAMES: Final = (
    "session_id", "turn_id", "request_id", "attempt", "step", "purpose", "model_asked", "endpoint", "provider", "author",
    "generation_id",
)  # fmt: skip
_TOKENS: Final = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")

_TWICE: Final = (
    "SELECT r.id FROM requests r WHERE r.finish = 'reconciled' AND EXISTS (SELECT 1 FROM requests c WHERE c.finish = 'reconciled'"
    " AND c.generation_id = r.generation_id AND c.request_id = r.request_id AND c.id < r.id)"
)
_ONCE: Final = f"DELETE FROM segments WHERE request IN ({_TWICE}); DELETE FROM requests WHERE id IN ({_TWICE});"
"""Version 1 let two processes correct one row: the second of them was booked for nothing, and made every sum wrong."""
_SECOND: Final = """
CREATE UNIQUE INDEX IF NOT EXISTS corrections ON requests(generation_id, request_id) WHERE finish = 'reconciled';
CREATE INDEX IF NOT EXISTS requests_estimated ON requests(provider, time_ms) WHERE source = 'estimated';
"""
"""What version 2 added: one correction a row at most, whoever asks for it, and finding those that lack one."""
GroupBy = Literal["app", "model", "purpose", "session", "provider", "workspace", "day", "client"]
_COLUMN: Final[dict[GroupBy, str]] = {
    "app": "app",
    "model": "endpoint",
    "purpose": "purpose",
    "session": "session_id",
    "provider": "provider",
    "workspace": "workspace",
    "client": "client",
    "day": "date(time_ms / 1000, 'unixepoch', 'localtime')",
}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One attempt, as far as it tells how an endpoint serves."""

    time_ms: int
    endpoint: str
    error_code: str
    latency_ms: int
    first_token_ms: int | None
    output_tokens: int


class Ledger:
    """Safe to call from threads; one statement at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._mutex = threading.Lock()

    def append(self, row: LedgerRow) -> bool:
        """Adds a row with its segments, synced; False for a correction that another process has made. Raises `StorageError`."""
        a, u, c = row.attribution, row.usage, row.cost
        drift = c.provider_nanos - c.priced_nanos if c.provider_nanos is not None and c.priced_nanos is not None else None
        values = (
            row.time_ms, a.door, a.client, a.user, a.workspace, a.title, a.url, json.dumps(a.categories),
            row.session_id, row.turn_id, row.request_id, row.attempt, row.step, row.purpose, row.model_asked, row.endpoint,
            row.provider, row.author, row.generation_id, u.input_tokens, u.cached_tokens, u.cache_write_tokens,
            u.output_tokens, u.reasoning_tokens, u.source, c.provider_nanos, c.priced_nanos, drift,
            row.latency_ms, row.first_token_ms, row.finish, row.error_code,
        )  # fmt: skip
        with self._mutex, self._guarded(write=True) as connection:
            marks = ",".join("?" * len(values))
            added = connection.execute(f"INSERT OR IGNORE INTO requests VALUES (NULL,{marks})", values)
            if added.rowcount == 0:
                return False
            pairs = [(added.lastrowid, segment.name, segment.tokens) for segment in row.segments]
            connection.executemany("INSERT INTO segments VALUES (?,?,?)", pairs)
        return True

    def check(self) -> None:
        """Opens the file, so that nothing is spent that could not be booked. Raises `StorageError`."""
        if self._connection is None:
            with self._mutex, self._guarded():
                pass

    def totals(self, by: GroupBy, *, since_ms: int = 0, session_id: str | None = None) -> list[Total]:
        """Sums by group, most tokens first."""
        query = f"""
            SELECT {_COLUMN[by]}, sum(finish != 'reconciled'), sum(error_code != '' AND finish != 'aborted'),
                   sum(input_tokens), sum(cached_tokens),
                   sum(output_tokens), sum(reasoning_tokens), coalesce(sum(coalesce(provider_nanos, priced_nanos)), 0),
                   sum(provider_nanos IS NULL AND priced_nanos IS NULL AND NOT {_CORRECTED}),
                   sum(source = 'estimated' AND NOT {_CORRECTED})
            FROM requests r WHERE time_ms >= ? AND (? IS NULL OR session_id = ?)
            GROUP BY 1 ORDER BY sum(input_tokens) + sum(output_tokens) DESC, 1"""
        with self._mutex, self._guarded() as connection:
            rows = connection.execute(query, (since_ms, session_id, session_id)).fetchall()
        names = ("name", *Total.__dataclass_fields__)[1:]
        return [Total(**dict(zip(names, row, strict=True))) for row in rows]

    def by_segment(self, *, since_ms: int = 0, session_id: str | None = None) -> list[SegmentTotal]:
        """Tokens by segment, most first; the sum equals the sum of input and output tokens."""
        query = """
            SELECT s.name, sum(s.tokens) FROM segments s JOIN requests r ON r.id = s.request
            WHERE r.time_ms >= ? AND (? IS NULL OR r.session_id = ?) GROUP BY 1 ORDER BY 2 DESC, 1"""
        with self._mutex, self._guarded() as connection:
            rows = connection.execute(query, (since_ms, session_id, session_id)).fetchall()
        return [SegmentTotal(name=name, tokens=tokens) for name, tokens in rows]

    def recent(self, since_ms: int) -> list[Seen]:
        """What attempts of the last time showed of their endpoints, oldest first; corrections are none."""
        query = """
            SELECT time_ms, endpoint, error_code, latency_ms, first_token_ms, output_tokens FROM requests
            WHERE time_ms >= ? AND finish NOT IN ('reconciled', 'aborted') ORDER BY time_ms DESC, id DESC LIMIT 2000"""
        with self._mutex, self._guarded() as connection:
            rows = connection.execute(query, (since_ms,)).fetchall()
        names = tuple(Seen.__dataclass_fields__)
        return [Seen(**dict(zip(names, row, strict=True))) for row in reversed(rows)]

    def unreconciled(self, provider: str, most: int, *, since_ms: int = 0) -> list[LedgerRow]:
        """Estimated rows whose generation has an id and no correction yet, newest first."""
        query = f"""
            SELECT time_ms, app, client, user_label, workspace, app_title, app_url, app_categories, session_id, turn_id,
                   request_id, attempt, step, purpose, model_asked, endpoint, provider, author, generation_id, input_tokens,
                   cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, provider_nanos, priced_nanos, finish
            FROM requests r WHERE provider = ? AND source = 'estimated' AND time_ms >= ? AND generation_id != ''
            AND NOT {_CORRECTED} ORDER BY time_ms DESC LIMIT ?"""
        with self._mutex, self._guarded() as connection:
            rows = connection.execute(query, (provider, since_ms, most)).fetchall()
        return [_row(row) for row in rows]

    def unbalanced(self) -> int:
        """Rows whose segments do not sum to their tokens; always 0 (`tallystick doctor` checks it)."""
        query = """
            SELECT count(*) FROM requests r WHERE input_tokens + output_tokens !=
            (SELECT coalesce(sum(tokens), 0) FROM segments s WHERE s.request = r.id)"""
        with self._mutex, self._guarded() as connection:
            return int(connection.execute(query).fetchone()[0])

    def close(self) -> None:
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _guarded(self, *, write: bool = False) -> "_Guard":
        return _Guard(self, write=write)

    def _wal(self, connection: sqlite3.Connection) -> None:
        """Turns on the write-ahead log. SQLite does not wait for this one statement when two processes make the file."""
        deadline = time.monotonic() + BUSY_S
        while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = sqlite3.connect(self._path, timeout=BUSY_S, check_same_thread=False)
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > VERSION:
                connection.close()
                raise StorageError(
                    f"{self._path} was written by a newer version of Tallystick.",
                    remedy="Upgrade Tallystick; the file was left alone.",
                )
            self._wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            if version < VERSION:
                _move(connection)
            self._connection = connection
        return self._connection


def _move(connection: sqlite3.Connection) -> None:
    """Brings a file to this version, all or nothing; two processes may come at once."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in (_SCHEMA + _ONCE + _SECOND).split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _row(row: tuple[Any, ...]) -> LedgerRow:
    app, client, user, workspace, title, url, categories = row[1:8]
    return LedgerRow(
        time_ms=row[0],
        attribution=Attribution(
            door=app,
            client=client,
            user=user,
            workspace=workspace,
            title=title,
            url=url,
            categories=tuple(json.loads(categories)),
        ),
        **dict(zip(_NAMES, row[8:19], strict=True)),
        usage=Usage(**dict(zip(_TOKENS, row[19:24], strict=True)), source="estimated"),
        cost=Cost(provider_nanos=row[24], priced_nanos=row[25]),
        segments=(),
        finish=row[26],
    )


class _Guard:
    """A transaction whose database errors become `StorageError`."""

    def __init__(self, ledger: Ledger, *, write: bool) -> None:
        """A reader takes no lock that a writer would wait for."""
        self._ledger = ledger
        self._begin = "BEGIN IMMEDIATE" if write else "BEGIN"

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection = self._ledger._open()  # pyright: ignore[reportPrivateUsage]
            self._connection.execute(self._begin) if not self._connection.in_transaction else None
        except (sqlite3.Error, OSError) as error:
            raise self._failure(error) from error
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            self._connection.rollback() if kind else self._connection.commit()
        except sqlite3.Error as late:
            raise self._failure(late) from late
        if isinstance(error, sqlite3.Error):
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StorageError:
        path = self._ledger._path  # pyright: ignore[reportPrivateUsage]
        return StorageError(
            f"The ledger {path} cannot be used: {error}.",
            remedy="Free some space, or move the file away and start with a new one.",
        )
