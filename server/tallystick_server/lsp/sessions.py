"""The way to the engine: loads it at first use, opens sessions on the editor's workspace, closes them all at the end.

Owns which sessions are open and under which folder. The engine's imports cost more than the rest of the server together,
so nothing here touches them before somebody asks for a session.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tallystick_agent.protocol.errors import SessionError
from tallystick_agent.protocol.events import Event
from tallystick_agent.protocol.ids import SessionId
from tallystick_agent.protocol.operations import Operation
from tallystick_server.lsp.configuration import DEFAULT_FOLDER, Configuration, chats_folder, narrowed
from tallystick_server.lsp.documents import OpenDocuments, real_path
from tallystick_server.lsp.editor import Editor
from tallystick_server.lsp.reported import Reports
from tallystick_server.lsp.workspace import EditorWorkspace

if TYPE_CHECKING:
    from tallystick_server.compose import Application

CONFIGURED_S = 10.0
"""Seconds for an editor to answer with its configuration. A session waits as long, since that may forbid what it would do; an
answer that comes later counts for none."""
CLOSE_S = 3.5
"""Seconds for ending what runs when the client is gone."""


class EngineSession(Protocol):
    """What a host sees of a session."""

    @property
    def session_id(self) -> SessionId: ...

    @property
    def busy(self) -> bool: ...

    def events(self) -> AsyncIterator[Event]: ...

    async def submit(self, operation: Operation) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    session: EngineSession
    workspace: EditorWorkspace
    events: AsyncIterator[Event]
    """The one subscription, from the first event on."""


Watcher = Callable[[OpenSession, Event], None]


class Sessions:
    def __init__(self, editor: Editor, documents: OpenDocuments, reports: Reports, model: str | None) -> None:
        self._editor = editor
        self._documents = documents
        self._reports = reports
        self.model = model
        """What the command line names."""
        self._application: Application | None = None
        self.configuration = Configuration()
        self.configured = asyncio.Event()
        """Clear while the editor is asked for its configuration."""
        self.configured.set()
        self._open: dict[str, OpenSession] = {}
        self._roots: tuple[Path, ...] = ()
        self._folders: dict[str, Path] = {}
        """The folders of sessions that documents named."""
        self._loading = asyncio.Lock()
        self.watchers: list[Watcher] = []
        """Each hears every event of every session, before the one who opened the session does. They must not block."""

    def set_roots(self, uris: tuple[str, ...]) -> None:
        """The editor's workspace folders."""
        self._roots = tuple(path for uri in uris if (path := real_path(uri)) is not None)

    def root_for(self, path: Path | None) -> Path:
        """The workspace folder that holds `path`, the innermost one; else the first; else the folder of `path` itself."""
        if path is not None:
            holding = [root for root in self._roots if path.is_relative_to(root)]
            if holding:
                return max(holding, key=lambda root: len(root.parts))
            if not self._roots:
                # Chats that we made lie in a folder of their own, which is nobody's project.
                return path.parent.parent if path.parent.name == DEFAULT_FOLDER else path.parent
        return self._roots[0] if self._roots else Path.cwd()

    async def application(self) -> "Application":
        """Reads the settings at the first call; its engine is loaded by what needs it. Raises `TallystickError`."""
        async with self._loading:
            if self._application is None:
                self._application = await asyncio.to_thread(_load)
                self._application.narrow(narrowed(self.configuration, self._application.settings))
        return self._application

    async def chats_folder(self, root: Path) -> Path:
        """Where new chats of a workspace folder go. Raises `TallystickError`."""
        return chats_folder(self.configuration, (await self.application()).own_settings.chats.folder, root)

    def preferred(self, application: "Application") -> str | None:
        """The model that is named for new sessions. The editor's word counts where the user's own settings name none."""
        return self.model or application.own_settings.model or self.configuration.model

    async def belongs(self, session_id: str, root: Path) -> Path | None:
        """The folder of a session where it is the user's here: a workspace folder, `root`, or one around `root` where the editor
        has none. `None` for any other: a document that somebody wrote may name any session. Raises `SessionError`."""
        from tallystick_server.session_view import session_workspace

        if session_id not in self._folders:
            application = await self.application()
            self._folders[session_id] = await asyncio.to_thread(session_workspace, application, session_id)
        folder = self._folders[session_id]
        around = not self._roots and root.is_relative_to(folder) and folder != Path(folder.anchor)
        return folder if folder == root or folder in self._roots or around else None

    def configure(self, configuration: Configuration) -> None:
        """Takes what the editor's configuration says now; sessions that are open keep what they began with."""
        self.configuration = configuration
        if self._application is not None:
            self._application.narrow(narrowed(configuration, self._application.own_settings))

    async def open(self, root: Path, *, model: str | None = None, resume: str | None = None) -> OpenSession:
        """Raises `TallystickError`."""
        with contextlib.suppress(TimeoutError):
            # What the editor forbids counts for the first session too.
            async with asyncio.timeout(CONFIGURED_S):
                await self.configured.wait()
        application = await self.application()
        workspace = EditorWorkspace(application.disk(root), self._documents, self._editor)
        if resume in self._open:
            raise SessionError(
                f"The session {resume} is open in another document of this editor.",
                code="session_busy",
                remedy="Close that document, or delete the first line here to begin anew.",
            )
        last = (await asyncio.to_thread(session_model, application, resume)) if resume else None
        slug = (await application.choose(model or last or self.preferred(application))).slug
        session = await application.open(
            workspace,
            app="lsp",
            client=self._editor.client,
            model=slug,
            resume=SessionId(resume) if resume else None,
            editor=self._reports.source(workspace.root),
        )
        application.warm(workspace)
        watched = _Watched(session.events(), self.watchers)
        opened = watched.of = OpenSession(session=session, workspace=workspace, events=watched)
        self._open[session.session_id] = opened
        return opened

    def get(self, session_id: str) -> OpenSession | None:
        return self._open.get(session_id)

    async def close(self, session_id: str) -> None:
        opened = self._open.pop(session_id, None)
        if opened is not None:
            await opened.session.close()

    async def close_all(self) -> None:
        """Ends every turn and leaves every log whole; the time is bounded, since nobody waits for us any more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(*(self.close(session_id) for session_id in tuple(self._open)), return_exceptions=True)
                if self._application is not None:
                    await self._application.close()


class _Watched:
    """A session's events on their way to the one who opened it."""

    def __init__(self, events: AsyncIterator[Event], watchers: list[Watcher]) -> None:
        self._events = events
        self._watchers = watchers
        self.of: OpenSession | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        event = await anext(self._events)
        for watch in self._watchers:
            if self.of is not None:
                watch(self.of, event)
        return event


def session_model(application: "Application", session_id: str) -> str | None:
    """The model that a session last worked with. Raises `SessionError`."""
    from tallystick_server.session_view import session_facts

    return session_facts(application, session_id).model or None


def _load() -> "Application":
    """In a thread, so that the server hears its client while the modules load."""
    from tallystick_server.compose import Application

    return Application.load()
