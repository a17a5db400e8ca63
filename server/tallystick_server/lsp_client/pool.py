"""Language servers of our own: which run, for how long, and how often they are started again.

A server starts at the first question about one of its files and is one to a root. It is ended after a while without questions,
when another needs its place, and with us.
"""

import asyncio
import fnmatch
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tallystick_agent.ports import Document
from tallystick_agent.protocol.diagnostics import Diagnostic
from tallystick_agent.settings import LanguageServerSettings
from tallystick_server.lsp_client.language_server import LanguageServer
from tallystick_server.lsp_client.wire import ServerGone, ServerRefused

MOST_SERVERS: Final = 4
MOST_STARTS: Final = 3
"""Of one server for one root in an hour."""
START_S: Final = 30.0
LOOK_S: Final = 1.0
"""Seconds between looks for servers that nobody asks any more."""
_log = logging.getLogger(__name__)
_Key = tuple[str, str]


@dataclass(slots=True)
class _Place:
    """One server for one root, running or not."""

    starts: list[float] = field(default_factory=lambda: [])
    server: LanguageServer | None = None
    starting: "asyncio.Task[LanguageServer | None] | None" = None
    used: float = 0.0
    idle_s: float = 600.0
    asked: int = 0
    """Questions that wait for it now."""

    @property
    def running(self) -> bool:
        return self.starting is not None or (self.server is not None and self.server.alive)


class ServerPool:
    """One process's. `environment` is what the servers get."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._places: dict[_Key, _Place] = {}
        self._sweeping: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def alive(self) -> int:
        """Servers that run, or are just starting."""
        return sum(place.running for place in self._places.values())

    def source(self, name: str, settings: LanguageServerSettings, program: str, root: Path) -> "ServerSource":
        """What asks this server about files of `root`. `program` is where the first word of its command was found."""
        return ServerSource(pool=self, name=name, settings=settings, program=program, root=root)

    async def look(self, source: "ServerSource", document: Document) -> tuple[Diagnostic, ...] | None:
        """`None` where the server does not run and may not be started again."""
        place = self._places.setdefault((source.name, str(source.root)), _Place())
        place.used, place.idle_s = time.monotonic(), source.settings.idle_s
        place.asked += 1
        try:
            server = await self._running(place, source)
            return await server.look(document) if server is not None else None
        except ServerGone:
            return None
        finally:
            place.asked -= 1
            place.used = time.monotonic()

    async def close(self) -> None:
        """Ends every server."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for place in self._places.values():
            if place.starting is not None:
                place.starting.cancel()
                await asyncio.wait({place.starting})
            self._end(place)
        if self._ending:
            await asyncio.wait(self._ending)

    async def _running(self, place: _Place, source: "ServerSource") -> LanguageServer | None:
        if place.server is not None and place.server.alive:
            return place.server
        # It ended by itself, and what is left of it is cleared away.
        self._end(place)
        if place.starting is None:
            now = time.monotonic()
            place.starts = [at for at in place.starts if now - at < 3_600]
            if len(place.starts) >= MOST_STARTS or self._closed or not self._make_room(place):
                return None
            place.starts.append(now)
            place.starting = asyncio.ensure_future(self._start(place, source))
            place.starting.add_done_callback(lambda _: setattr(place, "starting", None))
            self._sweeping = self._sweeping or asyncio.ensure_future(self._sweep())
        # The question may run out of time; the server goes on with its start, for the next one.
        return await asyncio.shield(place.starting)

    async def _start(self, place: _Place, source: "ServerSource") -> LanguageServer | None:
        server = LanguageServer(source.name, source.root, source.settings.language, source.settings.settings)
        try:
            async with asyncio.timeout(START_S):
                await server.start((source.program, *source.settings.command[1:]), self._environment)
        except (OSError, ServerGone, ServerRefused, TimeoutError) as error:
            self._clear(server)
            _log.warning("the language server %s did not start: %s", source.name, type(error).__name__)
            return None
        except BaseException:
            self._clear(server)
            raise
        place.server = server
        return server

    def _make_room(self, wanted: _Place) -> bool:
        running = [one for one in self._places.values() if one is not wanted and one.running]
        if len(running) < MOST_SERVERS:
            return True
        idle = [one for one in running if not one.asked and one.starting is None]
        if not idle:
            return False
        self._end(min(idle, key=lambda one: one.used))
        return True

    def _end(self, place: _Place) -> None:
        server, place.server = place.server, None
        if server is not None:
            self._close(server)

    def _clear(self, server: LanguageServer) -> None:
        server.kill()
        self._close(server)

    def _close(self, server: LanguageServer) -> None:
        task = asyncio.ensure_future(server.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for place in self._places.values():
                if place.server is not None and not place.asked and time.monotonic() - place.used > place.idle_s:
                    self._end(place)
                    # To be ended for want of work is no fault of its own.
                    place.starts.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSource:
    """Implements the `Source` of `diagnostics.sources` for one server and root."""

    pool: ServerPool
    name: str
    settings: LanguageServerSettings
    program: str
    root: Path

    def covers(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        return any(fnmatch.fnmatchcase(path if "/" in glob else name, glob) for glob in self.settings.globs)

    async def look(self, document: Document, timeout_s: float) -> tuple[Diagnostic, ...] | None:
        return await self.pool.look(self, document)
