"""Books for many requests at once: rows and open requests of all of them go to the ledger together, by one thread.

Owns the queue, the thread, and what happens while the ledger is down. A row that was handed over is booked, whatever becomes of
who handed it over: in the ledger, or, where that cannot be written, in the spool.
"""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tallystick_agent.ports import Clock
from tallystick_agent.protocol.errors import StorageError
from tallystick_agent.usage.budgets import Asking, HardBudget, limits_of
from tallystick_agent.usage.database import RowRefused
from tallystick_agent.usage.ledger import Ledger, Opening
from tallystick_agent.usage.limits import Limit, LimitReached, Standing, share
from tallystick_agent.usage.openings import Alive, OpenRequest, Process
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.spool import Spool

MOST: Final = 512
"""Jobs of one transaction."""
WAITING: Final = 4_096
"""Jobs that may wait; who comes then waits before it hands over."""
DOWN_S: Final = 2.0
"""Seconds for which a ledger that failed is not asked again where requests go on without it."""
SWEEP_S: Final = 300.0
"""Seconds between two looks for what others left behind."""
_log = logging.getLogger(__name__)

WhenDown = Literal["refuse", "spool"]


@dataclass(slots=True, eq=False)
class _Job:
    """One of: a request to open, one to forget, a row."""

    opening: Opening | None = None
    closed: tuple[str, int] | None = None
    row: LedgerRow | None = None
    loop: asyncio.AbstractEventLoop | None = None
    done: "asyncio.Future[bool] | None" = None
    result: bool = False
    standings: Sequence[Standing] = ()
    """How a request's limits stood when it was opened."""
    error: Exception | None = None


@dataclass(slots=True)
class _Queue:
    jobs: deque[_Job] = field(default_factory=lambda: deque())
    changed: threading.Condition = field(default_factory=threading.Condition)
    closing: bool = False


class Bookkeeper:
    """Of one process. `budgets` are the user's hard ones: every request that is opened stands under them."""

    def __init__(
        self,
        ledger: Ledger,
        spool: Spool,
        clock: Clock,
        *,
        me: Process,
        alive: Alive,
        when_down: WhenDown = "refuse",
        budgets: Sequence[HardBudget] = (),
    ) -> None:
        self._ledger = ledger
        self._spool = spool
        self._clock = clock
        self._me = me
        self._alive = alive
        self._when_down: WhenDown = when_down
        self._budgets = tuple(budgets)
        self._warned: set[tuple[str, str, int]] = set()
        self._queue = _Queue()
        self._thread: threading.Thread | None = None
        self._checked = False
        self._down_until = float("-inf")
        self._swept = float("-inf")
        self._unclosed: list[tuple[str, int]] = []
        """Requests that were never sent, and could not be forgotten while the ledger was down."""
        self._holding = False
        """Whether rows of this process may wait in the spool."""
        self.spooled = 0
        """Rows that this process had to put into the spool."""

    async def check(self) -> None:
        """Raises `StorageError` where nothing could be booked now, and requests are not to go on without the ledger."""
        if self._when_down == "refuse" and not self._checked:
            await asyncio.to_thread(self._ledger.check)
            await asyncio.to_thread(self._spool.prepare)
            # From here on opening a request finds out.
            self._checked = True

    async def standing(self, asking: Asking) -> list[tuple[Limit, Standing]]:
        """The limits that a request of this kind would stand under, and how they stand now. Raises `StorageError`."""
        limits = limits_of(self._budgets, asking)
        if not limits:
            return []
        return list(zip(limits, await asyncio.to_thread(self._ledger.standings, limits), strict=True))

    async def open(self, request: OpenRequest, limits: Sequence[Limit] = ()) -> list[tuple[Limit, Standing]]:
        """Before an attempt is sent. Gives the limits that this process has not warned of yet and should, as they stand with it.

        Raises `LimitReached`, and `StorageError` where the ledger is down and that forbids it. Cancelled meanwhile, it is as if
        the request had never been opened.
        """
        row = request.lost
        asking = Asking(who=row.attribution, model=row.model, session_id=row.session_id, task=row.task, time_ms=row.time_ms)
        opening = Opening(request=request, process=self._me, limits=(*limits_of(self._budgets, asking), *limits))
        job = _Job(opening=opening)
        try:
            await self._hand(job)
        except asyncio.CancelledError:
            self._put(_Job(closed=(row.request_id, row.attempt)))
            raise
        return self._near(opening, job.standings)

    def _near(self, opening: Opening, standings: Sequence[Standing]) -> list[tuple[Limit, Standing]]:
        found: list[tuple[Limit, Standing]] = []
        # There are none where the ledger is down and requests go on.
        for limit, before in zip(opening.limits, standings, strict=False):
            now = before.plus(nanos=opening.request.nanos or 0, tokens=opening.request.tokens)
            name = limit.budget, limit.name, limit.first_day
            if limit.kind != "request" and limit.warn_at < 1 and share(limit, now) >= limit.warn_at and name not in self._warned:
                self._warned.add(name)
                found.append((limit, now))
        return found

    async def append(self, row: LedgerRow) -> bool:
        """Books a row; it is safe on disk when this returns. False where it was booked before. Raises `StorageError` only where
        neither ledger nor spool can be written. Cancelled meanwhile, the row is booked all the same.
        """
        return await self._hand(_Job(row=row))

    def _take_in(self) -> int:
        taken = self._spool.take_in(self._ledger.append_many)
        self._holding = False
        return taken

    def tidy(self) -> tuple[int, int]:
        """Takes in the spool and books what was under way in processes that are gone; gives the rows of each. Blocks.

        Raises `StorageError`.
        """
        taken = self._take_in()
        return taken, self._ledger.book_lost(self._me, self._alive, int(self._clock.now().timestamp() * 1000))

    async def close(self) -> None:
        """Books what waits, and ends the thread."""
        thread = self._thread
        if thread is not None:
            with self._queue.changed:
                self._queue.closing = True
                self._queue.changed.notify_all()
            await asyncio.to_thread(thread.join)

    async def _hand(self, job: _Job) -> bool:
        # Only where thousands wait for a slow disk.
        while len(self._queue.jobs) >= WAITING:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        job.loop = asyncio.get_running_loop()
        job.done = job.loop.create_future()
        # Whoever was cancelled asks for no error.
        job.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._put(job)
        return await asyncio.shield(job.done)

    def _put(self, job: _Job) -> None:
        with self._queue.changed:
            self._queue.jobs.append(job)
            if self._thread is None:
                self._queue.closing = False
                self._thread = threading.Thread(target=self._work, name="tallystick-books", daemon=True)
                self._thread.start()
            self._queue.changed.notify()

    def _work(self) -> None:
        """The thread: whatever waits, together; then, now and again, what others left behind."""
        while True:
            with self._queue.changed:
                if not self._queue.jobs and not self._queue.closing:
                    self._queue.changed.wait(DOWN_S if self._holding else SWEEP_S)
                jobs = [self._queue.jobs.popleft() for _ in range(min(MOST, len(self._queue.jobs)))]
                if self._queue.closing and not jobs:
                    # Whoever comes from here on starts another.
                    self._thread = None
                    return
            try:
                self._do(jobs)
            except Exception as error:
                # A bug must not leave anybody waiting.
                for job in jobs:
                    job.error = job.error or error
            _tell(jobs)
            self._sweep()

    def _do(self, jobs: list[_Job]) -> None:
        if not jobs:
            return
        if self._when_down == "spool" and self._clock.monotonic() < self._down_until:
            self._without(jobs, None)
            return
        try:
            if self._holding and self._when_down == "refuse":
                # While rows wait nothing more is sent: a disk may take a small write and not the next row.
                self._take_in()
            self._commit(jobs)
        except RowRefused as error:
            if len(jobs) > 1:
                # One of them cannot be booked, and the others can.
                for job in jobs:
                    self._do([job])
            else:
                # A person finds it beside the spool.
                self._without(jobs, error)
        except StorageError as error:
            self._down_until = self._clock.monotonic() + DOWN_S
            self._without(jobs, error)

    def _commit(self, jobs: list[_Job]) -> None:
        opens = [job for job in jobs if job.opening is not None]
        rows = [job for job in jobs if job.row is not None]
        done = self._ledger.commit(
            [job.opening for job in opens if job.opening is not None],
            [*self._unclosed, *(job.closed for job in jobs if job.closed is not None)],
            [job.row for job in rows if job.row is not None],
        )
        self._unclosed.clear()
        for job, opened in zip(opens, done.opened, strict=True):
            if isinstance(opened, LimitReached):
                job.error = opened
            else:
                job.standings, job.result = opened, True
        for job, added in zip(rows, done.added, strict=True):
            job.result = added

    def _without(self, jobs: list[_Job], error: StorageError | None) -> None:
        """The ledger is down: rows go to the spool in any case, requests on or not as the user chose."""
        rows = [job.row for job in jobs if job.row is not None]
        self._unclosed += [job.closed for job in jobs if job.closed is not None]
        down = error or StorageError("The ledger cannot be used at the moment.", remedy="docs/ledger.md says what to do.")
        failed: StorageError | None = None
        if rows:
            try:
                self._spool.put(rows)
                self.spooled += len(rows)
                if not self._holding:
                    _log.warning("the ledger is down; rows wait in %s", self._spool.path)
                self._holding = True
            except StorageError as late:
                failed = late
        for job in jobs:
            if job.row is not None:
                job.error, job.result = failed, failed is None
            elif job.opening is not None and (self._when_down == "refuse" or job.opening.limits):
                # A limit that cannot be checked is not passed.
                job.error = down

    def _sweep(self) -> None:
        """Takes in the spool once the ledger answers again, and books what was under way in processes that are gone."""
        now = self._clock.monotonic()
        if now < self._down_until or (now - self._swept < SWEEP_S and not self._spool.waiting()):
            return
        try:
            if now - self._swept < SWEEP_S:
                self._take_in()
            else:
                self.tidy()
                self._spool.prepare()
                self._swept = now
        except StorageError as error:
            self._down_until = now + DOWN_S
            _log.warning("the ledger was not swept: %s", error.message)
        except Exception:
            # A bug must not end the thread that everybody waits for.
            self._swept = now
            _log.exception("the ledger was not swept")


def _tell(jobs: list[_Job]) -> None:
    """Wakes who waits, all of a loop at once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        if job.loop is not None:
            by_loop.setdefault(job.loop, []).append(job)
    for loop, told in by_loop.items():
        # A loop that has ended waits for nothing.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve, told)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        done: asyncio.Future[Any] | None = job.done
        if done is None or done.done():
            continue
        if job.error is not None:
            done.set_exception(job.error)
        else:
            done.set_result(job.result)
