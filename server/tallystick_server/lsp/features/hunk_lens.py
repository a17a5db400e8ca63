"""Keep and Undo of the agent's changes: lenses above each, code actions where the cursor is in one, and their commands."""

from collections.abc import Iterator
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from tallystick_server.lsp.documents import OpenDocument
from tallystick_server.lsp.features.code_action import action
from tallystick_server.lsp.features.code_lens import lens
from tallystick_server.lsp.hunks_kept import ALL
from tallystick_server.lsp.server import TallystickServer

KEEP = "tallystick.keep"
UNDO_HUNK = "tallystick.undoHunk"
MOST_LENSES = 100
"""Hunks with lenses of their own in one document; the others go with all."""


def register(server: TallystickServer) -> None:
    def hunk_lenses(document: OpenDocument) -> Iterator[types.CodeLens]:
        found = server.hunks.shown(document)
        if len(found) > 1:
            yield lens(0, f"✓ Keep all {len(found)}", KEEP, document.uri, ALL)
            yield lens(0, f"↶ Undo all {len(found)}", UNDO_HUNK, document.uri, ALL)
        for one in found[:MOST_LENSES]:
            yield lens(one.first, "✓ Keep", KEEP, document.uri, one.hunk.key)
            yield lens(one.first, "↶ Undo", UNDO_HUNK, document.uri, one.hunk.key)

    def hunk_actions(params: types.CodeActionParams) -> Iterator[types.CodeAction]:
        document = server.documents.get(params.text_document.uri)
        found = server.hunks.shown(document) if document is not None else ()
        begin, end = params.range.start.line, params.range.end.line
        for one in found:
            if one.first <= end and begin <= one.last:
                where = f"line {one.first + 1}" if one.first == one.last else f"lines {one.first + 1}-{one.last + 1}"
                yield action(f"Tallystick: Keep the change of {where}", KEEP, params.text_document.uri, one.hunk.key)
                yield action(f"Tallystick: Undo the change of {where}", UNDO_HUNK, params.text_document.uri, one.hunk.key)
        if found and params.context.trigger_kind != types.CodeActionTriggerKind.Automatic:
            many = f"all {len(found)} changes" if len(found) > 1 else "the change"
            yield action(f"Tallystick: Keep {many} in this file", KEEP, params.text_document.uri, ALL)
            yield action(f"Tallystick: Undo {many} in this file", UNDO_HUNK, params.text_document.uri, ALL)

    async def keep(uri: Any, key: Any) -> bool:
        return _told(server.hunks.keep(_text(uri), _text(key)))

    async def undo(uri: Any, key: Any) -> bool:
        return _told(await server.hunks.undo(_text(uri), _text(key)))

    def _told(done: bool) -> bool:
        if not done:
            server.editor.say("This change is no longer there, or the editor did not take the edit.")
        return done

    server.lens_sources.append(hunk_lenses)
    server.action_sources.append(hunk_actions)
    server.on_command(KEEP, keep)
    server.on_command(UNDO_HUNK, undo)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise JsonRpcInvalidParams("The command's arguments are strings.")
    return value
