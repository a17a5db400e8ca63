"""Which endpoint serves a request, and why. Pure: candidates and the request's needs in, an order with reasons out.

Dropped endpoints are named with their reason too, so that "why not that one" always has an answer.
"""

from dataclasses import dataclass

from tallystick_agent.protocol.model_info import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What the request asks of an endpoint, in tokens."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    endpoint: Endpoint
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    order: tuple[Choice, ...]
    dropped: tuple[Choice, ...]


def route(candidates: tuple[Endpoint, ...], need: Need) -> Route:
    """Keeps the given order; an endpoint whose window is known and too small is dropped."""
    order: list[Choice] = []
    dropped: list[Choice] = []
    for endpoint in candidates:
        total = need.input_tokens + need.output_tokens
        window = endpoint.window_tokens
        if window is not None and total > window:
            dropped.append(Choice(endpoint=endpoint, reason=f"needs {total} tokens, its window is {window}"))
        else:
            order.append(Choice(endpoint=endpoint, reason="only candidate" if len(candidates) == 1 else "first that fits"))
    return Route(order=tuple(order), dropped=tuple(dropped))
