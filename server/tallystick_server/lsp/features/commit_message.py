"""The commit message from what is staged: a code action in git's own message file, and a command that gives the text.

Owns which repository a message file belongs to, and the run of the command: its turn, its stop, its errors. What the
message looks like and where it goes is in `commit_text`.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams, JsonRpcRequestCancelled
from pygls.uris import to_fs_path

from tallystick_agent.protocol.errors import ConfigurationError, TallystickError
from tallystick_agent.protocol.events import ItemFinished, MessageItem, TurnFinished
from tallystick_agent.protocol.operations import Cancel, Prompt
from tallystick_server.lsp.chat_writer import revise
from tallystick_server.lsp.commit_text import Insertion, plain_message
from tallystick_server.lsp.documents import OpenDocument, real_path
from tallystick_server.lsp.features.code_action import action
from tallystick_server.lsp.host_commands import COMMIT, NOTHING_STAGED
from tallystick_server.lsp.protocol import failed
from tallystick_server.lsp.server import TallystickServer
from tallystick_server.lsp.sessions import OpenSession

COMMAND = "tallystick.commitMessage"
_FILES = ("COMMIT_EDITMSG", "MERGE_MSG", "SQUASH_MSG")


def register(server: TallystickServer) -> None:
    async def commit_message(uri: Any = None) -> str:
        """Writes the message into the document of `uri`, and gives it. Raises for a model that gave none."""
        if uri is not None and not isinstance(uri, str):
            raise JsonRpcInvalidParams("The command's argument is the URI of a document.")
        return await _Run(server, uri).result()

    def actions(params: types.CodeActionParams) -> Iterator[types.CodeAction]:
        document = server.documents.get(params.text_document.uri)
        if document is not None and is_message(document):
            yield action("Tallystick: Write the commit message", COMMAND, document.uri)

    server.on_command(COMMAND, commit_message)
    server.action_sources.append(actions)


def is_message(document: OpenDocument) -> bool:
    return document.uri.rpartition("/")[2] in _FILES or document.language in ("gitcommit", "git-commit")


class _Run:
    """The command at work. A cancelled progress and a cancelled request both end its turn, and nothing is written."""

    def __init__(self, server: TallystickServer, uri: str | None) -> None:
        self._server = server
        self._uri = uri
        self._opened: OpenSession | None = None
        self._stopped = False

    async def result(self) -> str:
        """Raises `JsonRpcException`: what went wrong, or that it was stopped."""
        server, insertion = self._server, Insertion()
        if self._uri is not None:
            server.documents.follow(self._uri, insertion)
        written = server.documents.get(self._uri) if self._uri is not None else None
        progress = server.editor.progress("Tallystick: commit message", self._stop)
        outcome = "not written"
        try:
            progress.report("reading what is staged")
            message = await self._message()
            if written is not None:
                await self._insert(written.uri, insertion, message)
            outcome = "done"
        except TallystickError as error:
            server.editor.say_error(error)
            raise failed(error.message, {"code": error.code, "remedy": error.remedy}) from error
        finally:
            progress.end("stopped" if self._stopped else outcome)
        return message

    def _stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            if self._opened is not None:
                self._server.editor.spawn(self._opened.session.submit(Cancel()))

    def _check(self) -> None:
        if self._stopped:
            raise JsonRpcRequestCancelled("The commit message was stopped.")

    async def _insert(self, uri: str, insertion: Insertion, message: str) -> None:
        server = self._server
        stands = await revise(
            uri,
            server.editor,
            server.documents,
            lambda text: text if self._stopped else insertion.into(text, message),
            lambda text: message in text,
        )
        now = server.documents.get(uri)
        if now is None or message not in now.plain:
            self._check()
        if not stands and now is not None:
            server.editor.say("The commit message did not get into the document.", types.MessageType.Warning)

    async def _message(self) -> str:
        """One turn of words alone, in a session of its own. Raises `TallystickError`."""
        app, root = await self._server.sessions.application(), await self._root()
        if not await asyncio.to_thread(app.staged, root):
            raise ConfigurationError(NOTHING_STAGED, code="bad_usage")
        self._check()
        opened = await self._server.sessions.open(root)
        try:
            self._check()
            self._opened = opened
            await opened.session.submit(Prompt(text=COMMIT, mode="answer", purpose="commit_message"))
            # The turn's own task takes its first step before a stop may reach it, or nothing would be left to log its end.
            await asyncio.sleep(0)
            if self._stopped:
                await opened.session.submit(Cancel())
            said = await self._said(opened)
        finally:
            self._opened = None
            await self._server.sessions.close(opened.session.session_id)
        self._check()
        if not (message := plain_message(said)):
            raise TallystickError("The model gave no message.", code="model_gave_up")
        return message

    async def _said(self, opened: OpenSession) -> str:
        said = ""
        async for event in opened.events:
            match event.body:
                case ItemFinished(item=MessageItem(origin="assistant") as item):
                    said = item.text
                case TurnFinished() as ended:
                    if ended.stop != "end_turn" and not self._stopped:
                        message = ended.detail or "The model gave no message."
                        raise TallystickError(message, code=ended.code or "model_gave_up", remedy=ended.remedy)
                    break
                case _:
                    continue
        return said

    async def _root(self) -> Path:
        """The folder whose staged changes are meant. A message file in a git folder means the work tree of that alone, and
        no other repository's changes are ever described instead. Raises `ConfigurationError`."""
        sessions, named = self._server.sessions, to_fs_path(self._uri) if self._uri is not None else None
        if not named:
            return sessions.root_for(None)
        path = Path(named)
        tree = await asyncio.to_thread((await sessions.application()).work_tree, path.parent)
        if tree is not None:
            return tree
        if path.name in _FILES or ".git" in path.parts:
            raise ConfigurationError(
                "The work tree of this message file was not found.",
                code="no_repository",
                remedy="Open the folder of the repository, and use /commit in a chat there.",
            )
        return sessions.root_for(real_path(self._uri or ""))
