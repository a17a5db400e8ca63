"""What a period or a session would have cost on another model, as JSON. Owns which requests are priced, from what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Protocol

from tallystick_agent.protocol.usage import Price
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.repricing import Cache, Repriced, linear, reprice, reprice_sums, total
from tallystick_agent.usage.sums import Booked, Query, Sum
from tallystick_server.growth_view import session_rows
from tallystick_server.prices import Offer
from tallystick_server.rankings_query import WindowQuery, bad, read_window
from tallystick_server.rankings_view import Books, by_identity, money_text, share, window_meta

Json = dict[str, Any]
CACHES: Final[tuple[Cache, ...]] = ("kept", "none")
DAY_MS: Final = 86_400_000
PAGE: Final = 2_000


class WholeBooks(Books, Protocol):
    def rows(self, *, session_id: str | None = None, after_id: int = 0, most: int = PAGE) -> list[Booked]: ...

    def in_time(
        self, *, since_ms: int = 0, until_ms: int | None = None, after: tuple[int, int] | None = None, most: int = PAGE
    ) -> list[Booked]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """`session_id` is of a session; empty: the window and its filters count."""

    window: WindowQuery
    session_id: str = ""
    cache: Cache = "kept"


def read_whatif(given: Mapping[str, str], *, today: date) -> WhatIf:
    """Raises `ConfigurationError` (`bad_usage`)."""
    cache = given.get("cache") or "kept"
    if cache not in CACHES:
        raise bad(f"`{cache}` says nothing of a cache.", f"Known: {', '.join(CACHES)}.")
    window = read_window(given, today=today, more=frozenset(("session", "cache")))
    session = given.get("session") or ""
    if session and given.keys() - {"session", "cache"}:
        raise bad("A session is priced as a whole.", "Leave the period, the date and the filters out.")
    unknown = [name for name, _ in window.where if name not in ("app", "model")]
    if unknown:
        raise bad(f"Requests cannot be picked by {unknown[0]} here.", "Known: app, model.")
    return WhatIf(window=window, session_id=session, cache=cache)


def whatif(books: WholeBooks, asked: WhatIf, offer: Offer, *, now: datetime) -> Json:
    """`offer.price` is known. Blocks; a price with tiers or fees is applied to every row of the window."""
    price = offer.price
    assert price is not None
    where = by_identity(books, asked.window.where)
    groups: list[Repriced] | None = None
    if not asked.session_id and linear(price):
        groups = _by_sums(books, asked, offer, price, where)
    exact = groups is None
    if groups is None:
        rows = session_rows(books, asked.session_id) if asked.session_id else _rows(books, asked.window, dict(where))
        groups = reprice(rows, price, window=offer.window_tokens, cache=asked.cache)
    meta: Json = {
        "model": offer.slug,
        "price": _price(price),
        "window_tokens": str(offer.window_tokens) if offer.window_tokens is not None else None,
        "cache": asked.cache,
        "by_request": exact,
        "total": _figures(total(groups)),
    }
    if asked.session_id:
        meta |= {"session_id": asked.session_id, "as_of": now.astimezone(UTC).isoformat(timespec="seconds")}
    else:
        meta |= window_meta(asked.window.period, asked.window.window, where, now)
    return {"data": [{"model": one.model, **_figures(one)} for one in groups], "meta": meta}


def _by_sums(
    books: Books, asked: WhatIf, offer: Offer, price: Price, where: tuple[tuple[Any, str], ...]
) -> list[Repriced] | None:
    """From roll-ups; `None` where they do not tell which requests are too long, or what of them is unknown."""
    first, last = asked.window.window.first_day, asked.window.window.last_day
    if offer.window_tokens is not None:
        buckets: list[Sum] = books.sums(Query(by=("bucket",), first_day=first, last_day=last, where=where))
        if any(int(one.group[0]) > offer.window_tokens for one in buckets):
            return None
    return reprice_sums(books.sums(Query(by=("model",), first_day=first, last_day=last, where=where)), price, cache=asked.cache)


def _rows(books: WholeBooks, query: WindowQuery, where: Mapping[Any, str]) -> Iterator[LedgerRow]:
    since, until = query.window.first_day * DAY_MS, (query.window.last_day + 1) * DAY_MS
    app, model = where.get("app"), where.get("model")
    after: tuple[int, int] | None = None
    while page := books.in_time(since_ms=since, until_ms=until, after=after, most=PAGE):
        for one in page:
            if app in (None, one.row.attribution.app) and model in (None, one.row.model):
                yield one.row
        after = page[-1].row.time_ms, page[-1].id


def _price(price: Price) -> Json:
    names = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning")
    rates = {name: getattr(price.rates, name) for name in names}
    return {
        **{name: f"{rate.normalize():f}" if rate is not None else None for name, rate in rates.items()},
        "request_usd": f"{price.request_usd:f}",
        "tiers": [
            {"above": str(one.above), "input": f"{one.rates.input:f}", "output": f"{one.rates.output:f}"} for one in price.tiers
        ],
    }


def _figures(one: Repriced) -> Json:
    known = one.requests == 0 or one.unpriced < one.requests
    return {
        "requests": str(one.requests),
        "input_tokens": str(one.input_tokens),
        "cached_tokens": str(one.cached_tokens),
        "output_tokens": str(one.output_tokens),
        "was_usd": money_text(one.was) if known else None,
        "unpriced": str(one.unpriced),
        "now_usd": money_text(one.now),
        "difference_usd": money_text(one.alike - one.was) if known else None,
        "ratio": share(one.alike, one.was) if known else None,
        "too_long": str(one.too_long),
        "lost": str(one.lost),
    }
