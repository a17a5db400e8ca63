"""textDocument/codeLens: Send or Stop above the prompt of a chat document."""

from lsprotocol import types

from tallystick_server.lsp.chat_document import is_chat, parse
from tallystick_server.lsp.features.execute_command import SEND, STOP
from tallystick_server.lsp.server import TallystickServer


def register(server: TallystickServer) -> None:
    async def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        uri = params.text_document.uri
        document = server.documents.get(uri)
        if document is None or not is_chat(uri, document.language):
            return []
        title, command = ("■ Stop", STOP) if server.chats.busy(uri) else ("▶ Send", SEND)
        line = parse(document.plain).line
        place = types.Range(start=types.Position(line=line, character=0), end=types.Position(line=line, character=0))
        return [types.CodeLens(range=place, command=types.Command(title=title, command=command, arguments=[uri]))]

    server.on(types.TEXT_DOCUMENT_CODE_LENS, code_lens, types.CodeLensOptions())
