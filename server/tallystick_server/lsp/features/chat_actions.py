"""Code actions of chats: Send and Stop in chat documents, and the open questions everywhere."""

from collections.abc import Iterator

from lsprotocol import types

from tallystick_server.lsp.chat_document import is_chat, parse
from tallystick_server.lsp.features.code_action import action
from tallystick_server.lsp.features.execute_command import DECIDE, SEND, STOP
from tallystick_server.lsp.server import TallystickServer


def register(server: TallystickServer) -> None:
    def chat_actions(params: types.CodeActionParams) -> Iterator[types.CodeAction]:
        for question in server.questions.open():
            for choice in question.choices:
                yield action(choice.action, DECIDE, question.key, choice.value)
        uri = params.text_document.uri
        document = server.documents.get(uri)
        if document is not None and is_chat(uri, document.language):
            if server.chats.busy(uri):
                yield action("Tallystick: Stop", STOP, uri)
            elif parse(document.plain).prompt:
                yield action("Tallystick: Send", SEND, uri)

    server.action_sources.append(chat_actions)
