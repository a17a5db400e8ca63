"""A clock that does not wait, and remembers what it was asked to."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(slots=True)
class QuickClock:
    pauses: list[float] = field(default_factory=list[float])
    slept: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.slept += seconds
        await asyncio.sleep(0)
