"""The gateway's keys as JSON: names and what came in with each. Owns that shape; a key itself is nowhere in it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

from tallystick_agent.usage.rankings.windows import date_of
from tallystick_agent.usage.sums import Query, Sum
from tallystick_server.rankings_query import WindowQuery
from tallystick_server.rankings_view import Books, Json, numbers


class Key(Protocol):
    """What is told of a key."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def created(self) -> int: ...
    @property
    def reads(self) -> bool: ...


def keys(books: Books, known: Iterable[Key], query: WindowQuery, *, now: datetime) -> Json:
    """By use, most tokens first, then by name. Those that were taken away are told as long as they were used."""
    named = {one.name: one for one in known}
    sums = books.sums(Query(by=("key",), first_day=query.window.first_day, last_day=query.window.last_day, where=query.where))
    used = {one.group[0]: one for one in sums if one.group[0]}
    ordered = sorted({*named, *used}, key=lambda name: (-used.get(name, Sum()).tokens, name))
    data = [{"name": name, **_about(named.get(name)), **numbers(used.get(name, Sum()))} for name in ordered]
    first, last = date_of(query.window.first_day).isoformat(), date_of(query.window.last_day).isoformat()
    return {
        "data": data,
        "meta": {"first_day": first, "last_day": last, "as_of": now.astimezone(UTC).isoformat(timespec="seconds")},
    }


def _about(key: Key | None) -> Json:
    if key is None:
        return {"title": "", "created": None, "reads": False, "removed": True}
    return {"title": key.title, "created": key.created, "reads": key.reads, "removed": False}
