"""textDocument/completion: in code what a model suggests, for editors without inline completions."""

from lsprotocol import types

from tallystick_server.lsp.inline_items import complete_item
from tallystick_server.lsp.server import TallystickServer


def register(server: TallystickServer) -> None:
    async def completion(params: types.CompletionParams) -> types.CompletionList:
        # Never whole: what a model suggests is another thing at the next key.
        return types.CompletionList(is_incomplete=True, items=await complete_item(server, params))

    server.on(types.TEXT_DOCUMENT_COMPLETION, completion, types.CompletionOptions())
