"""The commit message from what is staged: a code action in git's own message file, and a command that gives the text.

Owns where the message goes: into the document above git's comments, or back to whoever ran the command.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.events import ItemFinished, MessageItem, TurnFinished
from tallystick_agent.protocol.operations import Prompt
from tallystick_server.lsp.chat_writer import revise
from tallystick_server.lsp.documents import OpenDocument
from tallystick_server.lsp.features.code_action import action
from tallystick_server.lsp.host_commands import COMMIT
from tallystick_server.lsp.protocol import failed
from tallystick_server.lsp.server import TallystickServer

COMMAND = "tallystick.commitMessage"
_FILES = ("COMMIT_EDITMSG", "MERGE_MSG", "SQUASH_MSG")


def register(server: TallystickServer) -> None:
    async def commit_message(uri: Any = None) -> str:
        """Writes the message into the document of `uri`, and gives it. Raises for a model that gave none."""
        if uri is not None and not isinstance(uri, str):
            raise JsonRpcInvalidParams("The command's argument is the URI of a document.")
        document = server.documents.get(uri) if uri else None
        progress = server.editor.progress("Tallystick: commit message", lambda: None)
        try:
            progress.report("reading what is staged")
            message = await _asked(server, document)
        except TallystickError as error:
            server.editor.say_error(error)
            raise failed(error.message, {"code": error.code, "remedy": error.remedy}) from error
        finally:
            progress.end("done")
        if document is not None:
            await revise(document.uri, server.editor, server.documents, lambda text: with_message(text, message))
        return message

    def actions(params: types.CodeActionParams) -> Iterator[types.CodeAction]:
        document = server.documents.get(params.text_document.uri)
        if document is not None and is_message(document):
            yield action("Tallystick: Write the commit message", COMMAND, document.uri)

    server.command(COMMAND)(commit_message)
    server.action_sources.append(actions)


def is_message(document: OpenDocument) -> bool:
    return document.uri.rpartition("/")[2] in _FILES or document.language in ("gitcommit", "git-commit")


def with_message(text: str, message: str) -> str:
    """The message above git's comments, in place of what was written there; applying it again changes nothing."""
    lines = text.split("\n")
    comments = next((number for number, line in enumerate(lines) if line.startswith("#")), len(lines))
    rest = "\n".join(lines[comments:])
    return f"{message}\n\n{rest}" if rest else f"{message}\n"


async def _asked(server: TallystickServer, document: OpenDocument | None) -> str:
    """One turn of words alone, in a session of its own. Raises `TallystickError`."""
    path = document.path if document is not None else None
    if path is not None and ".git" in path.parts:
        # Git keeps its message file inside its own folder; what is staged lies beside that.
        path = Path(*path.parts[: path.parts.index(".git")], "COMMIT_EDITMSG")
    opened = await server.sessions.open(server.sessions.root_for(path))
    try:
        await opened.session.submit(Prompt(text=COMMIT, mode="answer", purpose="commit_message"))
        said = ""
        async for event in opened.events:
            match event.body:
                case ItemFinished(item=MessageItem(origin="assistant") as item):
                    said = item.text
                case TurnFinished() as ended:
                    if ended.stop != "end_turn" or not said.strip():
                        message = ended.detail or "The model gave no message."
                        raise TallystickError(message, code=ended.code or "model_gave_up", remedy=ended.remedy)
                    break
                case _:
                    continue
        return _plain(said)
    finally:
        await server.sessions.close(opened.session.session_id)


def _plain(said: str) -> str:
    """The message without a fence that a model put around it in spite of what it was told."""
    text = said.strip()
    lines = text.split("\n")
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        text = "\n".join(lines[1:-1]).strip()
    # A line that begins with # would be taken for a comment of git's.
    return "\n".join(f" {line}" if line.startswith("#") else line.rstrip() for line in text.split("\n"))
