"""Which model completes at a cursor, if any. Owns that choice and the look for a server, which is remembered for a while.

By default a model completes that costs nothing, runs on this machine or in its network, and runs already. Nothing is started
or downloaded because a file was opened; the engine is loaded once there is a model, and not to find out that there is none.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from tallystick_agent.ports import Clock
from tallystick_agent.protocol.usage import Cost, Usage
from tallystick_agent.settings import Settings
from tallystick_server.local.look import look

if TYPE_CHECKING:
    from tallystick_agent.loop.complete import GapFiller
    from tallystick_agent.loop.engine import Engine
    from tallystick_agent.ports import Workspace
    from tallystick_agent.protocol.model_info import Endpoint
    from tallystick_agent.providers.resolve import Target
    from tallystick_agent.providers.selection import Selection

LOOK_S: Final = 0.3
"""Seconds to wait for a server that may be there."""
FOUND_S: Final = 120.0
"""Seconds for which a server that was found is not looked for again."""
MISSING_S: Final = 30.0
"""The same where there was none."""
SERVER: Final = "llamacpp"
"""The one that is looked for. Ollama loads a model when it is asked, which nobody wanted by opening a file."""


_Key = tuple[str, str, str]
"""Model, folder, client."""


class Host(Protocol):
    """What is needed of the application."""

    @property
    def settings(self) -> Settings: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def environment(self) -> Mapping[str, str]: ...

    @property
    def engine(self) -> "Engine": ...

    def target(self, slug: str) -> "Target": ...

    async def choose(self, asked: str | None) -> "Selection": ...

    def bases(self) -> dict[str, str]: ...

    def disk(self, root: Path) -> "Workspace": ...


class Completions:
    """The completers of a process, one for each workspace."""

    def __init__(self, host: Host, start_local: Callable[[str], Awaitable[str]]) -> None:
        """`start_local` starts the server of a pulled model, and gives its base URL."""
        self._host = host
        self._start_local = start_local
        self._found: tuple[str, float] | None = None
        """The model that a server has, empty for none, and when that was seen."""
        self._chosen: tuple[str, float] | None = None
        """The model that serves where none was found, and when that was chosen."""
        self._made: dict[_Key, GapFiller] = {}
        self._retired: list[GapFiller] = []
        self._not_free: set[str] = set()
        """Models that would cost something, where that is not allowed."""
        self._making: dict[_Key, asyncio.Task[GapFiller | None]] = {}

    async def completer(self, root: Path, *, app: str, client: str = "") -> "GapFiller | None":
        """What completes in a folder; `None` where nothing does. Raises `TallystickError` where a named model cannot serve."""
        slug = await self._model()
        if slug is None:
            return None
        key = (slug, str(root), client)
        if slug in self._not_free:
            return None
        if key not in self._made and key not in self._making:
            making = self._making[key] = asyncio.ensure_future(self._make(slug, root, app, client))
            making.add_done_callback(lambda task: self._landed(key, task))
        if key in self._making:
            # Whoever types on is not to end the start of a server.
            return await asyncio.shield(self._making[key])
        return self._made[key]

    def _landed(self, key: _Key, task: "asyncio.Task[GapFiller | None]") -> None:
        del self._making[key]
        # Asked for its error, since whoever waited for it may be gone.
        if not task.cancelled() and task.exception() is None and (made := task.result()) is not None:
            self._made[key] = made

    async def close(self) -> None:
        tasks = tuple(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def forget(self) -> None:
        """The server that was asked does not answer any more: it is looked for, or started, anew."""
        self._found = self._chosen = None
        for key in [key for key in self._made if key[0].startswith("local/")]:
            self._retired.append(self._made.pop(key))

    def spent(self) -> tuple[Usage, Cost]:
        """What all completions of this process used."""
        usage, nanos, known = Usage(), 0, True
        for one in (*self._retired, *self._made.values()):
            usage = usage.plus(one.usage)
            known = known and one.cost.nanos is not None
            nanos += one.cost.nanos or 0
        return usage, Cost(priced_nanos=nanos) if known else Cost()

    async def _model(self) -> str | None:
        wanted = self._host.settings.completion
        if wanted.enabled is False:
            return None
        if wanted.model:
            return wanted.model
        name = await self._server_model()
        if name:
            return f"{SERVER}/{name}"
        return await self._default() if wanted.enabled is True else None

    async def _default(self) -> str:
        """The model that would serve a session. Raises `ConfigurationError` where there is none."""
        now = self._host.clock.monotonic()
        if self._chosen is None or now - self._chosen[1] > FOUND_S:
            self._chosen = ((await self._host.choose(None)).slug, now)
        return self._chosen[0]

    async def _server_model(self) -> str:
        """The model of a llama.cpp server on its usual port; empty where there is none."""
        from tallystick_agent.providers.catalog import providers

        now = self._host.clock.monotonic()
        if self._found is None or now - self._found[1] > (FOUND_S if self._found[0] else MISSING_S):
            base = self._host.bases().get(SERVER, providers()[SERVER].base_url)
            self._found = (_model_of(await look(f"{base}/models", timeout_s=LOOK_S)), now)
        return self._found[0]

    async def _make(self, slug: str, root: Path, app: str, client: str) -> "GapFiller | None":
        host = self._host
        target = await asyncio.to_thread(host.target, slug)
        if host.settings.completion.enabled == "local" and not _costs_nothing_here(target.endpoint):
            self._not_free.add(slug)
            return None
        # In a thread: the engine's modules load for half a second, and the host has to hear its client.
        await asyncio.to_thread(_load)
        from tallystick_agent.loop.complete import GapFiller
        from tallystick_agent.loop.parts import SessionOptions
        from tallystick_server.local.terminal import LocalTerminal

        if target.endpoint.provider == "local":
            served = replace(target.endpoint, base_url=await self._start_local(target.endpoint.model))
            target = replace(target, endpoint=served, candidates=(served, *target.candidates[1:]))
        options = SessionOptions(
            workspace=host.disk(root),
            terminal=LocalTerminal(host.environment),
            model=target.endpoint.slug,
            target=target,
            app=app,
            client=client,
            user=host.environment.get("USER", ""),
        )
        return GapFiller(host.engine.parts, options)


def _load() -> None:
    for name in ("tallystick_agent.loop.complete", "tallystick_agent.loop.engine", "httpx"):
        importlib.import_module(name)


def _costs_nothing_here(endpoint: "Endpoint") -> bool:
    from tallystick_agent.providers.resolve import near

    return near(endpoint.base_url) and (endpoint.local or endpoint.free)


def _model_of(data: Any) -> str:
    """The loaded model of llama.cpp's own list; empty for any other server's, of which we do not know what a request starts.

    A server for several models loads one when it is asked; those that it has loaded say so.
    """
    try:
        rows: list[Any] = [row for row in data["data"] if row["owned_by"] == "llamacpp"]
        loaded = [row["id"] for row in rows if row.get("status", {}).get("value", "loaded") == "loaded"]
        return str(loaded[0])
    except (LookupError, TypeError, AttributeError):
        return ""
