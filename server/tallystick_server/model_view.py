"""What is known of models and routes, as hosts show it. Owns the rows, their filters and the words for a route; no output."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tallystick_agent.protocol.errors import ProviderError, TallystickError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_server.compose import Application

if TYPE_CHECKING:
    from tallystick_agent.providers.catalog import Row, Source
    from tallystick_agent.providers.resolve import Known, Target

FIELDS: Final = ("window", "output", "rates", "can", "reasoning", "cache")
"""What has a source of its own in a row."""
_PRICED: Final = ("rates", "tiers", "request")
"""What a price of the user's own replaces as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFilter:
    """`query` is words that must all be in the slug; prices in USD per million tokens, windows in tokens."""

    query: tuple[str, ...] = ()
    provider: str = ""
    max_input: Decimal | None = None
    max_output: Decimal | None = None
    min_window: int | None = None
    needs: frozenset[str] = frozenset()
    """Of `tools`, `images`, `structured`, `web`."""
    free: bool = False
    reasoning: bool = False
    usable: bool = False
    """Only those that a key here can use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    slug: str
    row: Mapping[str, Any]
    usable: bool
    sources: Mapping[str, str]
    """By field: the source's name and date, or `settings`."""

    def rate(self, name: str) -> Decimal | None:
        """USD per million tokens; `None` where it is not known."""
        value = self.row.get("rates", {}).get(name)
        return Decimal(value) if value is not None else None


def table_sources() -> tuple[str, ...]:
    """What the generated table was made from, with dates."""
    from tallystick_agent.providers.catalog import sources

    return tuple(f"{one.name} of {one.date}" for one in sources())


def addresses_to_set(key_name: str) -> tuple[str, ...]:
    """The variables that give a base URL to the providers of a key whose accounts have one each."""
    from tallystick_agent.providers.catalog import providers

    return tuple(one.base_env for one in providers().values() if one.key_name == key_name and one.base_env and not one.base_url)


def list_models(app: Application, wanted: ModelFilter) -> tuple[list[ModelRow], int]:
    """The models that pass the filter, by slug, and how many are known in all; the user's own values lie over the tables."""
    from tallystick_agent.providers.catalog import models, row_of, source_of

    known = app.known
    own = _own_rows(known)
    names = sorted({*models(), *known.live, *own})
    found: list[ModelRow] = []
    for slug in names:
        mine = own.get(slug)
        row = mine.row if mine is not None else row_of(slug, known.live)
        provider = known.provider(slug.partition("/")[0])
        usable = mine.usable if mine is not None else provider is not None and known.usable(provider)
        if not _passes(slug, row, wanted, usable=usable):
            continue
        ours = mine.fields if mine is not None else frozenset[str]()
        told = {field: "settings" if field in ours else _source(source_of(row, field)) for field in FIELDS}
        sources = {field: source for field, source in told.items() if source}
        found.append(ModelRow(slug=slug, row=row, usable=usable, sources=sources))
    return found, len(names)


def _source(one: "Source | None") -> str:
    return f"{one.name}, {one.date[:10]}" if one is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnRow:
    """A row that the user's settings say something of; `fields` are those that come from them."""

    row: "Row"
    fields: frozenset[str]
    usable: bool


def _own_rows(known: "Known") -> dict[str, _OwnRow]:
    """A row for each of the user's endpoints, by slug; one that cannot be resolved shows what the settings say of it."""
    from tallystick_agent.providers.catalog import row_of
    from tallystick_agent.providers.resolve import resolve

    found: dict[str, _OwnRow] = {}
    for slug, own in known.settings.endpoints.items():
        told: dict[str, Any] = {"window": own.window_tokens, "output": own.max_output_tokens, "rates": None}
        if own.price is not None:
            told["rates"] = {name: f"{rate.normalize():f}" for name, rate in own.price if rate is not None}
        name, usable = slug, False
        try:
            endpoint = resolve(slug, known)
        except TallystickError:
            # The list is no place to fail: `tallystick route` says what is wrong with it.
            pass
        else:
            name, usable = endpoint.slug, endpoint.key_name is None or endpoint.key_name in known.keys
            if endpoint.price is not None and endpoint.local and told["rates"] is None:
                told["rates"] = {"input": "0", "output": "0"}
        values = {field: value for field, value in told.items() if value is not None}
        replaced = _PRICED if "rates" in values else ()
        below = {field: value for field, value in row_of(name, known.live).items() if field not in replaced}
        found[name] = _OwnRow(row={**below, **values}, fields=frozenset(values), usable=usable)
    return found


def _passes(slug: str, row: Mapping[str, Any], wanted: ModelFilter, *, usable: bool) -> bool:
    if any(word.lower() not in slug.lower() for word in wanted.query) or (wanted.usable and not usable):
        return False
    if wanted.provider and not slug.startswith(f"{wanted.provider}/"):
        return False
    rates = row.get("rates")
    limits = (("input", wanted.max_input), ("output", wanted.max_output))
    if any(limit is not None and (rates is None or Decimal(rates[name]) > limit) for name, limit in limits):
        return False
    if wanted.free and (rates is None or any(Decimal(rates[name]) > 0 for name in ("input", "output"))):
        return False
    if wanted.min_window is not None and row.get("window", 0) < wanted.min_window:
        return False
    if wanted.reasoning and "reasoning" not in row:
        return False
    return wanted.needs <= set(row.get("can", ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteLine:
    """One endpoint of a route; `place` counts from 1, and is `None` where it is left out."""

    place: int | None
    endpoint: Endpoint
    reason: str


def explain(app: Application, target: "Target", *, input_tokens: int, output_tokens: int, tools: bool) -> Iterator[RouteLine]:
    """How a request of this size would be routed now, every endpoint with its reason."""
    from tallystick_agent.loop.routing import SEED_S, seed
    from tallystick_agent.providers.router import Conditions, route
    from tallystick_agent.providers.routing_table import Need, RoutingTable, Traits

    parts = app.engine.parts
    now_ms, now = int(app.clock.now().timestamp() * 1000), app.clock.monotonic()
    seed(parts.client.health, parts.ledger.recent(now_ms - int(SEED_S * 1000)), now_ms=now_ms, now=now)
    need = Need(input_tokens=input_tokens, output_tokens=output_tokens, traits=Traits(tools=tools, web=target.web))
    closed = parts.client.closed(target.candidates)
    at = Conditions(health=parts.client.health.snapshot(), now=now, closed=closed, seed=now_ms)
    found = route(RoutingTable(target.candidates), need, target.wish, at)
    for place, choice in enumerate(found.order, 1):
        yield RouteLine(place=place, endpoint=choice.endpoint, reason=choice.reason)
    for choice in found.dropped:
        yield RouteLine(place=None, endpoint=choice.endpoint, reason=choice.reason)


async def offers(app: Application, target: "Target") -> "Target":
    """The target with the offers behind a router's model in place of the router. Raises `ProviderError`."""
    from dataclasses import replace

    from tallystick_agent.providers.http import origin_of
    from tallystick_agent.providers.live import parse_offers
    from tallystick_agent.providers.variants import parse

    found: list[Endpoint] = []
    for one in target.candidates:
        if not one.aggregator:
            found.append(one)
            continue
        url = f"{one.base_url.rstrip('/')}/models/{parse(one.model).entry}/endpoints"
        key = app.keys.get(one.key_name, origin_of(one.base_url)) if one.key_name else None
        found += parse_offers(await app.engine.parts.transport.fetch(url, key=key, auth=one.auth), one)
    return replace(target, candidates=tuple(found)) if found else target


async def refresh(app: Application) -> int:
    """Fetches OpenRouter's list of models and keeps it; the number of models. Raises `ProviderError`."""
    from tallystick_agent.providers.http import origin_of
    from tallystick_agent.providers.live import parse_models

    provider = app.known.provider("openrouter")
    assert provider is not None
    base = app.known.bases.get("openrouter", provider.base_url)
    key = app.keys.get(provider.key_name, origin_of(base)) if provider.key_name else None
    data = await app.engine.parts.transport.fetch(f"{base.rstrip('/')}/models", key=key, auth=provider.auth, timeout_s=30.0)
    now = app.clock.now()
    rows = parse_models(data, now.isoformat())
    if not rows:
        raise ProviderError("OpenRouter's list has no model that can be read; the old list stays.")
    app.live.keep(rows, now)
    return len(rows)
