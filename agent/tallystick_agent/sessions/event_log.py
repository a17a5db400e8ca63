"""One session's log: a JSON Lines file that only grows. Owns the file, its lock and its two durability classes.

Every event is written (and so survives a kill) before a host sees it; a durable one is also synced (and so survives a
power cut). One process writes, many may read. A last line that a crash tore is cut when the log is opened.
"""

import os
from pathlib import Path

from filelock import FileLock, Timeout

from tallystick_agent.protocol.codec import event_from_line, event_to_line
from tallystick_agent.protocol.errors import SessionError, StorageError
from tallystick_agent.protocol.events import Event


class EventLog:
    """The writing side. Close it to free the lock."""

    def __init__(self, path: Path) -> None:
        """Raises `SessionError` when another process has the session, `StorageError` when it cannot be opened."""
        self.path = path
        self._lock: FileLock | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise _storage(path, error) from error
        try:
            self._acquire()
        except (BlockingIOError, Timeout) as error:
            os.close(self._file)
            raise SessionError(
                "This session is open in another process.", code="session_busy", remedy="Close it there, or start a new one."
            ) from error
        self._cut_torn_line()

    def _acquire(self) -> None:
        """Locks the log itself, so that no other file stays behind; where the system cannot, a file beside it is locked."""
        try:
            import fcntl
        except ImportError:
            self._lock = FileLock(self.path.with_suffix(".lock"), timeout=0)
            self._lock.acquire()
            return
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def append(self, event: Event) -> None:
        """Writes one line. Raises `StorageError`; the log then holds no part of the event."""
        line = event_to_line(event)
        size = os.fstat(self._file).st_size
        try:
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as error:
            os.ftruncate(self._file, size)
            raise _storage(self.path, error) from error

    def sync(self) -> None:
        """Everything appended so far is on the disk when this returns."""
        try:
            getattr(os, "fdatasync", os.fsync)(self._file)
        except OSError as error:
            raise _storage(self.path, error) from error

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            if self._lock is not None:
                self._lock.release()

    def _cut_torn_line(self) -> None:
        size = os.fstat(self._file).st_size
        end, block = size, 65_536
        while end > 0:
            start = max(0, end - block)
            data = os.pread(self._file, end - start, start)
            newline = data.rfind(b"\n")
            if newline >= 0:
                if start + newline + 1 < size:
                    os.ftruncate(self._file, start + newline + 1)
                return
            end = start
        if size:
            os.ftruncate(self._file, 0)


def read_log(path: Path) -> list[Event]:
    """All events of a log, a torn last line left out. Raises `SessionError` naming the first line that is damaged."""
    events, problem = read_readable(path)
    if problem:
        raise SessionError(
            f"The log of session {path.stem} is damaged: {problem}.",
            remedy=f"Nothing was changed. `tallystick doctor --repair {path.stem}` keeps the readable part as a session"
            " and the damaged file beside it.",
        )
    return events


def read_readable(path: Path) -> tuple[list[Event], str]:
    """The events before the first damage, and what the damage is (empty where there is none)."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise SessionError(
            f"There is no session {path.stem}.", code="session_missing", remedy="`tallystick sessions` lists them."
        ) from error
    except OSError as error:
        raise _storage(path, error) from error
    events: list[Event] = []
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            event = event_from_line(line)
        except (ValueError, RecursionError):
            return events, f"line {number} is not an event of this version"
        if event.seq != len(events) + 1:
            return events, f"line {number} has the number {event.seq}"
        events.append(event)
    return events, ""


def _storage(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path} cannot be written: {error.strerror or error}.",
        remedy="Free some space, or set TALLYSTICK_HOME to a folder that can be written;"
        " the session goes on with `tallystick resume`.",
    )
