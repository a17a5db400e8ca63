"""textDocument/inlineCompletion: what a model suggests at the cursor."""

from lsprotocol import types

from tallystick_server.lsp.inline_items import inline_item
from tallystick_server.lsp.server import TallystickServer


def register(server: TallystickServer) -> None:
    async def inline_completion(params: types.InlineCompletionParams) -> types.InlineCompletionList:
        return types.InlineCompletionList(items=await inline_item(server, params))

    # pygls tells the client of it only where options are given.
    server.on(types.TEXT_DOCUMENT_INLINE_COMPLETION, inline_completion, types.InlineCompletionOptions())
