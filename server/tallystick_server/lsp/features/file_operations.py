"""workspace/didRenameFiles: a chat keeps what was set in it under its new name. Its session is named in the document itself."""

from lsprotocol import types

from tallystick_server.lsp.chat_document import SUFFIX
from tallystick_server.lsp.server import TallystickServer


def register(server: TallystickServer) -> None:
    async def renamed(params: types.RenameFilesParams) -> None:
        for one in params.files:
            server.chats.renamed(one.old_uri, one.new_uri)

    pattern = types.FileOperationPattern(glob=f"**/*{SUFFIX}", matches=types.FileOperationPatternKind.File)
    filters = [types.FileOperationFilter(scheme="file", pattern=pattern)]
    server.on(types.WORKSPACE_DID_RENAME_FILES, renamed, types.FileOperationRegistrationOptions(filters=filters))
