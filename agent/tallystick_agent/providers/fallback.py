"""What to try after a failed attempt. Pure: the order, what failed and how in; the next endpoint and pause, or the end, out.

While nothing was shown, the next endpoint is tried at once. When all were tried, those that may recover are tried again
after a pause, the one that is ready first. What belongs to an account is not tried with the same key again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tallystick_agent.protocol.errors import ContextOverflow, ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.retry import pause_before_next
from tallystick_agent.settings import NetworkSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """One failed attempt; `place` is its endpoint's place in the order."""

    place: int
    error: ProviderError
    at: float
    """Seconds of the clock that `now` is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryNext:
    place: int
    pause_s: float


def after_failure(
    order: tuple[Endpoint, ...],
    failed: tuple[Failed, ...],
    settings: NetworkSettings,
    *,
    now: float,
    refusals_may_move: bool = False,
    ready_in: Callable[[Endpoint], float] = lambda endpoint: 0.0,
) -> TryNext | None:
    """The next attempt, or `None` when the last failure is final. `failed` is in order of time and not empty.

    `ready_in`: seconds until an endpoint may be asked, where its provider wants to be left alone.
    """
    last = failed[-1].error
    if last.code == "bad_settings" or (last.code == "provider_content_filter" and not refusals_may_move):
        return None
    tried = {one.place for one in failed}
    fresh = [
        (ready_in(endpoint), place)
        for place, endpoint in enumerate(order)
        if place not in tried and _may_help(endpoint, order, failed)
    ]
    for wait, place in fresh:
        if wait <= 0:
            return TryNext(place=place, pause_s=0.0)
    spent = len(failed) >= settings.max_attempts + len(order) - 1
    again = None if spent else _again(order, failed, settings, now)
    waiting = min((one for one in fresh if one[0] <= settings.max_retry_after_s), default=None)
    if waiting is not None and (again is None or waiting[0] <= again.pause_s):
        return TryNext(place=waiting[1], pause_s=waiting[0])
    return again


def _may_help(endpoint: Endpoint, order: tuple[Endpoint, ...], failed: tuple[Failed, ...]) -> bool:
    for one in failed:
        before = order[one.place]
        if one.error.account and _same_account(one.error, before, endpoint):
            return False
        if isinstance(one.error, ContextOverflow):
            needed = one.error.prompt_tokens or one.error.limit_tokens or before.window_tokens
            if needed is None or endpoint.window_tokens is None or endpoint.window_tokens <= needed:
                return False
    return True


def _same_account(error: ProviderError, before: Endpoint, endpoint: Endpoint) -> bool:
    if before.key_name != endpoint.key_name or before.provider != endpoint.provider:
        return False
    # A limit may be that of a part of the account, such as its free models.
    return error.code != "provider_rate_limited" or before.limits.account == endpoint.limits.account


def _again(order: tuple[Endpoint, ...], failed: tuple[Failed, ...], settings: NetworkSettings, now: float) -> TryNext | None:
    found: list[tuple[float, int]] = []
    final = tuple(one for one in failed if not one.error.retryable)
    for place, endpoint in enumerate(order):
        mine = [one for one in failed if one.place == place]
        if not mine or not _may_help(endpoint, order, final):
            continue
        pause = pause_before_next(mine[-1].error, attempt=len(mine), settings=settings)
        if pause is not None:
            found.append((max(0.0, mine[-1].at + pause - now), place))
    if not found:
        return None
    pause, place = min(found)
    return TryNext(place=place, pause_s=pause)
