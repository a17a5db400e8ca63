"""The wishes of routing in words for a person. Owns the words; what they mean is `tallystick_agent.providers.preferences`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from decimal import Decimal

    from tallystick_agent.protocol.chat import Reasoning
    from tallystick_agent.providers.preferences import MaxPrice, Preferences
    from tallystick_agent.providers.resolve import Target

_POLICIES: Final = {
    "price": "cheapest first",
    "throughput": "most tokens a second first",
    "latency": "quickest to begin first",
    "exacto": "fewest faulty tool calls first",
    "cost_per_answer": "cheapest answer first",
    "window": "largest window first",
    "order": "in the order of their names here",
}


def in_words(target: "Target") -> str:
    """What the name and the settings wish of a request, e.g. `max price: $0.12 for input; only: groq; web search`."""
    found = [*_routing(target.wish)]
    if target.web:
        found.append("web search")
    if target.reasoning is not None:
        found += _reasoning(target.reasoning)
    return "; ".join(found) if found else "none; balanced by price"


def _routing(wish: "Preferences") -> Iterator[str]:
    if wish.policy in _POLICIES:
        yield _POLICIES[wish.policy]
    if wish.max_price is not None:
        prices = ", ".join(_prices(wish.max_price))
        if prices:
            yield f"max price: {prices}"
    lists = (
        ("first", wish.order),
        ("only", wish.only),
        ("ignore", wish.ignore),
        ("quantizations", wish.quantizations),
        ("fallback models", wish.later),
    )
    for name, values in lists:
        if values:
            yield f"{name}: {', '.join(values)}"
    flags = (
        ("free models only", wish.free_only),
        ("no fallbacks", not wish.allow_fallbacks),
        ("only who takes every parameter", wish.require_parameters),
        ("nobody who keeps prompts", wish.data_collection == "deny"),
        ("zero data retention", wish.zdr),
    )
    yield from (words for words, on in flags if on)
    yield from (f"at least {value:g} tokens/s at p{percentile}" for percentile, value in wish.min_throughput)
    yield from (f"first token within {value:g} s at p{percentile}" for percentile, value in wish.max_latency)


def _prices(most: "MaxPrice") -> Iterator[str]:
    if most.prompt is not None:
        yield f"{_dollars(most.prompt)} for input"
    if most.completion is not None:
        yield f"{_dollars(most.completion)} for output"
    if most.request is not None:
        yield f"{_dollars(most.request)} a request"


def _dollars(amount: "Decimal") -> str:
    return f"${amount.normalize():f}"


def _reasoning(wish: "Reasoning") -> Iterator[str]:
    if wish.effort is not None:
        yield f"reasoning: {wish.effort}"
    elif wish.max_tokens is not None:
        yield f"reasoning: {wish.max_tokens:,} tokens"
    if wish.exclude:
        yield "thoughts are not sent"
