"""What a database of the ledger has to be able to do, and where its SQL differs from another's. Owns no connection.

Statements are written once, with `?` for values; everything in them is understood by SQLite and by PostgreSQL alike.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from tallystick_agent.protocol.errors import StorageError

if TYPE_CHECKING:
    from tallystick_agent.usage.columns import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The words that differ."""

    whole: str
    """The type of a whole number of 64 bits."""
    counted: str
    """The type of a key that counts rows."""
    clustered: str
    """What stands behind a table that is kept in the order of its key, where the database can."""
    parts: str
    """The segments of a row `r` as rows `s` of key and value."""


SQLITE: Final = Dialect(
    whole="INTEGER", counted="INTEGER PRIMARY KEY", clustered=" WITHOUT ROWID", parts="json_each(r.segments) s"
)  # fmt: skip
POSTGRES: Final = Dialect(
    whole="BIGINT",
    counted="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    clustered="",
    parts="json_each_text(r.segments::json) s(key, value)",
)


class RowRefused(StorageError):
    """The database works, and what it was given is nothing that it can hold: it is of no use to try again."""


class Work(Protocol):
    """A transaction. Its end is that of the `with` it came from."""

    @property
    def dialect(self) -> Dialect: ...

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    def run(self, sql: str, values: Sequence[Any] = ()) -> None: ...

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...

    def insert(self, sql: str, rows: "Sequence[Values]") -> list[bool]:
        """Adds what no unique key forbids (`sql` says so), and tells of each row whether it was added."""
        ...

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterable[tuple[Any, ...]]:
        """Rows that may be more than memory holds."""
        ...


class Database(Protocol):
    """Where the ledger is kept. Safe to call from threads. Its errors are `StorageError`."""

    def reading(self) -> AbstractContextManager[Work]:
        """A view that no writer changes, and that waits for none."""
        ...

    def writing(self, *, durable: bool = True) -> AbstractContextManager[Work]:
        """One writer at a time, over all processes. `durable`: what was written survives a power cut."""
        ...

    def close(self) -> None: ...
