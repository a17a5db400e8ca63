"""What caches saved in a window, as JSON. Owns what of it is known, and whether sums tell it exactly; no output."""

from dataclasses import dataclass
from datetime import datetime

from tallystick_agent.protocol.usage import Usage
from tallystick_agent.usage.repricing import linear, saved
from tallystick_agent.usage.sums import Query, Sum
from tallystick_server.prices import Offers
from tallystick_server.rankings_query import WindowQuery
from tallystick_server.rankings_view import Books, Json, by_identity, money_text, share, window_meta


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saved:
    sum: Sum
    nanos: int | None
    exact: bool


def savings(books: Books, query: WindowQuery, offer: Offers, *, now: datetime) -> Json:
    """By endpoint, most saved first, at the prices of today and with the fees for writing taken off. Raises `StorageError`.

    A price that depends on a request's length is taken for an endpoint's mean request, and said not to be exact.
    """
    where = by_identity(books, query.where)
    sums = books.sums(Query(by=("endpoint",), first_day=query.window.first_day, last_day=query.window.last_day, where=where))
    used = [one for one in sums if one.cached_tokens or one.cache_write_tokens]
    found = sorted((_saved(one, offer) for one in used), key=lambda one: (-(one.nanos or 0), one.sum.group))
    known = [one.nanos for one in found if one.nanos is not None]
    meta = {
        **window_meta(query.period, query.window, where, now),
        "saved_usd": money_text(sum(known)) if known or not found else None,
        "unknown_tokens": str(sum(one.sum.cached_tokens for one in found if one.nanos is None)),
        "exact": all(one.exact for one in found),
    }
    return {"data": [_row(one) for one in found], "meta": meta}


def _saved(one: Sum, offer: Offers) -> _Saved:
    price = offer(one.group[0]).price
    if price is None:
        return _Saved(sum=one, nanos=None, exact=True)
    if linear(price):
        return _Saved(sum=one, nanos=saved(_usage(one, 1), price), exact=True)
    requests = max(one.requests, 1)
    mean = saved(_usage(one, requests), price)
    return _Saved(sum=one, nanos=None if mean is None else mean * requests, exact=False)


def _usage(one: Sum, parts: int) -> Usage:
    return Usage(
        input_tokens=one.input_tokens // parts,
        cached_tokens=one.cached_tokens // parts,
        cache_write_tokens=one.cache_write_tokens // parts,
        output_tokens=one.output_tokens // parts,
        reasoning_tokens=one.reasoning_tokens // parts,
    )


def _row(one: _Saved) -> Json:
    return {
        "name": one.sum.group[0],
        "cached_tokens": str(one.sum.cached_tokens),
        "cached_share": share(one.sum.cached_tokens, one.sum.input_tokens),
        "saved_usd": money_text(one.nanos),
        "exact": one.exact,
    }
