"""One model request, with its attempts. Owns the order of effects: encode, send, decode, wait, try again.

What it yields is typed: attempts as they start and fail, deltas as they come, and one reply at the end. Until the first
visible delta a failed attempt is tried again here; after it the error is raised, since the reader has seen words that a
second attempt would not repeat.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from tallystick_agent.ports import Clock, SecretStore
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.dialects import dialect_of
from tallystick_agent.providers.http import Transport
from tallystick_agent.providers.repetition import RepetitionGuard
from tallystick_agent.providers.request import ChatRequest, Reply, StreamEvent, TextDelta, ToolCallDelta
from tallystick_agent.providers.retry import pause_before_next
from tallystick_agent.providers.sse import SseDecoder
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

    async def send(self, request: ChatRequest, endpoint: Endpoint, *, guard: bool = False) -> AsyncIterator[ClientEvent]:
        """Raises the last attempt's `ProviderError`, after an `AttemptEnded` for it.

        `guard` cuts an answer that repeats itself; its reply has finish `repetition` and no usage.
        """
        attempt = 0
        while True:
            attempt += 1
            yield AttemptStarted(attempt=attempt, endpoint=endpoint)
            run = _Attempt(endpoint, guarded=guard)
            try:
                async for event in run.stream(self._transport, request, self._key(endpoint)):
                    yield event
                return
            except ProviderError as error:
                pause = None if run.visible else pause_before_next(error, attempt=attempt, settings=self._network)
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

    def __init__(self, endpoint: Endpoint, *, guarded: bool) -> None:
        self._endpoint = endpoint
        self._dialect = dialect_of(endpoint.dialect)
        self._decoder = openai_chat.OpenAIChatDecoder(endpoint, self._dialect)
        self._guard = RepetitionGuard() if guarded else None
        self.visible = False
        self.accepted = False

    @property
    def partial(self) -> str:
        return self._decoder.text

    async def stream(self, transport: Transport, request: ChatRequest, key: str | None) -> AsyncIterator[StreamEvent | Reply]:
        wire = openai_chat if request.infill is None else openai_infill
        body = wire.encode(request, self._endpoint, self._dialect)
        async with transport.post(self._endpoint, wire.PATH, body, key) as response:
            self.accepted = True
            cut = False
            async for data in _payloads(response.chunks, event_stream=response.event_stream):
                for event in self._decoder.feed(data):
                    if isinstance(event, TextDelta | ToolCallDelta):
                        self.visible = True
                        cut = cut or (self._guard is not None and self._guard.feed(event.text))
                    yield event
                if cut:
                    break
        yield self._decoder.finish(cut=cut)


async def _payloads(chunks: AsyncIterator[bytes], *, event_stream: bool) -> AsyncIterator[str]:
    if event_stream:
        decoder = SseDecoder()
        async for chunk in chunks:
            for data in decoder.feed(chunk):
                yield data
        return
    # A server that ignores `stream` answers with one JSON object, which decodes like one large chunk.
    whole = b""
    async for chunk in chunks:
        whole += chunk
        if len(whole) > 16 * 1024 * 1024:
            raise ProviderError("The provider's answer is over 16 MiB.", retryable=False)
    text = whole.decode("utf-8", "replace").strip()
    if not text.startswith("{"):
        raise ProviderError("The provider's answer is not an event stream and not JSON.", retryable=True)
    yield text
