"""The product's model client as the product builds it, for tests that talk to a server. Owns the build, and what one request
came to. It owns no server: give it any address.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tallystick_agent.ports import Clock
from tallystick_agent.protocol.chat import ChatRequest, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.messages import TextPart, ToolCallPart, UserMessage
from tallystick_agent.protocol.model_info import Endpoint, WireName
from tallystick_agent.providers.client import AttemptAccepted, AttemptEnded, AttemptStarted, ClientEvent, ModelClient
from tallystick_agent.providers.health import HealthBoard
from tallystick_agent.providers.http import Transport
from tallystick_agent.providers.pacing import Pacer
from tallystick_agent.settings import AttributionSettings, NetworkSettings

PATIENT_S = 30.0
"""An idle timeout that no answer of a test comes near, in seconds."""
HANG_S = 60.0
"""When a request counts as hung, in seconds; a guard, and no expectation."""
KEY = "the-key-of-the-test"


class SkippingClock:
    """Real time, in which a pause is over at once: the clock jumps ahead and writes the pause down."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=sum(self.pauses))

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.pauses)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """One key for every name and origin; empty for none."""

    key: str = KEY

    def get(self, name: str, origin: str) -> str | None:
        return self.key or None

    def values(self) -> tuple[str, ...]:
        return (self.key,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that a request gave: its events in order, and the error that ended it or `None`."""

    events: tuple[ClientEvent, ...]
    error: ProviderError | None

    @property
    def replies(self) -> list[Reply]:
        return [event for event in self.events if isinstance(event, Reply)]

    @property
    def reply(self) -> Reply:
        """The only one. Raises the error where there is none."""
        if self.error is not None:
            raise self.error
        (reply,) = self.replies
        return reply

    @property
    def started(self) -> list[AttemptStarted]:
        return [event for event in self.events if isinstance(event, AttemptStarted)]

    @property
    def ended(self) -> list[AttemptEnded]:
        return [event for event in self.events if isinstance(event, AttemptEnded)]

    @property
    def accepted(self) -> int:
        """How many attempts got a status of 200."""
        return sum(isinstance(event, AttemptAccepted) for event in self.events)

    @property
    def shown(self) -> str:
        """The text that a reader saw arrive."""
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    @property
    def thought(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, ReasoningDelta))

    @property
    def visible(self) -> bool:
        """Whether words or calls were shown."""
        return any(isinstance(event, TextDelta | ToolCallDelta) for event in self.events)


def text_of(reply: Reply) -> str:
    return "".join(part.text for part in reply.message.parts if isinstance(part, TextPart))


def calls_of(reply: Reply) -> list[ToolCallPart]:
    return [part for part in reply.message.parts if isinstance(part, ToolCallPart)]


def endpoint_at(base_url: str, wire: WireName = "openai_chat", **fields: Any) -> Endpoint:
    """An endpoint of a server that nobody has a name for; `fields` are those of `Endpoint`."""
    dialect = "openai_compatible" if wire == "openai_chat" else "openai"
    plain: dict[str, Any] = {
        "slug": "test/scripted",
        "provider": "test",
        "model": "scripted",
        "dialect": dialect,
        "key_name": "TEST_KEY",
    }
    return Endpoint(base_url=base_url, wire=wire, **{**plain, **fields})


def saying(text: str = "Hello?", **fields: Any) -> ChatRequest:
    """A request of one user's message; `fields` are those of `ChatRequest`."""
    plain: dict[str, Any] = {"system": "", "messages": (UserMessage(parts=(TextPart(text=text),)),)}
    return ChatRequest(**{**plain, **fields})


@contextlib.asynccontextmanager
async def provider_client(
    *, idle_s: float = PATIENT_S, max_attempts: int = 3, clock: Clock | None = None, key: str = KEY, **network: Any
) -> AsyncGenerator[ModelClient, None]:
    """A client with its own connections, closed at the end. `network` are further fields of `NetworkSettings`."""
    settings = NetworkSettings(idle_timeout_s=idle_s, max_attempts=max_attempts, **network)
    clock = SkippingClock() if clock is None else clock
    transport = Transport(settings, AttributionSettings(), clock)
    with tempfile.TemporaryDirectory(prefix="limits") as folder:
        pacer = Pacer(Path(folder) / "limits.json", clock)
        try:
            yield ModelClient(transport, Keys(key=key), clock, settings, pacer=pacer, health=HealthBoard(), spread=lambda: 0.5)
        finally:
            await transport.close()


def ignore(event: ClientEvent) -> None:
    """Nothing is done while the events come."""


async def tell(
    client: ModelClient, request: ChatRequest, *order: Endpoint, meanwhile: Callable[[ClientEvent], None] = ignore
) -> Told:
    """Sends, and collects. `meanwhile` is called with each event as it comes. Only a `ProviderError` may end the request."""
    events: list[ClientEvent] = []
    error: ProviderError | None = None
    async with asyncio.timeout(HANG_S):
        try:
            async for event in client.send(request, order):
                events.append(event)
                meanwhile(event)
        except ProviderError as raised:
            error = raised
    return Told(events=tuple(events), error=error)


def ask(request: ChatRequest, *order: Endpoint, meanwhile: Callable[[ClientEvent], None] = ignore, **options: Any) -> Told:
    """One request with a client of its own, in a loop of its own, which must leave no task behind; options as above."""

    async def alone() -> Told:
        async with provider_client(**options) as client:
            told = await tell(client, request, *order, meanwhile=meanwhile)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks are left: {left}"
        return told

    return asyncio.run(alone())
