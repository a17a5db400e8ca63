"""Waiting for a slot under an account's limits, across processes. Owns the file of what accounts have sent.

The file is small JSON beside a lock; every process takes its slots there, so thirty sessions on one account keep one
order. Endpoints without limits never touch it.
"""

import asyncio
import contextlib
import json
import math
import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from tallystick_agent.ports import Clock
from tallystick_agent.protocol.errors import ProviderError, StorageError
from tallystick_agent.protocol.model_info import Endpoint, RateLimits
from tallystick_agent.providers.limits import AccountUse, Exhausted, Slot, begin, blocked, give_back, room, take, told
from tallystick_agent.providers.whole import whole

LOCK_S: Final = 15.0
MOST_ACCOUNTS: Final = 200
Result = TypeVar("Result")


class Turn:
    """A taken slot until it is used."""

    def __init__(self, pacer: "Pacer", limits: RateLimits, slot: Slot | None) -> None:
        self._pacer = pacer
        self._limits = limits
        self.slot = slot
        """`None` where there are no limits."""
        self.begun = False

    async def ready_in(self) -> float:
        """Seconds to wait; 0 means now, and from then on the slot is used."""
        if self.slot is None or self.begun:
            return 0.0
        try:
            return await whole(self._begin(self.slot))
        except BaseException:
            # Cancelled while the file was written: it will not be sent, and is given back as it stands there.
            self.begun = False
            raise

    async def _begin(self, slot: Slot) -> float:
        self.slot, wait = await self._pacer.begin(self._limits, slot)
        self.begun = wait <= 0
        return wait


class Pacer:
    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._turn = asyncio.Lock()
        """Within a process slots are taken in the order of asking; a file lock alone would not keep it."""

    @contextlib.asynccontextmanager
    async def slot(self, endpoint: Endpoint, tokens: int = 0) -> AsyncGenerator["Turn"]:
        """Takes a slot for a request of so many tokens. Leaving with an error before it was used gives it back.

        Raises `ProviderError` (`provider_rate_limited`) where the day's requests are used up.
        """
        limits = endpoint.limits
        if not limits.any:
            yield Turn(self, limits, None)
            return
        taken: list[Slot | Exhausted] = []
        async with self._turn:
            now = self._clock.now().timestamp()
            try:
                await whole(self._taken(limits, now, tokens, taken))
            except BaseException:
                # Cancelled while the file was written: the slot is taken, and nobody will use it.
                for slot in taken:
                    if isinstance(slot, Slot):
                        await self._back(limits, slot)
                raise
        got = taken[0]
        if isinstance(got, Exhausted):
            raise ProviderError(
                f"The {got.limit} requests a day that {endpoint.slug} allows are used.",
                code="provider_rate_limited",
                retry_after_s=got.until - now,
                account=True,
                remedy="Use another model, or wait until midnight UTC.",
            )
        turn = Turn(self, limits, got)
        try:
            yield turn
        except BaseException:
            if turn.slot is not None and not turn.begun:
                await self._back(limits, turn.slot)
            raise

    async def begin(self, limits: RateLimits, slot: Slot) -> tuple[Slot, float]:
        """The slot at this moment and 0, or the seconds that it has to wait longer."""
        early = slot.at - self._clock.now().timestamp()
        if early > 0:
            return slot, early

        def change(use: AccountUse) -> tuple[AccountUse, tuple[Slot, float]]:
            # Read behind the lock: who had it before may have begun later than we came.
            use, moved, wait = begin(use, limits, slot, self._clock.now().timestamp())
            return use, (moved, wait)

        return await self._change(limits, change)

    async def _taken(self, limits: RateLimits, now: float, tokens: int, into: list[Slot | Exhausted]) -> None:
        into.append(await self._change(limits, lambda use: take(use, limits, now, tokens)))

    async def _back(self, limits: RateLimits, slot: Slot) -> None:
        await whole(self._change(limits, lambda use: (give_back(use, slot), None)))

    async def block(self, endpoint: Endpoint, seconds: float) -> None:
        """Nothing of this account goes out for so long: the provider asked for it."""
        if endpoint.limits.account:
            until = self._clock.now().timestamp() + seconds
            await self._change(endpoint.limits, lambda use: (blocked(use, until), None))

    async def told(self, endpoint: Endpoint, *, used: int, limit: int) -> None:
        """The provider's own count of the day."""
        now, limits = self._clock.now().timestamp(), endpoint.limits
        await self._change(limits, lambda use: (told(use, limits, now, used=used, limit=limit), None))

    def full(self, endpoints: tuple[Endpoint, ...]) -> dict[str, str]:
        """Why endpoints can take no request today, by slug; those that can are not in it."""
        limited = [one for one in endpoints if one.limits.requests_per_day is not None]
        if not limited:
            return {}
        known, now = _read(self._file), self._clock.now().timestamp()
        found = {one.slug: room(known.get(one.limits.account, AccountUse()), one.limits, now) for one in limited}
        return {slug: reason for slug, reason in found.items() if reason}

    async def _change(self, limits: RateLimits, change: Callable[[AccountUse], tuple[AccountUse, Result]]) -> Result:
        return await asyncio.to_thread(self._locked, limits.account, change)

    def _locked(self, account: str, change: Callable[[AccountUse], tuple[AccountUse, Result]]) -> Result:
        from filelock import FileLock, Timeout

        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._file.with_suffix(".lock"), timeout=LOCK_S):
                known = _read(self._file)
                known[account], result = change(known.pop(account, AccountUse()))
                _write(self._file, known)
                return result
        except (OSError, Timeout) as error:
            raise StorageError(
                f"The file of limits {self._file} cannot be used: {error}.", remedy="Free some space, or remove the file."
            ) from error


def _read(file: Path) -> dict[str, AccountUse]:
    """What the file says; a damaged or foreign one says nothing."""
    try:
        data: Any = json.loads(file.read_text("utf-8"))
        accounts = cast(dict[str, dict[str, Any]], data["accounts"])
        return {name: _use(row) for name, row in accounts.items()}
    except (OSError, ValueError, OverflowError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _use(row: dict[str, Any]) -> AccountUse:
    """Raises what an odd row raises; times without end are odd too, since somebody would wait for them."""
    use = AccountUse(
        slots=tuple(sorted(float(at) for at in row["slots"])),
        loads=tuple(sorted((float(at), max(0, int(tokens))) for at, tokens in row.get("loads", ()))),
        day=str(row["day"]),
        today=max(0, int(row["today"])),
        blocked_until=float(row["blocked_until"]),
        daily_limit=None if row["daily_limit"] is None else int(row["daily_limit"]),
    )
    if not all(math.isfinite(at) for at in (*use.slots, *(at for at, _ in use.loads), use.blocked_until)):
        raise ValueError("a time without end")
    return use


def _write(file: Path, known: dict[str, AccountUse]) -> None:
    kept = dict(list(known.items())[-MOST_ACCOUNTS:])
    rows = {
        name: {
            "slots": list(use.slots),
            "loads": list(use.loads),
            "day": use.day,
            "today": use.today,
            "blocked_until": use.blocked_until,
            "daily_limit": use.daily_limit,
        }
        for name, use in kept.items()
    }
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"accounts": rows}), "utf-8")
    os.replace(fresh, file)
