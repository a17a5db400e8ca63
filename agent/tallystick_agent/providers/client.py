"""One model request, with its attempts. Owns the order of effects: encode, send, decode, wait, try again.

What it yields is typed: attempts as they start and fail, deltas as they come, and one reply at the end. Until the first
visible delta a failed attempt is tried again here; after it the error is raised, since the reader has seen words that a
second attempt would not repeat.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from tallystick_agent.ports import Clock, SecretStore
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.dialects import dialect_of
from tallystick_agent.providers.http import Transport
from tallystick_agent.providers.payloads import PATIENCE, Progress, payloads
from tallystick_agent.providers.repetition import RepetitionGuard
from tallystick_agent.providers.request import ChatRequest, Reply, StreamEvent, TextDelta, ToolCallDelta
from tallystick_agent.providers.retry import pause_before_next
from tallystick_agent.providers.wire import openai_chat, openai_infill
from tallystick_agent.settings import NetworkSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    attempt: int
    endpoint: Endpoint


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


ClientEvent = StreamEvent | AttemptStarted | AttemptEnded | Reply


class ModelClient:
    def __init__(self, transport: Transport, secrets: SecretStore, clock: Clock, network: NetworkSettings) -> None:
        self._transport = transport
        self._secrets = secrets
        self._clock = clock
        self._network = network

    async def send(
        self, request: ChatRequest, endpoint: Endpoint, *, guard: bool = False, may_try: Callable[[], None] = lambda: None
    ) -> AsyncIterator[ClientEvent]:
        """Raises the last attempt's `ProviderError`, after an `AttemptEnded` for it.

        `may_try` is asked before each further attempt and raises where the turn's limits allow no more.
        `guard` cuts an answer that repeats itself; its reply has finish `repetition` and no usage.
        """
        attempt = 0
        while True:
            attempt += 1
            yield AttemptStarted(attempt=attempt, endpoint=endpoint)
            run = _Attempt(endpoint, self._clock, self._network.idle_timeout_s, guarded=guard)
            try:
                async for event in run.stream(self._transport, request, self._key(endpoint)):
                    yield event
                return
            except ProviderError as error:
                pause = None if run.visible else pause_before_next(error, attempt=attempt, settings=self._network)
                if pause is None and (error.retry_after_s or 0) > self._network.max_retry_after_s:
                    limit = f"{self._network.max_retry_after_s:g} s"
                    error.remedy = f"It asks to wait {error.retry_after_s:g} s; network.max_retry_after_s allows {limit}."
                yield AttemptEnded(
                    attempt=attempt,
                    endpoint=endpoint,
                    error=error,
                    partial=run.partial,
                    accepted=run.accepted,
                    retry_in_s=pause,
                )
                if pause is None:
                    raise
                may_try()
                await self._clock.sleep(pause)

    def _key(self, endpoint: Endpoint) -> str | None:
        if endpoint.key_name is None:
            return None
        key = self._secrets.get(endpoint.key_name)
        if not key:
            raise ProviderError(
                f"There is no key for {endpoint.provider}.",
                code="provider_auth",
                remedy=f"Set {endpoint.key_name} in the environment or in the keys file.",
            )
        return key


class _Attempt:
    """The state of one try."""

    def __init__(self, endpoint: Endpoint, clock: Clock, idle_s: float, *, guarded: bool) -> None:
        self._endpoint = endpoint
        self._progress = Progress(clock, max(idle_s, endpoint.idle_timeout_s if endpoint.idle_timeout_s > 60 else 0) * PATIENCE)
        self._dialect = dialect_of(endpoint.dialect)
        self._decoder = openai_chat.OpenAIChatDecoder(endpoint, self._dialect)
        self._guard = RepetitionGuard() if guarded else None
        self.visible = False
        self._open = self._silent = False

    @property
    def accepted(self) -> bool:
        """Whether the provider may charge: it had begun to answer, or broke off after it had taken the request."""
        return self._open and (self._decoder.started or self._silent)

    @property
    def partial(self) -> str:
        return self._decoder.text

    async def stream(self, transport: Transport, request: ChatRequest, key: str | None) -> AsyncIterator[StreamEvent | Reply]:
        wire = openai_chat if request.infill is None else openai_infill
        body = wire.encode(request, self._endpoint, self._dialect)
        async with transport.post(self._endpoint, wire.PATH, body, key) as response:
            self._open, self._silent = True, True
            cut = False
            async for data in payloads(response.chunks, self._progress, event_stream=response.event_stream):
                self._silent = False
                for event in self._decoder.feed(data):
                    if isinstance(event, TextDelta | ToolCallDelta):
                        self.visible = True
                        cut = cut or (self._guard is not None and self._guard.feed(event.text))
                    yield event
                if cut:
                    break
        yield self._decoder.finish(cut=cut)
