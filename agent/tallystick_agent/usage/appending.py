"""Adding rows to the ledger within a transaction: rows, roll-ups and apps together. Owns the order of it, for every database."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, cast

from tallystick_agent.usage import openings
from tallystick_agent.usage.columns import AT, COLUMNS, ORIGINAL, Original, Values, original_of, row_of, values_of
from tallystick_agent.usage.database import Work
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.rollups import INSERT, recompute, roll_up

MOST_CATEGORIES: Final = 10
"""Categories of an app that are kept, the first that it named."""
_APP_COLUMNS: Final = ("app", "title", "url", "categories", "named_ms", "first_ms", "last_ms")
_APP_UPSERT: Final = (
    f"INSERT INTO apps ({', '.join(_APP_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (app) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _APP_COLUMNS[1:])
)


def add(work: Work, rows: Sequence[LedgerRow]) -> list[bool]:
    """Adds rows; of each, whether it was not there before."""
    values = _valued(work, rows)
    added = work.insert(INSERT, values)
    fresh = [one for one, new in zip(values, added, strict=True) if new]
    if fresh:
        roll_up(work, fresh)
        _meet(work, map(_pick, fresh))
    openings.close(work, [(row.request_id, row.attempt) for row in rows if not row.correction])
    known = [row for row, new in zip(rows, added, strict=True) if not new and not row.correction and row.finish != "lost"]
    for row in known:
        _found_again(work, row)
    return added


def _found_again(work: Work, row: LedgerRow) -> None:
    """A request that was taken for lost has ended after all: the difference is booked."""
    sql = f"SELECT {', '.join(COLUMNS)} FROM requests WHERE request_id = ? AND attempt = ? AND correction = 0 AND finish = 'lost'"
    for values in work.all(sql, (row.request_id, row.attempt)):
        add(work, [openings.late(row_of(values), row)])


def _valued(work: Work, rows: Sequence[LedgerRow]) -> list[Values]:
    """The rows' columns. A correction may come right behind its original."""
    known: dict[tuple[str, int], Original] = {}
    corrects = any(row.correction for row in rows)
    found: list[Values] = []
    for row in rows:
        if row.correction:
            values = values_of(row, known.get((row.request_id, row.attempt)) or _original(work, row))
        else:
            values = values_of(row)
            if corrects:
                known[row.request_id, row.attempt] = original_of(values)
        found.append(values)
    return found


def _original(work: Work, row: LedgerRow) -> Original | None:
    sql = f"SELECT {', '.join(ORIGINAL)} FROM requests WHERE request_id = ? AND attempt = ? AND correction = 0"
    found = work.all(sql, (row.request_id, row.attempt))
    return Original(**dict(zip(ORIGINAL, found[0], strict=True))) if found else None


@dataclass(slots=True)
class _App:
    title: str = ""
    url: str = ""
    categories: list[str] = field(default_factory=lambda: [])
    named_ms: int = -1
    """When the request was made that title and address are from."""
    first_ms: int = 2**62
    last_ms: int = 0
    seen: set[str] = field(default_factory=lambda: set())
    """Lists of categories that add nothing more."""

    def see(self, time_ms: int, title: str, url: str, categories: str) -> None:
        # Rows may come in late: the newest row with a title names the app, and the later one of two at the same time.
        if (bool(title), time_ms) >= (bool(self.title), self.named_ms):
            self.title, self.url, self.named_ms = title, url, time_ms
        if categories not in self.seen:
            self.seen.add(categories)
            new = [one for one in cast("list[str]", json.loads(categories)) if one not in self.categories]
            self.categories += new[: MOST_CATEGORIES - len(self.categories)]
        self.first_ms, self.last_ms = min(self.first_ms, time_ms), max(self.last_ms, time_ms)


_SEEN: Final = ("app", "time_ms", "title", "url", "categories")
_pick: Final = itemgetter(*(AT[name] for name in _SEEN))


def _meet(work: Work, seen: Iterable[tuple[Any, ...]]) -> None:
    """What rows tell of their apps, in the order in which they came in: the newest title, categories, first and last use."""
    known: dict[str, _App] = {}
    for app, time_ms, title, url, categories in seen:
        if app:
            if app not in known:
                known[app] = _known(work, app)
            known[app].see(time_ms, title, url, categories)
    rows = [
        (app, one.title, one.url, json.dumps(one.categories), one.named_ms, one.first_ms, one.last_ms)
        for app, one in sorted(known.items())
    ]
    work.many(_APP_UPSERT, rows)


def _known(work: Work, app: str) -> _App:
    found = work.all(f"SELECT {', '.join(_APP_COLUMNS[1:])} FROM apps WHERE app = ?", (app,))
    if not found:
        return _App()
    title, url, categories, named_ms, first_ms, last_ms = found[0]
    return _App(title, url, cast("list[str]", json.loads(categories)), named_ms, first_ms, last_ms)


def rebuild(work: Work) -> None:
    """Everything that is derived from the rows, made anew from them."""
    recompute(work)
    work.run("DELETE FROM apps")
    _meet(work, work.stream(f"SELECT {', '.join(_SEEN)} FROM requests ORDER BY id"))
