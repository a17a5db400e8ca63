"""Commands of ours in an editor that will not wait for them. Owns when such a command is answered; no command.

Emacs stands still until a command is answered, and an edit that comes meanwhile is lost to it: a command that edits would wait
for itself. So where an editor is known for that, the answer goes out first, and the work begins a moment behind it.
"""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tallystick_server.lsp.editor import Editor

BEHIND_S = 0.05
"""Seconds between the answer and the work, so that an editor reads them apart."""
NUDGES_S = (0.5, 1.0, 3.0)
"""Seconds between messages that mean nothing (LSP lets anybody ignore `$/`), for an editor that did not read them apart."""
Handler = Callable[..., Coroutine[Any, Any, Any]]


async def _nudge(editor: Editor) -> None:
    """Emacs' jsonrpc leaves what it read together with an answer unread until more comes: a request of ours may lie there."""
    for pause in NUDGES_S:
        await asyncio.sleep(pause)
        editor.notify("$/tallystick/nudge", {})


def unhurried(handler: Handler, editor: Editor) -> Handler:
    """The handler, answered in time. What goes wrong after its answer is said to the person instead."""

    async def work(*arguments: Any) -> None:
        await asyncio.sleep(BEHIND_S)
        nudging = asyncio.ensure_future(_nudge(editor))
        try:
            await handler(*arguments)
        except JsonRpcException as error:
            editor.say(error.message, types.MessageType.Error)
        finally:
            nudging.cancel()

    @functools.wraps(handler)
    async def run(*arguments: Any) -> Any:
        if editor.waits:
            return await handler(*arguments)
        editor.spawn(work(*arguments))
        return None

    return run
