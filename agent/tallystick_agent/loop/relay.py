"""Requests of other apps: the same router, limits, cache and books as a turn's own. Owns whose wishes hold.

Implements the `Relay` port.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from tallystick_agent.context.assemble import xray
from tallystick_agent.loop.ask import Asker
from tallystick_agent.loop.gate import Spent
from tallystick_agent.loop.hard_budgets import NEAR
from tallystick_agent.loop.parts import Caller, EngineParts
from tallystick_agent.ports import RelayWatch
from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.protocol.events import EventBody, Notice
from tallystick_agent.protocol.ids import RequestId, SessionId, TurnId
from tallystick_agent.protocol.relay import RelayAnswer, RelayRequest
from tallystick_agent.providers.resolve import Target
from tallystick_agent.settings import RoutingSettings
from tallystick_agent.tokens.counter import Counter

_log = logging.getLogger(__name__)
PURPOSE: Final = "chat"
TARGETS: Final = 200
"""Models with their wishes whose endpoints are remembered."""
TARGET_S: Final = 30.0
"""Seconds for which they are: keys and lists of models change while we run."""


@dataclass(slots=True)
class _Unrecorded:
    """Where the events of a relayed request go: nowhere. The ledger has the rows; a budget that is nearly gone is logged."""

    session_id: SessionId
    turn_id: TurnId | None

    async def emit(self, body: EventBody, *, durable: bool = False) -> None:
        if isinstance(body, Notice) and body.code == NEAR:
            _log.warning("%s", body.message)


class ModelRelay:
    """`resolve` gives a model's endpoints under other routing settings than the user's own, and raises `ConfigurationError`."""

    def __init__(self, parts: Callable[[], EngineParts], resolve: Callable[[str, RoutingSettings], Awaitable[Target]]) -> None:
        self._parts = parts
        self._resolve = resolve
        self._targets: OrderedDict[tuple[str, str], tuple[float, Target]] = OrderedDict()

    async def ask(self, asked: RelayRequest, watch: RelayWatch) -> RelayAnswer:
        parts = self._parts()
        target = await self._target(parts, asked)
        # A relayed request is all that its caller set in motion; how many make a turn is the caller's own affair.
        budget = replace(parts.settings.budget.limits(), max_requests=None, timeout_s=None)
        caller = Caller(who=asked.who, model=asked.model or target.endpoint.slug, target=target, task=asked.task)
        recorder = _Unrecorded(SessionId(asked.session_id), TurnId(asked.turn_id) if asked.turn_id else None)
        asker = Asker(parts, caller, recorder, budget)
        asker.spent = Spent(requests=asked.step - 1)
        asker.opens_turn = asked.step == 1
        request = replace(asked.request, session_key=asked.session_id)
        if request.open_ended:
            # A model's longest answer, kept for every request under way, would use up a budget that hardly any of it needs.
            kept = budget.bounds_output or bool(parts.settings.budgets)
            request = replace(request, max_output_tokens=_longest(target, request.max_output_tokens, kept=kept))
        found = await asker.ask(
            request, target.endpoint, PURPOSE, show=False, watch=watch, request_id=RequestId(asked.request_id)
        )
        return RelayAnswer(
            reply=found.reply,
            usage=found.usage,
            cost=asker.cost,
            endpoint=found.endpoint.slug,
            provider=found.endpoint.provider,
            passed=found.passed,
        )

    async def count(self, asked: RelayRequest) -> int:
        parts = self._parts()
        target = await self._target(parts, asked)
        factor = parts.learned.factor(target.endpoint.slug).factor
        return xray(asked.request, Counter(target.endpoint.token_family, factor=factor)).input_tokens

    async def _target(self, parts: EngineParts, asked: RelayRequest) -> Target:
        model = asked.model or parts.settings.model or ""
        if not model:
            raise ConfigurationError(
                "The request names no model.", code="model_unknown", remedy="Name one, or set `model` in settings.toml."
            )
        wishes = {**asked.routing, **({"fallback_models": list(asked.fallbacks)} if asked.fallbacks else {})}
        key = model, json.dumps(wishes, sort_keys=True, default=str)
        now = parts.clock.monotonic()
        known = self._targets.get(key)
        if known is None or now - known[0] > TARGET_S:
            known = now, await self._resolve(model, narrowed(parts.settings.routing, wishes))
            self._targets[key] = known
            while len(self._targets) > TARGETS:
                self._targets.popitem(last=False)
        return known[1]


def _longest(target: Target, wanted: int, *, kept: bool) -> int:
    """The output to reckon with where the caller set no end: the model's own, or less where money has to be kept for it."""
    most = target.endpoint.max_output_tokens or wanted
    return min(most, wanted) if kept else most


def narrowed(own: RoutingSettings, wishes: Mapping[str, Any]) -> RoutingSettings:
    """The user's routing under a caller's wishes: what the user forbids stays forbidden. Raises `ConfigurationError`."""
    if not wishes:
        return own
    try:
        asked = RoutingSettings.model_validate({**wishes})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(
            f"provider.{name}: {first['msg']}.", code="bad_usage", remedy="docs/gateway.md lists what a request may wish."
        ) from error
    given = asked.model_fields_set
    update: dict[str, Any] = {name: getattr(asked, name) for name in given}
    if own.only:
        kept = tuple(name for name in asked.only if name in own.only) if asked.only else own.only
        if not kept:
            raise ConfigurationError("routing.only leaves none of the providers that the request allows.", code="bad_usage")
        update["only"] = kept
    update["ignore"] = tuple(dict.fromkeys((*own.ignore, *asked.ignore)))
    update["allow_fallbacks"] = own.allow_fallbacks and asked.allow_fallbacks
    update["data_collection"] = "deny" if "deny" in (own.data_collection, asked.data_collection) else "allow"
    update["zdr"] = own.zdr or asked.zdr
    update["require_parameters"] = own.require_parameters or asked.require_parameters
    update["elsewhere"] = own.elsewhere
    update["fallback_after_refusal"] = own.fallback_after_refusal
    if own.quantizations:
        update["quantizations"] = tuple(q for q in asked.quantizations if q in own.quantizations) or own.quantizations
    if own.max_price is not None:
        update["max_price"] = _cheaper(own, asked)
    return own.model_copy(update=update)


def _cheaper(own: RoutingSettings, asked: RoutingSettings) -> Any:
    assert own.max_price is not None
    if asked.max_price is None:
        return own.max_price
    pairs = {name: (getattr(own.max_price, name), getattr(asked.max_price, name)) for name in ("prompt", "completion", "request")}
    least = {name: min(one for one in pair if one is not None) for name, pair in pairs.items() if pair != (None, None)}
    return own.max_price.model_copy(update=least)
