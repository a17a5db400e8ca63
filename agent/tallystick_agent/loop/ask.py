"""One question to a model: X-ray, route, gate, attempts, stream, and the books. Owns the order of those.

Whatever becomes of an attempt, it is in the ledger before its result is used.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from tallystick_agent.context.assemble import xray
from tallystick_agent.loop.booking import Booking, Paid
from tallystick_agent.loop.gate import Spent, reserve
from tallystick_agent.loop.hard_budgets import Stands, blamed, forbid, narrowed, warnings
from tallystick_agent.loop.kinds import OURS, kinds_of
from tallystick_agent.loop.parts import Caller, EngineParts
from tallystick_agent.loop.recorder import Records
from tallystick_agent.loop.routing import LIKELY_OUTPUT, SEED_S, Plan, handed_on, onward, plan, seed
from tallystick_agent.loop.sent import Sent, made_by
from tallystick_agent.ports import RelayWatch
from tallystick_agent.protocol.chat import ChatRequest, Payloads, ReasoningDelta, Reply, StreamEvent, TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import ProviderError, StorageError
from tallystick_agent.protocol.events import (
    AttemptFailed,
    ItemDelta,
    ItemFinished,
    ItemStarted,
    MessageItem,
    Notice,
    Purpose,
    ReasoningItem,
    RequestFinished,
    RequestPlanned,
    RequestStarted,
)
from tallystick_agent.protocol.ids import ItemId, RequestId
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.relay import Opening
from tallystick_agent.protocol.usage import Budget, Cost, Usage
from tallystick_agent.providers.client import AttemptAccepted, AttemptCounted, AttemptEnded, AttemptStarted, AttemptWaits
from tallystick_agent.providers.resolve import Target, alone
from tallystick_agent.providers.whole import whole
from tallystick_agent.tokens.counter import Counter, family_of
from tallystick_agent.usage.budgets import Asking
from tallystick_agent.usage.classify import Kinds
from tallystick_agent.usage.openings import OpenRequest
from tallystick_agent.usage.pricing import likely_input, worst_case
from tallystick_agent.usage.record import LedgerRow, model_of

PIECE_S = 0.05
PIECE_EVENTS = 20
GRACE_S: Final = 600.0
"""Seconds beyond a request's own time after which another host takes it for lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An answer, booked. `items` are its streamed items, to be finished when the answer is kept."""

    reply: Reply
    items: tuple[tuple[ItemId, MessageItem | ReasoningItem], ...]
    usage: Usage
    endpoint: Endpoint
    """Who served."""
    passed: bool = False
    """What it said was shown as it stands on the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manner:
    """How a question is asked; see `Asker.ask`."""

    show: bool
    guard: bool
    once: bool
    enough: Callable[[str], bool] | None
    watch: RelayWatch | None


@dataclass(slots=True)
class _Stream:
    """One attempt's visible side: which items were opened, and what waits to be shown."""

    open: dict[str, ItemId] = field(default_factory=lambda: {})
    waiting: dict[str, list[str]] = field(default_factory=lambda: {})
    count: int = 0
    since: float = 0.0
    passed: bool = False
    """It is shown as it stands on the wire."""


TALK: Final[frozenset[Purpose]] = frozenset(("chat", "edit", "plan", "commit_message", "subagent"))
"""Purposes whose requests carry the session's own history; a probe or a summary is apart."""


class Asker:
    """Asks for one turn. Holds the turn's spending."""

    def __init__(self, parts: EngineParts, caller: Caller, recorder: Records, budget: Budget, sent: Sent | None = None) -> None:
        self._parts = parts
        self._caller = caller
        self._recorder = recorder
        self._budget = budget
        self._hard: Stands = ()
        self._limits = budget
        """The turn's own, and no more than the user's hard budgets still have."""
        self.spent = Spent()
        self.usage = Usage()
        self.cost = Cost(priced_nanos=0)
        self._counts: dict[str, dict[str, tuple[int, float]]] = {}
        """Counts of texts by family: a history is counted once, whatever factor is learned meanwhile."""
        self._left_out: set[str] = set()
        """Endpoints of which was told that a limit leaves them out."""
        self._sent = sent or Sent()
        self._repeated = 0
        """Tokens of the present request that the one before began with."""
        self._kinds: Kinds | None = None
        """What the turn is about."""
        self.opens_turn = True
        """Whether no request of the turn's conversation has been booked yet."""
        self.visible = False
        """Whether the last request had shown words before it failed."""

    @property
    def counter(self) -> Counter:
        """The counter of the endpoint that was named."""
        return self.counter_for(self._caller.target.endpoint)

    def counter_for(self, endpoint: Endpoint) -> Counter:
        factor = self._parts.learned.factor(endpoint.slug).factor
        counts = self._counts.setdefault(endpoint.token_family, {})
        return Counter(endpoint.token_family, factor=factor, known=counts)

    async def ask(
        self,
        request: ChatRequest,
        endpoint: Endpoint,
        purpose: Purpose,
        *,
        show: bool = True,
        guard: bool = False,
        once: bool = False,
        enough: Callable[[str], bool] | None = None,
        watch: RelayWatch | None = None,
        request_id: RequestId | None = None,
    ) -> Asked:
        """`guard`, `once` and `enough` are those of `ModelClient.send`; `watch` is shown everything, thoughts and calls too.

        Raises `ContextOverflow` before sending what cannot fit, `TallystickError` at the gate, `ProviderError` after it.
        """
        await self._parts.books.check()
        target = self._target(request, endpoint, purpose)
        request = replace(request, web=request.web or target.web, reasoning=request.reasoning or target.reasoning)
        await self._seed(target)
        counter = self.counter_for(target.endpoint)
        seen = xray(request, counter)
        if self._kinds is None and purpose in TALK:
            self._kinds = kinds_of(request, seen.segments, ours=self._caller.who.door != "gateway")
        self._repeated = self._sent.repeated(request, target.endpoint.slug, counter) if purpose in TALK else 0
        self._hard = await self._stands(target.endpoint)
        self._limits = narrowed(self._budget, self.spent, self._hard)
        made = self._planned(request, target, seen.input_tokens, self._hard)
        for slug, why in made.left.items():
            if slug not in self._left_out:
                self._left_out.add(slug)
                await self._recorder.emit(Notice(level="warning", code="left_out", message=f"{slug} is left out: {why}"))
        first = made.order[0]
        request_id = request_id or RequestId(self._parts.ids.new("req"))
        costs = [worst_case(made.inputs[one.slug], made.outputs[one.slug], one.price) for one in made.order]
        await self._recorder.emit(
            RequestPlanned(
                request_id=request_id,
                purpose=purpose,
                segments=seen.segments,
                input_tokens=seen.input_tokens,
                reserved_output_tokens=made.outputs[first.slug],
                window_tokens=made.window,
                error_band=self._band(target.endpoint, seen.input_tokens),
                max_cost_nanos=None if None in costs else max(cost for cost in costs if cost is not None),
                repeated_tokens=self._repeated,
                input_cost_nanos=likely_input(seen.input_tokens, self._repeated, first.price),
            )
        )
        images = sum(part.kind == "image" for message in request.messages for part in message.parts)
        booking = Booking(
            self, request_id, purpose, target.candidates, seen.segments, made.inputs, tools=len(request.tools), images=images
        )
        how = _Manner(show=show, guard=guard, once=once, enough=enough, watch=watch)
        asked = await self._attempts(request, target, made, booking, how)
        if purpose in TALK:
            self._sent.last, self._sent.endpoint = request, booking.endpoint.slug
        return asked

    async def _stands(self, endpoint: Endpoint) -> Stands:
        """The hard budgets that a request at this endpoint stands under. Raises `StorageError` where they cannot be read."""
        caller, recorder = self._caller, self._recorder
        model = model_of(endpoint.slug, endpoint.provider)
        task, time_ms = caller.task or recorder.turn_id or "", int(self._parts.clock.now().timestamp() * 1000)
        asking = Asking(who=caller.who, model=model, session_id=recorder.session_id, task=task, time_ms=time_ms)
        return await self._parts.books.standing(asking)

    def _planned(self, request: ChatRequest, target: Target, inputs: int, stands: Stands) -> Plan:
        """Who is asked, in which order and for how much. Raises `LimitReached` where a hard budget has no room for it."""
        wanted = request.max_output_tokens
        forbid(stands, input_tokens=inputs, output_tokens=wanted, price=target.endpoint.price)
        with blamed(stands, narrowed=self._limits != self._budget):
            return plan(
                request,
                target,
                client=self._parts.client,
                affinity=self._parts.affinity,
                now=self._parts.clock.monotonic(),
                count=self._counted(request, target.endpoint, inputs),
                budget=self._limits,
                spent=self.spent,
                number=self.spent.requests,
            )

    async def _seed(self, target: Target) -> None:
        """Before the first choice among several: what the ledger says of how they served lately."""
        board, clock = self._parts.client.health, self._parts.clock
        if len(target.candidates) == 1 or board.seeded:
            return
        board.seeded = True
        now_ms = int(clock.now().timestamp() * 1000)
        with contextlib.suppress(StorageError):
            # A ledger that is down says so when the request is opened, where that is to end it.
            seen = await asyncio.to_thread(self._parts.ledger.recent, now_ms - int(SEED_S * 1000))
            seed(board, seen, now_ms=now_ms, now=clock.monotonic())

    def _target(self, request: ChatRequest, endpoint: Endpoint, purpose: Purpose) -> Target:
        """All candidates for a turn's own request; a probe and a gap to fill are for one endpoint alone."""
        target = self._caller.target
        if endpoint.slug != target.endpoint.slug or purpose == "probe" or request.infill is not None:
            return alone(endpoint)
        # The call mode may have been probed since the session was opened.
        return replace(target, endpoint=endpoint, candidates=(endpoint, *target.candidates[1:]))

    def _counted(self, request: ChatRequest, named: Endpoint, tokens: int) -> Callable[[Endpoint], tuple[int, float]]:
        """Input tokens and their error band at each endpoint; one X-ray for each family of tokenizers."""
        known: dict[tuple[str, float], int] = {}

        def count(endpoint: Endpoint) -> tuple[int, float]:
            if endpoint.slug == named.slug:
                return tokens, self._band(endpoint, tokens)
            counter = self.counter_for(endpoint)
            key = endpoint.token_family, self._parts.learned.factor(endpoint.slug).factor
            if key not in known:
                known[key] = xray(request, counter).input_tokens
            return known[key], self._band(endpoint, known[key])

        return count

    def _band(self, endpoint: Endpoint, tokens: int) -> float:
        known = min(1.0, self._repeated / tokens) if tokens > 0 else 0.0
        return self._parts.learned.factor(endpoint.slug).band(family_of(endpoint.token_family).band, known=known)

    async def _attempts(self, request: ChatRequest, target: Target, made: Plan, booking: Booking, how: "_Manner") -> Asked:
        stream = _Stream()
        self.visible = False

        allowed = dict(made.outputs)

        def may_try(endpoint: Endpoint) -> None:
            # What was spent since the plan was made leaves less for the next attempt.
            inputs, wanted = made.inputs[endpoint.slug], made.outputs[endpoint.slug]
            with blamed(self._hard, narrowed=self._limits != self._budget):
                allowed[endpoint.slug] = reserve(
                    self._limits, self.spent, input_tokens=inputs, output_tokens=wanted, price=endpoint.price
                )

        def fitted(asked: ChatRequest, endpoint: Endpoint) -> ChatRequest:
            output = allowed[endpoint.slug]
            handed = handed_on(made, endpoint, output, self._limits, self.spent)
            ended = asked.open_ended and not self._limits.bounds_output
            return replace(asked, max_output_tokens=output, open_ended=ended, onward=onward(target, endpoint, handed))

        events = self._parts.client.send(
            request,
            made.order,
            guard=how.guard,
            once=how.once,
            enough=how.enough,
            thoughts_show=how.watch is not None,
            may_try=may_try,
            fitted=fitted,
            tokens=lambda one: made.inputs[one.slug] + min(made.outputs[one.slug], LIKELY_OUTPUT),
            refusals_may_move=self._parts.settings.routing.fallback_after_refusal,
        )
        try:
            async for event in events:
                match event:
                    case AttemptStarted(attempt=attempt, endpoint=endpoint):
                        await self._open(booking, attempt, endpoint, made, allowed[endpoint.slug])
                        booking.start(attempt, endpoint)
                        stream = await self._opened(request, made, booking, attempt, how)
                    case AttemptWaits():
                        await self._waits(event)
                    case AttemptAccepted(generation_id=generation_id):
                        booking.accepted(generation_id)
                    case AttemptCounted(usage=counted):
                        booking.counted(counted)
                    case AttemptEnded():
                        self._parts.affinity.forget(request.session_key)
                        await booking.failed(event)
                    case TextDelta() | ReasoningDelta() | ToolCallDelta():
                        booking.piece(event.text)
                        self.visible = self.visible or isinstance(event, TextDelta | ToolCallDelta)
                        await self._piece(stream, event, how)
                    case Payloads():
                        await self._watched(event, how)
                    case Reply() as reply:
                        await self._flush(stream)
                        usage = await booking.finished(reply)
                        reply = made_by(booking.endpoint, reply)
                        items = self._items(stream, reply)
                        return Asked(reply=reply, items=items, usage=usage, endpoint=booking.endpoint, passed=stream.passed)
        except BaseException as error:
            # Cancelled, a full disk, a bug: what was asked for is in the books all the same.
            await booking.aborted()
            if isinstance(error, ProviderError) and error.code == "model_unknown":
                near = [name for name in self._parts.nearest(self._caller.model) if name != self._caller.model]
                error.remedy += f" Near: {', '.join(near)}." if near else ""
            raise
        finally:
            await events.aclose()
        raise ProviderError("The provider gave no answer.", retryable=False)

    async def _opened(self, request: ChatRequest, made: Plan, booking: Booking, attempt: int, how: "_Manner") -> _Stream:
        """Tells that an attempt begins. What it says is not the end of what the one before began."""
        endpoint = booking.endpoint
        reason = made.reasons[endpoint.slug]
        await self._recorder.emit(
            RequestStarted(request_id=booking.request_id, endpoint=endpoint.slug, reason=reason, attempt=attempt)
        )
        passed = request.verbatim is not None and request.verbatim.wire == endpoint.wire
        await self._watched(Opening(endpoint=endpoint.slug, passed=passed), how)
        return _Stream(passed=passed)

    async def _watched(self, event: Opening | Payloads | StreamEvent, how: "_Manner") -> None:
        if how.watch is not None:
            await how.watch(event)

    async def _piece(self, stream: _Stream, event: TextDelta | ReasoningDelta | ToolCallDelta, how: "_Manner") -> None:
        if how.show and not isinstance(event, ToolCallDelta):
            await self._show(stream, event)
        if not stream.passed:
            await self._watched(event, how)

    async def _waits(self, event: AttemptWaits) -> None:
        message = f"Waiting {event.seconds:.0f} s: the account's limit lets {event.endpoint.slug} go then."
        await self._recorder.emit(Notice(level="info", code="paced", message=message))

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

    async def book(self, booking: Booking, paid: Paid, event: RequestFinished) -> None:
        """Adds a row, counts it against the budget, and tells the hosts: all of it or, where the disk is full, nothing."""
        await whole(self._book(booking, paid, event))

    async def _book(self, booking: Booking, paid: Paid, event: RequestFinished) -> None:
        row = self._row(booking, paid)
        self.opens_turn = self.opens_turn and not row.opens_turn
        await self._parts.books.append(row)
        if paid.usage.source == "estimated" and paid.generation_id:
            self._parts.reconciler.later(paid.endpoint)
        if not paid.error_code:
            self._parts.affinity.served(self._recorder.session_id, paid.endpoint, paid.usage)
        nanos = row.cost.nanos
        self.usage = self.usage.plus(row.usage)
        known = self.cost.nanos is not None and nanos is not None
        self.cost = Cost(priced_nanos=(self.cost.nanos or 0) + (nanos or 0)) if known else Cost()
        self.spent = replace(self.spent, tokens=self.spent.tokens + row.usage.total_tokens, nanos=self.spent.nanos + (nanos or 0))
        await self._recorder.emit(event, durable=True)

    async def _open(self, booking: Booking, attempt: int, endpoint: Endpoint, made: Plan, outputs: int) -> None:
        """Tells the ledger of an attempt before it is sent, with the most that it can cost, at whichever endpoint serves it.

        Raises `LimitReached`, and `StorageError` where it could not be booked.
        """
        lost = self._row(booking, booking.pending(attempt, endpoint, self.spent.requests + 1))
        may_serve = (endpoint, *handed_on(made, endpoint, outputs, self._limits, self.spent))
        costs = [worst_case(made.inputs[one.slug], outputs, one.price) for one in may_serve]
        within_ms = int((self._parts.settings.network.request_timeout_s + GRACE_S) * 1000)
        opened = OpenRequest(
            lost=lost,
            nanos=None if None in costs else max(cost for cost in costs if cost is not None),
            tokens=max(made.inputs[one.slug] for one in may_serve) + outputs,
            expires_ms=lost.time_ms + within_ms,
        )
        for notice in warnings(await self._parts.books.open(opened)):
            await self._recorder.emit(notice)

    async def learn(self, endpoint: Endpoint, *, estimated: int, reported: int) -> None:
        await asyncio.to_thread(self._parts.learned.observe, endpoint.slug, estimated=estimated, reported=reported)

    def counted(self) -> int:
        """Counts one more request and gives its number within the turn."""
        self.spent = replace(self.spent, requests=self.spent.requests + 1)
        return self.spent.requests

    def _row(self, booking: Booking, paid: Paid) -> LedgerRow:
        """The ledger's row for one attempt."""
        kinds = self._kinds or Kinds(use_case=OURS)
        return LedgerRow(
            time_ms=int(self._parts.clock.now().timestamp() * 1000),
            attribution=self._caller.who,
            task=self._caller.task or self._recorder.turn_id or "",
            session_id=self._recorder.session_id,
            turn_id=self._recorder.turn_id or "",
            request_id=booking.request_id,
            purpose=booking.purpose,
            model_asked=self._caller.model,
            endpoint=paid.endpoint.slug,
            provider=paid.endpoint.provider,
            author=paid.endpoint.author,
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
            served_by=paid.served_by,
            tools=booking.tools,
            tool_calls=paid.tool_calls,
            images=booking.images,
            opens_turn=self.opens_turn and booking.purpose in TALK and bool(self._recorder.turn_id),
            use_case=kinds.use_case,
            natural_language=kinds.natural_language,
            programming_language=kinds.programming_language,
        )

    def now(self) -> float:
        return self._parts.clock.monotonic()

    async def tell(self, event: AttemptFailed) -> None:
        await self._recorder.emit(event)
