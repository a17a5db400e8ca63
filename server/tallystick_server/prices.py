"""Prices and windows of endpoints by the names that stand in the ledger. Owns that look-up; needs no key and asks nobody."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.protocol.usage import Price, Rates, flat
from tallystick_server.compose import Application

if TYPE_CHECKING:
    from tallystick_agent.providers.resolve import Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an endpoint charges and how much it takes; `None` is unknown."""

    slug: str
    price: Price | None
    window_tokens: int | None


Offers = Callable[[str], Offer]


def offers(app: Application) -> Offers:
    """Offers by slug, as the catalog, the live list and the user's settings have them now; each is looked up once."""
    known = app.known
    found: dict[str, Offer] = {}

    def offer(slug: str) -> Offer:
        if slug not in found:
            found[slug] = _offer(slug, known)
        return found[slug]

    return offer


def asked_offer(app: Application, slug: str) -> Offer:
    """The offer that a person names, as a model is named everywhere. Raises `ConfigurationError`: no such model, no price."""
    from tallystick_agent.providers.resolve import resolve

    endpoint = resolve(slug, app.known)
    if endpoint.price is None:
        raise ConfigurationError(
            f"The price of {endpoint.slug} is not known.",
            code="price_unknown",
            remedy="`tallystick models --refresh` gets new prices; or set one under [endpoints] in settings.toml.",
        )
    return Offer(slug=endpoint.slug, price=endpoint.price, window_tokens=endpoint.window_tokens)


def _offer(slug: str, known: "Known") -> Offer:
    from tallystick_agent.providers.catalog import price_of, row_of
    from tallystick_agent.providers.variants import parse

    named = parse(slug)
    own = known.settings.endpoints.get(slug) or known.settings.endpoints.get(named.base)
    entry = row_of(named.entry, known.live)
    row = entry or row_of(named.base, known.live)
    provider = known.provider(slug.partition("/")[0])
    price, window = price_of(row), row.get("window")
    if (provider is not None and provider.local) or (named.has("free") and not entry):
        price = flat(0, 0)
    if own is not None:
        price = Price(rates=Rates(**own.price.model_dump())) if own.price is not None else price
        window = own.window_tokens if own.window_tokens is not None else window
    return Offer(slug=slug, price=price, window_tokens=window)
