"""Making a session's window smaller, when it must be or when it pays. Owns the effects; the plans are `context.compaction`'s.

A compaction is an event: the log keeps everything, and the window before it can be brought back. Dropped outputs are kept
under their handles first, so the model can look at them again.
"""

from collections.abc import Callable
from typing import Final

from tallystick_agent.context.compaction import condense, superseded, weight
from tallystick_agent.context.digest import facts_of, missing
from tallystick_agent.context.economics import expected_requests, pays
from tallystick_agent.loop.ask import Asker
from tallystick_agent.loop.parts import EngineParts, SessionOptions
from tallystick_agent.loop.recorder import Recorder
from tallystick_agent.loop.summary import NoSummary, summarise
from tallystick_agent.protocol.events import CompactionItem, ItemFinished, ItemStarted, Notice
from tallystick_agent.protocol.ids import CallId, ItemId
from tallystick_agent.protocol.messages import Message, ToolMessage
from tallystick_agent.sessions.replay import is_stub, stub, window_after
from tallystick_agent.tools.base import OutputStore

GROWN: Final = 1.1
"""How much a window must grow after a compaction before the next one is tried by itself."""
LEAST_SAVED: Final = 500
"""Tokens below which no rewrite is thought about."""


class Compactor:
    def __init__(
        self, parts: EngineParts, options: SessionOptions, recorder: Recorder, outputs: OutputStore, asker: Asker
    ) -> None:
        self._parts, self._options, self._recorder, self._outputs, self._asker = parts, options, recorder, outputs, asker
        self._after = 0
        """Tokens of the history after the last compaction."""

    @property
    def _count(self) -> Callable[[str], int]:
        return self._asker.counter.text

    def history(self) -> int:
        """Tokens of the history as it is."""
        return sum(weight(message, self._count) for message in self._recorder.state.messages)

    async def when_due(self, input_tokens: int, reserved: int, window: int | None, band: float) -> None:
        """Before a request: makes the window smaller where it is nearly full, or where stale text costs more than it helps."""
        settings = self._parts.settings.context
        history = self.history()
        if window is not None:
            # In a small window an answer leaves three quarters to what it is about.
            room = window - min(reserved, window // 4)
            upper = int(input_tokens * (1 + band))
            if upper > settings.compact_at * room and history > self._after * GROWN:
                share = f"{100 * upper // max(1, room)} % of the window's room is used"
                fixed = input_tokens - history
                target, limit = int(settings.compact_to * room / (1 + band)) - fixed, int(room / (1 + band)) - fixed
                if history > target:
                    await self.to(target, share, limit=limit)
                return
        await self._stale()

    async def to(self, target: int, reason: str, *, focus: str = "", limit: int | None = None) -> bool:
        """Brings the history to about `target` tokens, and to `limit` at most; whether it got smaller."""
        state = self._recorder.state
        facts = facts_of(state, focus=focus)
        target = max(200, target)
        item = condense(state.messages, facts, target=target, count=self._count, reason=reason, limit=limit)
        if item is not None and item.digest and self._parts.settings.context.summary == "model":
            told = await self._summary(state.messages[: item.kept_from], focus)
            with_it = condense(state.messages, facts, target=target, count=self._count, reason=reason, summary=told, limit=limit)
            item = with_it if told and with_it is not None else item
        if item is None:
            return False
        if item.digest and (lost := missing(self._visible(item), facts)):
            said = f"The condensed window has no room to name {len(lost)} of the changed files, open steps or rules."
            await self._recorder.emit(Notice(level="warning", code="compaction_incomplete", message=said))
        await self._carry_out(item)
        return True

    def _visible(self, item: CompactionItem) -> str:
        """All text of the user and of the digest in the window that a compaction makes."""
        messages = window_after(self._recorder.state.messages, item)
        return "\n".join(part.text for message in messages for part in message.parts if part.kind == "text")

    async def _summary(self, messages: tuple[Message, ...], focus: str) -> str:
        endpoint = self._options.endpoint
        window = endpoint.window_tokens or 32_000
        try:
            return await summarise(
                self._asker,
                endpoint,
                messages,
                window=window,
                earlier=self._recorder.state.summary,
                focus=focus,
                count=self._count,
            )
        except NoSummary as why:
            said = f"The window is condensed without a model's summary: {why}."
            await self._recorder.emit(Notice(level="warning", code="no_summary", message=said))
            return ""

    async def _stale(self) -> None:
        """Drops what later output replaced, where that is cheaper than to go on sending it."""
        messages = self._recorder.state.messages
        stale = frozenset(superseded(messages))
        price = self._options.endpoint.price
        if not stale or price is None:
            return
        saved, after, begun = 0, 0, False
        for message in messages:
            size = weight(message, self._count)
            gone = sum(
                self._count(part.text) - self._count(stub(part.call_id, kept=True))
                for part in (message.parts if isinstance(message, ToolMessage) else ())
                if part.call_id in stale
            )
            begun = begun or gone > 0
            saved += max(0, gone)
            after += size - max(0, gone) if begun else 0
        requests = expected_requests(self._recorder.state.turn_requests)
        history = self.history()
        if saved < LEAST_SAVED or not pays(saved=saved, after=after, requests=requests, rates=price.at(history)):
            return
        reason = f"files were read again; {saved:,} tokens less in each of about {requests:.0f} further requests"
        item = CompactionItem(
            dropped_calls=tuple(sorted(stale)), tokens_before=history, tokens_after=history - saved, reason=reason, handles=True
        )
        await self._carry_out(item)

    async def restore(self) -> bool:
        """Brings the window before the last compaction back; whether there is one."""
        state = self._recorder.state
        if not state.windows:
            return False
        last = state.windows[-1]
        before = self.history()
        after = sum(weight(message, self._count) for message in (*last.messages, *state.messages[last.began :]))
        item = CompactionItem(
            dropped_calls=(),
            tokens_before=before,
            tokens_after=after,
            reason="the user asked for the window before",
            restores=True,
        )
        await self._finish(item)
        return True

    async def _carry_out(self, item: CompactionItem) -> None:
        self._keep(frozenset(item.dropped_calls))
        await self._finish(item)
        self._after = self.history()

    async def _finish(self, item: CompactionItem) -> None:
        item_id = ItemId(self._parts.ids.new("item"))
        await self._recorder.emit(ItemStarted(item_id=item_id, item=item))
        await self._recorder.emit(ItemFinished(item_id=item_id, item=item), durable=True)

    def _keep(self, dropped: frozenset[CallId]) -> None:
        """The outputs that go, under their handles; one that was kept when it was made is whole there already."""
        for message in self._recorder.state.messages:
            if isinstance(message, ToolMessage):
                for part in message.parts:
                    if part.call_id in dropped and not is_stub(part.text) and not self._outputs.holds(part.call_id):
                        self._outputs.keep(part.call_id, part.text)
