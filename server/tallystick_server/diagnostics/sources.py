"""Several checkers behind the `Diagnostics` port. Owns the time: who is late is left out, and ended without being waited for."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, Protocol

from tallystick_agent.ports import Document
from tallystick_agent.protocol.diagnostics import Diagnostic, Reports

MOST: Final = 1_000
"""Remarks of one source about one file."""
ENDING_S: Final = 3.0
MOST_LATE: Final = 3
"""Times in a row that a source may be late before it is left alone for a while: it would hold up every edit in vain."""
REST_S: Final = 120.0
_log = logging.getLogger(__name__)


class Source(Protocol):
    """One checker of one workspace."""

    @property
    def name(self) -> str: ...

    def covers(self, path: str) -> bool: ...

    async def look(self, document: Document, timeout_s: float) -> tuple[Diagnostic, ...] | None:
        """What is wrong with this text; `None` where it cannot say."""
        ...


class EditorSource(Source, Protocol):
    """What an editor says of its documents."""

    def watched(self) -> tuple[str, ...]:
        """Files that are open in it, sorted."""
        ...


class Sources:
    """Implements the `Diagnostics` port."""

    def __init__(self, sources: tuple[Source, ...], watched: Callable[[], tuple[str, ...]] = tuple) -> None:
        self._sources = sources
        self._watched = watched
        self._late: dict[str, tuple[int, float]] = {}
        """How often in a row a source was late, and when it was so last."""
        self._tasks: set[asyncio.Task[tuple[Diagnostic, ...] | None]] = set()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self._sources)

    def covers(self, path: str) -> bool:
        return any(one.covers(path) for one in self._sources)

    def watched(self) -> tuple[str, ...]:
        return self._watched()

    async def look(self, document: Document, timeout_s: float) -> Reports:
        asked = {self._ask(one, document, timeout_s): one.name for one in self._sources if self._asks(one, document)}
        if not asked:
            return {}
        try:
            done, _ = await asyncio.wait(asked, timeout=timeout_s)
        finally:
            # Ending a process may take a moment, and nobody is to wait for that; `close` does.
            for task in asked:
                task.cancel()
        found: Reports = {}
        for task, name in asked.items():
            self._late[name] = (0, 0.0) if task in done else (self._late.get(name, (0, 0.0))[0] + 1, time.monotonic())
            if task in done and not task.cancelled():
                if (error := task.exception()) is not None:
                    _log.warning("%s could not check a file: %s", name, type(error).__name__)
                elif (remarks := task.result()) is not None:
                    found[name] = remarks[:MOST]
        return found

    async def close(self) -> None:
        """Ends what still runs."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ENDING_S)

    def _asks(self, source: Source, document: Document) -> bool:
        times, last = self._late.get(source.name, (0, 0.0))
        return source.covers(document.path) and (times < MOST_LATE or time.monotonic() - last > REST_S)

    def _ask(self, source: Source, document: Document, timeout_s: float) -> "asyncio.Task[tuple[Diagnostic, ...] | None]":
        task = asyncio.ensure_future(source.look(document, timeout_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
