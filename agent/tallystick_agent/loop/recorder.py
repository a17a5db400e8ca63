"""Where events come from: number, log, fold, then hosts. Owns the session's state and its subscribers.

An event reaches a host only after it was written. Appending and folding happen without an await in between, so a cancel
can never leave the log and the state apart.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

from tallystick_agent.policy.redaction import redact
from tallystick_agent.ports import Clock
from tallystick_agent.protocol.codec import event_from_line, event_to_line
from tallystick_agent.protocol.events import Event, EventBody, ItemDelta
from tallystick_agent.protocol.ids import SessionId, TurnId
from tallystick_agent.sessions.event_log import EventLog
from tallystick_agent.sessions.replay import SessionState, step

QUEUE: Final = 2_000
"""Events a host may lag behind. Beyond it, pieces of streamed text are left out: the finished item repeats them."""


class Records(Protocol):
    """Where a question's events go."""

    @property
    def session_id(self) -> SessionId: ...

    @property
    def turn_id(self) -> TurnId | None: ...

    async def emit(self, body: EventBody, *, durable: bool = False) -> None: ...


class Recorder:
    def __init__(
        self, session_id: SessionId, log: EventLog, clock: Clock, state: SessionState, secrets: Callable[[], tuple[str, ...]]
    ) -> None:
        self.session_id = session_id
        self.state = state
        self.turn_id: TurnId | None = state.open_turn
        self._log = log
        self._clock = clock
        self._secrets = secrets
        self._queues: list[asyncio.Queue[Event | None]] = []
        self._unheard: list[Event] = []
        self._drained = asyncio.Event()

    async def emit(self, body: EventBody, *, durable: bool = False) -> None:
        """Raises `StorageError` when the event could not be written; nobody has seen it then."""
        event = self._redacted(self._stamp(body))
        self._log.append(event)
        self.state = step(self.state, event)
        self._tell(event)
        if durable:
            await asyncio.shield(asyncio.to_thread(self._log.sync))
        if any(queue.qsize() >= QUEUE for queue in self._queues):
            # A host that stopped reading slows the turn down; it never makes the log wait or lose anything.
            self._drained.clear()
            await self._drained.wait()

    def announce(self, body: EventBody) -> None:
        """Tells the hosts what could not be logged, because the disk is full."""
        self._tell(self._redacted(self._stamp(body)))

    def _redacted(self, event: Event) -> Event:
        """The event without any key in it: the one place that the log, the hosts and the next request all lie behind."""
        line = event_to_line(event).decode("utf-8", "replace")
        clean = redact(line, self._secrets())
        return event if clean == line else event_from_line(clean)

    def _stamp(self, body: EventBody) -> Event:
        now = self._clock.now()
        time = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
        return Event(session_id=self.session_id, turn_id=self.turn_id, seq=self.state.last_seq + 1, time=time, body=body)

    def _tell(self, event: Event) -> None:
        if not self._queues and len(self._unheard) < QUEUE:
            self._unheard.append(event)
        for queue in self._queues:
            if queue.qsize() > QUEUE or (queue.qsize() >= QUEUE // 2 and isinstance(event.body, ItemDelta)):
                continue
            queue.put_nowait(event)

    def subscribe(self) -> AsyncIterator[Event]:
        """Every event from now on, and for the first subscriber those before, until the session is closed."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=QUEUE + 1)
        for event in self._unheard:
            queue.put_nowait(event)
        self._unheard.clear()
        self._queues.append(queue)
        return self._drain(queue)

    def close(self) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
        self._queues.clear()
        self._log.close()

    async def _drain(self, queue: "asyncio.Queue[Event | None]") -> AsyncIterator[Event]:
        try:
            while (event := await queue.get()) is not None:
                self._drained.set()
                yield event
        finally:
            # A host that left must not hold the turn.
            if queue in self._queues:
                self._queues.remove(queue)
            self._drained.set()
