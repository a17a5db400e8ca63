"""The ledger in a file of SQLite. Owns its connections, transactions and errors, and no table.

Several processes share the file (write-ahead log). Readers and writers of a process have a connection each, so that nobody who
reads waits for a commit.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from tallystick_agent.protocol.errors import StorageError
from tallystick_agent.usage.columns import Values
from tallystick_agent.usage.database import SQLITE, Dialect, RowRefused
from tallystick_agent.usage.schema import VERSION
from tallystick_agent.usage.upgrade import upgrade

BUSY_S: Final = 15.0
"""Seconds to wait for another process."""
CACHE_KIB: Final = 32_768


class _Work:
    """One transaction of a connection."""

    dialect: Dialect = SQLITE

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(sql, values)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(sql, rows)

    def insert(self, sql: str, rows: Sequence[Values]) -> list[bool]:
        execute = self._connection.execute
        return [execute(sql, row).rowcount == 1 for row in rows]

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterable[tuple[Any, ...]]:
        return self._connection.execute(sql, values)


class _Side:
    """A connection with who uses it: the readers' or the writers'."""

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.connection: sqlite3.Connection | None = None


class SqliteFile:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._reads, self._writes = _Side(), _Side()

    def reading(self) -> contextlib.AbstractContextManager[_Work]:
        return self._transaction(self._reads, "BEGIN")

    def writing(self, *, durable: bool = True) -> contextlib.AbstractContextManager[_Work]:
        return self._transaction(self._writes, "BEGIN IMMEDIATE", durable=durable)

    def close(self) -> None:
        for side in (self._reads, self._writes):
            with side.mutex:
                if side.connection is not None:
                    side.connection.close()
                    side.connection = None

    @contextlib.contextmanager
    def _transaction(self, side: _Side, begin: str, *, durable: bool = True) -> Generator[_Work]:
        with side.mutex:
            try:
                if side.connection is None:
                    side.connection = self._open()
                connection = side.connection
                if side is self._writes:
                    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                connection.execute(begin)
                try:
                    yield _Work(connection)
                except BaseException:
                    connection.rollback()
                    raise
                connection.commit()
            except (sqlite3.Error, OSError, OverflowError) as error:
                self._after(side)
                raise self._failure(error) from error

    def _after(self, side: _Side) -> None:
        """A commit that failed, on a full disk say, must leave no transaction open."""
        if side.connection is not None and side.connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                side.connection.rollback()

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(self.path, timeout=BUSY_S, check_same_thread=False, isolation_level=None)
        try:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > VERSION:
                raise StorageError(
                    f"{self.path} was written by a newer version of Tallystick.",
                    remedy="Upgrade Tallystick; the file was left alone.",
                )
            _log_ahead(connection)
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            if version < VERSION:
                self._move(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _move(self, connection: sqlite3.Connection) -> None:
        """Brings a file to this version, all or nothing; two processes may come at once."""
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version < VERSION:
                upgrade(_Work(connection), version)
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.commit()
        except BaseException:
            connection.rollback()
            raise

    def _failure(self, error: Exception) -> StorageError:
        of_the_row = isinstance(error, OverflowError | sqlite3.DataError | sqlite3.IntegrityError | sqlite3.InterfaceError)
        return (RowRefused if of_the_row else StorageError)(
            f"The ledger {self.path} cannot be used: {error}.",
            remedy="Free some space, or move the file away and start with a new one.",
        )


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Turns on the write-ahead log. SQLite does not wait for this one statement when two processes make the file."""
    deadline = time.monotonic() + BUSY_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
