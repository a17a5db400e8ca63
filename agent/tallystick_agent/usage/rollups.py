"""Sums that are kept beside the rows, so that rankings read few rows. Owns what is summed by what; every backend does the same.

A roll-up is a plain sum over rows: added to in the transaction that adds the row, and equal to `GROUP BY` over all rows at
any time. Its key is a time and a digest of its names, which no length of a name can break.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from operator import itemgetter
from typing import Any, Final

from tallystick_agent.usage.columns import AT, COLUMNS, TEXT, Values
from tallystick_agent.usage.database import Dialect, Work
from tallystick_agent.usage.families import family_of

MEASURES: Final = (
    "requests", "failed", "aborted", "estimated", "unpriced", "input_tokens", "cached_tokens", "cache_write_tokens",
    "output_tokens", "reasoning_tokens", "cost_nanos", "charged_nanos", "priced_nanos", "drift_nanos", "opens_turn",
    "tool_calls", "images", "answered_ms",
)  # fmt: skip
BY: Final = (
    "door", "app", "key", "client", "user_label", "workspace", "purpose", "use_case", "natural_language", "programming_language",
    "model", "endpoint", "provider", "author", "bucket", "calls_tools", "has_images", "reasons", "free",
)  # fmt: skip
QUARTER_MS: Final = 900_000
"""Every zone's midnight is at a quarter of an hour of UTC: days of any zone are sums of these."""
SPENDERS: Final = ("all", "app", "key", "model", "user", "session", "task")
FOR_EVER: Final = ("session", "task")
"""Whose spending has no day, and stands under day 0."""

Key = tuple[Any, ...]
Amounts = tuple[int, ...]
Increment = tuple[Key, Amounts]
"""A time with names, and what is added there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    table: str
    time: str
    names: tuple[str, ...]
    amounts: tuple[str, ...]
    of: Callable[[Values], Iterable[Increment]]
    raw: Callable[[Dialect], str]
    """The same from the rows: time, names and amounts, of the rows `r` where `{where}` holds."""
    by_name: bool = False
    """Looked up by names first, and by time within them."""

    def create(self, dialect: Dialect) -> str:
        order = f"id, {self.time}" if self.by_name else f"{self.time}, id"
        names = "".join(f"{name} {'TEXT' if name in _TEXTS else dialect.whole} NOT NULL, " for name in self.names)
        amounts = "".join(f"{name} {dialect.whole} NOT NULL, " for name in self.amounts)
        keys = f"{self.time} {dialect.whole} NOT NULL, id TEXT NOT NULL"
        return f"CREATE TABLE {self.table} ({keys}, {names}{amounts}PRIMARY KEY ({order})){dialect.clustered}"

    @property
    def upsert(self) -> str:
        columns = (self.time, "id", *self.names, *self.amounts)
        added = ", ".join(f"{name} = {self.table}.{name} + excluded.{name}" for name in self.amounts)
        return (
            f"INSERT INTO {self.table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            f" ON CONFLICT ({self.time}, id) DO UPDATE SET {added}"
        )

    def stored(self) -> str:
        """What it holds, in the order of `raw`."""
        return f"SELECT {', '.join((self.time, *self.names, *self.amounts))} FROM {self.table}"

    def full(self, key: Key, amounts: Iterable[int]) -> tuple[Any, ...]:
        """A row to be inserted."""
        return (key[0], digest(key[1:]), *key[1:], *amounts)


def digest(names: Iterable[Any]) -> str:
    return blake2b("\0".join(map(str, names)).encode(), digest_size=16).hexdigest()


def _amounts(names: tuple[str, ...]) -> Callable[[Values], Amounts]:
    pick = itemgetter(*(AT[name] for name in names))
    return lambda values: tuple(amount or 0 for amount in pick(values))


_measures: Final = _amounts(MEASURES)
_spent: Final = _amounts(("cost_nanos", "input_tokens", "output_tokens", "requests"))


def _plain(table: str, names: tuple[str, ...], *, time: str = "day", every_ms: int | None = None) -> Rollup:
    """Sums of all measures by columns of the row."""
    pick = itemgetter(*(AT[name] for name in ("time_ms" if every_ms else "day", *names, "day")))

    def of(values: Values) -> Iterator[Increment]:
        first, *rest, _ = pick(values)
        yield (first // every_ms if every_ms else first, *rest), _measures(values)

    def raw(_: Dialect) -> str:
        shown = f"r.time_ms / {every_ms}" if every_ms else "r.day"
        columns = (shown, *(f"r.{name}" for name in names), *(f"coalesce(sum(r.{name}), 0)" for name in MEASURES))
        groups = ", ".join(str(number + 1) for number in range(len(names) + 1))
        return f"SELECT {', '.join(columns)} FROM requests r WHERE {{where}} GROUP BY {groups}"

    return Rollup(table=table, time=time, names=names, amounts=MEASURES, of=of, raw=raw)


def _segments(values: Values) -> Iterator[Increment]:
    day, app = values[AT["day"]], values[AT["app"]]
    for name, tokens in json.loads(values[AT["segments"]]).items():
        yield (day, app, name, family_of(name)), (tokens,)


def _raw_segments(dialect: Dialect) -> str:
    """Without the family, which only we know: `complete` adds it."""
    return (
        "SELECT r.day, r.app, s.key, sum(CAST(s.value AS BIGINT))"
        f" FROM requests r, {dialect.parts} WHERE {{where}} GROUP BY 1, 2, 3"
    )


_SPENDER_COLUMNS: Final = {"user": "user_label", "session": "session_id"}


def _spending(values: Values) -> Iterator[Increment]:
    nanos, read, written, requests = _spent(values)
    amounts, day = (nanos, read + written, requests), values[AT["day"]]
    for kind in SPENDERS:
        name = "" if kind == "all" else values[AT[_SPENDER_COLUMNS.get(kind, kind)]]
        if name or kind == "all":
            yield (0 if kind in FOR_EVER else day, kind, name), amounts


def _raw_spending(_: Dialect) -> str:
    selects: list[str] = []
    for kind in SPENDERS:
        column = _SPENDER_COLUMNS.get(kind, kind)
        day = "0" if kind in FOR_EVER else "r.day"
        name = "''" if kind == "all" else f"r.{column}"
        sums = "sum(r.cost_nanos), sum(r.input_tokens + r.output_tokens), sum(r.requests)"
        known = "" if kind == "all" else f" AND r.{column} <> ''"
        groups = " GROUP BY " + ", ".join(x for x in ("" if day == "0" else "r.day", "" if kind == "all" else name) if x)
        selects.append(f"SELECT {day}, '{kind}', {name}, {sums} FROM requests r WHERE {{where}}{known}{groups}")
    return " UNION ALL ".join(selects)


DAYS: Final = _plain("days", BY)
MODELS: Final = _plain("model_days", ("door", "app", "model", "endpoint", "provider", "author", "purpose", "free"))
KINDS: Final = _plain("kind_days", ("app", "bucket", "use_case", "natural_language", "programming_language"))
PEOPLE: Final = _plain("people_days", ("key", "client", "user_label", "workspace"))
QUARTERS: Final = _plain("quarters", (), time="quarter", every_ms=QUARTER_MS)
SESSIONS: Final = _plain("session_days", ("session_id", "app", "model"))
SEGMENTS: Final = Rollup(
    table="segment_days",
    time="day",
    names=("app", "name", "family"),
    amounts=("tokens",),
    of=_segments,
    raw=_raw_segments,
)
SPENDING: Final = Rollup(
    table="spending",
    time="day",
    names=("kind", "name"),
    amounts=("nanos", "tokens", "requests"),
    of=_spending,
    raw=_raw_spending,
    by_name=True,
)
NARROW: Final = (PEOPLE, KINDS, MODELS)
"""Parts of `days`, each with few groups a day: most rankings ask for one or two names."""
ROLLUPS: Final = (DAYS, *NARROW, QUARTERS, SESSIONS, SEGMENTS, SPENDING)
_TEXTS: Final = frozenset((*TEXT, "name", "family", "kind"))


def smallest(names: Iterable[str]) -> Rollup:
    """The roll-up with the fewest groups that tells these columns apart."""
    wanted = set(names) - {"day"}
    return next((one for one in NARROW if wanted <= set(one.names)), DAYS)


def summed(rollup: Rollup, rows: Iterable[Values]) -> dict[Key, list[int]]:
    """What rows add to a roll-up, one entry for each key."""
    found: dict[Key, list[int]] = {}
    for values in rows:
        for key, amounts in rollup.of(values):
            sums = found.get(key)
            if sums is None:
                found[key] = list(amounts)
            else:
                for at, amount in enumerate(amounts):
                    sums[at] += amount
    return found


def roll_up(work: Work, rows: list[Values]) -> None:
    """Adds rows that were just added to every roll-up."""
    for rollup in ROLLUPS:
        work.many(rollup.upsert, [rollup.full(key, sums) for key, sums in summed(rollup, rows).items()])


def complete(rollup: Rollup, row: tuple[Any, ...]) -> tuple[Key, Amounts]:
    """A row of `raw` or of `stored` as key and amounts."""
    if rollup is SEGMENTS and len(row) == len(rollup.amounts) + len(rollup.names):
        row = (*row[:3], family_of(row[2]), row[3])
    split = 1 + len(rollup.names)
    return row[:split], tuple(int(amount) for amount in row[split:])


def recompute(work: Work) -> None:
    """Makes every roll-up anew from the rows."""
    for rollup in ROLLUPS:
        work.run(f"DELETE FROM {rollup.table}")
        raw = work.stream(rollup.raw(work.dialect).replace("{where}", "1 = 1"))
        work.many(rollup.upsert, (rollup.full(*complete(rollup, row)) for row in raw))


def differing(work: Work, rollup: Rollup, first_day: int = 0) -> int:
    """How many groups of a roll-up are not what the rows say, from a day on; always 0. A group of zeros may be missing."""
    for_ever = rollup is SPENDING and first_day > 0
    where = f"r.day >= {first_day}"
    raw = _groups(work, rollup, rollup.raw(work.dialect).replace("{where}", where))
    since = first_day if rollup.time == "day" else first_day * 86_400_000 // QUARTER_MS
    stored = _groups(work, rollup, f"{rollup.stored()} WHERE {rollup.time} >= {since}")
    keys = raw.keys() | stored.keys()
    # Sums without a day cover rows from before it too.
    return sum(raw.get(key) != stored.get(key) for key in keys if not (for_ever and key[1] in FOR_EVER))


def _groups(work: Work, rollup: Rollup, sql: str) -> dict[Key, Amounts]:
    found = (complete(rollup, row) for row in work.stream(sql))
    return {key: amounts for key, amounts in found if any(amounts)}


INSERT: Final = (
    f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT DO NOTHING"
)  # fmt: skip
