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
_TABLES = """
CREATE TABLE IF NOT EXISTS record (key BLOB PRIMARY KEY, used INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stamp (root TEXT NOT NULL, path TEXT NOT NULL, stamp TEXT NOT NULL, key BLOB NOT NULL,
    PRIMARY KEY (root, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commits (sha TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
"""
_ASKED_AT_ONCE = 500


class IndexStore:
    """Made by `open_store`. Used from one thread at a time; a lock sees to it."""

    def __init__(self, path: Path | None) -> None:
        """`None` keeps everything in memory."""
        self._path = path
        self._lock = threading.Lock()
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
            try:
                with self._db:
                    self._db.executemany(sql, rows)
            except sqlite3.DatabaseError as error:
                self._give_up(error)

    def _read(self, sql: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        with self._lock:
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
        if path is not None and not isinstance(error, sqlite3.OperationalError):
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

    def touch(self, keys: Sequence[bytes], *, day: int) -> None:
        """Says that these were used on `day`."""
        self._write("UPDATE record SET used = ? WHERE key = ? AND used < ?", [(day, key, day) for key in keys])

    def stamps(self, root: str) -> dict[str, tuple[str, bytes]]:
        """Per path the stamp it had, and the key of its content then."""
        rows = self._read("SELECT path, stamp, key FROM stamp WHERE root = ?", (root,))
        return {str(path): (str(stamp), key) for path, stamp, key in rows if isinstance(key, bytes)}

    def keep_stamps(self, root: str, fresh: Iterable[tuple[str, str, bytes]], gone: Iterable[str]) -> None:
        self._write("DELETE FROM stamp WHERE root = ? AND path = ?", [(root, path) for path in gone])
        self._write("INSERT OR REPLACE INTO stamp VALUES (?, ?, ?, ?)", [(root, *row) for row in fresh])

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
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._db.close()


def _connect(path: str) -> sqlite3.Connection:
    """Raises `sqlite3.DatabaseError` for a file that is damaged, foreign or of another version."""
    db = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # What a power cut takes is computed again.
        db.execute("PRAGMA synchronous = OFF")
        ((version,),) = db.execute("PRAGMA user_version").fetchall()
        if version == 0 and not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall():
            with db:
                db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            raise sqlite3.DatabaseError("not an index of this version")
    except BaseException:
        db.close()
        raise
    return db
