"""One question to a model: X-ray, gate, attempts, stream, and the books. Owns the order of those.

Whatever becomes of an attempt, it is in the ledger before its result is used.
"""

import asyncio
from dataclasses import dataclass, field, replace

from tallystick_agent.context.assemble import output_segments, xray
from tallystick_agent.context.budget import room
from tallystick_agent.loop.gate import Spent, reserve
from tallystick_agent.loop.parts import EngineParts, SessionOptions
from tallystick_agent.loop.recorder import Recorder
from tallystick_agent.protocol.errors import ContextOverflow, ProviderError
from tallystick_agent.protocol.events import (
    AttemptFailed,
    ItemDelta,
    ItemFinished,
    ItemStarted,
    MessageItem,
    Purpose,
    ReasoningItem,
    RequestFinished,
    RequestPlanned,
    RequestStarted,
)
from tallystick_agent.protocol.ids import ItemId, RequestId
from tallystick_agent.protocol.messages import AssistantMessage, TextPart
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Budget, Cost, Segment, Usage
from tallystick_agent.providers.client import AttemptEnded, AttemptStarted
from tallystick_agent.providers.request import ChatRequest, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from tallystick_agent.providers.router import Need, route
from tallystick_agent.tokens.calibration import Calibration
from tallystick_agent.tokens.counter import Counter
from tallystick_agent.usage.composition import scale
from tallystick_agent.usage.pricing import price_usage, worst_case
from tallystick_agent.usage.record import Attribution, LedgerRow

PIECE_S = 0.05
PIECE_EVENTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An answer, booked. `items` are its streamed items, to be finished when the answer is kept."""

    reply: Reply
    items: tuple[tuple[ItemId, MessageItem | ReasoningItem], ...]
    usage: Usage


@dataclass(slots=True)
class _Stream:
    """One attempt's visible side: which items were opened, and what waits to be shown."""

    open: dict[str, ItemId] = field(default_factory=lambda: {})
    waiting: dict[str, list[str]] = field(default_factory=lambda: {})
    count: int = 0
    since: float = 0.0
    first_token: float | None = None


class Asker:
    """Asks for one turn. Holds the turn's spending."""

    def __init__(self, parts: EngineParts, options: SessionOptions, recorder: Recorder, budget: Budget) -> None:
        self._parts = parts
        self._options = options
        self._recorder = recorder
        self._budget = budget
        self._calibration = Calibration()
        self.spent = Spent()
        self.usage = Usage()
        self.cost = Cost(priced_nanos=0)
        self.visible = False
        """Whether the last request had shown words before it failed."""

    @property
    def counter(self) -> Counter:
        return Counter(self._options.endpoint.token_family, factor=self._calibration.factor)

    async def ask(
        self, request: ChatRequest, endpoint: Endpoint, purpose: Purpose, *, show: bool = True, guard: bool = False
    ) -> Asked:
        """Raises `ContextOverflow` before sending what cannot fit, `TallystickError` at the gate, `ProviderError` after it."""
        counter = self.counter
        plan = xray(request, counter)
        space = room(
            input_tokens=plan.input_tokens,
            window=endpoint.window_tokens,
            wanted_output=request.max_output_tokens,
            model_output=endpoint.max_output_tokens,
            band=counter.band,
        )
        if not space.fits:
            raise ContextOverflow(f"It is about {space.over} tokens too long.", limit_tokens=endpoint.window_tokens)
        output = reserve(
            self._budget, self.spent, input_tokens=plan.input_tokens, output_tokens=space.output, price=endpoint.price
        )
        request = replace(request, max_output_tokens=output)
        request_id = RequestId(self._parts.ids.new("req"))
        await self._recorder.emit(
            RequestPlanned(
                request_id=request_id,
                purpose=purpose,
                segments=plan.segments,
                input_tokens=plan.input_tokens,
                reserved_output_tokens=output,
                window_tokens=endpoint.window_tokens,
                error_band=counter.band,
                max_cost_nanos=worst_case(plan.input_tokens, output, endpoint.price),
            )
        )
        booking = _Booking(self, request_id, purpose, endpoint, plan.segments, plan.input_tokens, counter)
        return await self._attempts(request, endpoint, booking, show=show, guard=guard)

    async def _attempts(self, request: ChatRequest, endpoint: Endpoint, booking: "_Booking", *, show: bool, guard: bool) -> Asked:
        reason = route((endpoint,), Need(input_tokens=booking.estimate, output_tokens=request.max_output_tokens)).order[0].reason
        stream = _Stream()
        self.visible = False

        def may_try() -> None:
            wanted = request.max_output_tokens
            reserve(self._budget, self.spent, input_tokens=booking.estimate, output_tokens=wanted, price=endpoint.price)

        try:
            async for event in self._parts.client.send(request, endpoint, guard=guard, may_try=may_try):
                match event:
                    case AttemptStarted(attempt=attempt):
                        booking.start(attempt, self._parts.clock.monotonic())
                        started = RequestStarted(
                            request_id=booking.request_id, endpoint=endpoint.slug, reason=reason, attempt=attempt
                        )
                        await self._recorder.emit(started)
                    case AttemptEnded():
                        await booking.failed(event)
                    case TextDelta() | ReasoningDelta() | ToolCallDelta():
                        booking.first_token(self._parts.clock.monotonic())
                        booking.partial.append(event.text)
                        self.visible = self.visible or isinstance(event, TextDelta | ToolCallDelta)
                        if show and not isinstance(event, ToolCallDelta):
                            await self._show(stream, event)
                    case Reply() as reply:
                        await self._flush(stream)
                        usage = await booking.finished(reply)
                        return Asked(reply=reply, items=self._items(stream, reply), usage=usage)
        except BaseException:
            # Cancelled, a full disk, a bug: what was asked for is in the books all the same.
            await booking.aborted()
            raise
        raise ProviderError("The provider gave no answer.", retryable=False)

    async def _show(self, stream: _Stream, event: TextDelta | ReasoningDelta) -> None:
        kind = "text" if isinstance(event, TextDelta) else "reasoning"
        if kind not in stream.open:
            await self._flush(stream)
            stream.open[kind] = ItemId(self._parts.ids.new("item"))
            item = MessageItem() if kind == "text" else ReasoningItem()
            await self._recorder.emit(ItemStarted(item_id=stream.open[kind], item=item))
        stream.waiting.setdefault(kind, []).append(event.text)
        stream.count += 1
        now = self._parts.clock.monotonic()
        if stream.count >= PIECE_EVENTS or now - stream.since >= PIECE_S:
            await self._flush(stream)
            stream.since = now

    async def _flush(self, stream: _Stream) -> None:
        for kind, pieces in stream.waiting.items():
            await self._recorder.emit(ItemDelta(item_id=stream.open[kind], text="".join(pieces)))
        stream.waiting.clear()
        stream.count = 0

    def _items(self, stream: _Stream, reply: Reply) -> tuple[tuple[ItemId, MessageItem | ReasoningItem], ...]:
        found: list[tuple[ItemId, MessageItem | ReasoningItem]] = []
        for part in reply.message.parts:
            if part.kind == "text" and "text" in stream.open:
                found.append((stream.open["text"], MessageItem(text=part.text)))
            elif part.kind == "reasoning":
                item_id = stream.open.get("reasoning") or ItemId(self._parts.ids.new("item"))
                found.append((item_id, ReasoningItem(text=part.text, native=part.native, endpoint=part.endpoint)))
        return tuple(found)

    async def keep(self, asked: Asked) -> None:
        """Finishes the answer's items: it is part of the history from here on."""
        for item_id, item in asked.items:
            await self._recorder.emit(ItemFinished(item_id=item_id, item=item))

    async def book(self, row: LedgerRow, event: RequestFinished) -> None:
        """Adds a row, counts it against the budget, and tells the hosts."""
        await asyncio.shield(asyncio.to_thread(self._parts.ledger.append, row))
        nanos = row.cost.nanos
        self.usage = self.usage.plus(row.usage)
        known = self.cost.nanos is not None and nanos is not None
        self.cost = Cost(priced_nanos=(self.cost.nanos or 0) + (nanos or 0)) if known else Cost()
        self.spent = replace(self.spent, tokens=self.spent.tokens + row.usage.total_tokens, nanos=self.spent.nanos + (nanos or 0))
        await self._recorder.emit(event, durable=True)

    def learn(self, *, estimated: int, reported: int) -> None:
        self._calibration = self._calibration.observe(estimated=estimated, reported=reported)

    def counted(self) -> int:
        """Counts one more request and gives its number within the turn."""
        self.spent = replace(self.spent, requests=self.spent.requests + 1)
        return self.spent.requests

    def row(self, booking: "_Booking", paid: "_Paid") -> LedgerRow:
        """The ledger's row for one attempt."""
        named = self._parts.settings.attribution
        who = Attribution(
            app=self._options.app,
            client=self._options.client,
            user=self._options.user,
            workspace=str(self._options.workspace.root),
            title=named.title,
            url=named.url,
            categories=named.categories[:2],
        )
        return LedgerRow(
            time_ms=int(self._parts.clock.now().timestamp() * 1000),
            attribution=who,
            session_id=self._recorder.session_id,
            turn_id=self._recorder.turn_id or "",
            request_id=booking.request_id,
            purpose=booking.purpose,
            model_asked=self._options.model,
            endpoint=booking.endpoint.slug,
            provider=booking.endpoint.provider,
            author=booking.endpoint.author,
            attempt=paid.attempt,
            step=paid.step,
            generation_id=paid.generation_id,
            usage=paid.usage,
            cost=paid.cost,
            segments=paid.segments,
            finish=paid.finish,
            error_code=paid.error_code,
            latency_ms=paid.latency_ms,
            first_token_ms=paid.first_token_ms,
        )

    def now(self) -> float:
        return self._parts.clock.monotonic()

    async def tell(self, event: AttemptFailed) -> None:
        await self._recorder.emit(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paid:
    """What one attempt came to."""

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


class _Booking:
    """The books of one request: each attempt becomes one row."""

    def __init__(
        self,
        asker: Asker,
        request_id: RequestId,
        purpose: Purpose,
        endpoint: Endpoint,
        segments: tuple[Segment, ...],
        estimate: int,
        counter: Counter,
    ) -> None:
        self._asker = asker
        self.request_id = request_id
        self.purpose: Purpose = purpose
        self.endpoint = endpoint
        self.estimate = estimate
        self.partial: list[str] = []
        self._segments = segments
        self._counter = counter
        self._attempt = 0
        self._step = 0
        self._started = 0.0
        self._first: float | None = None
        self._booked = True

    def start(self, attempt: int, now: float) -> None:
        self._attempt, self._started, self._first, self._booked = attempt, now, None, False
        self._step = self._asker.counted()
        self.partial.clear()

    def first_token(self, now: float) -> None:
        self._first = now if self._first is None else self._first

    async def finished(self, reply: Reply) -> Usage:
        usage = reply.usage or self._estimated(
            "".join(p.text if p.kind != "tool_call" else p.arguments for p in reply.message.parts)
        )
        if reply.usage is not None:
            self._asker.learn(estimated=self.estimate, reported=usage.input_tokens)
        outputs = output_segments(reply.message, self._counter)
        await self._book(usage, reply.finish, outputs, provider_nanos=reply.provider_nanos, generation_id=reply.generation_id)
        return usage

    async def failed(self, event: AttemptEnded) -> None:
        if event.accepted:
            # The provider took the request: it may charge for it, and nobody said how much.
            usage = self._estimated(event.partial)
            outputs = (
                output_segments(AssistantMessage(parts=(TextPart(text=event.partial),)), self._counter) if event.partial else ()
            )
            await self._book(usage, "failed", outputs, error_code=event.error.code)
        else:
            await self._book(Usage(), "failed", (), error_code=event.error.code)
        await self._asker.tell(
            AttemptFailed(
                request_id=self.request_id,
                endpoint=self.endpoint.slug,
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
        outputs = output_segments(AssistantMessage(parts=(TextPart(text=text),)), self._counter) if text else ()
        await self._book(self._estimated(text), "aborted", outputs, error_code="interrupted")

    def _estimated(self, text: str) -> Usage:
        return Usage(input_tokens=self.estimate, output_tokens=self._counter.text(text) if text else 0, source="estimated")

    async def _book(
        self,
        usage: Usage,
        finish: str,
        outputs: tuple[Segment, ...],
        *,
        provider_nanos: int | None = None,
        generation_id: str = "",
        error_code: str = "",
    ) -> None:
        self._booked = True
        cost = Cost(provider_nanos=provider_nanos, priced_nanos=price_usage(usage, self.endpoint.price))
        segments = scale(self._segments, usage.input_tokens) + scale(outputs, usage.output_tokens)
        latency = int((self._asker.now() - self._started) * 1000)
        first = int((self._first - self._started) * 1000) if self._first is not None else None
        paid = _Paid(
            attempt=self._attempt,
            step=self._step,
            generation_id=generation_id,
            usage=usage,
            cost=cost,
            segments=segments,
            finish=finish,
            error_code=error_code,
            latency_ms=latency,
            first_token_ms=first,
        )
        event = RequestFinished(
            request_id=self.request_id,
            purpose=self.purpose,
            endpoint=self.endpoint.slug,
            finish=finish,
            usage=usage,
            cost=cost,
            segments=segments,
            generation_id=generation_id,
            latency_ms=latency,
            first_token_ms=first,
        )
        await self._asker.book(self._asker.row(self, paid), event)
