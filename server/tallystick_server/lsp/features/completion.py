"""textDocument/completion: `/` and `@` in chats; in code what a model suggests, for editors without inline completions."""

import asyncio

from lsprotocol import types

from tallystick_agent.protocol.errors import TallystickError
from tallystick_server.lsp.chat_document import is_chat
from tallystick_server.lsp.chat_words import Typed, Word, commands, named, typed
from tallystick_server.lsp.documents import OpenDocument
from tallystick_server.lsp.inline_items import complete_item
from tallystick_server.lsp.server import TallystickServer

MOST_NAMES = 40
_KIND = {
    "command": types.CompletionItemKind.Keyword,
    "file": types.CompletionItemKind.File,
    "folder": types.CompletionItemKind.Folder,
    "symbol": types.CompletionItemKind.Function,
    "special": types.CompletionItemKind.Value,
    "commit": types.CompletionItemKind.Event,
}


def register(server: TallystickServer) -> None:
    async def completion(params: types.CompletionParams) -> types.CompletionList:
        # Never whole: what a model suggests, or what a long list cut off, is another thing at the next key.
        document = server.documents.get(params.text_document.uri)
        if document is None or not is_chat(document.uri, document.language):
            return types.CompletionList(is_incomplete=True, items=await complete_item(server, params))
        return types.CompletionList(is_incomplete=True, items=await _chat(server, document, params.position))

    options = types.CompletionOptions(trigger_characters=["/", "@", ":"])
    server.on(types.TEXT_DOCUMENT_COMPLETION, completion, options)


async def _chat(server: TallystickServer, document: OpenDocument, position: types.Position) -> list[types.CompletionItem]:
    offset = document.content.offset(position.line, position.character, server.editor.encoding)
    head = document.text[:offset]
    before = head[max(head.rfind("\n"), head.rfind("\r")) + 1 :]
    found = typed(document.plain, position.line, before)
    if found is None:
        return []
    words = commands(found.begun) if found.kind == "slash" else await _named(server, document, found)
    begin = document.content.offset(position.line, position.character, server.editor.encoding) - found.length
    return [_item(server, document, position, begin, word, number) for number, word in enumerate(words)]


async def _named(server: TallystickServer, document: OpenDocument, found: Typed) -> tuple[Word, ...]:
    root = server.sessions.root_for(document.path)
    try:
        app = await server.sessions.application()
        if found.begun.startswith("symbol:"):
            around, dot, begun = found.begun.removeprefix("symbol:").rpartition(".")
            names = await app.names(root, begun, MOST_NAMES)
            return tuple(Word(text=f"@symbol:{around}{dot}{name}", says=path, kind="symbol") for name, path in names)
        if found.begun.startswith("commit:"):
            low = found.begun.removeprefix("commit:").lower()
            commits = await asyncio.to_thread(app.commits, root, 10 * MOST_NAMES)
            fitting = [(sha, message) for sha, message in commits if sha.startswith(low) or low in message.lower()]
            return tuple(Word(text=f"@commit:{sha[:10]}", says=message, kind="commit") for sha, message in fitting[:MOST_NAMES])
        files = await app.disk(root).files()
    except TallystickError:
        return ()
    shown = (one.path for one in server.documents.all() if one.path is not None and not is_chat(one.uri, one.language))
    first = [path.relative_to(root).as_posix() for path in shown if path.is_relative_to(root)]
    return named(found.begun, files, first)


def _item(
    server: TallystickServer, document: OpenDocument, position: types.Position, begin: int, word: Word, number: int
) -> types.CompletionItem:
    from tallystick_server.lsp.positions import position_at

    line, character = position_at(document.text, begin, server.editor.encoding)
    place = types.Range(start=types.Position(line=line, character=character), end=position)
    return types.CompletionItem(
        label=word.text,
        detail=word.says or None,
        kind=_KIND[word.kind],
        filter_text=word.text,
        sort_text=f"{number:03d}",
        text_edit=types.TextEdit(range=place, new_text=word.text + (" " if word.kind == "command" else "")),
    )
