"""From a model's name to the endpoints that may serve it. Owns how a slug is read, and how user settings overlay the tables.

A slug is `provider/model`, or an OpenRouter name (`author/model`), or a bare model name, each with variants. A name with its
provider is served there and nowhere else, unless `routing.elsewhere` says so: code goes to nobody whom the user did not name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from tallystick_agent.protocol.chat import Reasoning
from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.protocol.model_info import Capabilities, DataPolicy, Endpoint, RateLimits
from tallystick_agent.protocol.usage import Price, Rates, flat
from tallystick_agent.providers.catalog import (
    Provider,
    Row,
    aliases,
    by_weights,
    capabilities_of,
    models,
    price_of,
    providers,
    row_of,
)
from tallystick_agent.providers.dialects import DIALECTS
from tallystick_agent.providers.families import is_small, token_family
from tallystick_agent.providers.preferences import Preferences, wish_from
from tallystick_agent.providers.variants import ENTRIES, Named, parse, wish_of
from tallystick_agent.settings import EndpointSettings, Settings

LOCAL_IDLE_TIMEOUT_S: Final = 900.0
"""A model on this machine's CPU may read a long prompt for minutes before its first byte."""
FREE_LIMITS: Final = RateLimits(requests=20, window_s=60.0, requests_per_day=50, account="openrouter:free")
"""OpenRouter's free models: 20 a minute, 50 a UTC day until credits were bought; for the account, whatever its keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a name is read against."""

    settings: Settings
    keys: frozenset[str]
    """Names of the keys that exist."""
    bases: Mapping[str, str] = field(default_factory=lambda: {})
    """Base URLs that the environment moves, by provider."""
    live: Mapping[str, Row] = field(default_factory=lambda: {})
    """OpenRouter's live list, by slug."""

    def provider(self, name: str) -> Provider | None:
        own = self.settings.providers.get(name)
        if own is not None:
            _check_dialect(own.dialect, f"providers.{name}")
            return Provider(name=name, title=name, **own.model_dump())
        return providers().get(aliases().get(name, name))

    def base(self, provider: Provider) -> str:
        """Its base URL; empty where every account has its own, and none is set."""
        return self.bases.get(provider.name, provider.base_url)

    def usable(self, provider: Provider) -> bool:
        """Whether its key is here, or it needs none."""
        return provider.key_name is None or provider.key_name in self.keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a model's name comes to: the endpoints that may serve it, and what the name and the settings wish of routing."""

    endpoint: Endpoint
    """The one that was named."""
    candidates: tuple[Endpoint, ...]
    """All that may serve, the named one first."""
    wish: Preferences
    web: bool = False
    reasoning: Reasoning | None = None


def alone(endpoint: Endpoint) -> Target:
    """An endpoint that nothing may stand in for."""
    return Target(endpoint=endpoint, candidates=(endpoint,), wish=Preferences())


def target(slug: str, known: Known) -> Target:
    """Raises `ConfigurationError`: an unknown model, options that contradict each other."""
    named, routing, thinking = parse(slug), known.settings.routing, known.settings.reasoning
    wish = wish_of(named, wish_from(routing))
    if set(wish.only) & set(wish.ignore):
        both = ", ".join(sorted(set(wish.only) & set(wish.ignore)))
        raise ConfigurationError(f"routing.only and routing.ignore both name {both}.", remedy="Take it out of one of them.")
    same = _serving(slug, known)
    endpoints = _with_fallbacks(same, known)
    first = endpoints[0]
    wish = replace(wish, later=tuple(one.slug for one in endpoints if one.slug not in same))
    if "/" in named.base and not wish.order and len(same) > 1 and wish.policy in ("balanced", "order"):
        # Who names the provider wants it first, unless a policy was asked for that says otherwise.
        wish = replace(wish, order=(first.slug,))
    effort, reasoning = thinking.effort, None
    if effort is None and thinking.max_tokens is None and named.has("thinking") and ":thinking" not in first.model:
        effort = "high"
    if effort is not None or thinking.max_tokens is not None or thinking.exclude:
        reasoning = Reasoning(effort=effort, max_tokens=thinking.max_tokens, exclude=thinking.exclude)
    return Target(endpoint=first, candidates=endpoints, wish=wish, web=named.has("online"), reasoning=reasoning)


def candidates(slug: str, known: Known) -> tuple[Endpoint, ...]:
    """The endpoints that may serve `slug`, the one that was named first, then those of the fallback models.

    Raises `ConfigurationError` (`model_unknown`) when no provider can be meant.
    """
    return _with_fallbacks(_serving(slug, known), known)


def _serving(slug: str, known: Known) -> dict[str, Endpoint]:
    """The endpoints of the named model itself, by slug, the named one first."""
    first = resolve(slug, known)
    found = {first.slug: first}
    if known.settings.routing.elsewhere or "/" not in parse(slug).base:
        found |= {one.slug: one for one in _elsewhere(first, parse(slug), known) if one.slug not in found}
    return found


def _with_fallbacks(serving: dict[str, Endpoint], known: Known) -> tuple[Endpoint, ...]:
    found = dict(serving)
    for further in known.settings.routing.fallback_models:
        one = resolve(further, known)
        found.setdefault(one.slug, one)
    return tuple(found.values())


def resolve(slug: str, known: Known) -> Endpoint:
    """The endpoint that `slug` names. Raises `ConfigurationError` (`model_unknown`), with the nearest names."""
    named = parse(slug)
    for name in (slug, named.base):
        own = known.settings.endpoints.get(name)
        if own is not None and own.base_url is not None:
            return _overlay(_custom(name, own, known), own)
    if "/" not in named.base:
        for name, own in known.settings.endpoints.items():
            # A bare name means the user's own server before anybody else.
            if own.base_url is not None and name.rpartition("/")[2] == named.base:
                return _overlay(_custom(name, own, known), own)
    provider, model = _split(named, known)
    return _endpoint(provider, model, known, asked=slug)


def _elsewhere(first: Endpoint, named: Named, known: Known) -> list[Endpoint]:
    """The same weights at other providers whose key is here."""
    served = parse(first.slug)
    same = (row_of(served.entry, known.live) or row_of(served.base, known.live)).get("same")
    found: list[Endpoint] = []
    for slug in by_weights().get(same or "", ()):
        head, _, rest = slug.partition("/")
        provider = known.provider(head)
        if provider is None or provider.local or provider.key_name is None or not known.usable(provider):
            continue
        if not known.base(provider):
            continue
        if provider.name == first.provider and parse(rest).entry == parse(first.model).entry:
            # The named one with a suffix that only routes.
            continue
        if provider.aggregator and not set(parse(rest).variants) <= set(named.variants):
            # A free or extended entry is another offer than the one that was named.
            continue
        found.append(_endpoint(provider, rest, known, asked=slug))
    return _one_each(found, first, named)


def _one_each(found: list[Endpoint], first: Endpoint, named: Named) -> list[Endpoint]:
    """One endpoint a provider: the same weights have dated and moving names there, some of them at other prices.

    The provider that was found first has its own already. At another it is the name that was asked for, else the shortest.
    """
    best: dict[str, Endpoint] = {}
    for one in found:
        before = best.get(one.provider)
        if one.provider != first.provider and (before is None or _fit(one, named) < _fit(before, named)):
            best[one.provider] = one
    return list(best.values())


def _fit(one: Endpoint, named: Named) -> tuple[bool, bool, int, str]:
    """How far a model's name is from the one that was asked for; the least is the nearest."""
    model = parse(one.model)
    name = model.base.rpartition("/")[2]
    entries = {variant for variant in named.variants if variant in ENTRIES}
    return set(model.variants) != entries, name != named.base.rpartition("/")[2], len(name), name


def _split(named: Named, known: Known) -> tuple[Provider, Named]:
    head, _, rest = named.base.partition("/")
    table = providers()
    direct = known.provider(head) if rest else None
    listed = row_of(f"openrouter/{named.base}", known.live) if direct is not None else head in _authors(known)
    routed = "OPENROUTER_API_KEY" in known.keys and bool(listed)
    own = head in known.settings.providers
    if direct is not None and (own or known.usable(direct) or not routed):
        # `anthropic/claude-…` is also an OpenRouter name: use the key that is there. Where it is none, and where the provider is
        # the user's own, it is meant as such, whether its key is here or not.
        # OpenRouter's own models, such as `openrouter/auto`, have its name as their author.
        return direct, named if direct.name == "openrouter" and "/" not in rest else replace(named, base=rest)
    if rest and head and routed:
        return table["openrouter"], named
    if not rest and named.base and "/" not in named.base:
        for slug in known.settings.endpoints:
            provider = known.provider(slug.partition("/")[0]) if slug.rpartition("/")[2] == named.base else None
            if provider is not None and known.usable(provider) and known.base(provider):
                return provider, replace(named, base=slug.partition("/")[2])
        for provider in table.values():
            if f"{provider.name}/{named.base}" in models() and provider.key_name in known.keys and known.base(provider):
                return provider, named
        for slug in by_weights().get(named.base, ()):
            provider = table[slug.partition("/")[0]]
            if provider.key_name in known.keys and ":" not in slug and known.base(provider):
                return provider, replace(named, base=slug.partition("/")[2])
    raise unknown_model(named.slug, known)


def _authors(known: Known) -> frozenset[str]:
    """Who makes the models that OpenRouter lists; `openrouter/AUTHOR/MODEL` names those that are not in any list yet."""
    if known.live:
        return _listed_authors() | {slug.split("/")[1] for slug in known.live if slug.count("/") > 1}
    return _listed_authors()


@cache
def _listed_authors() -> frozenset[str]:
    return frozenset(slug.split("/")[1] for slug in models() if slug.startswith("openrouter/") and slug.count("/") > 1)


def unknown_model(slug: str, known: Known) -> ConfigurationError:
    serving = [one for one in by_weights().get(parse(slug).base, ()) if ":" not in one] if "/" not in slug else []
    keys = dict.fromkeys(one.key_name for name in serving if (one := known.provider(name.partition("/")[0])) and one.key_name)
    if keys:
        some = ", ".join(list(keys)[:4])
        return ConfigurationError(
            f"There is no key for any provider of {slug}.",
            code="provider_auth",
            remedy=f"Set one of {some} in the environment, or run: tallystick keys set {next(iter(keys))}",
        )
    near = nearest(slug, known)
    hint = f" Near: {', '.join(near)}." if near else ""
    router = ", set OPENROUTER_API_KEY for OpenRouter's names" if "OPENROUTER_API_KEY" not in known.keys else ""
    return ConfigurationError(
        f"No provider is known for the model `{slug}`.{hint}",
        code="model_unknown",
        remedy=f"Name it as provider/model (`tallystick models` lists them){router}, or give it a base URL under [endpoints] or"
        " [providers] in settings.toml.",
    )


def nearest(slug: str, known: Known) -> tuple[str, ...]:
    """Known slugs that a person may have meant, those that a key here can use first."""
    import difflib

    names = {**models(), **known.live}
    usable = [name for name in names if (one := known.provider(name.partition("/")[0])) is not None and known.usable(one)]
    pool = usable or list(names)
    bare: dict[str, str] = {}
    for name in pool:
        bare.setdefault(name.rpartition("/")[2], name)
    found = difflib.get_close_matches(slug, pool, n=3, cutoff=0.75)
    last = slug.rpartition("/")[2].lower()
    found += [bare[one] for one in difflib.get_close_matches(last, list(bare), n=3, cutoff=0.7)]
    return tuple(dict.fromkeys(found))[:3]


def _endpoint(provider: Provider, model: Named | str, known: Known, *, asked: str) -> Endpoint:
    named = model if isinstance(model, Named) else parse(model)
    plain = row_of(f"{provider.name}/{named.base}", known.live)
    if provider.aggregator and named.has("thinking") and plain and not row_of(f"{provider.name}/{named.entry}", known.live):
        # The model is listed, and no such entry of it: it is asked to think instead.
        named = replace(named, variants=tuple(one for one in named.variants if one != "thinking"))
    # A router takes the suffixes on; at any other provider they are ours to follow.
    on_wire = named.slug if provider.aggregator else named.base
    slug = f"{provider.name}/{on_wire}"
    entry = row_of(f"{provider.name}/{named.entry}", known.live)
    row = entry or plain
    moved = known.base(provider)
    straight = moved == provider.base_url
    capabilities = capabilities_of(row, local=provider.local)
    wire = provider.reasoning_wire if provider.reasoning_wire and straight and capabilities.reasoning else provider.wire
    free = provider.name == "openrouter" and named.has("free")
    endpoint = Endpoint(
        slug=slug,
        provider=provider.name,
        model=on_wire,
        base_url=moved,
        wire=wire,
        dialect=provider.dialect if straight or provider.dialect != "openai" else "openai_compatible",
        auth=provider.auth,
        key_name=provider.key_name,
        window_tokens=row.get("window"),
        max_output_tokens=row.get("output"),
        price=flat(0, 0) if provider.local or (free and not entry) else price_of(row),
        token_family=_family(provider.name, named.base),
        capabilities=replace(capabilities, web=capabilities.web or provider.aggregator),
        data=_data(provider, slug, moved, known.settings),
        limits=_limits(provider.name, slug, known.settings, free=free),
        parameters=frozenset(row["parameters"]) if "parameters" in row else None,
        idle_timeout_s=LOCAL_IDLE_TIMEOUT_S if provider.local else 60.0,
        scale="small" if provider.local and is_small(named.base) else "large",
        aggregator=provider.aggregator,
        local=provider.local,
    )
    ours = known.settings.endpoints
    own = ours.get(asked) or ours.get(slug) or ours.get(f"{provider.name}/{named.entry}")
    endpoint = _overlay(endpoint, own) if own else endpoint
    if not endpoint.base_url:
        raise ConfigurationError(
            f"Every account of {provider.title} has a base URL of its own, and none is set.",
            remedy=f"Set {provider.base_env}, or base_url under [endpoints] in settings.toml.",
        )
    return endpoint


def _family(provider: str, model: str) -> str:
    """OpenAI's own models of unknown names have its newest vocabulary; anybody else's have any."""
    found = token_family(model)
    return "o200k" if found == "unknown" and provider in ("openai", "azure-openai") else found


def near(base: str) -> bool:
    """Whether a base URL leads to this machine or to a private network: nobody else sees what is sent there."""
    host = urlsplit(base).hostname or ""
    try:
        return ip_address(host).is_private or ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".localhost")) or "." not in host


def _limits(provider: str, slug: str, settings: Settings, *, free: bool) -> RateLimits:
    # The free models have limits of their own, whatever the user allows the paid ones.
    for name in (slug, FREE_LIMITS.account if free else provider):
        own = settings.limits.get(name)
        if own is not None:
            return RateLimits(account=name, **own.model_dump())
    return FREE_LIMITS if free else RateLimits(account=provider)


def _data(provider: Provider, slug: str, base: str, settings: Settings) -> DataPolicy:
    told = [settings.data[name] for name in (provider.name, slug) if name in settings.data]
    stores, zdr = (False, True) if provider.local and near(base) else (provider.stores, provider.zdr)
    for one in told:
        stores = one.stores if one.stores is not None else stores
        zdr = one.zdr if one.zdr is not None else zdr
    return DataPolicy(stores=stores, zdr=zdr)


def _custom(slug: str, own: EndpointSettings, known: Known) -> Endpoint:
    """An endpoint at a base URL of the user's own; of a provider that we know, it speaks that one's format.

    It gets no key but the one that is named for it: the provider's own does not belong there.
    """
    head, _, rest = slug.partition("/")
    provider, settings = known.provider(head) if rest else None, known.settings
    named = {slug, head} & settings.limits.keys()
    limits = _limits(head, slug, settings, free=False) if named else RateLimits(account=slug)
    if provider is not None and own.base_url is not None:
        moved = replace(known, bases={**known.bases, provider.name: own.base_url})
        found = _endpoint(provider, rest, moved, asked="")
        return replace(found, key_name=own.key_name, model=own.model or found.model, limits=limits)
    return Endpoint(
        slug=slug,
        provider=head,
        model=own.model or rest or slug,
        base_url=own.base_url or "",
        dialect="openai_compatible",
        key_name=own.key_name,
        token_family=token_family(slug),
        capabilities=Capabilities(call_mode=None),
        data=_data(Provider(name=head, base_url=""), slug, "", settings),
        limits=limits,
    )


def _check_dialect(name: str, where: str) -> None:
    if name not in DIALECTS:
        raise ConfigurationError(
            f"`{name}` in {where} is no dialect.",
            remedy=f"Known: {', '.join(sorted(DIALECTS))}; the plain one is openai_compatible.",
        )


def _overlay(endpoint: Endpoint, own: EndpointSettings) -> Endpoint:
    names = {"base_url", "model", "dialect", "wire", "auth", "quantization", "key_name", "window_tokens", "max_output_tokens"}
    changed: dict[str, Any] = own.model_dump(include={*names, "scale"}, exclude_none=True)
    if own.price is not None:
        changed["price"] = Price(rates=Rates(**own.price.model_dump()))
    if own.call_mode is not None:
        mode = None if own.call_mode == "unknown" else own.call_mode
        changed["capabilities"] = replace(endpoint.capabilities, call_mode=mode)
    if endpoint.provider == "ollama" and own.window_tokens is not None and own.wire is None:
        # Only Ollama's own API can set the context size; the other door would cut a longer prompt without a word.
        changed["wire"] = "ollama"
    if own.dialect is not None:
        _check_dialect(own.dialect, f'endpoints."{endpoint.slug}"')
    made = replace(endpoint, **changed)
    if made.wire == "ollama":
        made = replace(made, base_url=made.base_url.rstrip("/").removesuffix("/v1"))
    return made
