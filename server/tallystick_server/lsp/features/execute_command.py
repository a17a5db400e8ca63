"""workspace/executeCommand and window/workDoneProgress/cancel: send, stop, decide."""

import asyncio
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from tallystick_server.lsp.chat import Chat
from tallystick_server.lsp.server import TallystickServer

SEND = "tallystick.send"
STOP = "tallystick.stop"
DECIDE = "tallystick.decide"


def register(server: TallystickServer) -> None:
    async def send(uri: Any) -> None:
        chat = server.chats.get(_text(uri))
        await follow(chat, chat.start())

    async def stop(uri: Any) -> None:
        if server.chats.busy(_text(uri)):
            server.chats.get(uri).stop()

    async def decide(call_id: Any, decision: Any) -> None:
        if not server.questions.decide(_text(call_id), _text(decision)):
            server.editor.say("This question is no longer open.")

    async def progress_cancelled(params: types.WorkDoneProgressCancelParams) -> None:
        server.editor.progress_cancelled(params.token)

    server.on_command(SEND, send)
    server.on_command(STOP, stop)
    server.on_command(DECIDE, decide)
    server.on(types.WINDOW_WORK_DONE_PROGRESS_CANCEL, progress_cancelled)


async def follow(chat: Chat, turn: "asyncio.Task[None] | None") -> None:
    """Ends with the turn. A client that cancels the request stops the turn, which then still writes its last lines."""
    if turn is None:
        return
    try:
        await asyncio.shield(turn)
    except asyncio.CancelledError:
        chat.stop()
        raise


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise JsonRpcInvalidParams("The command's arguments are strings.")
    return value
