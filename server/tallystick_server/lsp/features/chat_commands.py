"""Commands on whole chats: a new one, the last turn again or taken back, another title, an export; their actions and lenses.

`tallystick.retry`, `undo`, `rename`, `export` take the URI of a chat; each is the same as its `/` command written in the chat.
"""

from collections.abc import Iterator
from typing import Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from tallystick_server.lsp.chat_document import is_chat, parse, scan
from tallystick_server.lsp.documents import OpenDocument, real_path
from tallystick_server.lsp.features.code_action import action
from tallystick_server.lsp.features.code_lens import lens
from tallystick_server.lsp.features.execute_command import follow
from tallystick_server.lsp.new_chat import new_chat
from tallystick_server.lsp.protocol import failed
from tallystick_server.lsp.server import TallystickServer

NEW: Final = "tallystick.newChat"
RETRY: Final = "tallystick.retry"
UNDO: Final = "tallystick.undo"
RENAME: Final = "tallystick.rename"
EXPORT: Final = "tallystick.export"


def register(server: TallystickServer) -> None:
    async def make(folder: Any = None, text: Any = None, send: Any = None) -> dict[str, str]:
        if not all(one is None or isinstance(one, str) for one in (folder, text)) or not isinstance(send, bool | None):
            raise JsonRpcInvalidParams("The arguments are a folder's URI, a prompt, and whether to send it.")
        root = real_path(folder) if folder else server.sessions.root_for(None)
        if root is None:
            raise JsonRpcInvalidParams("The folder is no file URI.")
        try:
            return {"uri": await new_chat(server, root=root, text=text or "", send=bool(send and text))}
        except OSError as error:
            message = f"No chat could be made: {error.strerror or error}."
            raise failed(message, {"code": "storage", "remedy": "Choose another folder with `chatsFolder`."}) from error

    async def retry(uri: Any) -> None:
        await _do(server, uri, "/retry")

    async def undo(uri: Any) -> None:
        await _do(server, uri, "/undo")

    async def rename(uri: Any, title: Any) -> None:
        await _do(server, uri, f"/rename {' '.join(str(title).split())}")

    async def export(uri: Any, kind: Any = None) -> None:
        await _do(server, uri, f"/export {kind or ''}".strip())

    def actions(params: types.CodeActionParams) -> Iterator[types.CodeAction]:
        uri = params.text_document.uri
        document = server.documents.get(uri)
        if document is not None and _rests(server, document):
            yield action("Tallystick: Undo the last changes", UNDO, uri)
            yield action("Tallystick: Retry the last turn", RETRY, uri)
        asked = params.context.trigger_kind != types.CodeActionTriggerKind.Automatic and params.range.start == params.range.end
        if document is not None and asked and not is_chat(document.uri, document.language):
            yield action("Tallystick: New chat", NEW, kind=types.CodeActionKind.Source)

    def lenses(document: OpenDocument) -> Iterator[types.CodeLens]:
        if _rests(server, document):
            line = parse(document.plain).line
            yield lens(line, "↶ Undo", UNDO, document.uri)
            yield lens(line, "↻ Retry", RETRY, document.uri)

    for name, handler in ((NEW, make), (RETRY, retry), (UNDO, undo), (RENAME, rename), (EXPORT, export)):
        server.on_command(name, handler)
    server.action_sources.append(actions)
    server.lens_sources.append(lenses)


async def _do(server: TallystickServer, uri: Any, words: str) -> None:
    chat = server.chats.get(_chat(server, uri))
    await follow(chat, await chat.command(words))


def _rests(server: TallystickServer, document: OpenDocument) -> bool:
    """Whether it is a chat with an answer in it, with no turn running and nothing written that waits to be sent."""
    if not is_chat(document.uri, document.language) or server.chats.busy(document.uri):
        return False
    answered = any(name == "Tallystick" for _, name in scan(document.plain).headings)
    return answered and not parse(document.plain).prompt


def _chat(server: TallystickServer, uri: Any) -> str:
    document = server.documents.get(uri) if isinstance(uri, str) else None
    if document is None or not is_chat(document.uri, document.language):
        raise JsonRpcInvalidParams("The argument is no open chat document.")
    return document.uri
