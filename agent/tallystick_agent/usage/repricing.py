"""What requests would have cost at other prices. Owns which rows can be priced so, and how a cache is taken into account; pure.

Rows are priced one by one, because a long request has a tier of its own and a fee is a request's. From sums the same comes out
where a price has neither: then it is rounded once a sum instead of once a request, which differs by half a nano-dollar a request
at most, and not at all where a token costs whole nano-dollars.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from tallystick_agent.protocol.usage import Price, Usage
from tallystick_agent.usage.corrected import corrected
from tallystick_agent.usage.pricing import price_usage
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.sums import Sum

Cache = Literal["kept", "none"]
"""Whether tokens that came from a cache would have come from one there too, or none would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repriced:
    """One group of requests, money in nano-dollars. `was` covers those of known cost; `alike` is theirs at the new price."""

    model: str
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    was: int = 0
    unpriced: int = 0
    """Requests whose cost is not known."""
    now: int = 0
    """All that can be priced, at the new price."""
    alike: int = 0
    too_long: int = 0
    """Requests with more input than the model takes; they are priced all the same, as if it did."""
    lost: int = 0
    """Requests of which nobody knows what they used; they are priced nowhere."""


def uncached(usage: Usage) -> Usage:
    """The same tokens, none from a cache and none written to one."""
    return replace(usage, cached_tokens=0, cache_write_tokens=0, cache_write_1h_tokens=0)


def reprice(rows: Iterable[LedgerRow], price: Price, *, window: int | None = None, cache: Cache = "kept") -> list[Repriced]:
    """By the model that served, the most expensive at the new price first."""
    groups: dict[str, Repriced] = {}
    for _, row in corrected(rows):
        before = groups.get(row.model) or Repriced(model=row.model)
        groups[row.model] = _plus(before, row, price, window, cache)
    return ordered(groups.values())


def ordered(groups: Iterable[Repriced]) -> list[Repriced]:
    return sorted(groups, key=lambda one: (-one.now, -one.was, one.model))


def total(groups: Iterable[Repriced]) -> Repriced:
    found = Repriced(model="")
    for one in groups:
        found = Repriced(
            model="",
            **{name: getattr(found, name) + getattr(one, name) for name in Repriced.__dataclass_fields__ if name != "model"},
        )
    return found


def _plus(before: Repriced, row: LedgerRow, price: Price, window: int | None, cache: Cache) -> Repriced:
    usage, nanos = row.usage, row.cost.nanos
    counted = replace(before, requests=before.requests + 1)
    if usage.total_tokens == 0:
        # What was refused costs nothing anywhere; what was lost may have cost anything.
        lost = row.finish == "lost"
        known = replace(counted, was=before.was + (nanos or 0), unpriced=before.unpriced + (lost and nanos is None))
        return replace(known, lost=before.lost + lost)
    now = price_usage(usage if cache == "kept" else uncached(usage), price) or 0
    return replace(
        counted,
        input_tokens=before.input_tokens + usage.input_tokens,
        cached_tokens=before.cached_tokens + usage.cached_tokens,
        output_tokens=before.output_tokens + usage.output_tokens,
        was=before.was + (nanos or 0),
        unpriced=before.unpriced + (nanos is None),
        now=before.now + now,
        alike=before.alike + (now if nanos is not None else 0),
        too_long=before.too_long + (window is not None and usage.input_tokens > window),
    )


def linear(price: Price) -> bool:
    """Whether sums of tokens can be priced at once: no tiers, no fee, and one price for whatever is written to a cache."""
    one_write = price.rates.cache_write_1h is None or price.rates.cache_write_1h == price.rates.cache_write
    return not price.tiers and price.request_usd == 0 and one_write


def reprice_sums(sums: Iterable[Sum], price: Price, *, cache: Cache = "kept") -> list[Repriced] | None:
    """As `reprice`, from sums by model; `None` where sums do not tell enough: a price that is not `linear`, unknown costs."""
    if not linear(price):
        return None
    found: list[Repriced] = []
    for one in sums:
        if one.unpriced:
            # Which of the tokens have a known cost is not in a sum.
            return None
        usage = Usage(
            input_tokens=one.input_tokens,
            cached_tokens=one.cached_tokens,
            cache_write_tokens=one.cache_write_tokens,
            output_tokens=one.output_tokens,
            reasoning_tokens=one.reasoning_tokens,
        )
        now = price_usage(usage if cache == "kept" else uncached(usage), price) or 0
        found.append(
            Repriced(
                model=one.group[0], requests=one.requests, input_tokens=one.input_tokens, cached_tokens=one.cached_tokens,
                output_tokens=one.output_tokens, was=one.cost_nanos, now=now, alike=now,
            )
        )  # fmt: skip
    return ordered(found)


def saved(usage: Usage, price: Price | None) -> int | None:
    """What a cache saved on one request, the fees for writing to it taken off; below 0 where it cost more than it saved.

    `None` where it is not known: no price, or none for what was read from the cache.
    """
    if not usage.cached_tokens and not usage.cache_write_tokens:
        return 0
    if price is None or (usage.cached_tokens and price.at(usage.input_tokens).cache_read is None):
        return None
    without, with_cache = price_usage(uncached(usage), price), price_usage(usage, price)
    return without - with_cache if without is not None and with_cache is not None else None
