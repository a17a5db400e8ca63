"""textDocument/hover and inlayHint in chats: what a turn was made of, and what the chat has cost so far."""

from lsprotocol import types

from tallystick_server.lsp.chat_document import is_chat, parse
from tallystick_server.lsp.documents import OpenDocument
from tallystick_server.lsp.server import TallystickServer
from tallystick_server.lsp.turn_use import TurnUse, hover_text
from tallystick_server.money import brief_money


def register(server: TallystickServer) -> None:
    def chat(uri: str) -> OpenDocument | None:
        document = server.documents.get(uri)
        return document if document is not None and is_chat(document.uri, document.language) else None

    async def hover(params: types.HoverParams) -> types.Hover | None:
        document = chat(params.text_document.uri)
        session_id = parse(document.plain).session_id if document is not None else None
        if document is None or session_id is None:
            return None
        lines = document.plain.split("\n")
        number = params.position.line
        line = lines[number] if number < len(lines) else ""
        if not (line.startswith("*") and line.rstrip().endswith("*")):
            return None
        # Two turns may have used the same: the first such line is the first such turn.
        place = sum(one == line for one in lines[:number])
        same = [turn for turn in await server.turn_uses.of(session_id) if turn.line == line.rstrip()]
        if not same:
            return None
        turn = same[min(place, len(same) - 1)]
        return types.Hover(contents=types.MarkupContent(kind=types.MarkupKind.Markdown, value=hover_text(turn)))

    async def inlay_hint(params: types.InlayHintParams) -> list[types.InlayHint]:
        document = chat(params.text_document.uri)
        found = parse(document.plain) if document is not None else None
        if document is None or found is None or found.session_id is None:
            return []
        turns = await server.turn_uses.of(found.session_id)
        line = document.plain.split("\n")[found.line]
        if not turns or not line.startswith("##"):
            return []
        return [
            types.InlayHint(
                position=types.Position(line=found.line, character=len(line)), label=_so_far(turns), padding_left=True
            )
        ]

    server.on(types.TEXT_DOCUMENT_HOVER, hover)
    server.on(types.TEXT_DOCUMENT_INLAY_HINT, inlay_hint, types.InlayHintOptions())


def _so_far(turns: list[TurnUse]) -> str:
    ended = [turn.ended for turn in turns if turn.ended is not None]
    known = [one.cost.nanos for one in ended]
    nanos = sum(one for one in known if one is not None) if None not in known else None
    tokens = sum(one.usage.total_tokens for one in ended)
    return f"so far {tokens:,} tokens, {brief_money(nanos)}"
