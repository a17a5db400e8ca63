"""One try at one endpoint. Owns the state of a try: what was shown, what may be charged, how fast it came."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Final

from tallystick_agent.ports import Clock
from tallystick_agent.protocol.chat import (
    ChatRequest,
    Payloads,
    ReasoningDelta,
    Reply,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.messages import ToolCallPart
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.health import Outcome
from tallystick_agent.providers.http import Transport
from tallystick_agent.providers.payloads import PATIENCE, Progress, lines, payloads
from tallystick_agent.providers.rate_headers import exhausted_for
from tallystick_agent.providers.repetition import RepetitionGuard
from tallystick_agent.providers.wire.formats import wire_of
from tallystick_agent.settings import NetworkSettings

_LINES: Final = ("ollama",)
"""Wires that stream lines of JSON instead of events."""
LAST_S: Final = 1.0
"""Seconds to wait for a response to close after the provider said that the answer is over; else it costs its connection."""
_LINE_FAULTS: Final = ("provider_stream_cut", "provider_timeout")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The response has begun."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the provider has counted so far."""

    usage: Usage


AttemptEvent = Accepted | Counted | StreamEvent | Payloads | Reply


class Attempt:
    def __init__(
        self,
        endpoint: Endpoint,
        request: ChatRequest,
        clock: Clock,
        network: NetworkSettings,
        idle_s: float,
        *,
        guarded: bool,
        enough: Callable[[str], bool] | None = None,
        thoughts_show: bool = False,
    ) -> None:
        """`enough` is told the text as it comes, and says when no more is wanted: the reply then ends there, with `stop`.

        `thoughts_show`: whoever reads sees thoughts as they come, so that they count as words that were shown.
        """
        self._endpoint = endpoint
        self._request = request
        self._clock = clock
        self._wire = wire_of(endpoint, request)
        self._decoder = self._wire.decoder(endpoint)
        self._patience_s, self._total_s = idle_s * PATIENCE, network.request_timeout_s
        self._guard = RepetitionGuard() if guarded else None
        self._enough = enough
        self._thoughts_show = thoughts_show
        self._passes = request.verbatim is not None and request.verbatim.wire == endpoint.wire
        self._held: list[str] = []
        """Payloads that nobody has seen yet: another attempt may still take this one's place."""
        self._start = clock.monotonic()
        self._first: float | None = None
        self._open = False
        self._broken: ProviderError | None = None
        self._counted: Usage | None = None
        self._taken = False
        """The request went out whole, and nothing came back: it may have been served."""
        self._refused = False
        """What came was no answer at all."""
        self.visible = False
        """Whether words were shown: after that no other attempt may take its place."""
        self.generation_id = ""
        self.wait_s: float | None = None
        """Seconds for which the provider says that nothing is left."""

    @property
    def accepted(self) -> bool:
        """Whether the provider may charge: it had begun to answer, or the line broke after it had taken the request.

        One that takes a request and then says nothing but that it failed does not.
        """
        return self._taken or (self._open and (self._decoder.started or (self._broken is None and not self._refused)))

    @property
    def partial(self) -> str:
        return self._decoder.partial

    async def stream(self, transport: Transport, key: str | None) -> AsyncGenerator["AttemptEvent", None]:
        """That it was accepted, the answer's events, and then its reply. Raises `ProviderError`."""
        request, endpoint, wire = self._request, self._endpoint, self._wire
        # The time that a slot was waited for is not the endpoint's.
        self._start = self._clock.monotonic()
        progress = Progress(self._clock, self._patience_s, self._total_s)
        body = wire.encode(request, endpoint)
        path, headers = wire.path(request, endpoint), wire.headers(request, endpoint)
        cut = enough = False
        try:
            async with transport.post(endpoint, path, body, key, headers, total_s=self._total_s) as response:
                self._open = True
                self.generation_id = response.generation_id
                yield Accepted()
                self.wait_s = exhausted_for(response.headers, self._clock.now())
                found = (
                    lines(response.chunks, progress)
                    if endpoint.wire in _LINES
                    else payloads(response.chunks, progress, event_stream=response.event_stream)
                )
                while (together := await self._next(found)) is not None:
                    events = joined(self._decode(together))
                    if self._decoder.running is not self._counted and self._decoder.running is not None:
                        self._counted = self._decoder.running
                        yield Counted(self._counted)
                    for event in events:
                        if self._first is None:
                            self._first = self._clock.monotonic()
                        if self._thoughts_show and isinstance(event, ReasoningDelta):
                            self.visible = True
                        if isinstance(event, TextDelta | ToolCallDelta):
                            self.visible = True
                            cut = cut or (self._guard is not None and self._guard.feed(event.text))
                            enough = enough or (self._enough is not None and self._enough(event.text))
                        yield event
                    if self.visible and self._held:
                        yield self._let_go()
                    if self._broken is not None:
                        raise self._broken
                    if cut or (enough and not self._decoder.ended):
                        break
        except ProviderError as error:
            self._refused = error.code == "provider_rejected"
            self._taken = self._taken or error.taken
            if not self._whole_before(error):
                raise
        if enough and not cut and not self._decoder.ended:
            yield replace(self._decoder.finish(cut=True), finish="stop")
            return
        reply = self._decoder.finish(cut=cut)
        if self._held:
            yield self._let_go()
        yield reply

    def _let_go(self) -> Payloads:
        seen, self._held = Payloads(data=tuple(self._held)), []
        return seen

    async def _next(self, found: AsyncIterator[list[str]]) -> list[str] | None:
        """What comes next. After the end was said nothing is to come: a line that stays open is left to itself."""
        try:
            if not self._decoder.ended:
                return await anext(found)
            async with asyncio.timeout(LAST_S):
                return await anext(found)
        except (StopAsyncIteration, TimeoutError):
            return None

    def _whole_before(self, error: ProviderError) -> bool:
        """Whether the answer and its usage had come before the line broke: then nothing is missing."""
        if error is self._broken or not self._open or error.code not in _LINE_FAULTS:
            return False
        with contextlib.suppress(ProviderError):
            return self._decoder.finish().usage is not None
        return False

    def _decode(self, together: list[str]) -> list[StreamEvent]:
        """The events of payloads that came together. What came before an error is given first, and then the error raised."""
        events: list[StreamEvent] = []
        feed = self._decoder.feed
        try:
            for data in together:
                events += feed(data)
                if self._passes:
                    self._held.append(data)
        except ProviderError as error:
            self._broken = error
        return events

    def outcome(self, reply: Reply) -> Outcome:
        """What a success says of the endpoint."""
        now = self._clock.monotonic()
        tokens = reply.usage.output_tokens if reply.usage is not None else 0
        spent = now - self._first if self._first is not None else 0.0
        calls = [part for part in reply.message.parts if isinstance(part, ToolCallPart)]
        names = {tool.name for tool in self._request.tools}
        return Outcome(
            ok=True,
            first_token_s=self._first - self._start if self._first is not None else None,
            # A few tokens say nothing of a speed.
            tokens_per_s=tokens / spent if tokens >= 20 and spent > 0.05 else None,
            calls=len(calls),
            faulty_calls=sum(call.name not in names or not _is_object(call.arguments) for call in calls),
        )


def joined(events: list[StreamEvent]) -> list[StreamEvent]:
    """Pieces of the same text that came together as one: a reader sees no difference, and every layer has less to do."""
    if len(events) < 2:
        return events
    found: list[StreamEvent] = []
    texts: list[str] = []
    last = events[0]

    def close() -> None:
        found.append(last if len(texts) == 1 else replace(last, text="".join(texts)))

    for event in events:
        same = type(event) is type(last) and (
            not isinstance(event, ToolCallDelta)
            or not isinstance(last, ToolCallDelta)
            or (event.index, event.name) == (last.index, last.name)
        )
        if not same:
            close()
            texts = []
        last = event
        texts.append(event.text)
    close()
    return found


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text or "{}"), dict)
    except (ValueError, RecursionError):
        return False
