"""Looks over chat documents a moment after they were changed, and marks what is wrong with them. Owns when that happens."""

import asyncio

from tallystick_server.lsp.chat_document import is_chat
from tallystick_server.lsp.chat_problems import problems
from tallystick_server.lsp.documents import OpenDocuments
from tallystick_server.lsp.marks import Marks

PAUSE_S = 0.3
"""Seconds without a change before a chat is looked over: a streamed answer is then looked at once."""
MOST_CHARACTERS = 1_000_000


class ChatWatch:
    def __init__(self, documents: OpenDocuments, marks: Marks) -> None:
        self._documents = documents
        self._marks = marks
        self._due: dict[str, asyncio.TimerHandle] = {}

    def changed(self, uri: str) -> None:
        document = self._documents.get(uri)
        if document is None or not is_chat(document.uri, document.language):
            return
        if (waiting := self._due.pop(uri, None)) is not None:
            waiting.cancel()
        self._due[uri] = asyncio.get_running_loop().call_later(PAUSE_S, self._look, uri)

    def closed(self, uri: str) -> None:
        if (waiting := self._due.pop(uri, None)) is not None:
            waiting.cancel()
        self._marks.put(uri, "chat", [])

    def _look(self, uri: str) -> None:
        self._due.pop(uri, None)
        document = self._documents.get(uri)
        if document is not None and len(document.text) <= MOST_CHARACTERS:
            self._marks.put(uri, "chat", problems(document.plain))
