"""The tables of providers and models, and what OpenRouter says live over them. Owns reading them; an unknown value stays unknown.

The tables are `providers.toml` and the generated `catalog.json`. Every value of a row has a source: one of the packages that
the table was made from, the live list with its age, or the user's settings.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, cast

from tallystick_agent.protocol.model_info import AuthStyle, CacheRule, Capabilities, Effort, ReasoningRule, WireName
from tallystick_agent.protocol.usage import Price, Rates, Tier

Row = dict[str, Any]
"""One model, with whatever is known of it: `window`, `output`, `rates`, `tiers`, `request`, `can`, `cannot`, `reasoning`,
`sampling`, `cache`, `same` (the weights' common name), `ends`, `from` (its sources)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    name: str
    base_url: str
    title: str = ""
    dialect: str = "openai_compatible"
    wire: WireName = "openai_chat"
    reasoning_wire: WireName | None = None
    """The wire for models that reason, where it can carry their thoughts on and `wire` cannot."""
    auth: AuthStyle = "bearer"
    key_name: str | None = None
    base_env: str = ""
    suffix: str = ""
    default_model: str = ""
    aggregator: bool = False
    local: bool = False
    stores: bool | None = None
    zdr: bool | None = None
    aliases: tuple[str, ...] = ()


@cache
def providers() -> Mapping[str, Provider]:
    table = tomllib.loads(files("tallystick_agent.providers").joinpath("providers.toml").read_text("utf-8"))
    rows: dict[str, dict[str, Any]] = {name: {**row, "aliases": tuple(row.get("aliases", ()))} for name, row in table.items()}
    return {name: Provider(name=name, **row) for name, row in rows.items()}


@cache
def aliases() -> Mapping[str, str]:
    """Other names of providers."""
    return {alias: provider.name for provider in providers().values() for alias in provider.aliases}


@cache
def _data() -> dict[str, Any]:
    text = files("tallystick_agent.providers").joinpath("catalog.json").read_text("utf-8")
    return cast(dict[str, Any], json.loads(text))


def models() -> Mapping[str, Row]:
    """Rows of the generated table by slug."""
    return cast(dict[str, Row], _data()["models"])


@cache
def by_weights() -> Mapping[str, tuple[str, ...]]:
    """Slugs that serve the same weights, by their common name."""
    found: dict[str, list[str]] = {}
    for slug, row in models().items():
        if "same" in row:
            found.setdefault(row["same"], []).append(slug)
    return {name: tuple(slugs) for name, slugs in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a value comes from, and the date of that source as YYYY-MM-DD."""

    name: str
    date: str


def sources() -> tuple[Source, ...]:
    """What the generated table was made from."""
    rows = cast(dict[str, dict[str, str]], _data()["sources"]).values()
    return tuple(Source(name=f"{row['package']} {row['version']}", date=row["date"]) for row in rows)


def source_of(row: Row, field: str) -> Source | None:
    """Where a field of a row comes from; `None` where the row does not have it."""
    if field not in row:
        return None
    live = row.get("live")
    if live is not None and field in live["fields"]:
        return Source(name="OpenRouter, live", date=live["date"])
    data = _data()
    origin = cast(dict[str, list[str]], data["origins"][row["from"]]) if "from" in row else {}
    for letter, fields in origin.items():
        # The table says `larger window` and the like where its sources differ.
        if any(one.split(" ")[-1] == field for one in fields if not one.startswith("larger")):
            source = data["sources"][letter]
            return Source(name=f"{source['package']} {source['version']}", date=source["date"])
    return None


def row_of(slug: str, live: Mapping[str, Row]) -> Row:
    """What is known of a model: the table, and what the live list says over it. Empty where nothing is.

    A live price holds as a whole: a tier of the table beside it would be of another day, and an unknown one stays unknown.
    """
    known, fresh = models().get(slug, {}), live.get(slug)
    if fresh is None:
        return known
    return {**{name: value for name, value in known.items() if name not in _PRICED}, **fresh}


def price_of(row: Row) -> Price | None:
    """The price of a row; `None` where it has none."""
    if "rates" not in row:
        return None
    tiers = tuple(Tier(above=int(above), rates=rates_of(rates)) for above, rates in row.get("tiers", ()))
    return Price(rates=rates_of(row["rates"]), tiers=tiers, request_usd=Decimal(row.get("request", "0")))


def rates_of(row: Mapping[str, str]) -> Rates:
    def of(name: str) -> Decimal | None:
        return Decimal(row[name]) if name in row else None

    return Rates(
        input=Decimal(row["input"]),
        output=Decimal(row["output"]),
        cache_read=of("cache_read"),
        cache_write=of("cache_write"),
        cache_write_1h=of("cache_write_1h"),
        reasoning=of("reasoning"),
    )


_PRICED: Final = ("rates", "tiers", "request")
_ALL: Final = ("tools", "images", "structured")


def capabilities_of(row: Row, *, local: bool) -> Capabilities:
    """What a row says that a model can do."""
    can, cannot = frozenset(row.get("can", ())), frozenset(row.get("cannot", ()))
    known: dict[str, bool | None] = {name: True if name in can else False if name in cannot else None for name in _ALL}
    return Capabilities(
        # A server on this machine, and a model that is known to have no tools, are asked once how they take a call.
        call_mode=None if local or "tools" in cannot else "native",
        tools=known["tools"],
        images=known["images"],
        structured=known["structured"],
        web="web" in can,
        infill="infill" in can,
        sampling=bool(row.get("sampling", True)),
        reasoning=_reasoning(row.get("reasoning")),
        cache=_cache(row.get("cache")),
    )


def _reasoning(row: Row | None) -> ReasoningRule | None:
    if row is None:
        return None
    style = cast(Literal["effort", "budget", "adaptive", "toggle"], row["style"])
    return ReasoningRule(
        style=style,
        efforts=cast(tuple[Effort, ...], tuple(row.get("efforts", ()))) or ("low", "medium", "high"),
        least_budget=int(row.get("least", 1_024)),
        most_budget=int(row.get("most", 128_000)),
        mandatory=bool(row.get("mandatory", False)),
    )


def _cache(row: Row | None) -> CacheRule | None:
    if row is None:
        return None
    style = cast(Literal["automatic", "cache_control", "breakpoints"], row["style"])
    ttl = 1_800.0 if style == "breakpoints" else 300.0
    return CacheRule(style=style, least_tokens=int(row.get("least", 1_024)), ttl_s=ttl)
