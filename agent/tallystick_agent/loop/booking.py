"""The books of one request: every attempt becomes one row, whatever becomes of it. Owns the estimates where nobody counted."""

from dataclasses import dataclass, replace
from typing import Final, Protocol

from tallystick_agent.context.assemble import output_segments
from tallystick_agent.protocol.chat import Reply
from tallystick_agent.protocol.events import AttemptFailed, Purpose, RequestFinished
from tallystick_agent.protocol.ids import RequestId
from tallystick_agent.protocol.messages import AssistantMessage, TextPart
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.providers.client import AttemptEnded
from tallystick_agent.tokens.counter import Counter
from tallystick_agent.usage.composition import scale
from tallystick_agent.usage.pricing import price_usage

REASONING: Final = "output:reasoning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What one attempt came to."""

    endpoint: Endpoint
    attempt: int
    step: int
    generation_id: str
    usage: Usage
    cost: Cost
    segments: tuple[Segment, ...]
    finish: str
    error_code: str
    latency_ms: int
    first_token_ms: int | None
    served_by: str = ""
    """The provider behind an aggregator, as it names it."""
    tool_calls: int = 0


class Books(Protocol):
    """Where a booking goes."""

    def now(self) -> float: ...

    def counted(self) -> int:
        """Counts one more request and gives its number within the turn."""
        ...

    def counter_for(self, endpoint: Endpoint) -> Counter: ...

    async def learn(self, endpoint: Endpoint, *, estimated: int, reported: int) -> None: ...

    async def book(self, booking: "Booking", paid: Paid, event: RequestFinished) -> None: ...

    async def tell(self, event: AttemptFailed) -> None: ...


class Booking:
    def __init__(
        self,
        books: Books,
        request_id: RequestId,
        purpose: Purpose,
        candidates: tuple[Endpoint, ...],
        segments: tuple[Segment, ...],
        estimates: dict[str, int],
        *,
        tools: int = 0,
        images: int = 0,
    ) -> None:
        """`estimates`: input tokens by slug of the endpoint. `tools` were offered, and `images` are in the input."""
        self._books = books
        self.request_id = request_id
        self.purpose: Purpose = purpose
        self.tools = tools
        self.images = images
        self.partial: list[str] = []
        self._candidates = candidates
        self._segments = segments
        self._estimates = estimates
        self._endpoint = candidates[0]
        self._attempt = 0
        self._step = 0
        self._started = 0.0
        self._first: float | None = None
        self._generation = ""
        self._running: Usage | None = None
        self._booked = True

    def start(self, attempt: int, endpoint: Endpoint) -> None:
        self._attempt, self._endpoint, self._started = attempt, endpoint, self._books.now()
        self._first, self._generation, self._running, self._booked = None, "", None, False
        self._step = self._books.counted()
        self.partial.clear()

    def accepted(self, generation_id: str) -> None:
        """The provider has taken the request; with the id, what an attempt that breaks really cost can be asked later."""
        self._generation = generation_id

    def counted(self, usage: Usage) -> None:
        """What the provider has counted so far. It stands in for our estimate where the attempt breaks."""
        self._running = usage

    def piece(self, text: str) -> None:
        self._first = self._books.now() if self._first is None else self._first
        self.partial.append(text)

    def pending(self, attempt: int, endpoint: Endpoint, step: int) -> Paid:
        """What is booked of an attempt that is about to be sent, where nothing more is ever heard of it."""
        usage = Usage(input_tokens=self._estimates[endpoint.slug], source="estimated")
        return Paid(
            endpoint=endpoint,
            attempt=attempt,
            step=step,
            generation_id="",
            usage=usage,
            cost=Cost(priced_nanos=price_usage(usage, endpoint.price)),
            segments=scale(self._segments, usage.input_tokens),
            finish="lost",
            error_code="interrupted",
            latency_ms=0,
            first_token_ms=None,
        )

    async def finished(self, reply: Reply, *, error_code: str = "") -> Usage:
        usage = reply.usage or self._estimated(
            "".join(p.text if p.kind != "tool_call" else p.arguments for p in reply.message.parts)
        )
        self._endpoint = self._served(reply)
        outputs = output_segments(reply.message, self._counter)
        await self._book(
            usage,
            reply.finish,
            outputs,
            provider_nanos=reply.provider_nanos,
            generation_id=reply.generation_id or self._generation,
            error_code=error_code,
            served_by=reply.served_by,
            tool_calls=sum(part.kind == "tool_call" for part in reply.message.parts),
        )
        estimated = self._estimates.get(self._endpoint.slug)
        if reply.usage is not None and estimated is not None:
            await self._books.learn(self._endpoint, estimated=estimated, reported=usage.input_tokens)
        return usage

    async def failed(self, event: AttemptEnded) -> None:
        self._generation = event.generation_id or self._generation
        if event.refused is not None:
            await self.finished(event.refused, error_code=event.error.code)
        elif event.accepted:
            # The provider took the request: it may charge for it, and nobody said how much.
            usage = self._estimated(event.partial)
            outputs = self._spoken(event.partial)
            await self._book(usage, "failed", outputs, generation_id=self._generation, error_code=event.error.code)
        elif not self._booked:
            await self._book(Usage(), "failed", (), error_code=event.error.code)
        await self._books.tell(
            AttemptFailed(
                request_id=self.request_id,
                endpoint=event.endpoint.slug,
                attempt=event.attempt,
                code=event.error.code,
                message=event.error.message,
                retry_in_s=event.retry_in_s,
            )
        )

    async def aborted(self) -> None:
        """The user stopped it: what was generated until then is an estimate."""
        if self._booked:
            return
        text = "".join(self.partial)
        usage, outputs = self._estimated(text), self._spoken(text)
        await self._book(usage, "aborted", outputs, generation_id=self._generation, error_code="interrupted")

    @property
    def endpoint(self) -> Endpoint:
        """Who served, as far as is known."""
        return self._endpoint

    @property
    def _counter(self) -> Counter:
        return self._books.counter_for(self._endpoint)

    def _served(self, reply: Reply) -> Endpoint:
        """The endpoint to book: a router may have served from another of our fallback models, at that one's price."""
        if not self._endpoint.aggregator or not reply.served_model:
            return self._endpoint
        for one in self._candidates:
            if one.provider == self._endpoint.provider and one.model == reply.served_model:
                return one
        return self._endpoint

    def _spoken(self, text: str) -> tuple[Segment, ...]:
        return output_segments(AssistantMessage(parts=(TextPart(text=text),)), self._counter) if text else ()

    def _estimated(self, text: str) -> Usage:
        spoken = self._counter.text(text) if text else 0
        if self._running is not None:
            outputs = max(spoken, self._running.output_tokens)
            return replace(self._running, output_tokens=outputs, source="estimated")
        return Usage(input_tokens=self._estimates[self._endpoint.slug], output_tokens=spoken, source="estimated")

    async def _book(
        self,
        usage: Usage,
        finish: str,
        outputs: tuple[Segment, ...],
        *,
        provider_nanos: int | None = None,
        generation_id: str = "",
        error_code: str = "",
        served_by: str = "",
        tool_calls: int = 0,
    ) -> None:
        self._booked = True
        cost = Cost(provider_nanos=provider_nanos, priced_nanos=price_usage(usage, self._endpoint.price))
        paid = Paid(
            endpoint=self._endpoint,
            attempt=self._attempt,
            step=self._step,
            generation_id=generation_id,
            usage=usage,
            cost=cost,
            segments=scale(self._segments, usage.input_tokens) + _outputs(outputs, usage),
            finish=finish,
            error_code=error_code,
            latency_ms=int((self._books.now() - self._started) * 1000),
            first_token_ms=int((self._first - self._started) * 1000) if self._first is not None else None,
            served_by=served_by,
            tool_calls=tool_calls,
        )
        event = RequestFinished(
            request_id=self.request_id,
            purpose=self.purpose,
            endpoint=paid.endpoint.slug,
            finish=finish,
            usage=usage,
            cost=cost,
            segments=paid.segments,
            generation_id=generation_id,
            latency_ms=paid.latency_ms,
            first_token_ms=paid.first_token_ms,
        )
        await self._books.book(self, paid, event)


def _outputs(spoken: tuple[Segment, ...], usage: Usage) -> tuple[Segment, ...]:
    """What the output was: thoughts as the provider counted them, shown or not, and the rest in proportion."""
    thought = min(usage.reasoning_tokens, usage.output_tokens)
    if not thought:
        return scale(spoken, usage.output_tokens)
    rest = tuple(one for one in spoken if one.name != REASONING)
    return (Segment(name=REASONING, tokens=thought), *scale(rest, usage.output_tokens - thought))
