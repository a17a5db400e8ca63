"""initialize and workspace/didChangeWorkspaceFolders: who the editor is, and which folders it has open."""

from lsprotocol import types

from tallystick_server.lsp.server import TallystickServer


def register(server: TallystickServer) -> None:
    def initialize(params: types.InitializeParams) -> None:
        server.editor.introduce(params, str(server.workspace.position_encoding))
        folders = tuple(folder.uri for folder in params.workspace_folders or ())
        root = server.workspace.root_uri
        server.sessions.set_roots(folders or ((root,) if root else ()))

    def folders_changed(_: types.DidChangeWorkspaceFoldersParams) -> None:
        server.sessions.set_roots(tuple(folder.uri for folder in server.workspace.folders.values()))

    server.on(types.INITIALIZE, initialize)
    server.on(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, folders_changed)
