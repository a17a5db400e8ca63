"""From a model's name to an endpoint. Owns the tables of providers and models and how user settings overlay them.

A slug is `provider/model`, or an OpenRouter name (`author/model`) where only OpenRouter can serve it. The tables are
`providers.toml` and the generated `catalog.json`; an unknown window or price stays unknown.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.protocol.model_info import Capabilities, Endpoint
from tallystick_agent.protocol.usage import Price
from tallystick_agent.settings import EndpointSettings, Settings

LOCAL_IDLE_TIMEOUT_S: Final = 900.0
"""A model on this machine's CPU may read a long prompt for minutes before its first byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    name: str
    base_url: str
    dialect: str
    key_name: str | None = None
    base_env: str = ""
    suffix: str = ""
    default_model: str = ""
    local: bool = False


@cache
def providers() -> Mapping[str, Provider]:
    table = tomllib.loads(files("tallystick_agent.providers").joinpath("providers.toml").read_text("utf-8"))
    return {name: Provider(name=name, **row) for name, row in table.items()}


@cache
def models() -> Mapping[str, dict[str, Any]]:
    """Rows of the generated table by slug: window in tokens, prices in USD per million tokens as strings."""
    data = json.loads(files("tallystick_agent.providers").joinpath("catalog.json").read_text("utf-8"))
    return cast(dict[str, dict[str, Any]], data["models"])


def catalog_source() -> str:
    data = json.loads(files("tallystick_agent.providers").joinpath("catalog.json").read_text("utf-8"))
    return f"{data['source']['package']} {data['source']['version']}"


def resolve(slug: str, settings: Settings, keys: frozenset[str], bases: Mapping[str, str]) -> Endpoint:
    """The endpoint for `slug`.

    `keys` are the names of the keys that exist; `bases` the base URLs that the environment moves, by provider.
    Raises `ConfigurationError` (`model_unknown`) when no provider can be meant.
    """
    own = settings.endpoints.get(slug)
    if own is not None and own.base_url is not None:
        return _overlay(_custom(slug, own), own)
    provider, model = _split(slug, keys)
    row = models().get(f"{provider.name}/{model}")
    base_url = bases.get(provider.name, provider.base_url)
    endpoint = Endpoint(
        slug=f"{provider.name}/{model}",
        provider=provider.name,
        model=model,
        base_url=base_url,
        dialect=provider.dialect if base_url == provider.base_url or provider.dialect != "openai" else "openai_compatible",
        key_name=provider.key_name,
        window_tokens=row.get("window") if row else None,
        price=_price(row) if row else Price(input=Decimal(0), output=Decimal(0)) if provider.local else None,
        token_family=token_family(model),
        capabilities=Capabilities(call_mode=None if provider.local else "native"),
        idle_timeout_s=LOCAL_IDLE_TIMEOUT_S if provider.local else 60.0,
        scale="small" if provider.local and is_small(model) else "large",
    )
    return _overlay(endpoint, own) if own else endpoint


def _split(slug: str, keys: frozenset[str]) -> tuple[Provider, str]:
    head, _, rest = slug.partition("/")
    table = providers()
    if rest and head in table:
        direct = table[head]
        # `anthropic/claude-…` is also an OpenRouter name: use the key that is there.
        if direct.key_name is None or direct.key_name in keys or "OPENROUTER_API_KEY" not in keys:
            return direct, rest
    if rest and "OPENROUTER_API_KEY" in keys:
        return table["openrouter"], slug
    if not rest:
        for provider in table.values():
            if f"{provider.name}/{slug}" in models() and (provider.key_name in keys):
                return provider, slug
    raise ConfigurationError(
        f"No provider is known for the model `{slug}`.",
        code="model_unknown",
        remedy="Name it as provider/model (`tallystick models` lists them), set OPENROUTER_API_KEY for OpenRouter's"
        " names, or give it a base URL under [endpoints] in settings.toml.",
    )


def _custom(slug: str, own: EndpointSettings) -> Endpoint:
    head, _, rest = slug.partition("/")
    return Endpoint(
        slug=slug,
        provider=head,
        model=own.model or rest or slug,
        base_url=own.base_url or "",
        dialect="openai_compatible",
        key_name=own.key_name,
        token_family=token_family(slug),
        capabilities=Capabilities(call_mode=None),
    )


def _overlay(endpoint: Endpoint, own: EndpointSettings) -> Endpoint:
    given = own.model_dump(
        include={"base_url", "model", "dialect", "key_name", "window_tokens", "max_output_tokens", "scale"},
        exclude_none=True,
    )
    changed: dict[str, Any] = dict(given)
    if own.price is not None:
        changed["price"] = Price(**own.price.model_dump())
    if own.call_mode is not None:
        mode = None if own.call_mode == "unknown" else own.call_mode
        changed["capabilities"] = Capabilities(call_mode=mode)
    fields = {name: getattr(endpoint, name) for name in Endpoint.__dataclass_fields__}
    return Endpoint(**{**fields, **changed})


def _price(row: Mapping[str, Any]) -> Price:
    def of(name: str) -> Decimal | None:
        return Decimal(row[name]) if name in row else None

    return Price(
        input=Decimal(row["input"]),
        output=Decimal(row["output"]),
        cache_read=of("cache_read"),
        cache_write=of("cache_write"),
    )


_FAMILIES: Final = ("claude", "gemini", "qwen", "deepseek", "mistral", "llama")
_NEW_CLAUDE: Final = ("sonnet-5", "opus-5", "fable-5", "opus-4.7", "opus-4-7", "opus-4.8", "opus-4-8", "haiku-5")


def token_family(model: str) -> str:
    """The tokenizer family that a model's name tells; o200k where it tells nothing."""
    lower = model.lower()
    for family in _FAMILIES:
        if family in lower:
            return "claude-2026" if family == "claude" and any(name in lower for name in _NEW_CLAUDE) else family
    return "o200k"


def is_small(model: str) -> bool:
    """Whether a name says at most 4 billion parameters: `qwen2.5-coder-1.5b`, `llama3.2:3b`."""
    import re

    sizes = [float(size) for size in re.findall(r"(\d+(?:\.\d+)?)b\b", model.lower())]
    return bool(sizes) and sizes[0] <= 4
