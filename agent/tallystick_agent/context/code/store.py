"""The index on disk: records by content hash, stamps of files by workspace, and commits. Owns that database.

Shared by all processes and workspaces of a user. What is in it can be computed again, so damage, another program's file
or a full disk cost time and never a turn: the file is put aside, or the index lives in memory alone.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

VERSION: Final = 1
MOST_BYTES: Final = 1_500_000_000
"""Above this the records that were not used for longest are dropped."""
_TABLES = (
    "CREATE TABLE record (key BLOB PRIMARY KEY, used INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE stamp (root TEXT NOT NULL, path TEXT NOT NULL, stamp TEXT NOT NULL, key BLOB NOT NULL,"
    " PRIMARY KEY (root, path)) WITHOUT ROWID",
    "CREATE TABLE commits (sha TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID",
)
_ASKED_AT_ONCE = 500


class IndexStore:
    """Made by `open_store`. Used from one thread at a time; a lock sees to it."""

    def __init__(self, path: Path | None) -> None:
        """`None` keeps everything in memory."""
        self._path = path
        self._lock = threading.Lock()
        self._closed = False
        self._db = self._open()

    @property
    def kept(self) -> bool:
        """Whether it outlives the process."""
        return self._path is not None

    def _open(self) -> sqlite3.Connection:
        if self._path is not None:
            for _ in range(2):
                try:
                    self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    return _connect(str(self._path))
                except sqlite3.OperationalError:
                    # Locked for long, read-only or full: nothing that a new file would mend.
                    break
                except (sqlite3.DatabaseError, OSError):
                    self._put_aside(self._path)
            self._path = None
        return _connect(":memory:")

    def _put_aside(self, path: Path) -> None:
        """Whatever is there is no index of ours, or a broken one."""
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(OSError):
                os.unlink(f"{path}{suffix}")
        with contextlib.suppress(OSError):
            os.replace(path, f"{path}.damaged")

    def _write(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        with self._lock:
            if self._closed:
                return
            try:
                with self._db:
                    self._db.executemany(sql, rows)
            except sqlite3.DatabaseError as error:
                self._give_up(error)

    def _read(self, sql: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        with self._lock:
            if self._closed:
                return []
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.DatabaseError as error:
                self._give_up(error)
                return []

    def _give_up(self, error: sqlite3.DatabaseError) -> None:
        """Goes on in memory. A database that is damaged is put aside; one that is full or locked stays for others."""
        path, self._path = self._path, None
        with contextlib.suppress(sqlite3.Error):
            self._db.close()
        # Only what SQLite calls corrupt or no database has this very class; a connection that was closed has another.
        if path is not None and type(error) is sqlite3.DatabaseError:
            self._put_aside(path)
        self._db = _connect(":memory:")

    def records(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The bytes of the records that are here."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            some = keys[start : start + _ASKED_AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._read(f"SELECT key, data FROM record WHERE key IN ({marks})", some)
            found.update((key, data) for key, data in rows if isinstance(key, bytes) and isinstance(data, bytes))
        return found

    def keep(self, records: Iterable[tuple[bytes, bytes]], *, day: int) -> None:
        self._write("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", [(key, day, data) for key, data in records])

    def touch(self, root: str, *, day: int) -> None:
        """Says that the records of a workspace were used on `day`; to the week, since a row is written anew for it."""
        sql = "UPDATE record SET used = ? WHERE used < ? AND key IN (SELECT key FROM stamp WHERE root = ?)"
        self._write(sql, [(day, day - 6, _storable(root))])

    def stamps(self, root: str) -> dict[str, tuple[str, bytes]]:
        """Per path the stamp it had, and the key of its content then."""
        rows = self._read("SELECT path, stamp, key FROM stamp WHERE root = ?", (_storable(root),))
        return {str(path): (str(stamp), key) for path, stamp, key in rows if isinstance(key, bytes)}

    def keep_stamps(self, root: str, fresh: Iterable[tuple[str, str, bytes]], gone: Iterable[str]) -> None:
        root = _storable(root)
        rows = [(root, _storable(path), stamp, key) for path, stamp, key in fresh]
        self._write("DELETE FROM stamp WHERE root = ? AND path = ?", [(root, _storable(path)) for path in gone])
        self._write("INSERT OR REPLACE INTO stamp VALUES (?, ?, ?, ?)", rows)

    def commits(self, shas: Sequence[str]) -> dict[str, str]:
        """What is kept of these commits."""
        found: dict[str, str] = {}
        for start in range(0, len(shas), _ASKED_AT_ONCE):
            some = shas[start : start + _ASKED_AT_ONCE]
            rows = self._read(f"SELECT sha, data FROM commits WHERE sha IN ({','.join('?' * len(some))})", some)
            found.update((str(sha), str(data)) for sha, data in rows)
        return found

    def keep_commits(self, fresh: Iterable[tuple[str, str]]) -> None:
        self._write("INSERT OR REPLACE INTO commits VALUES (?, ?)", list(fresh))

    def shrink(self, most: int = MOST_BYTES) -> int:
        """Drops the records unused for longest until about `most` bytes are left; gives how many went."""
        pages = self._read("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", ())
        if pages and int(str(pages[0][0])) <= most:
            return 0
        ((size,),) = self._read("SELECT coalesce(sum(length(data)), 0) FROM record", ()) or [(0,)]
        over = int(str(size)) - most
        if over <= 0:
            return 0
        gone: list[tuple[object]] = []
        for key, length in self._read("SELECT key, length(data) FROM record ORDER BY used", ()):
            if over <= 0:
                break
            gone.append((key,))
            over -= int(str(length))
        self._write("DELETE FROM record WHERE key = ?", gone)
        return len(gone)

    def close(self) -> None:
        """What a refresh that still runs would keep is then not kept."""
        self._closed = True
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._db.close()


def _storable(text: str) -> str:
    """A path as SQLite takes it: names that are no UTF-8 lose their stamp, and are read anew by every process."""
    return text.encode("utf-8", "backslashreplace").decode()


def _connect(path: str) -> sqlite3.Connection:
    """Raises `sqlite3.DatabaseError` for a file that is damaged, foreign or of another version."""
    db = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        # Looked at in one transaction, since another process may be making it at this moment.
        if not _is_index(db, "BEGIN"):
            _is_index(db, "BEGIN IMMEDIATE", make=True)
        # Whoever opens it at the same time may be doing this, which SQLite refuses without waiting.
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("PRAGMA journal_mode = WAL")
        # What a power cut takes is computed again.
        db.execute("PRAGMA synchronous = OFF")
    except BaseException:
        db.close()
        raise
    return db


def _is_index(db: sqlite3.Connection, begin: str, *, make: bool = False) -> bool:
    """Whether the tables are there; with `make` an empty database gets them."""
    db.execute(begin)
    ((version,),) = db.execute("PRAGMA user_version").fetchall()
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()}
    empty = version == 0 and not tables
    if not empty and (version != VERSION or not tables >= {"record", "stamp", "commits"}):
        raise sqlite3.DatabaseError("not an index of this version")
    if empty and make:
        for statement in _TABLES:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
    db.commit()
    return not empty
