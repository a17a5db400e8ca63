"""One model request, with its attempts over the endpoints that may serve it. Owns the order of effects: pace, send, wait,
try again, try elsewhere.

What it yields is typed: attempts as they start and fail, deltas as they come, and one reply at the end. Until the first
visible delta a failed attempt is tried again here; after it the error is raised, since the reader has seen words that a
second attempt would not repeat.
"""

import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from tallystick_agent.ports import Clock, SecretStore
from tallystick_agent.protocol.chat import ChatRequest, Payloads, Reply, StreamEvent
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.account_check import AccountCheck
from tallystick_agent.providers.attempt import Accepted, Attempt, Counted
from tallystick_agent.providers.fallback import Failed, TryNext, after_failure
from tallystick_agent.providers.health import HealthBoard, Outcome
from tallystick_agent.providers.http import Transport, origin_of
from tallystick_agent.providers.pacing import Pacer
from tallystick_agent.settings import NetworkSettings

SHOWN_WAIT_S = 1.0
"""A shorter wait for a slot is not worth a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    attempt: int
    endpoint: Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptWaits:
    """The account's limit lets the attempt go in so many seconds."""

    endpoint: Endpoint
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptAccepted:
    """The provider answers. With the id, what the attempt cost can be asked of it later."""

    generation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCounted:
    """What the provider has counted so far; better than our estimate where the attempt breaks."""

    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded:
    """An attempt that failed. `partial` is what had been generated, for the estimate in the ledger."""

    attempt: int
    endpoint: Endpoint
    error: ProviderError
    partial: str
    accepted: bool
    """True once the provider had answered 200: it may charge for the attempt."""
    retry_in_s: float | None
    """Seconds until the next attempt, here or elsewhere; `None` when there is none."""
    generation_id: str = ""
    refused: Reply | None = None
    """The whole answer of a filter, with its usage, where the next model may answer instead."""


ClientEvent = StreamEvent | Payloads | AttemptStarted | AttemptWaits | AttemptAccepted | AttemptCounted | AttemptEnded | Reply


def _limited(endpoint: Endpoint) -> str:
    """What a provider's wish to wait holds for: the account where its limits are known to be that, else the endpoint alone.

    A router passes on the limits of the provider behind one model, which say nothing of another.
    """
    return endpoint.limits.account if endpoint.limits.any else endpoint.slug


def _refusal() -> ProviderError:
    return ProviderError(
        "The provider's filter stopped the answer.", code="provider_content_filter", remedy="Change the prompt or the model."
    )


def _same(request: ChatRequest, endpoint: Endpoint) -> ChatRequest:
    return request


def _unknown(endpoint: Endpoint) -> int:
    return 0


def _always(endpoint: Endpoint) -> None:
    return None


class ModelClient:
    def __init__(
        self,
        transport: Transport,
        secrets: SecretStore,
        clock: Clock,
        network: NetworkSettings,
        *,
        pacer: Pacer,
        health: HealthBoard,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._transport = transport
        self._secrets = secrets
        self._clock = clock
        self._network = network
        self._pacer = pacer
        self._account = AccountCheck(transport, pacer, clock)
        self._spread = spread
        self._blocked: dict[str, float] = {}
        self.health = health

    async def send(
        self,
        request: ChatRequest,
        order: tuple[Endpoint, ...],
        *,
        guard: bool = False,
        may_try: Callable[[Endpoint], None] = _always,
        fitted: Callable[[ChatRequest, Endpoint], ChatRequest] = _same,
        tokens: Callable[[Endpoint], int] = _unknown,
        refusals_may_move: bool = False,
        once: bool = False,
        enough: Callable[[str], bool] | None = None,
        thoughts_show: bool = False,
    ) -> AsyncGenerator[ClientEvent, None]:
        """Raises the last attempt's `ProviderError`, after an `AttemptEnded` for it.

        `order` is the router's and not empty. `may_try` is asked before each further attempt and raises where the turn's
        limits allow no more. `fitted` cuts the request to an endpoint's limits. `tokens` is what an account's limit of tokens
        is charged with. `guard` cuts an answer that repeats itself; its reply has finish `repetition` and no usage.
        `once` makes the first attempt the only one. `enough` is told the text as it comes and says when no more is wanted.
        `thoughts_show` makes thoughts count as visible.
        """
        failed: list[Failed] = []
        place = 0
        while True:
            endpoint, refused = order[place], None
            run = self._attempt(endpoint, fitted(request, endpoint), guard, enough, shows=thoughts_show)
            try:
                key = self._key(endpoint)
                await self._account.look(endpoint, key)
                async with self._pacer.slot(endpoint, tokens(endpoint)) as turn:
                    # Looked at again after each sleep: a limit may have been met by others meanwhile.
                    while (wait := self._asked_to_wait(endpoint) or await turn.ready_in()) > 0:
                        if wait >= SHOWN_WAIT_S:
                            yield AttemptWaits(endpoint=endpoint, seconds=wait)
                        await self._clock.sleep(wait)
                yield AttemptStarted(attempt=len(failed) + 1, endpoint=endpoint)
                # A reader who stops must not wait for a collector until the provider hears of it.
                async with aclosing(run.stream(self._transport, key)) as stream:
                    async for event in stream:
                        if isinstance(event, Accepted):
                            yield AttemptAccepted(generation_id=run.generation_id)
                            continue
                        if isinstance(event, Counted):
                            yield AttemptCounted(usage=event.usage)
                            continue
                        if isinstance(event, Reply):
                            await self._served(endpoint, run, event)
                            if event.finish == "content_filter" and refusals_may_move and not run.visible:
                                refused = event
                                raise _refusal()
                        yield event
                return
            except ProviderError as error:
                failed.append(Failed(place=place, error=error, at=self._clock.monotonic()))
                following = None if run.visible else await self._after(order, failed, refusals_may_move)
                following = None if once else following
                pause = following.pause_s if following is not None else None
                self._remedy(error, endpoint, final=following is None)
                yield AttemptEnded(
                    attempt=len(failed),
                    endpoint=endpoint,
                    error=error,
                    partial=run.partial,
                    accepted=run.accepted,
                    retry_in_s=pause,
                    generation_id=run.generation_id,
                    refused=refused,
                )
                if following is None:
                    raise
                place = following.place
                may_try(order[place])
                await self._clock.sleep(following.pause_s)

    def _attempt(
        self, endpoint: Endpoint, request: ChatRequest, guard: bool, enough: Callable[[str], bool] | None, *, shows: bool
    ) -> Attempt:
        idle = self._transport.idle_s(endpoint)
        return Attempt(endpoint, request, self._clock, self._network, idle, guarded=guard, enough=enough, thoughts_show=shows)

    def closed(self, endpoints: tuple[Endpoint, ...]) -> dict[str, str]:
        """Endpoints that have no room under their account's limits now, and why, by slug."""
        now = self._clock.monotonic()
        found = self._pacer.full(endpoints)
        for one in endpoints:
            until = self._blocked_until(one)
            if until > now:
                found.setdefault(one.slug, f"asked to wait another {until - now:.0f} s")
        return found

    def _blocked_until(self, endpoint: Endpoint) -> float:
        return self._blocked.get(_limited(endpoint), 0.0)

    def _asked_to_wait(self, endpoint: Endpoint) -> float:
        """Seconds that the provider still wants. Raises `ProviderError` where the settings allow fewer; nothing is sent then."""
        asked = max(0.0, self._blocked_until(endpoint) - self._clock.monotonic())
        if asked > self._network.max_retry_after_s:
            raise ProviderError(
                f"{endpoint.slug} asked to wait another {asked:.0f} s.",
                code="provider_rate_limited",
                retry_after_s=asked,
                remedy=f"Use another model, or wait; network.max_retry_after_s allows {self._network.max_retry_after_s:g} s.",
            )
        return asked

    async def _served(self, endpoint: Endpoint, run: Attempt, reply: Reply) -> None:
        self.health.seen(endpoint.slug, run.outcome(reply), self._clock.monotonic())
        # How long until a limit is full again says little of when the next request may come: a long wait is left to a refusal.
        if run.wait_s is not None and run.wait_s <= self._network.max_retry_after_s:
            await self._block(endpoint, run.wait_s)

    async def _after(self, order: tuple[Endpoint, ...], failed: list[Failed], refusals_may_move: bool) -> TryNext | None:
        """Tells the board and the limits of the newest failure, and decides what comes next."""
        error, endpoint = failed[-1].error, order[failed[-1].place]
        self.health.seen(endpoint.slug, Outcome(ok=False, code=error.code), self._clock.monotonic())
        if error.code == "provider_rate_limited" and error.status == 429 and error.retry_after_s:
            await self._block(endpoint, error.retry_after_s)
        now = self._clock.monotonic()
        following = after_failure(
            order,
            tuple(failed),
            self._network,
            now=now,
            refusals_may_move=refusals_may_move,
            ready_in=lambda one: max(0.0, self._blocked_until(one) - now),
        )
        if following is not None and following.pause_s > 0 and error.retry_after_s is None:
            # Sessions that failed together must not come back together.
            following = TryNext(place=following.place, pause_s=following.pause_s * (0.75 + 0.5 * self._spread()))
        return following

    async def _block(self, endpoint: Endpoint, seconds: float) -> None:
        name = _limited(endpoint)
        self._blocked[name] = max(self._blocked.get(name, 0.0), self._clock.monotonic() + seconds)
        windowed = endpoint.limits.requests is not None or endpoint.limits.tokens is not None
        if windowed and seconds <= self._network.max_retry_after_s:
            await self._pacer.block(endpoint, seconds)

    def _remedy(self, error: ProviderError, endpoint: Endpoint, *, final: bool) -> None:
        if error.status == 401 and endpoint.key_name is not None:
            error.remedy = f"{endpoint.slug} refused the key in {endpoint.key_name}; `tallystick keys` shows where it is kept."
        if final and not error.remedy and (error.retry_after_s or 0) > self._network.max_retry_after_s:
            limit = f"{self._network.max_retry_after_s:g} s"
            error.remedy = f"It asks to wait {error.retry_after_s:g} s; network.max_retry_after_s allows {limit}."

    def _key(self, endpoint: Endpoint) -> str | None:
        if endpoint.key_name is None:
            return None
        key = self._secrets.get(endpoint.key_name, origin_of(endpoint.base_url))
        if not key:
            raise ProviderError(
                f"There is no key for {endpoint.provider}.",
                code="provider_auth",
                account=True,
                remedy=f"Set {endpoint.key_name} in the environment, or run: tallystick keys set {endpoint.key_name}",
            )
        return key
