"""The list of sessions as JSON, for the gateway. Owns the shape of an entry; no output."""

from datetime import UTC, datetime
from typing import Protocol

from tallystick_agent.usage.rankings.windows import date_of
from tallystick_agent.usage.session_list import SessionEntry
from tallystick_agent.usage.sums import AppEntry
from tallystick_server.rankings_query import SessionsQuery
from tallystick_server.rankings_view import Json, money_text


class Books(Protocol):
    def session_list(
        self, first_day: int, last_day: int, *, app: str | None = None, model: str | None = None, most: int = 50, offset: int = 0
    ) -> tuple[list[SessionEntry], int]: ...

    def apps(self) -> list[AppEntry]: ...


def sessions(books: Books, query: SessionsQuery, *, now: datetime) -> Json:
    """`{"data": […], "meta": {…}}`, newest first. Raises `StorageError`."""
    first, last = query.window.first_day, query.window.last_day
    found, groups = books.session_list(
        first, last, app=query.app, model=query.model, most=query.limit, offset=query.offset
    )  # fmt: skip
    titles = {one.app: one.title for one in books.apps()}
    meta = {
        "first_day": date_of(first).isoformat(),
        "last_day": date_of(last).isoformat(),
        "groups": groups,
        "offset": query.offset,
        "limit": query.limit,
        "as_of": now.astimezone(UTC).isoformat(timespec="seconds"),
    }
    return {"data": [_entry(one, titles.get(one.app, "")) for one in found], "meta": meta}


def _entry(one: SessionEntry, title: str) -> Json:
    return {
        "session_id": one.session_id,
        "app": one.app,
        "title": title,
        "model": one.model,
        "models": one.models,
        "turns": str(one.turns),
        "requests": str(one.requests),
        "tokens": str(one.tokens),
        "cost_usd": money_text(None if 0 < one.requests <= one.unpriced else one.cost_nanos),
        "unpriced": str(one.unpriced),
        "first_ms": one.first_ms,
        "last_ms": one.last_ms,
    }
