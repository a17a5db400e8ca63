"""What the user wants of routing, in OpenRouter's words. Owns the values, and how they go on to OpenRouter; pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from tallystick_agent.settings import RoutingSettings, Threshold

Policy = Literal["balanced", "price", "throughput", "latency", "exacto", "cost_per_answer", "order", "window"]
"""How endpoints that can serve are ordered: `balanced` draws by price among the stable ones, `exacto` by faulty tool
calls, `cost_per_answer` by price with the cache and the failures counted in, `order` as they are named."""

PERCENTILES = (50, 75, 90, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxPrice:
    """USD per million tokens; `request` in USD. Dearer endpoints, and those of unknown price, are left out."""

    prompt: Decimal | None = None
    completion: Decimal | None = None
    request: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    order: tuple[str, ...] = ()
    """Providers tried first, in this order."""
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allow_fallbacks: bool = True
    """False: the first endpoint alone, and its error is the answer."""
    require_parameters: bool = False
    """True: only endpoints that are known to take every parameter of the request."""
    data_collection: Literal["allow", "deny"] = "allow"
    zdr: bool = False
    """True: only endpoints that promise to keep nothing."""
    quantizations: tuple[str, ...] = ()
    policy: Policy = "balanced"
    max_price: MaxPrice | None = None
    min_throughput: tuple[tuple[int, float], ...] = ()
    """(percentile, tokens per second) that should hold; who misses one comes last, and is never left out."""
    max_latency: tuple[tuple[int, float], ...] = ()
    """(percentile, seconds to the first token), in the same way."""
    free_only: bool = False
    later: tuple[str, ...] = ()
    """Slugs of fallback models: after all others, in this order, whatever the policy says of them."""


_SORTS: dict[Policy, str] = {"price": "price", "throughput": "throughput", "latency": "latency", "exacto": "exacto"}


def for_openrouter(wish: Preferences, itself: str = "openrouter") -> dict[str, Any] | None:
    """OpenRouter's `provider` object; `None` where there is nothing to say. Its prices are USD per million, its latency seconds.

    A wish that names the router itself is ours to follow, and is not sent on.
    """
    found: dict[str, Any] = {}
    for name, value in (("order", wish.order), ("only", wish.only), ("ignore", wish.ignore)):
        behind = [one for one in value if one != itself and not one.startswith(f"{itself}/")]
        if behind:
            found[name] = behind
    if not wish.allow_fallbacks:
        found["allow_fallbacks"] = False
    if wish.require_parameters:
        found["require_parameters"] = True
    if wish.data_collection == "deny":
        found["data_collection"] = "deny"
    if wish.zdr:
        found["zdr"] = True
    if wish.quantizations:
        found["quantizations"] = list(wish.quantizations)
    if wish.policy in _SORTS:
        found["sort"] = _SORTS[wish.policy]
    if wish.max_price is not None:
        prices = {"prompt": wish.max_price.prompt, "completion": wish.max_price.completion, "request": wish.max_price.request}
        found["max_price"] = {name: float(value) for name, value in prices.items() if value is not None}
    if wish.min_throughput:
        found["preferred_min_throughput"] = {f"p{percentile}": value for percentile, value in wish.min_throughput}
    if wish.max_latency:
        found["preferred_max_latency"] = {f"p{percentile}": value for percentile, value in wish.max_latency}
    return found or None


def wish_from(routing: RoutingSettings) -> Preferences:
    """The preferences that the settings hold."""
    most = routing.max_price
    return Preferences(
        order=_names(routing.order),
        only=_names(routing.only),
        ignore=_names(routing.ignore),
        allow_fallbacks=routing.allow_fallbacks,
        require_parameters=routing.require_parameters,
        data_collection=routing.data_collection,
        zdr=routing.zdr,
        quantizations=routing.quantizations,
        policy=routing.policy,
        max_price=MaxPrice(**most.model_dump()) if most is not None else None,
        min_throughput=_thresholds(routing.preferred_min_throughput),
        max_latency=_thresholds(routing.preferred_max_latency),
    )


def _names(given: tuple[str, ...]) -> tuple[str, ...]:
    """Providers' names are written small; slugs stay as they are, since models' names are not."""
    return tuple(name if "/" in name else name.lower() for name in given)


def _thresholds(value: Threshold | None) -> tuple[tuple[int, float], ...]:
    """A bare number holds for the median."""
    if value is None:
        return ()
    if isinstance(value, dict):
        return tuple(sorted((int(name[1:]), number) for name, number in value.items()))
    return ((50, value),)
