"""The ledger in PostgreSQL, for a team. Owns its connections, transactions and errors, and no table.

Writers come one after the other, over all processes, by a lock of the database: they would wait for each other at the sums of the
day in any case, and so none can meet another half-way. A connection that broke is made anew the next time.
"""

import contextlib
import importlib
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote, urlsplit

from tallystick_agent.protocol.errors import ConfigurationError, StorageError
from tallystick_agent.usage.columns import Values
from tallystick_agent.usage.database import POSTGRES, Dialect, RowRefused
from tallystick_agent.usage.schema import VERSION
from tallystick_agent.usage.upgrade import upgrade

if TYPE_CHECKING:
    import psycopg

CONNECT_S: Final = 5
BUSY_S: Final = 15
"""Seconds to wait for another writer."""
LOCK: Final = 7_220_611
"""The number of the lock that a writer holds; any that nobody else in the database takes."""
AT_ONCE: Final = 1_000
_READ: Final = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


@lru_cache(maxsize=512)
def _marked(sql: str) -> bytes:
    """The statement with this client's marks for values."""
    return sql.replace("%", "%%").replace("?", "%s").encode()


class _Work:
    """One transaction of a connection."""

    dialect: Dialect = POSTGRES

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(_marked(sql), values).fetchall()

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(_marked(sql), values)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        left = iter(rows)
        # Rows may come from a cursor of this connection, which is of no use to it while it sends.
        while chunk := list(islice(left, AT_ONCE)):
            with self._connection.cursor() as cursor:
                cursor.executemany(_marked(sql), chunk)

    def insert(self, sql: str, rows: Sequence[Values]) -> list[bool]:
        added: list[bool] = []
        if not rows:
            return added
        with self._connection.cursor() as cursor:
            cursor.executemany(_marked(f"{sql} RETURNING 1"), rows, returning=True)
            while True:
                added.append(cursor.rowcount == 1)
                if not cursor.nextset():
                    return added

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        with self._connection.cursor(name="rows") as cursor:
            cursor.itersize = AT_ONCE
            cursor.execute(_marked(sql), values)
            yield from cursor


class _Side:
    """A connection with who uses it: the readers' or the writers'."""

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.connection: psycopg.Connection[Any] | None = None


class PostgresServer:
    def __init__(self, url: str) -> None:
        """Raises `ConfigurationError` where `url` is no address of a database."""
        self._url = url
        self._secrets, self.name = _parts(url)
        self._reads, self._writes = _Side(), _Side()
        self._ready = False

    def reading(self) -> contextlib.AbstractContextManager[_Work]:
        return self._transaction(self._reads, (_READ,))

    def writing(self, *, durable: bool = True) -> contextlib.AbstractContextManager[_Work]:
        begin = ("BEGIN", f"SET LOCAL lock_timeout = '{BUSY_S}s'", f"SELECT pg_advisory_xact_lock({LOCK})")
        return self._transaction(self._writes, begin if durable else (*begin, "SET LOCAL synchronous_commit = off"))

    def close(self) -> None:
        for side in (self._reads, self._writes):
            with side.mutex:
                self._drop(side)

    @contextlib.contextmanager
    def _transaction(self, side: _Side, begin: tuple[str, ...]) -> Generator[_Work]:
        import psycopg

        with side.mutex:
            try:
                connection = self._begun(side, begin)
                yield _Work(connection)
                connection.execute("COMMIT")
            except BaseException as error:
                self._undo(side)
                # UnicodeError and DataError: what no column takes.
                if isinstance(error, psycopg.Error | OSError | UnicodeError):
                    raise self._failure(error) from None
                raise

    def _begun(self, side: _Side, begin: tuple[str, ...]) -> "psycopg.Connection[Any]":
        """A connection in a transaction. One that broke since it was last used is made anew: nothing was asked of it yet."""
        import psycopg

        kept = side.connection is not None
        try:
            return self._begin(side, begin)
        except psycopg.OperationalError:
            connection = side.connection
            if not kept or (connection is not None and not connection.broken):
                raise
            self._drop(side)
            return self._begin(side, begin)

    def _begin(self, side: _Side, begin: tuple[str, ...]) -> "psycopg.Connection[Any]":
        if side.connection is None:
            side.connection = self._open()
        for statement in begin:
            side.connection.execute(_marked(statement))
        return side.connection

    def _undo(self, side: _Side) -> None:
        if side.connection is not None:
            with contextlib.suppress(Exception):
                side.connection.rollback()
            if side.connection.broken:
                self._drop(side)

    def _drop(self, side: _Side) -> None:
        if side.connection is not None:
            with contextlib.suppress(Exception):
                side.connection.close()
            side.connection = None

    def _open(self) -> "psycopg.Connection[Any]":
        import psycopg
        from psycopg.types.numeric import Int8Dumper

        connection = psycopg.connect(
            self._url, autocommit=True, connect_timeout=CONNECT_S, application_name="tallystick", keepalives_idle=30
        )
        try:
            # One type for every number: else each row of another size of numbers were a statement of its own.
            connection.adapters.register_dumper(int, Int8Dumper)
            if not self._ready:
                self._move(connection)
                self._ready = True
        except BaseException:
            connection.close()
            raise
        return cast("psycopg.Connection[Any]", connection)

    def _move(self, connection: "psycopg.Connection[Any]") -> None:
        """Brings the database to this version, all or nothing; two processes may come at once."""
        with connection.transaction():
            connection.execute(_marked(f"SELECT pg_advisory_xact_lock({LOCK})"))
            connection.execute("CREATE TABLE IF NOT EXISTS tallystick_version (version BIGINT NOT NULL)")
            found = connection.execute("SELECT max(version) FROM tallystick_version").fetchone()
            version = int(found[0]) if found is not None and found[0] is not None else 0
            if version > VERSION:
                raise StorageError(
                    f"The ledger in {self.name} was written by a newer version of Tallystick.",
                    remedy="Upgrade Tallystick; the database was left alone.",
                )
            if version < VERSION:
                upgrade(_Work(connection), version)
                connection.execute("INSERT INTO tallystick_version VALUES (%s)", (VERSION,))

    def _failure(self, error: BaseException) -> StorageError:
        import psycopg

        of_the_row = isinstance(error, psycopg.DataError | psycopg.IntegrityError | UnicodeError)
        text = " ".join(str(error).split())
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return (RowRefused if of_the_row else StorageError)(
            f"The ledger in {self.name} cannot be used: {text}.",
            remedy="Start the database or correct ledger.url; docs/ledger.md says what happens meanwhile.",
        )


def _parts(url: str) -> tuple[tuple[str, ...], str]:
    """What may not be shown of an address, longest first, and what names the database in messages."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("postgresql", "postgres") and (parts.port is None or parts.port > 0)
    except ValueError:
        parts, good = None, False
    if parts is None or not good:
        raise ConfigurationError(
            "ledger.url is no address of a database.", remedy="Give it as postgresql://USER@HOST:PORT/NAME; docs/ledger.md."
        )
    try:
        importlib.import_module("psycopg")
    except ImportError as error:
        raise ConfigurationError(
            "The ledger is set to a PostgreSQL database, and its client is not installed.",
            remedy="Run: pip install 'tallystick[postgres]'",
        ) from error
    password = parts.password or ""
    secrets = {url, password, unquote(password)} - {""}
    where = parts.hostname or "this machine"
    return tuple(sorted(secrets, key=len, reverse=True)), f"{where}{parts.path}"
