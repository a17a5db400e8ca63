"""Rows that the ledger could not take, in a file until it can. Owns that file; each row is taken in once, whoever does it.

The file has its room beforehand, filled with zeros, so that rows find a place on a disk that is full. A row is a line of JSON,
and zeros follow the last. Whoever writes or takes in holds a lock. A row that was taken in, and whose taker died before it said
so, is taken again, and the ledger knows it.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from tallystick_agent.protocol.errors import StorageError
from tallystick_agent.usage.database import RowRefused
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.row_text import from_text, to_text

Result = TypeVar("Result")
ROOM: Final = 256 * 1024
"""Bytes kept: some two hundred rows."""
LOCK_S: Final = 30.0
AT_ONCE: Final = 500


class Spool:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger-spool.jsonl"
        self.damaged = folder / "ledger-spool.damaged"
        """Lines that are no rows, for a person to look at."""

    def prepare(self) -> None:
        """Takes the room, while there is some. Raises `StorageError`."""
        if not self.path.exists():
            self._locked(self._make)

    def put(self, rows: Sequence[LedgerRow]) -> None:
        """Adds rows, synced. Raises `StorageError`: then they are nowhere."""
        text = "".join(f"{to_text(row)}\n" for row in rows).encode()

        def write() -> None:
            self._make()
            with self.path.open("r+b") as file:
                known = file.read().rstrip(b"\0")
                file.seek(len(known))
                # A line that a crash cut short is ended, so that this row has its own.
                file.write(text if not known or known.endswith(b"\n") else b"\n" + text)
                file.flush()
                os.fsync(file.fileno())

        self._locked(write)

    def waiting(self) -> bool:
        """Whether any row may be in it; looks at nothing but the first byte."""
        try:
            with self.path.open("rb") as file:
                return file.read(1) not in (b"", b"\0")
        except OSError:
            return False

    def take_in(self, book: Callable[[Sequence[LedgerRow]], int]) -> int:
        """Books every row and empties the file; gives how many were new. Raises `StorageError`: then all of them stay."""
        if not self.waiting():
            return 0

        def take() -> int:
            data = self.path.read_bytes()
            text = data.rstrip(b"\0")
            rows, bad = _read(text)
            new = 0
            for at in range(0, len(rows), AT_ONCE):
                new += _booked(rows[at : at + AT_ONCE], book, bad)
            if bad:
                with _private(self.damaged) as file:
                    file.write(b"".join(line + b"\n" for line in bad))
                    file.flush()
                    os.fsync(file.fileno())
            # The room stays taken.
            with self.path.open("r+b") as file:
                if len(data) > ROOM:
                    file.truncate(ROOM)
                file.write(b"\0" * min(len(text), ROOM))
                file.flush()
                os.fsync(file.fileno())
            return new

        return self._locked(take)

    def _make(self) -> None:
        if self.path.exists() and self.path.stat().st_size >= ROOM:
            return
        with _private(self.path) as file:
            file.write(b"\0" * (ROOM - file.tell()))
            file.flush()
            os.fsync(file.fileno())

    def _locked(self, act: Callable[[], Result]) -> Result:
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self.path.with_suffix(".lock"), timeout=LOCK_S):
                return act()
        except (OSError, Timeout) as error:
            raise StorageError(
                f"The ledger's spool {self.path} cannot be used: {error}.", remedy="Free some space, or correct its permissions."
            ) from error


def _private(path: Path) -> BinaryIO:
    """A file that nobody else may read, to be written at its end."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def _booked(rows: list[LedgerRow], book: Callable[[Sequence[LedgerRow]], int], bad: list[bytes]) -> int:
    """Books rows; one that no ledger can hold goes to `bad`."""
    try:
        return book(rows)
    except RowRefused:
        if len(rows) == 1:
            bad.append(to_text(rows[0]).encode())
            return 0
        return sum(_booked([row], book, bad) for row in rows)


def _read(text: bytes) -> tuple[list[LedgerRow], list[bytes]]:
    """The rows, and what is none."""
    rows: list[LedgerRow] = []
    bad: list[bytes] = []
    for line in text.replace(b"\0", b"").splitlines():
        try:
            rows.append(from_text(line))
        except ValueError:
            bad.append(line)
    return rows, bad
