"""Candidate endpoints in columns, so that a choice among hundreds takes well under a millisecond. Owns the hard filters.

What does not change from request to request (the user's preferences, what a request needs) is judged once and kept; the
reasons are kept with it.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from tallystick_agent.protocol.model_info import CallMode, Endpoint
from tallystick_agent.protocol.usage import Rates
from tallystick_agent.providers.catalog import providers
from tallystick_agent.providers.dialects import dialect_of
from tallystick_agent.providers.preferences import MaxPrice, Preferences

UNKNOWN: Final = 2**60
"""Stands for a window that is not known: no request is too long for it."""
MOST_KEPT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a request needs of an endpoint, apart from its size."""

    tools: bool = False
    images: bool = False
    structured: bool = False
    reasoning: bool = False
    web: bool = False
    call_mode: CallMode | None = None
    """The mode that the request was written for; `None` where any will do."""
    parameters: frozenset[str] = frozenset()
    """The request fields that are set, by OpenAI's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Endpoints by index: those that may serve, and why the others may not."""

    kept: tuple[int, ...]
    dropped: tuple[tuple[int, str], ...]


class RoutingTable:
    """Candidates, frozen. The columns hold floats: they order endpoints, and never price anything."""

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self.endpoints = endpoints
        self.index = {one.slug: number for number, one in enumerate(endpoints)}
        self.windows = [one.window_tokens if one.window_tokens is not None else UNKNOWN for one in endpoints]
        self.rates = [_rates(one) for one in endpoints]
        self._names = frozenset({*self.index, *(one.provider for one in endpoints)})
        self._kept: dict[tuple[Traits, Preferences], Judged] = {}

    def judged(self, traits: Traits, wish: Preferences) -> Judged:
        """The hard filters: what the request needs and what the user rules out."""
        key = (traits, wish)
        found = self._kept.get(key)
        if found is None:
            kept: list[int] = []
            dropped: list[tuple[int, str]] = []
            for number, one in enumerate(self.endpoints):
                reason = lacking(one, traits) or unwanted(one, wish, self._names) or _unsupported(one, traits, wish)
                if reason:
                    dropped.append((number, reason))
                else:
                    kept.append(number)
            found = Judged(kept=tuple(kept), dropped=tuple(dropped))
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found


@dataclass(frozen=True, slots=True)
class FlatRates:
    """USD per million tokens as floats, for ordering alone."""

    input: float
    output: float
    read: float
    tiered: bool


def _rates(one: Endpoint) -> FlatRates | None:
    if one.price is None:
        return None
    rates = one.price.rates
    read = rates.cache_read if rates.cache_read is not None else rates.input
    return FlatRates(float(rates.input), float(rates.output), float(read), bool(one.price.tiers or one.price.request_usd))


def lacking(one: Endpoint, traits: Traits) -> str:
    """What the request needs and the endpoint is known not to have; empty where nothing is."""
    can = one.capabilities
    if traits.call_mode is not None and can.call_mode is not None and can.call_mode != traits.call_mode:
        return f"is asked for tool calls by {can.call_mode}, and the request is written for {traits.call_mode}"
    if traits.tools and can.tools is False:
        return "has no tools"
    if traits.images and can.images is False:
        return "takes no images"
    if traits.structured and can.structured is False:
        return "cannot follow a JSON schema"
    if traits.web and not can.web:
        return "cannot search the web"
    return ""


def names_of(one: Endpoint) -> tuple[str, ...]:
    """What the preferences may call an endpoint: its slug, the tag of an offer, its provider, and that one's other names."""
    known = providers().get(one.provider)
    others = known.aliases if known is not None else ()
    return (one.slug, *((one.slug.partition("@")[2],) if "@" in one.slug else ()), one.provider, *others)


def relays(one: Endpoint) -> bool:
    """Whether the wishes go on with the request, so that who serves is chosen by them there."""
    return one.aggregator and dialect_of(one.dialect).onward


def unwanted(one: Endpoint, wish: Preferences, ours: Collection[str] = ()) -> str:
    """What the user rules out; empty where nothing is. Unknown counts as the worse answer.

    `ours` are the slugs and providers of all candidates: other names in a list may mean providers behind a router, which gets
    the list on. Where a name is one of ours, the request goes there and takes no way around.
    """
    names, behind = names_of(one), relays(one)

    def named(listed: tuple[str, ...]) -> bool:
        return any(name in listed for name in names) or (behind and any(name not in ours for name in listed))

    if wish.only and not named(wish.only):
        return f"is not among the only providers wanted ({', '.join(wish.only)})"
    if any(name in wish.ignore for name in names):
        return "is ignored by the preferences"
    if wish.order and not wish.allow_fallbacks and not named(wish.order):
        return "is not in the order wanted, and fallbacks are not allowed"
    if wish.free_only and not one.free and one.slug not in wish.later:
        return "is not free"
    if wish.data_collection == "deny" and one.data.stores is not False and not (one.local or behind):
        return "may store prompts" if one.data.stores is None else "stores prompts"
    if wish.zdr and one.data.zdr is not True and not (one.local or behind):
        return "does not promise zero data retention" if one.data.zdr is False else "is not known to promise zero data retention"
    if wish.quantizations and one.quantization not in wish.quantizations and not behind:
        return f"has quantization {one.quantization}"
    if wish.max_price is None:
        return ""
    if one.price is None:
        return "has no known price to hold against max_price"
    return too_dear(one, one.price.rates, wish.max_price)


def too_dear(one: Endpoint, rates: Rates, most: MaxPrice) -> str:
    """Which of an endpoint's prices is over the limit, at these rates; empty where none is."""
    fee = one.price.request_usd if one.price is not None else 0
    for name, limit, value in (
        ("input", most.prompt, rates.input),
        ("output", most.completion, rates.output),
        ("a request", most.request, fee),
    ):
        if limit is not None and value > limit:
            return f"costs ${value:f} for {name}, max_price allows ${limit:f}"
    return ""


def _unsupported(one: Endpoint, traits: Traits, wish: Preferences) -> str:
    if not wish.require_parameters or relays(one):
        return ""
    if one.parameters is None:
        return _unproven(one, traits)
    missing = sorted(traits.parameters - one.parameters)
    return f"does not take {', '.join(missing)}" if missing else ""


def _unproven(one: Endpoint, traits: Traits) -> str:
    can = one.capabilities
    wanted = (
        ("tools", traits.tools, can.tools),
        ("images", traits.images, can.images),
        ("a JSON schema", traits.structured, can.structured),
        ("reasoning", traits.reasoning, can.reasoning is not None),
        ("temperature", "temperature" in traits.parameters, can.sampling),
    )
    missing = [name for name, needed, has in wanted if needed and has is not True]
    return f"is not known to take {', '.join(missing)}" if missing else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sticky:
    """The endpoint that served this conversation last, and what it holds in its cache."""

    slug: str
    cached_tokens: int
    idle_s: float
    """Seconds since it served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What the request asks of an endpoint; sizes in tokens."""

    input_tokens: int
    output_tokens: int
    """The output for which there must be room."""
    expected_output: int | None = None
    """The output that is likely, by which endpoints are priced against each other; `None`: as `output_tokens`."""
    traits: Traits = field(default_factory=Traits)

    @property
    def priced_output(self) -> int:
        return self.output_tokens if self.expected_output is None else self.expected_output
