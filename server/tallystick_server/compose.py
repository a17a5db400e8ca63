"""Builds everything from concrete parts: the one place that knows them all. Owns an `Application`'s life.

Hosts ask it for a session and get one; importing it loads nothing heavy.
"""

import asyncio
import logging
import os
import shutil
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick_agent.protocol.errors import ConfigurationError, TallystickError
from tallystick_agent.protocol.ids import SessionId
from tallystick_agent.protocol.model_info import Capabilities
from tallystick_agent.settings import RoutingSettings, Settings, load_settings
from tallystick_server.local.home import home_folder
from tallystick_server.local.keys import KeyStore
from tallystick_server.local.llama import LlamaServer, idle_threads
from tallystick_server.local.system import SystemClock, TimeIds
from tallystick_server.local.trust import TrustedFolders
from tallystick_server.local.weights import WeightStore

if TYPE_CHECKING:
    from tallystick_agent.context.code.code_index import CodeIndex
    from tallystick_agent.context.code.search import CodeSearch
    from tallystick_agent.context.code.store import IndexStore
    from tallystick_agent.context.economics import Forecast
    from tallystick_agent.loop.engine import Engine
    from tallystick_agent.ports import Clock, Completer, Diagnostics, Relay, SessionHandle, Terminal, Workspace
    from tallystick_agent.protocol.model_info import Endpoint
    from tallystick_agent.providers.live import LiveModels
    from tallystick_agent.providers.resolve import Known, Target
    from tallystick_agent.providers.selection import Selection
    from tallystick_agent.sessions.explain import Explained
    from tallystick_agent.sessions.store import SessionStore
    from tallystick_agent.usage.ledger import Ledger
    from tallystick_server.completions import Completions
    from tallystick_server.diagnostics.sources import EditorSource, Source, Sources
    from tallystick_server.lsp_client.pool import ServerPool
    from tallystick_server.telemetry.live import LiveExport

LOOK_S = 0.3
"""Seconds to wait for a local server that may be there."""


class Application:
    """One process's engine and what it stands on. Close it at the end."""

    def __init__(self, settings: Settings, home: Path, environment: Mapping[str, str], clock: "Clock | None" = None) -> None:
        self.settings = self.own_settings = settings
        self.home = home
        self.environment = environment
        self.clock = clock or SystemClock()
        self.keys = KeyStore(environment, home, self._origins)
        self.weights = WeightStore(home / "models")
        self.trust = TrustedFolders(home / "trusted.json")
        self._llama = LlamaServer(home / "logs" / "llama.log")
        # Another one, so that what completes does not push a session out of the only place of a server's cache.
        self._completing = LlamaServer(home / "logs" / "llama_completion.log")
        self._completions: Completions | None = None
        self._engine: Engine | None = None
        self._building = threading.Lock()
        """Reports ask for the ledger from threads."""
        self._fetching: asyncio.Task[None] | None = None
        self._index_store: IndexStore | None = None
        self._indexes: dict[str, CodeIndex] = {}
        self._warming: set[asyncio.Task[None]] = set()
        self._pool: ServerPool | None = None
        self._checks: list[Sources] = []
        self._telemetry: LiveExport | None = None

    @classmethod
    def load(
        cls,
        overrides: dict[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        clock: "Clock | None" = None,
    ) -> "Application":
        """Reads the user's settings. Raises `ConfigurationError` and `StorageError`."""
        known = os.environ if environment is None else environment
        home = home_folder(known)
        return cls(load_settings(home / "settings.toml", overrides), home, known, clock)

    def narrow(self, overrides: "Mapping[str, Any]") -> None:
        """Lays a host's values over the user's own settings (`own_settings`), for sessions from now on."""
        merged = self.own_settings.model_dump()
        for section, values in overrides.items():
            merged[section] = {**merged[section], **values}
        self.settings = Settings.model_validate(merged) if overrides else self.own_settings
        if self._engine is not None:
            self._engine.parts = replace(self._engine.parts, settings=self.settings)

    @property
    def store(self) -> "SessionStore":
        from tallystick_agent.sessions.store import SessionStore

        return SessionStore(self.home / "sessions")

    @property
    def ledger(self) -> "Ledger":
        return self.engine.parts.ledger

    @property
    def engine(self) -> "Engine":
        with self._building:
            if self._engine is None:
                self._engine = self._build()
            return self._engine

    def _build(self) -> "Engine":
        from tallystick_agent.loop.engine import Engine
        from tallystick_agent.loop.parts import CallModeMemory, EngineParts
        from tallystick_agent.loop.reconcile import Reconciler
        from tallystick_agent.loop.routing import Affinity
        from tallystick_agent.providers.client import ModelClient
        from tallystick_agent.providers.health import HealthBoard
        from tallystick_agent.providers.http import Transport
        from tallystick_agent.providers.pacing import Pacer
        from tallystick_agent.tokens.learned import LearnedFactors
        from tallystick_agent.usage.bookkeeper import Bookkeeper
        from tallystick_agent.usage.ledger import Ledger
        from tallystick_agent.usage.places import database
        from tallystick_agent.usage.spool import Spool
        from tallystick_server.budget_view import hard_budgets
        from tallystick_server.local.processes import alive, this_process

        network = self.settings.network
        transport = Transport(network, self.settings.attribution, self.clock)
        ledger = Ledger(database(self._ledger_url(), self.home))
        own = self.own_settings
        books = Bookkeeper(
            ledger,
            Spool(self.home),
            self.clock,
            me=this_process(),
            alive=alive,
            when_down=own.ledger.when_down,
            budgets=hard_budgets(own),
        )
        if self.settings.telemetry.endpoint:
            from tallystick_server.telemetry.start import live_export

            self._telemetry = live_export(self)
            if self._telemetry is not None:
                ledger.on_booked(self._telemetry.offer)
        pacer = Pacer(self.home / "limits.json", self.clock)
        return Engine(
            EngineParts(
                settings=self.settings,
                home=self.home,
                transport=transport,
                client=ModelClient(transport, self.keys, self.clock, network, pacer=pacer, health=HealthBoard()),
                ledger=ledger,
                books=books,
                store=self.store,
                secrets=self.keys,
                clock=self.clock,
                ids=TimeIds(),
                environment=self.environment,
                python="python3" if shutil.which("python3", path=self.environment.get("PATH")) else sys.executable,
                resolve=self.target,
                nearest=self.nearest,
                known_call_modes=CallModeMemory(self.home / "call_modes.json"),
                affinity=Affinity(self.clock),
                learned=LearnedFactors(self.home / "token_factors.json"),
                reconciler=Reconciler(transport, self.keys, ledger, self.clock),
            )
        )

    def _ledger_url(self) -> str:
        """The environment's address may hold the password that the settings' should not."""
        url = self.own_settings.ledger.url
        return self.environment.get("TALLYSTICK_LEDGER_URL", "").strip() or (url.get_secret_value() if url is not None else "")

    def disk(self, root: Path) -> "Workspace":
        """The files of a folder. Raises `ConfigurationError` where it is none."""
        from tallystick_server.local.disk import DiskWorkspace

        if not root.is_dir():
            what = "is not a folder" if root.exists() else "does not exist"
            raise ConfigurationError(
                f"{root} {what}.", code="no_repository", remedy="Give the folder of the repository with --repo."
            )
        if not os.access(root, os.R_OK | os.X_OK):
            raise ConfigurationError(f"{root} cannot be read.", code="no_repository", remedy="Check its permissions.")
        return DiskWorkspace(root, self.environment)

    def code_search(self, workspace: "Workspace") -> "CodeSearch":
        """What finds code in a workspace; its index is shared with other processes."""
        from tallystick_agent.context.code.code_index import CodeIndex
        from tallystick_agent.context.code.search import CodeSearch
        from tallystick_agent.context.code.store import VERSION, IndexStore
        from tallystick_agent.git.repo import Repo

        if self._index_store is None:
            # Its version is in its name, so that two installed versions do not take each other's for damaged.
            self._index_store = IndexStore(self.home / "cache" / f"code_index_{VERSION}.sqlite3")
        root, now = str(workspace.root), self.clock.now
        if root not in self._indexes:
            repo = Repo(workspace.root, self.environment)
            self._indexes[root] = CodeIndex(self._index_store, root, repo, day=lambda: now().toordinal())
        return CodeSearch(workspace, self._indexes[root])

    def warm(self, workspace: "Workspace") -> None:
        """Brings a workspace's index up to date in the background, so that the first question does not wait for it."""
        task = asyncio.ensure_future(self._warm(workspace))
        self._warming.add(task)
        task.add_done_callback(self._warming.discard)

    async def _warm(self, workspace: "Workspace") -> None:
        try:
            await self.code_search(workspace).prepare()
        except Exception as error:
            logging.getLogger("tallystick").warning("the index was not built ahead: %s", type(error).__name__)

    async def names(self, root: Path, begun: str, most: int) -> tuple[tuple[str, str], ...]:
        """Names of definitions that go on with what was begun, each with its path. Raises `ConfigurationError`."""
        return await self.code_search(self.disk(root)).names(begun, most)

    def commits(self, root: Path, most: int) -> tuple[tuple[str, str], ...]:
        """The newest commits: their names, and the first lines of their messages. Blocks."""
        from tallystick_agent.git.repo import Repo

        repo = Repo(root, self.environment)
        return tuple((one.sha, one.message.split("\n")[0]) for one in repo.changes(repo.commits(most))) if repo.found else ()

    def staged(self, root: Path) -> bool:
        """Whether a commit would take anything of a folder now. Blocks."""
        from tallystick_agent.git.changes import any_staged
        from tallystick_agent.git.repo import Repo

        return any_staged(Repo(root, self.environment))

    def work_tree(self, git_folder: Path) -> Path | None:
        """The work tree of a git folder, links resolved; `None` where there is none that owns it. Blocks."""
        from tallystick_agent.git.repo import Repo

        return Repo(git_folder, self.environment).work_tree()

    def outlook(self, found: "Explained") -> "Forecast":
        """How long a session's window and money last if it goes on as it did."""
        from tallystick_agent.context.economics import forecast

        planned = [one.planned for one in found.requests if one.planned is not None]
        window = planned[-1].window_tokens if planned else None
        limit = self.settings.budget.max_cost_usd
        return forecast(
            [one.finished.usage.input_tokens for one in found.requests if one.purpose not in ("probe", "compaction")],
            [turn.requests for turn in found.turns],
            window=window,
            reserved=planned[-1].reserved_output_tokens if planned else 0,
            cost_nanos=sum(turn.cost_nanos for turn in found.turns),
            budget_nanos=int(limit * 1_000_000_000) if limit is not None else None,
        )

    async def choose(self, asked: str | None) -> "Selection":
        """Which model serves, and why. Raises `ConfigurationError` when there is none."""
        from tallystick_agent.providers.selection import Found, by_key, select

        keys = self.keys.names()
        sure = asked or self.settings.model or by_key(keys)
        servers = {} if sure else await self._servers()
        local = next(iter(self.weights.pulled()), None)
        return select(asked=asked, configured=self.settings.model, found=Found(keys=keys, servers=servers, local_model=local))

    async def _servers(self) -> dict[str, str]:
        """The first model of each local server that answers on its usual port."""
        from tallystick_agent.providers.catalog import providers
        from tallystick_agent.providers.selection import SERVER_ORDER

        found: dict[str, str] = {}
        for name in SERVER_ORDER:
            base = self.bases().get(name, providers()[name].base_url)
            found[name] = _first_model(await self.engine.parts.transport.get_json(f"{base}/models", timeout_s=LOOK_S))
        return {name: model for name, model in found.items() if model}

    @property
    def known(self) -> "Known":
        """What a model's name is read against."""
        from tallystick_agent.providers.resolve import Known

        return Known(settings=self.settings, keys=self.keys.names(), bases=self.bases(), live=self.live.rows())

    @property
    def live(self) -> "LiveModels":
        from tallystick_agent.providers.live import LiveModels

        return LiveModels(self.home / "cache" / "openrouter_models.json")

    def target(self, slug: str, routing: "RoutingSettings | None" = None) -> "Target":
        """The endpoints for a model. Raises `ConfigurationError`: an unknown model, a missing key, contradicting wishes."""
        from tallystick_agent.providers.resolve import target
        from tallystick_server.local.bases import check_url

        known = self.known
        if routing is not None:
            known = replace(known, settings=known.settings.model_copy(update={"routing": routing}))
        found = target(slug, known)
        ready: list[Endpoint] = []
        for endpoint in found.candidates:
            check_url(endpoint)
            if endpoint.provider == "local":
                capabilities = Capabilities(call_mode="schema", infill=True)
                window = self.settings.local.window_tokens
                endpoint = replace(endpoint, capabilities=capabilities, window_tokens=window, scale="small")
            self._check_key(endpoint)
            ready.append(endpoint)
        return replace(found, endpoint=ready[0], candidates=tuple(ready))

    def nearest(self, slug: str) -> tuple[str, ...]:
        """Known slugs that a person may have meant."""
        from tallystick_agent.providers.resolve import nearest

        return nearest(slug, self.known)

    def _check_key(self, endpoint: "Endpoint") -> None:
        from tallystick_agent.providers.http import origin_of

        if endpoint.key_name is not None and self.keys.get(endpoint.key_name, origin_of(endpoint.base_url)) is None:
            raise ConfigurationError(
                f"There is no key for {endpoint.provider}.",
                code="provider_auth",
                remedy=f"Set {endpoint.key_name} in the environment, or run: tallystick keys set {endpoint.key_name}",
            )

    def _origins(self) -> "Mapping[str, frozenset[str]]":
        from tallystick_server.local.bases import origins

        return origins(self.settings, self.bases())

    def bases(self) -> dict[str, str]:
        """Base URLs that the environment moves."""
        from tallystick_server.local.bases import bases

        return bases(self.environment)

    async def open(
        self,
        workspace: "Workspace",
        *,
        app: str,
        model: str,
        client: str = "",
        yes: bool = False,
        attempts: int | None = None,
        resume: SessionId | None = None,
        editor: "EditorSource | None" = None,
    ) -> "SessionHandle":
        """A session on a workspace. `editor`: what its editor says of files. Raises `TallystickError`."""
        from tallystick_agent.loop.parts import SessionOptions
        from tallystick_agent.policy.approvals import Grants
        from tallystick_server.local.terminal import LocalTerminal

        target = await self._serving(model)
        terminal = LocalTerminal(self.environment)
        options = SessionOptions(
            workspace=workspace,
            terminal=terminal,
            model=target.endpoint.slug,
            target=target,
            app=app,
            client=client,
            user=self.environment.get("USER", ""),
            grants=Grants(everything=yes),
            finder=self.code_search(workspace),
            diagnostics=self._diagnostics(workspace.root, terminal, editor),
            trusted=self.trust.holds(workspace.root),
            attempts=attempts,
        )
        return await self.engine.open(options, resume)

    async def _serving(self, model: str, routing: "RoutingSettings | None" = None) -> "Target":
        """The endpoints for a model, ready: a model of this machine is started."""
        target = self.target(model, routing)
        if target.endpoint.provider == "local":
            served = replace(target.endpoint, base_url=await self._start_local(target.endpoint.model))
            target = replace(target, endpoint=served, candidates=(served, *target.candidates[1:]))
        self._refresh(target)
        return target

    def relay(self) -> "Relay":
        """What asks models for other apps."""
        from tallystick_agent.loop.relay import ModelRelay

        return ModelRelay(lambda: self.engine.parts, self._serving)

    @property
    def completions(self) -> "Completions":
        if self._completions is None:
            from tallystick_server.completions import Completions

            self._completions = Completions(self, lambda name: self._start_local(name, self._completing))
        return self._completions

    async def completer(self, root: Path, *, app: str, client: str = "") -> "Completer | None":
        """What completes at a cursor in a folder; `None` where nothing does. Raises `TallystickError`."""
        return await self.completions.completer(root, app=app, client=client)

    def _diagnostics(self, root: Path, terminal: "Terminal", editor: "EditorSource | None") -> "Diagnostics | None":
        """What checks the files of a workspace; `None` where nothing does."""
        configured = self.settings.linters or self.settings.language_servers
        if not configured and editor is None:
            return None
        from tallystick_server.diagnostics.sources import Sources

        made: tuple[Source, ...] = () if editor is None else (editor,)
        if configured:
            from tallystick_server.diagnostics.setup import sources
            from tallystick_server.local.terminal import child_environment
            from tallystick_server.lsp_client.pool import ServerPool

            self._pool = self._pool or ServerPool(child_environment(self.environment))
            trusted, cache = self.trust.holds(root), self.home / "cache"
            made += sources(
                self.settings, self.environment, root, trusted=trusted, terminal=terminal, pool=self._pool, cache=cache
            )
        if not made:
            return None
        self._checks.append(found := Sources(made, editor.watched if editor is not None else tuple))
        return found

    def _refresh(self, target: "Target") -> None:
        """Gets OpenRouter's list of models in the background where it serves and the list here is old."""
        hours = self.settings.catalog.refresh_hours
        if hours <= 0 or not any(one.provider == "openrouter" for one in target.candidates):
            return
        age = self.live.age_s(self.clock.now())
        # An age below 0 is a clock that was set back.
        if age is None or not 0 <= age <= hours * 3_600:
            self._fetching = asyncio.ensure_future(self._fetch())

    async def _fetch(self) -> None:
        from tallystick_server.model_view import refresh

        try:
            await refresh(self)
        except TallystickError as error:
            logging.getLogger("tallystick").info("the list of models stays as it is: %s", error.code)

    async def _start_local(self, name: str, server: LlamaServer | None = None) -> str:
        path = self.weights.path(name)
        if path is None:
            raise ConfigurationError(
                f"The model {name} is not here.", code="no_model", remedy=f"Get it: tallystick models pull {name}"
            )
        threads = self.settings.local.threads or idle_threads(self.environment)
        url = await (server or self._llama).start(path, name, threads=threads, window=self.settings.local.window_tokens)
        return f"{url}/v1"

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})
        if self._completions is not None:
            await self._completions.close()
        for checks in self._checks:
            await checks.close()
        if self._pool is not None:
            await self._pool.close()
        if self._engine is not None:
            await self._engine.close()
        if self._telemetry is not None:
            from tallystick_server.telemetry.start import close_export

            # After the engine: its last rows are booked by then.
            await close_export(self._telemetry)
        for index in self._indexes.values():
            index.stop()
        if self._warming:
            await asyncio.wait(self._warming)
        if self._index_store is not None:
            self._index_store.close()
        await self._llama.stop()
        await self._completing.stop()


def _first_model(data: object) -> str:
    """The first id of a server's list of models; empty where it is no such list."""
    from pydantic import TypeAdapter, ValidationError

    try:
        models = TypeAdapter(dict[str, Any]).validate_python(data)["data"]
        return str(models[0]["id"])
    except (ValidationError, LookupError, TypeError):
        return ""
