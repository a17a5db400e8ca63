"""Choosing endpoints for one request: the router with what this process knows now. Owns who served each conversation last."""

import contextlib
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from tallystick_agent.context.budget import SMALLEST_REPLY, Room, room
from tallystick_agent.loop.gate import Spent, reserve
from tallystick_agent.ports import Clock
from tallystick_agent.protocol.chat import ChatRequest, Onward
from tallystick_agent.protocol.errors import Code, ConfigurationError, ContextOverflow, TallystickError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Budget, Usage
from tallystick_agent.providers.client import ModelClient
from tallystick_agent.providers.health import HealthBoard, Outcome
from tallystick_agent.providers.preferences import for_openrouter
from tallystick_agent.providers.resolve import Target
from tallystick_agent.providers.router import Conditions, Route, route
from tallystick_agent.providers.routing_table import Need, RoutingTable, Sticky, Traits
from tallystick_agent.usage.ledger import Seen

CONVERSATIONS: Final = 500
"""Conversations whose last endpoint is remembered."""
LIKELY_OUTPUT: Final = 1_000
"""Output tokens by which endpoints are priced against each other: most answers of an agent are shorter than their limit."""


class Affinity:
    """Who served a conversation last, and how much of it that endpoint holds in its cache."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._served: OrderedDict[str, tuple[str, int, float, float]] = OrderedDict()

    def served(self, session_key: str, endpoint: Endpoint, usage: Usage) -> None:
        rule = endpoint.capabilities.cache
        written = usage.input_tokens if rule is not None and usage.input_tokens >= rule.least_tokens else 0
        held = max(written, usage.cached_tokens + usage.cache_write_tokens)
        self._served[session_key] = (endpoint.slug, held, self._clock.monotonic(), rule.ttl_s if rule is not None else 0.0)
        self._served.move_to_end(session_key)
        while len(self._served) > CONVERSATIONS:
            self._served.popitem(last=False)

    def of(self, session_key: str) -> Sticky | None:
        found = self._served.get(session_key)
        if found is None:
            return None
        slug, held, at, ttl = found
        idle = self._clock.monotonic() - at
        return Sticky(slug=slug, cached_tokens=held if idle < ttl else 0, idle_s=idle)

    def forget(self, session_key: str) -> None:
        """An error frees a conversation from its endpoint."""
        self._served.pop(session_key, None)


SEED_S: Final = 1_800.0
"""Seconds back that a new process reads in the ledger, to know endpoints from the start."""


def seed(board: HealthBoard, seen: list[Seen], *, now_ms: int, now: float) -> None:
    """Tells the board of attempts that other processes made. `now` is the board's clock at the wall time `now_ms`."""
    for one in seen:
        failed = cast(Code, one.error_code) if one.error_code else None
        spent = (one.latency_ms - (one.first_token_ms or 0)) / 1000
        outcome = Outcome(
            ok=failed is None,
            code=failed,
            first_token_s=one.first_token_ms / 1000 if one.first_token_ms is not None else None,
            tokens_per_s=one.output_tokens / spent if failed is None and one.output_tokens >= 20 and spent > 0.05 else None,
        )
        board.seen(one.endpoint, outcome, now - (now_ms - one.time_ms) / 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One request's endpoints, best first, with the output that each may give."""

    order: tuple[Endpoint, ...]
    reasons: dict[str, str]
    outputs: dict[str, int]
    inputs: dict[str, int]
    """Estimated input tokens by slug: families of tokenizers differ."""
    left: dict[str, str]
    """Endpoints that a limit in money or tokens leaves out while others are left, and why, by slug."""

    @property
    def window(self) -> int | None:
        """The smallest window among those that may serve, in tokens."""
        known = [one.window_tokens for one in self.order if one.window_tokens is not None]
        return min(known) if known else None


def traits_of(request: ChatRequest, endpoint: Endpoint) -> Traits:
    """What the request needs, as it is written for `endpoint`."""
    parameters = {
        "tools": bool(request.tools),
        "response_format": request.response_schema is not None,
        "temperature": request.temperature is not None,
        "top_p": request.top_p is not None,
        "seed": request.seed is not None,
        "stop": bool(request.stop),
        "reasoning": request.reasoning is not None,
        "max_tokens": True,
    }
    return Traits(
        tools=bool(request.tools),
        images=request.images,
        structured=request.response_schema is not None,
        reasoning=request.reasoning is not None,
        web=request.web,
        call_mode=endpoint.capabilities.call_mode,
        parameters=frozenset(name for name, used in parameters.items() if used),
    )


def plan(
    request: ChatRequest,
    target: Target,
    *,
    client: ModelClient,
    affinity: Affinity,
    now: float,
    count: Callable[[Endpoint], tuple[int, float]],
    budget: Budget,
    spent: Spent,
    number: int,
) -> Plan:
    """The endpoints for a request and what each may give. `count` tells the input tokens and their error band.

    Raises `ContextOverflow` where it fits none, `TallystickError` at the gate, `ConfigurationError` where the wishes leave none.
    """
    table = RoutingTable(target.candidates)
    counted = {one.slug: count(one) for one in target.candidates}
    # The router drops by window with the smallest count; each endpoint is judged by its own below.
    least = min(tokens for tokens, _ in counted.values())
    need = Need(
        input_tokens=least,
        output_tokens=min(SMALLEST_REPLY, request.max_output_tokens),
        expected_output=min(LIKELY_OUTPUT, request.max_output_tokens),
        traits=traits_of(request, target.endpoint),
    )
    at = Conditions(
        health=client.health.snapshot(),
        now=now,
        closed=client.closed(target.candidates),
        sticky=affinity.of(request.session_key),
        seed=zlib.crc32(f"{request.session_key}:{number}".encode()),
    )
    found = route(table, need, target.wish, at)
    if not found.ranks:
        raise _nobody(found, least)
    return _affordable(found, request, counted, budget, spent)


def _affordable(found: Route, request: ChatRequest, counted: dict[str, tuple[int, float]], budget: Budget, spent: Spent) -> Plan:
    order: list[Endpoint] = []
    outputs: dict[str, int] = {}
    over: list[tuple[Endpoint, Room]] = []
    refused: dict[str, TallystickError] = {}
    for one in found.endpoints:
        tokens, band = counted[one.slug]
        space = room(
            input_tokens=tokens,
            window=one.window_tokens,
            wanted_output=request.max_output_tokens,
            model_output=one.max_output_tokens,
            band=band,
        )
        if not space.fits:
            over.append((one, space))
            continue
        try:
            outputs[one.slug] = reserve(budget, spent, input_tokens=tokens, output_tokens=space.output, price=one.price)
        except TallystickError as error:
            refused[one.slug] = error
            continue
        order.append(one)
    if not order and refused:
        raise next(iter(refused.values()))
    if not order:
        widest, space = max(over, key=lambda one: one[0].window_tokens or 0)
        raise ContextOverflow(f"It is about {space.over} tokens too long.", limit_tokens=widest.window_tokens)
    return Plan(
        order=tuple(order),
        reasons={one.slug: found.reason(found.table.index[one.slug]) for one in order},
        outputs=outputs,
        inputs={one.slug: counted[one.slug][0] for one in order},
        left={slug: error.message for slug, error in refused.items()},
    )


def _nobody(found: Route, tokens: int) -> TallystickError:
    """The error where every endpoint was dropped: too long a request is one thing, wishes that nobody meets another."""
    windows = [one.endpoint.window_tokens for one in found.dropped if one.reason.startswith("needs ")]
    if windows and len(windows) == len(found.dropped):
        widest = max(window or 0 for window in windows)
        return ContextOverflow(f"It is about {tokens - widest} tokens too long.", limit_tokens=widest)
    reasons = "; ".join(f"{one.endpoint.slug} {one.reason}" for one in found.dropped[:5])
    return ConfigurationError(
        f"No endpoint may serve this request: {reasons}.",
        remedy="Change [routing] in settings.toml, or name another model; `tallystick route MODEL --explain` tells more.",
    )


def handed_on(made: Plan, endpoint: Endpoint, output: int, budget: Budget, spent: Spent) -> tuple[Endpoint, ...]:
    """The further endpoints of the plan that a router may serve itself, each within the limits if it gives all of `output`."""
    later = made.order[made.order.index(endpoint) + 1 :] if endpoint.aggregator else ()
    found: list[Endpoint] = []
    for one in later:
        with contextlib.suppress(TallystickError):
            allowed = reserve(budget, spent, input_tokens=made.inputs[one.slug], output_tokens=output, price=one.price)
            if one.provider == endpoint.provider and allowed >= output:
                found.append(one)
    return tuple(found)


def onward(target: Target, endpoint: Endpoint, handed: tuple[Endpoint, ...]) -> Onward | None:
    """What goes on to a router: the wishes, and those of our fallback models that it may serve itself."""
    if not endpoint.aggregator:
        return None
    wish = target.wish
    models = tuple(one.model for one in handed)
    provider = for_openrouter(wish, endpoint.provider)
    if provider is not None and "order" in provider:
        ours = {one.slug for one in target.candidates} | {one.provider for one in target.candidates}
        provider["order"] = [name for name in provider["order"] if name not in ours or name == endpoint.author]
        provider = {name: value for name, value in provider.items() if name != "order" or value}
    return Onward(models=models if wish.allow_fallbacks else (), provider=provider or None) if models or provider else None
