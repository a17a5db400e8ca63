"""Code lenses of chats: Send or Stop above the prompt, and the choices of open questions where the answer stands."""

from collections.abc import Iterator

from lsprotocol import types

from tallystick_server.lsp.chat_document import is_chat, parse
from tallystick_server.lsp.documents import OpenDocument
from tallystick_server.lsp.features.code_lens import lens
from tallystick_server.lsp.features.execute_command import DECIDE, SEND, STOP
from tallystick_server.lsp.server import TallystickServer


def register(server: TallystickServer) -> None:
    def chat_lens(document: OpenDocument) -> Iterator[types.CodeLens]:
        if is_chat(document.uri, document.language):
            title, command = ("■ Stop", STOP) if server.chats.busy(document.uri) else ("▶ Send", SEND)
            yield lens(parse(document.plain).line, title, command, document.uri)
            end = document.plain.rstrip().count("\n")
            for question in server.questions.open():
                if question.uri == document.uri:
                    yield from (lens(end, choice.label, DECIDE, question.key, choice.value) for choice in question.choices)

    server.lens_sources.append(chat_lens)
