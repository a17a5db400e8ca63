"""What a session is made of. Owns the bundle that `compose` fills and the options of one session; no behaviour."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tallystick_agent.loop.reconcile import Reconciler
from tallystick_agent.loop.routing import Affinity
from tallystick_agent.policy.approvals import Grants
from tallystick_agent.ports import Clock, CodeFinder, Diagnostics, Ids, SecretStore, Terminal, Workspace
from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.model_info import CallMode, Endpoint
from tallystick_agent.providers.client import ModelClient
from tallystick_agent.providers.http import Transport
from tallystick_agent.providers.resolve import Target
from tallystick_agent.sessions.store import SessionStore
from tallystick_agent.settings import AttributionSettings, Settings
from tallystick_agent.tokens.learned import LearnedFactors
from tallystick_agent.usage.attribution import accepted, identity
from tallystick_agent.usage.bookkeeper import Bookkeeper
from tallystick_agent.usage.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineParts:
    """Shared by all sessions of a process."""

    settings: Settings
    home: Path
    transport: Transport
    client: ModelClient
    ledger: Ledger
    books: Bookkeeper
    """Where rows and requests under way are booked; the ledger is what is asked."""
    store: SessionStore
    secrets: SecretStore
    clock: Clock
    ids: Ids
    environment: Mapping[str, str]
    """The process's environment, read once by the host."""
    python: str
    """The interpreter that runs Python tests where the repository brings none of its own."""
    resolve: Callable[[str], Target]
    """The endpoints for a slug. Raises `ConfigurationError`."""
    nearest: Callable[[str], tuple[str, ...]]
    """Known slugs that a person may have meant."""
    known_call_modes: "CallModeMemory"
    affinity: "Affinity"
    learned: LearnedFactors
    reconciler: "Reconciler"


class CallModeMemory:
    """Which call mode an endpoint was found to take; kept in a small file between runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, CallMode] | None = None

    def get(self, endpoint: Endpoint) -> CallMode | None:
        return self._load().get(self._key(endpoint))

    def put(self, endpoint: Endpoint, mode: CallMode) -> None:
        import json
        import os

        known = self._load()
        known[self._key(endpoint)] = mode
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(known, indent=1, sort_keys=True), "utf-8")
        os.replace(fresh, self._path)

    def _key(self, endpoint: Endpoint) -> str:
        return f"{endpoint.slug} {endpoint.base_url}"

    def _load(self) -> dict[str, CallMode]:
        import json

        if self._known is None:
            try:
                self._known = dict(json.loads(self._path.read_text("utf-8")))
            except (OSError, ValueError):
                self._known = {}
        return self._known


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """On whose behalf a model is asked, and which one."""

    who: Attribution
    model: str
    """The slug that was asked for."""
    target: Target
    task: str = ""
    """The caller's own name for what it does; empty is the turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What a host says when it opens a session."""

    workspace: Workspace
    terminal: Terminal
    model: str
    """The slug that serves."""
    target: Target
    app: str
    client: str = ""
    user: str = ""
    grants: Grants = field(default_factory=Grants)
    finder: CodeFinder | None = None
    """Finds code for maps and for `find_code`."""
    diagnostics: Diagnostics | None = None
    """What checks files before and after an edit, and for `@diagnostics`."""
    trusted: bool = False
    """Whether the user trusts this folder: only then are its rules read."""
    attempts: int | None = None
    """Candidates of a small model that are tried against the tests; `None` takes the setting."""

    @property
    def endpoint(self) -> Endpoint:
        """The one that was named."""
        return self.target.endpoint

    def caller(self, named: AttributionSettings) -> Caller:
        """Who a session asks for. `named` is how this app names itself."""
        who = Attribution(
            door=self.app,
            app=identity(named.url, named.title),
            client=self.client,
            user=self.user,
            workspace=str(self.workspace.root),
            title=named.title,
            url=named.url,
            categories=accepted(named.categories)[0],
        )
        return Caller(who=who, model=self.model, target=self.target)
