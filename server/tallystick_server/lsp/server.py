"""The server: its parts and their life, from the first message to the closed sessions. Owns the wiring, no feature."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from tallystick_agent import __version__
from tallystick_server.lsp.chat import Chats, Desk
from tallystick_server.lsp.documents import OpenDocument, OpenDocuments
from tallystick_server.lsp.editor import Editor
from tallystick_server.lsp.hunks_kept import KeptHunks
from tallystick_server.lsp.permissions import Questions
from tallystick_server.lsp.protocol import TallystickProtocol, make_converter
from tallystick_server.lsp.session_record import Records
from tallystick_server.lsp.sessions import Sessions
from tallystick_server.lsp.transport import FramingError, Output, read_messages
from tallystick_server.lsp.views import Views

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
        self.documents = OpenDocuments()
        self.editor = Editor(self._wire, self.documents)
        self.sessions = Sessions(self.editor, self.documents, model)
        self.questions = Questions(self.editor, self.documents, self.editor.refresh_lenses)
        desk = Desk(editor=self.editor, documents=self.documents, sessions=self.sessions, questions=self.questions)
        self.chats = Chats(desk)
        self.hunks = KeptHunks(self.editor, self.documents, self.editor.refresh_lenses)
        self.records = Records()
        self.views = Views(self.editor, self.documents)
        self.sessions.watchers += [self.hunks.heard, self.records.heard]
        self.action_sources: list[ActionSource] = []
        """Who offers code actions, most urgent first. A source must not block: editors ask on every move of the cursor."""
        self.lens_sources: list[LensSource] = []
        self._register_features()

    def on(self, method: str, handler: Callable[..., Any], options: Any = None) -> None:
        """Registers the handler of a method."""
        self.feature(method, options)(handler)

    def chats_folder(self, root: Path) -> Path:
        """Where the chats of a workspace lie that we make."""
        return root / ".tally"

    def _register_features(self) -> None:
        from tallystick_server.lsp.features import (
            chat_actions,
            chat_lens,
            code_action,
            code_lens,
            code_tasks,
            documents,
            execute_command,
            folders,
            hunk_lens,
            session_methods,
            views,
        )

        protocol = (folders, documents, code_action, code_lens, execute_command, session_methods)
        for feature in (*protocol, chat_actions, chat_lens, hunk_lens, code_tasks, views):
            feature.register(self)

    async def serve(self, reader: asyncio.StreamReader, write: Callable[[bytes], object]) -> int:
        """Serves one client until it leaves. Gives the exit code."""
        gone = asyncio.Event()
        self._wire.set_writer(Output(write, gone.set))
        reading = asyncio.ensure_future(self._read(reader))
        leaving = asyncio.ensure_future(gone.wait())
        try:
            await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, leaving):
                task.cancel()
            await self.sessions.close_all()
            await self.editor.close()
        return self._wire.exit_code or 0

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            async with contextlib.aclosing(read_messages(reader)) as messages:
                async for body in messages:
                    self._wire.receive(body)
                    if self._wire.exit_code is not None:
                        return
        except FramingError as error:
            _log.error("the client was cut off: %s", error)
        except OSError:
            return
