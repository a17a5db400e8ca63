"""Suggestions as LSP has them: inline items for editors that show them, ordinary completion items for the others."""

import re
from typing import Final

from lsprotocol import types

from tallystick_agent.ports import Filled
from tallystick_server.lsp.documents import OpenDocument
from tallystick_server.lsp.inline import Cursor
from tallystick_server.lsp.positions import Encoding, position_at
from tallystick_server.lsp.server import TallystickServer

WAIT_S: Final = 2.0
"""Seconds for which a list of completions may wait for a model: editors show other servers' items with it."""
_LONGEST_LABEL: Final = 60
_WORD: Final = re.compile(r"[\w$]*$")
_SPECIAL: Final = re.compile(r"[\\$}]")
"""What means something in a snippet."""


async def inline_item(server: TallystickServer, params: types.InlineCompletionParams) -> list[types.InlineCompletionItem]:
    """At most one item."""
    document = server.documents.get(params.text_document.uri)
    if document is None:
        return []
    encoding = server.editor.encoding
    offset = document.content.offset(params.position.line, params.position.character, encoding)
    cursor, start, typed = Cursor(document=document, offset=offset), offset, ""
    picked = params.context.selected_completion_info
    if picked is not None:
        # An item of the list is selected: what is suggested goes on from it, and is shown only where it begins with it.
        start = min(offset, document.content.offset(picked.range.start.line, picked.range.start.character, encoding))
        typed = picked.text.replace("\r\n", "\n")
        cursor = Cursor(document=document, offset=offset, typed=typed, replaced=offset - start)
    at_once = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    filled = await server.inline.suggest(cursor, at_once=at_once)
    if filled is None:
        return []
    place = _range(document, start, _end(document, offset, filled), encoding)
    return [types.InlineCompletionItem(insert_text=document.spelled(typed + filled.text), range=place)]


async def complete_item(server: TallystickServer, params: types.CompletionParams) -> list[types.CompletionItem]:
    """The same as an item of a list, for editors that do not ask for inline completions; at most one."""
    document = server.documents.get(params.text_document.uri)
    if document is None or _inline(server.client_capabilities):
        return []
    encoding = server.editor.encoding
    offset = document.content.offset(params.position.line, params.position.character, encoding)
    filled = await server.inline.suggest(Cursor(document=document, offset=offset), within_s=WAIT_S)
    if filled is None:
        return []
    head = document.text[:offset]
    line = head[max(head.rfind("\n"), head.rfind("\r")) + 1 :]
    word = _WORD.search(line)
    begun = word.group() if word else ""
    whole = begun + filled.text
    label = next((text.strip() for text in whole.split("\n") if text.strip()), "")
    short = label if len(label) <= _LONGEST_LABEL and "\n" not in whole.strip() else label[: _LONGEST_LABEL - 2] + " …"
    code = types.MarkupContent(kind=types.MarkupKind.Markdown, value=f"{_FENCE}{document.language}\n{whole}\n{_FENCE}")
    form = _form_of(server.client_capabilities)
    new = _snippet(whole, line) if form == types.InsertTextFormat.Snippet else whole
    end = _end(document, offset, filled)
    # Some editors put a text at the cursor whatever its range says: what goes away behind the cursor is an edit of its own.
    gone = [types.TextEdit(range=_range(document, offset, end, encoding), new_text="")] if end > offset else None
    return [
        types.CompletionItem(
            label=short,
            kind=types.CompletionItemKind.Snippet,
            detail="Tallystick",
            documentation=code,
            filter_text=begun + label.removeprefix(begun),
            sort_text="~",
            insert_text_format=form,
            insert_text_mode=types.InsertTextMode.AsIs if form == types.InsertTextFormat.PlainText else None,
            text_edit=types.TextEdit(
                range=_range(document, offset - len(begun), offset, encoding), new_text=document.spelled(new)
            ),
            additional_text_edits=gone,
        )
    ]


def _form_of(capabilities: types.ClientCapabilities) -> types.InsertTextFormat:
    """Text as it stands where an editor takes it so; else a snippet where it knows these.

    Neovim inserts of a plain text no more than its first word, and of a snippet all, each line indented as the cursor's.
    """
    documents = capabilities.text_document
    completion = documents.completion if documents is not None else None
    item = completion.completion_item if completion is not None else None
    if item is None or not item.snippet_support:
        return types.InsertTextFormat.PlainText
    modes = item.insert_text_mode_support
    as_is = modes is not None and types.InsertTextMode.AsIs in modes.value_set
    return types.InsertTextFormat.PlainText if as_is else types.InsertTextFormat.Snippet


def _snippet(text: str, line: str) -> str:
    """`text` as a snippet without places to fill in, its lines without the indentation of the cursor's `line`."""
    indentation = line[: len(line) - len(line.lstrip(" \t"))]
    first, *more = _SPECIAL.sub(r"\\\g<0>", text).split("\n")
    return "\n".join([first, *(one.removeprefix(indentation) for one in more)])


_FENCE: Final = "`" * 4
"""Longer than any that stands in ordinary code."""


def _inline(capabilities: types.ClientCapabilities) -> bool:
    documents = capabilities.text_document
    return documents is not None and documents.inline_completion is not None


def _end(document: OpenDocument, offset: int, filled: Filled) -> int:
    """Up to where the text is replaced: nothing, or the rest of the line."""
    if not filled.replaces_rest:
        return offset
    ends = [at for at in (document.text.find("\n", offset), document.text.find("\r", offset)) if at >= 0]
    return min(ends, default=len(document.text))


def _range(document: OpenDocument, start: int, end: int, encoding: Encoding) -> types.Range:
    first, last = position_at(document.text, start, encoding), position_at(document.text, end, encoding)
    return types.Range(
        start=types.Position(line=first[0], character=first[1]), end=types.Position(line=last[0], character=last[1])
    )
