"""The server: its parts and their life, from the first message to the closed sessions. Owns the wiring, no feature."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, cast

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from tallystick_agent import __version__
from tallystick_agent.protocol.events import Event, TurnFinished
from tallystick_server.lsp.chat import Chats, Desk
from tallystick_server.lsp.chat_watch import ChatWatch
from tallystick_server.lsp.client_process import ended
from tallystick_server.lsp.commands import unhurried
from tallystick_server.lsp.documents import OpenDocument, OpenDocuments
from tallystick_server.lsp.editor import Editor
from tallystick_server.lsp.hunks_kept import KeptHunks
from tallystick_server.lsp.inline import Inline
from tallystick_server.lsp.marks import Marks
from tallystick_server.lsp.outbox import Outbox
from tallystick_server.lsp.permissions import Questions
from tallystick_server.lsp.protocol import TallystickProtocol, make_converter
from tallystick_server.lsp.reported import Reports
from tallystick_server.lsp.session_record import Records
from tallystick_server.lsp.sessions import OpenSession, Sessions
from tallystick_server.lsp.status import Status
from tallystick_server.lsp.transport import Connection, FramingError, read_messages
from tallystick_server.lsp.turn_use import TurnUses
from tallystick_server.lsp.views import Views

FLUSH_S = 0.5
"""Seconds for the last messages to be written."""
TAKEN = 100
"""Messages that came together and are taken before other work goes on."""
_log = logging.getLogger(__name__)
ActionSource = Callable[[types.CodeActionParams], Iterable[types.CodeAction]]
LensSource = Callable[[OpenDocument], Iterable[types.CodeLens]]


class TallystickServer(LanguageServer):
    """Made on the loop that runs it."""

    def __init__(self, model: str | None) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            "tallystick", __version__, protocol_cls=TallystickProtocol, converter_factory=make_converter
        )
        self._wire = cast("TallystickProtocol", self.protocol)
        self._gone = asyncio.Event()
        self._outbox: Outbox | None = None
        self.documents = OpenDocuments()
        self.editor = Editor(self._wire, self.documents)
        self.reports = Reports(self.documents)
        self.sessions = Sessions(self.editor, self.documents, self.reports, model)
        self.marks = Marks(self.editor.publish)
        self.questions = Questions(self.editor, self.documents, self.marks, self.editor.refresh_lenses)
        desk = Desk(editor=self.editor, documents=self.documents, sessions=self.sessions, questions=self.questions)
        self.chats = Chats(desk)
        self.inline = Inline(self.editor, self.documents, self.sessions)
        self.hunks = KeptHunks(self.editor, self.documents, self.editor.refresh_lenses)
        self.records = Records()
        self.views = Views(self.editor, self.documents)
        self.status = Status(self.editor)
        self.turn_uses = TurnUses(self.sessions)
        self.chat_watch = ChatWatch(self.documents, self.marks)
        self.sessions.watchers += [self.hunks.heard, self.records.heard, self.status.heard, self._turn_ended]
        self.action_sources: list[ActionSource] = []
        """Who offers code actions, most urgent first. A source must not block: editors ask on every move of the cursor."""
        self.lens_sources: list[LensSource] = []
        self._register_features()

    def _turn_ended(self, opened: OpenSession, event: Event) -> None:
        if isinstance(event.body, TurnFinished):
            self.turn_uses.forget(opened.session.session_id)
            self.editor.refresh_hints()

    def on(self, method: str, handler: Callable[..., Any], options: Any = None) -> None:
        """Registers the handler of a method."""
        self.feature(method, options)(handler)

    def on_command(self, name: str, handler: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        """Registers a command."""
        self.command(name)(unhurried(handler, self.editor))

    def _register_features(self) -> None:
        from tallystick_server.lsp.features import (
            chat_actions,
            chat_commands,
            chat_lens,
            code_action,
            code_lens,
            code_tasks,
            commit_message,
            completion,
            configuration,
            diagnostics,
            documents,
            execute_command,
            file_operations,
            folders,
            hunk_lens,
            inline_completion,
            session_methods,
            usage_hints,
            views,
        )

        for feature in (
            folders,
            documents,
            diagnostics,
            code_action,
            code_lens,
            execute_command,
            completion,
            inline_completion,
            session_methods,
            chat_actions,
            chat_lens,
            hunk_lens,
            code_tasks,
            views,
            configuration,
            usage_hints,
            commit_message,
            chat_commands,
            file_operations,
        ):
            feature.register(self)

    def leave(self) -> None:
        """Ends `serve`, as when the client has gone."""
        self._gone.set()

    async def room(self) -> None:
        """Waits while too many messages wait for the client to read. For whoever sends streams of them."""
        if self._outbox is not None:
            await self._outbox.room()

    async def serve(self, connection: Connection, at_end: Callable[[], None] | None = None) -> int:
        """Serves one client until it leaves. Gives the exit code. `at_end`: see `Connection.reader`."""
        outbox = self._outbox = Outbox(connection.write, self.leave)
        self._wire.connect(outbox)
        reading = asyncio.ensure_future(self._read(connection.reader(at_end), outbox))
        leaving = asyncio.ensure_future(self._gone.wait())
        watching = asyncio.ensure_future(self._watch())
        try:
            await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, leaving, watching):
                task.cancel()
            await self.inline.close()
            self._wire.cancel_all()
            await self.sessions.close_all()
            await self.editor.close()
            await outbox.close(FLUSH_S)
        return self._wire.exit_code or 0

    async def _watch(self) -> None:
        """The editor may die and leave our input open."""
        await ended(await self._wire.client_process)
        _log.warning("the client's process has ended")
        self.leave()

    def _receive(self, body: bytes) -> None:
        """Whatever is wrong with one message, or with us, the next one is heard."""
        try:
            self._wire.receive(body)
        except Exception:
            _log.exception("a bug in the taking of a message")

    async def _read(self, reader: asyncio.StreamReader, outbox: Outbox) -> None:
        """What came together is taken together, so that a cancel meets its request before that begins; but not for long."""
        taken = 0
        try:
            async with contextlib.aclosing(read_messages(reader)) as messages:
                async for body in messages:
                    self._receive(body)
                    if self._wire.exit_code is not None:
                        return
                    await outbox.uncrowded()
                    taken += 1
                    if taken % TAKEN == 0:
                        await asyncio.sleep(0)
        except FramingError as error:
            _log.error("the client was cut off: %s", error)
        except OSError:
            return
