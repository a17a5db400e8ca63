"""Which endpoint serves a request, and why. Pure: candidates, needs, wishes and health in; an order with reasons out.

First the hard filters, then the policy, then what the user pins and what a warm cache is worth. Dropped endpoints are
named with their reason too, so that "why not that one" always has an answer. Reasons are written when they are read.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.health import UNSEEN, EndpointHealth
from tallystick_agent.providers.preferences import Preferences
from tallystick_agent.providers.routing_table import UNKNOWN, FlatRates, Need, RoutingTable, Sticky, names_of, too_dear

STICKY_S: Final = 600.0
"""Seconds without a request after which a warm cache is taken for cold."""
_FAULTY: Final = 0.05
"""The share of faulty tool calls that is assumed of an endpoint until it was seen."""
_NOTHING: Final = 1e-12
"""A price of nothing, so that a free endpoint has a weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    endpoint: Endpoint
    reason: str


@dataclass(frozen=True, slots=True)
class Route:
    """An order of endpoints by index into the table, best first; the reasons come when asked for."""

    table: RoutingTable
    ranks: tuple[int, ...]
    left: tuple[tuple[int, str], ...]
    why: Callable[[int], str]
    notes: Mapping[int, str] = field(default_factory=lambda: {})

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return tuple(self.table.endpoints[number] for number in self.ranks)

    @property
    def order(self) -> tuple[Choice, ...]:
        """Those that may serve, best first."""
        return tuple(Choice(endpoint=self.table.endpoints[number], reason=self.reason(number)) for number in self.ranks)

    @property
    def dropped(self) -> tuple[Choice, ...]:
        return tuple(Choice(endpoint=self.table.endpoints[number], reason=reason) for number, reason in self.left)

    def reason(self, number: int) -> str:
        if len(self.ranks) == 1 and number not in self.notes:
            return "only candidate"
        return self.notes.get(number) or self.why(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How things are at the moment of a choice."""

    health: Mapping[str, EndpointHealth] = field(default_factory=lambda: {})
    now: float = 0.0
    """Of the clock that the health was seen with."""
    closed: Mapping[str, str] = field(default_factory=lambda: {})
    """Endpoints that have no room under their limits, and why, by slug."""
    sticky: Sticky | None = None
    seed: int = 0
    """Draws are the same for the same seed."""


CALM: Final = Conditions()


def route(table: RoutingTable, need: Need, wish: Preferences, at: Conditions = CALM) -> Route:
    """The endpoints that may serve, best first, and the dropped ones. Empty `ranks` where none can."""
    judged = table.judged(need.traits, wish)
    left = list(judged.dropped)
    total = need.input_tokens + need.output_tokens
    windows = table.windows
    kept = [number for number in judged.kept if windows[number] >= total]
    if len(kept) < len(judged.kept):
        small = (number for number in judged.kept if windows[number] < total)
        left += [(number, f"needs {total} tokens, its window is {windows[number]}") for number in small]
    dear = _dear_when_long(table, kept, need, wish)
    if dear:
        left += dear.items()
        kept = [number for number in kept if number not in dear]
    full = _full(table, kept, at)
    broken = {number: reason for number, reason in _broken(table, kept, at).items() if number not in full}
    kept = [number for number in kept if number not in full and number not in broken]
    ranks, why = _ordered(table, kept, need, wish, at)
    notes: dict[int, str] = {}
    ranks = _slow_last(table, ranks, wish, at, notes)
    ranks = _pinned(table, ranks, wish, notes)
    ranks = _warm_first(table, ranks, need, wish, at, notes)
    # Better to knock at a door that was shut than to answer nothing: those that failed come last, those that are full after all.
    last = _pinned(table, sorted(broken), wish, {}) if ranks or broken else _pinned(table, sorted(full), wish, {})
    notes |= {number: reason for number, reason in {**full, **broken}.items() if number in last}
    ranks = [*ranks, *last]
    left += [(number, reason) for number, reason in full.items() if number not in last]
    if not wish.allow_fallbacks and len(ranks) > 1:
        left += [(number, "fallbacks are not allowed") for number in ranks[1:]]
        ranks = ranks[:1]
    return Route(table, tuple(ranks), tuple(left), why, notes)


def _dear_when_long(table: RoutingTable, kept: list[int], need: Need, wish: Preferences) -> dict[int, str]:
    """Endpoints whose rates for a request of this length are over the price wanted, while their ordinary ones are not."""
    if wish.max_price is None:
        return {}
    found: dict[int, str] = {}
    for number in kept:
        one, rates = table.endpoints[number], table.rates[number]
        if one.price is not None and rates is not None and rates.tiered:
            reason = too_dear(one, one.price.at(need.input_tokens), wish.max_price)
            if reason:
                found[number] = reason
    return found


def _full(table: RoutingTable, kept: list[int], at: Conditions) -> dict[int, str]:
    """Endpoints that have no room under a limit now, and why."""
    may = set(kept) if at.closed else set[int]()
    found = {table.index[slug]: reason for slug, reason in at.closed.items() if slug in table.index}
    return {number: reason for number, reason in found.items() if number in may}


def _broken(table: RoutingTable, kept: list[int], at: Conditions) -> dict[int, str]:
    """Endpoints whose breaker is open, and why: they are asked when everybody else has failed."""
    found: dict[int, str] = {}
    for slug, health in at.health.items():
        if slug in table.index and health.breaker.state(at.now) == "open":
            found[table.index[slug]] = f"asked last: it failed {health.breaker.failures} times in a row"
    may = set(kept) if found else set[int]()
    return {number: reason for number, reason in found.items() if number in may}


def cost_of(rates: FlatRates | None, endpoint: Endpoint, need: Need, *, cached: int = 0) -> float:
    """About what the request costs at an endpoint, in millionths of a dollar; infinite where the price is unknown."""
    if rates is None:
        return math.inf
    if rates.tiered and endpoint.price is not None:
        tier = endpoint.price.at(need.input_tokens)
        read = float(tier.cache_read if tier.cache_read is not None else tier.input)
        fixed = float(endpoint.price.request_usd) * 1e6
        return (need.input_tokens - cached) * float(tier.input) + cached * read + need.priced_output * float(tier.output) + fixed
    return (need.input_tokens - cached) * rates.input + cached * rates.read + need.priced_output * rates.output


def _costs(table: RoutingTable, kept: list[int], need: Need) -> dict[int, float]:
    size, out, rates = need.input_tokens, need.priced_output, table.rates
    found: dict[int, float] = {}
    for number in kept:
        one = rates[number]
        if one is not None and not one.tiered:
            found[number] = size * one.input + out * one.output
        else:
            found[number] = cost_of(one, table.endpoints[number], need)
    return found


def _ordered(
    table: RoutingTable, kept: list[int], need: Need, wish: Preferences, at: Conditions
) -> tuple[list[int], Callable[[int], str]]:
    def health(number: int) -> EndpointHealth:
        return at.health.get(table.endpoints[number].slug, UNSEEN)

    def mean(of: Callable[[EndpointHealth], float | None], unseen: float) -> Callable[[int], float]:
        def value(number: int) -> float:
            found = of(health(number))
            return unseen if found is None else found

        return value

    match wish.policy:
        case "balanced":
            return _balanced(table, kept, need, wish, at)
        case "price":
            costs = _costs(table, kept, need)
            return sorted(kept, key=lambda one: (costs[one], one)), lambda one: f"by price: {_priced(table, one, need)}"
        case "throughput":
            speed = mean(lambda seen: seen.throughput.mean, -1.0)
            return sorted(kept, key=lambda one: (-speed(one), one)), lambda one: _measured("throughput", speed(one), "tokens/s")
        case "latency":
            wait = mean(lambda seen: seen.first_token.mean, math.inf)
            return sorted(kept, key=lambda one: (wait(one), one)), lambda one: _measured("latency", wait(one), "s to first token")
        case "exacto":
            return _by_tool_calls(table, kept, at)
        case "cost_per_answer":
            answers = _per_answer(table, kept, need, at)
            return (
                sorted(kept, key=lambda one: (answers[one], one)),
                lambda one: f"by cost of an answer: {_money(answers[one])} with failures and cache counted in",
            )
        case "window":
            windows = table.windows
            known = {one: windows[one] if windows[one] < UNKNOWN else 0 for one in kept}
            return sorted(kept, key=lambda one: (-known[one], one)), lambda one: "by context window"
        case "order":
            return kept, lambda one: "first that fits" if one == kept[0] else "next in the order given"


def _by_tool_calls(table: RoutingTable, kept: list[int], at: Conditions) -> tuple[list[int], Callable[[int], str]]:
    """Those with the fewest faulty tool calls first, among equals the fastest. Only what was seen is looked at."""
    known: dict[int, tuple[float, float]] = {}
    seen: set[int] = set()
    for slug, health in at.health.items():
        number = table.index.get(slug)
        if number is not None:
            calls, speed = health.tool_faults, health.throughput.mean
            known[number] = calls.toward(_FAULTY, at.now) if calls.weight else _FAULTY, 1.0 if speed is None else -speed
            if calls.weight:
                seen.add(number)
    unseen = _FAULTY, 1.0

    def why(number: int) -> str:
        return f"by tool calls: {known[number][0]:.1%} faulty" if number in seen else "by tool calls: none seen yet"

    return sorted(kept, key=lambda one: (known.get(one, unseen), one)), why


def _balanced(
    table: RoutingTable, kept: list[int], need: Need, wish: Preferences, at: Conditions
) -> tuple[list[int], Callable[[int], str]]:
    """Stable ones first, drawn without putting back by weight 1/price²; those of unknown price after them."""
    shaky = _shaky(table, at)
    costs = _costs(table, kept, need)
    draw = random.Random(at.seed).random
    keys: list[tuple[int, float, int]] = []
    for number in kept:
        cost = costs[number]
        # The smallest of −ln(u)·price² is each one with the share of its weight.
        late = number in shaky
        if cost == math.inf:
            keys.append((2 * late + 1, 0.0, number))
        else:
            keys.append((2 * late, -math.log(1.0 - draw()) * (cost + _NOTHING) ** 2, number))
    keys.sort()

    def why(number: int) -> str:
        if number in shaky:
            return f"failed within the last 30 s; {_priced(table, number, need)}"
        # Fallback models have a place of their own, and no share in the draw.
        stable = [one for one in kept if one not in shaky and table.endpoints[one].slug not in wish.later]
        if stable == [number]:
            return f"the only one of the model that was named: {_priced(table, number, need)}"
        stable = [one for one in stable if costs[one] < math.inf]
        if costs[number] == math.inf:
            return "its price is not known, so it comes after the priced ones"
        weights = {one: (costs[one] + _NOTHING) ** -2 for one in stable}
        whole = sum(weights.values())
        return f"drawn by price: {_priced(table, number, need)}, a share of {weights[number] / whole:.1%}"

    return [number for _, _, number in keys], why


def _shaky(table: RoutingTable, at: Conditions) -> frozenset[int]:
    return frozenset(table.index[slug] for slug, health in at.health.items() if slug in table.index and not health.stable(at.now))


def _per_answer(table: RoutingTable, kept: list[int], need: Need, at: Conditions) -> dict[int, float]:
    """About what one good answer costs at each: the price, with what the cache saves and what failures add."""
    found = _costs(table, kept, need)
    sticky = at.sticky
    warm = table.index.get(sticky.slug) if sticky is not None and sticky.idle_s < STICKY_S else None
    if sticky is not None and warm in found:
        cached = min(sticky.cached_tokens, need.input_tokens)
        found[warm] = cost_of(table.rates[warm], table.endpoints[warm], need, cached=cached)
    for slug, seen in at.health.items():
        number = table.index.get(slug)
        if number in found and seen.success.weight:
            found[number] /= max(0.05, seen.success.toward(1.0, at.now))
    return found


def _slow_last(table: RoutingTable, ranks: list[int], wish: Preferences, at: Conditions, notes: dict[int, str]) -> list[int]:
    if not wish.min_throughput and not wish.max_latency:
        return ranks

    def misses(number: int) -> str:
        seen = at.health.get(table.endpoints[number].slug, UNSEEN)
        for percentile, least in wish.min_throughput:
            speed = seen.speed_at(percentile, at.now)
            if speed is not None and speed < least:
                return f"last: {speed:.0f} tokens/s at p{percentile}, {least:g} wanted"
        for percentile, most in wish.max_latency:
            latency = seen.latency_at(percentile, at.now)
            if latency is not None and latency > most:
                return f"last: {latency:.1f} s to the first token at p{percentile}, {most:g} wanted"
        return ""

    slow = {number: reason for number in ranks if (reason := misses(number))}
    notes |= slow
    return [number for number in ranks if number not in slow] + [number for number in ranks if number in slow]


def _pinned(table: RoutingTable, ranks: list[int], wish: Preferences, notes: dict[int, str]) -> list[int]:
    if not wish.order and not wish.later:
        return ranks
    place = {name: position for position, name in enumerate(wish.order)}
    later = {slug: position for position, slug in enumerate(wish.later, 1)}
    last = len(place)

    # The order is one of providers: it holds among those that serve the same model.
    positions: dict[int, tuple[int, int]] = {}
    for number in ranks:
        one = table.endpoints[number]
        first = next((place[name] for name in names_of(one) if name in place), last) if place else last
        model = later.get(one.slug, 0)
        positions[number] = model, first
        if model:
            notes.setdefault(number, f"number {model} of the fallback models")
        elif first < last:
            notes[number] = f"number {first + 1} in the order wanted"
    return sorted(ranks, key=positions.__getitem__)


def _warm_first(
    table: RoutingTable, ranks: list[int], need: Need, wish: Preferences, at: Conditions, notes: dict[int, str]
) -> list[int]:
    """The endpoint with the warm cache first, while that is worth more than the cheaper price elsewhere."""
    sticky = at.sticky
    number = table.index.get(sticky.slug) if sticky is not None else None
    if sticky is None or number is None or number not in ranks or sticky.idle_s >= STICKY_S or ranks[0] == number:
        return ranks
    if wish.order or wish.policy == "order" or sticky.slug in wish.later or number in notes:
        # Who names an order wants it kept; a fallback model and one that is too slow stay where they are.
        return ranks
    if at.health.get(sticky.slug, UNSEEN).last_outage > at.now - sticky.idle_s:
        return ranks
    cached = min(sticky.cached_tokens, need.input_tokens)
    stay = cost_of(table.rates[number], table.endpoints[number], need, cached=cached)
    leave = cost_of(table.rates[ranks[0]], table.endpoints[ranks[0]], need)
    if stay > leave:
        return ranks
    notes[number] = f"holds {cached:,} tokens of this conversation in its cache: {_money(stay)} against {_money(leave)}"
    return [number, *(one for one in ranks if one != number)]


def _priced(table: RoutingTable, number: int, need: Need) -> str:
    price = table.endpoints[number].price
    if price is None:
        return "price unknown"
    rates = price.at(need.input_tokens)
    return f"${float(rates.input):g} in, ${float(rates.output):g} out per million"


def _measured(what: str, value: float, unit: str) -> str:
    if value < 0 or value == math.inf:
        return f"by {what}: not seen yet"
    return f"by {what}: {value:.1f} {unit}"


def _money(millionths: float) -> str:
    return "an unknown price" if millionths == math.inf else f"${millionths / 1e6:.6f}"
