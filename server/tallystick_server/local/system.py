"""Clock and ids of this machine. Owns nothing but reading them."""

import asyncio
import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class TimeIds:
    """Ids that sort by time and hold 40 random bits, so that no two processes make the same."""

    def new(self, prefix: str) -> str:
        now = datetime.now(UTC)
        return f"{prefix}-{now:%y%m%d%H%M%S}{now.microsecond // 1000:03d}-{secrets.token_hex(5)}"
