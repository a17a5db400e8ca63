"""textDocument/codeAction: Send and Stop in chat documents, and the open questions everywhere."""

from collections.abc import Sequence

from lsprotocol import types

from tallystick_server.lsp.chat_document import is_chat, parse
from tallystick_server.lsp.features.execute_command import DECIDE, SEND, STOP
from tallystick_server.lsp.server import TallystickServer


def register(server: TallystickServer) -> None:
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        if not _wanted(params.context.only):
            return []
        actions = [
            _action(choice.action, DECIDE, question.key, choice.value)
            for question in server.questions.open()
            for choice in question.choices
        ]
        uri = params.text_document.uri
        document = server.documents.get(uri)
        if document is not None and is_chat(uri, document.language):
            if server.chats.busy(uri):
                actions.append(_action("Tallystick: Stop", STOP, uri))
            elif parse(document.plain).prompt:
                actions.append(_action("Tallystick: Send", SEND, uri))
        return actions

    options = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    server.on(types.TEXT_DOCUMENT_CODE_ACTION, code_action, options)


def _wanted(only: "Sequence[types.CodeActionKind | str] | None") -> bool:
    """Editors ask for some kinds on their own, e.g. to organise imports on saving; nothing of ours may run then."""
    return not only or any(kind in ("", types.CodeActionKind.QuickFix) for kind in only)


def _action(title: str, command: str, *arguments: str) -> types.CodeAction:
    return types.CodeAction(
        title=title,
        kind=types.CodeActionKind.QuickFix,
        command=types.Command(title=title, command=command, arguments=list(arguments)),
    )
