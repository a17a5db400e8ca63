"""textDocument/codeLens: what all parts show in a document, in the order of `server.lens_sources`. Owns no lens."""

from lsprotocol import types

from tallystick_server.lsp.server import TallystickServer


def register(server: TallystickServer) -> None:
    async def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        document = server.documents.get(params.text_document.uri)
        if document is None:
            return []
        return [lens for source in server.lens_sources for lens in source(document)]

    server.on(types.TEXT_DOCUMENT_CODE_LENS, code_lens, types.CodeLensOptions())


def lens(line: int, title: str, command: str, *arguments: types.LSPAny) -> types.CodeLens:
    """A lens above a line, counted from 0."""
    place = types.Range(start=types.Position(line=line, character=0), end=types.Position(line=line, character=0))
    return types.CodeLens(range=place, command=types.Command(title=title, command=command, arguments=list(arguments)))
