"""Rankings as JSON, the same for the command line and the gateway. Owns the shape of a row and what is unknown in it; no output.

Counts are decimal strings, so that no reader loses digits; money that is not known is null, and where it is known in part
`unpriced` counts the requests that are left out of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from tallystick_agent.protocol.usage import usd
from tallystick_agent.usage.rankings.bands import SessionCost, bands
from tallystick_agent.usage.rankings.kinds import CUTS, Cut
from tallystick_agent.usage.rankings.places import Place, Ranking, add, cost_of, rank
from tallystick_agent.usage.rankings.series import stack
from tallystick_agent.usage.rankings.trends import WINDOWS, Trend, rank_trending, trends
from tallystick_agent.usage.rankings.windows import Window, date_of, whole
from tallystick_agent.usage.sums import AppEntry, Dimension, Query, SegmentSum, SessionSum, Sum
from tallystick_server.rankings_query import RankingsQuery, SeriesQuery, WindowQuery, bad

Json = dict[str, Any]
_COUNTS: Final = (
    "tokens", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "requests", "failed",
    "aborted", "estimated", "unpriced", "turns", "tool_calls", "images",
)  # fmt: skip


class Books(Protocol):
    """What is read of a ledger. Every question may raise `StorageError`, and blocks."""

    def sums(self, query: Query) -> list[Sum]: ...

    def apps(self) -> list[AppEntry]: ...

    def sessions(self, first_day: int, last_day: int) -> list[SessionSum]: ...

    def segments(self, first_day: int, last_day: int, app: str | None = None) -> list[SegmentSum]: ...


def rankings(books: Books, query: RankingsQuery, *, now: datetime) -> Json:
    """`{"data": […], "meta": {…}}` of one ranking."""
    query = replace(query, where=by_identity(books, query.where))
    if query.kind == "sessions":
        return _sessions(books, query, now=now)
    cut = CUTS[query.kind]
    sums = books.sums(_question(cut, query.window, query.where))
    if query.kind == "apps":
        return _apps(books, query, cut, sums, now=now)
    found = rank(sums, by=cut.measure, limit=query.limit, offset=query.offset, order=cut.order)
    return _answer(found, [_row(one, cut) for one in found.places], query, cut, now=now)


def series(books: Books, query: SeriesQuery, *, now: datetime) -> Json:
    """Bars over time; every bar has the same names in the same order."""
    first, last = query.windows[0].first_day, query.windows[-1].last_day
    where = by_identity(books, query.where)
    sums = books.sums(Query(by=("day", query.by), first_day=first, last_day=last, where=where))
    data = [
        {
            "start": date_of(bar.window.first_day).isoformat(),
            "end": date_of(bar.window.last_day).isoformat(),
            "whole": whole(bar.window, query.period),
            "tokens": str(bar.tokens),
            "values": [
                {"name": one.name, "tokens": str(one.tokens), "share": share(one.tokens, bar.tokens)} for one in bar.parts
            ],
        }
        for bar in stack(sums, query.windows)
    ]
    meta = window_meta(query.period, Window(first_day=first, last_day=last), where, now)
    return {"data": data, "meta": {**meta, "by": query.by}}


def summary(books: Books, query: WindowQuery, *, now: datetime) -> Json:
    """The totals of a window, by day too, and by what the tokens were spent on where no other filter than an app is set."""
    query = replace(query, where=by_identity(books, query.where))
    days = books.sums(Query(by=("day",), first_day=query.window.first_day, last_day=query.window.last_day, where=query.where))
    by_day = {int(one.group[0]): one for one in days}
    data = [
        {"date": date_of(day).isoformat(), **numbers(by_day.get(day, Sum()))}
        for day in range(query.window.first_day, query.window.last_day + 1)
    ]
    named = dict(query.where)
    app = named.pop("app", None)
    parts = None if named else books.segments(query.window.first_day, query.window.last_day, app)
    spent = None if parts is None else [{"family": one.family, "tokens": str(one.tokens)} for one in parts]
    meta = window_meta(query.period, query.window, query.where, now)
    return {"data": data, "meta": {**meta, "total": numbers(add(days)), "segments": spent}}


def by_identity(books: Books, where: Sequence[tuple[Dimension, str]]) -> tuple[tuple[Dimension, str], ...]:
    """The filters, where an app may be named by its title too, if no other has that title."""
    if not any(name == "app" for name, _ in where):
        return tuple(where)
    apps = books.apps()
    known = {one.app for one in apps}

    def identity(value: str) -> str:
        titled = [one.app for one in apps if one.title.lower() == value.lower()]
        return titled[0] if value not in known and len(titled) == 1 else value

    return tuple((name, identity(value) if name == "app" else value) for name, value in where)


def numbers(one: Sum) -> Json:
    """All that a sum tells."""
    cost = cost_of(one)
    return {
        **{name: str(getattr(one, name)) for name in _COUNTS},
        "cost_usd": money_text(cost),
        "drift_usd": money_text(one.drift_nanos),
        "cached_share": share(one.cached_tokens, one.input_tokens),
        "reasoning_share": share(one.reasoning_tokens, one.output_tokens),
    }


def share(part: int, of: int) -> str | None:
    """Four digits of a fraction; `None` of nothing."""
    return f"{Decimal(part) / Decimal(of):.4f}" if of > 0 else None


def money_text(nanos: int | None) -> str | None:
    """Dollars as an exact decimal string."""
    return None if nanos is None else f"{usd(nanos):f}"


def _question(cut: Cut, window: Window, where: Sequence[tuple[Dimension, str]]) -> Query:
    return Query(by=(cut.by,), first_day=window.first_day, last_day=window.last_day, where=(*cut.where, *where))


def _row(one: Place, cut: Cut) -> Json:
    name = one.name if one.rank is None else cut.named(one.name)
    return {"rank": one.rank, "name": name, "share": share(one.amount, one.of), **numbers(one.sum)}


def _apps(books: Books, query: RankingsQuery, cut: Cut, sums: list[Sum], *, now: datetime) -> Json:
    before = books.sums(_question(cut, query.window.before(WINDOWS), query.where))
    known = {one.app: one for one in books.apps()}
    if query.categories:
        sums, before = (
            [one for one in group if one.group[0] in known and query.categories & set(known[one.group[0]].categories)]
            for group in (sums, before)
        )
    if query.sort == "trending":
        found = rank_trending(sums, before, limit=query.limit, offset=query.offset)
    else:
        found = rank(sums, limit=query.limit, offset=query.offset)
    grown = trends(sums, before)
    rows = [{**_row(one, cut), **_app(one, known.get(one.name), grown)} for one in found.places]
    return _answer(found, rows, query, cut, now=now)


def _app(place: Place, entry: AppEntry | None, grown: Mapping[str, Trend]) -> Json:
    trend = grown.get(place.name) if place.rank is not None else None
    return {
        "title": entry.title if entry is not None and place.rank is not None else "",
        "url": entry.url if entry is not None and place.rank is not None else "",
        "categories": list(entry.categories) if entry is not None and place.rank is not None else [],
        "growth_tokens": str(trend.tokens) if trend is not None else None,
        "new": trend is not None and trend.before == 0,
    }


def _sessions(books: Books, query: RankingsQuery, *, now: datetime) -> Json:
    unknown = [name for name, _ in query.where if name not in ("app", "model")]
    if unknown:
        raise bad(f"Sessions cannot be filtered by {unknown[0]}.", "Known: app, model.")
    wanted = dict(query.where)
    joined: dict[tuple[str, str, str], list[SessionSum]] = {}
    for one in books.sessions(query.window.first_day, query.window.last_day):
        if wanted.get("app", one.app) == one.app and wanted.get("model", one.model) == one.model:
            joined.setdefault((one.app, one.model, one.session_id), []).append(one)
    found = bands(
        SessionCost(
            session_id=session,
            app=app,
            model=model,
            turns=sum(one.turns for one in parts),
            tokens=sum(one.tokens for one in parts),
            nanos=None if any(one.unpriced > 0 for one in parts) else sum(one.cost_nanos for one in parts),
        )
        for (app, model, session), parts in joined.items()
    )
    rows = [
        {
            "app": one.app,
            "model": one.model,
            "turns": one.turns,
            "sessions": str(one.sessions),
            "unpriced": str(one.unpriced),
            "median_usd": money_text(one.median_nanos),
            "least_usd": money_text(one.least_nanos),
            "most_usd": money_text(one.most_nanos),
            "tokens": str(one.tokens),
        }
        for one in found
    ]
    page = rows[query.offset : query.offset + query.limit]
    meta = window_meta(query.period, query.window, query.where, now)
    return {"data": page, "meta": {"ranking": "sessions", **meta, "groups": len(rows)}}


def _answer(found: Ranking, rows: list[Json], query: RankingsQuery, cut: Cut, *, now: datetime) -> Json:
    meta: Json = {
        "ranking": query.kind,
        "by": cut.word,
        "unit": cut.unit,
        "estimated": cut.estimated,
        **window_meta(query.period, query.window, query.where, now),
        "groups": found.groups,
        "offset": query.offset,
        "limit": query.limit,
        "total": numbers(found.total),
    }
    if query.kind == "apps":
        meta |= {"sort": query.sort, "categories": sorted(query.categories)}
    return {"data": rows, "meta": meta}


def window_meta(period: str, window: Window, where: Sequence[tuple[Dimension, str]], now: datetime) -> Json:
    """What every answer tells of its window."""
    return {
        "period": period,
        "days": window.days,
        "first_day": date_of(window.first_day).isoformat(),
        "last_day": date_of(window.last_day).isoformat(),
        "as_of": now.astimezone(UTC).isoformat(timespec="seconds"),
        "where": dict(where),
    }
