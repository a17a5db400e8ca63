"""Texts to look at, such as a plan or a diff: shown by the editor from our memory or from a private file. Owns those texts.

Editors with `workspace/textDocumentContent` ask us for the text; others open a file in a folder that only the user can read
and that goes with the process. Where neither is shown, the chat gets the text.
"""

import asyncio
import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tallystick_server.lsp.chat_document import YOU, open_fence, parse, quoted
from tallystick_server.lsp.chat_writer import revise
from tallystick_server.lsp.documents import OpenDocuments
from tallystick_server.lsp.editor import Editor

SCHEME = "tallystick-view"
MOST_VIEWS = 20
MOST_IN_CHAT = 20_000


class Views:
    def __init__(self, editor: Editor, documents: OpenDocuments) -> None:
        self._editor = editor
        self._documents = documents
        self._texts: dict[str, str] = {}
        self._folder: Path | None = None

    def text(self, uri: str) -> str:
        """What an editor that asks for one of our documents gets; empty for one that is gone."""
        return self._texts.get(uri, "")

    async def show(self, name: str, text: str, chat: str | None = None) -> None:
        """`name` is a file's name, whose ending tells the language. `chat` is where the text goes where no editor shows it."""
        if self._editor.asks_for_content:
            uri = f"{SCHEME}:/{name}"
            known = self._texts.pop(uri, None)
            self._texts[uri] = text
            while len(self._texts) > MOST_VIEWS:
                del self._texts[next(iter(self._texts))]
            if known is not None and known != text:
                self._editor.refresh_content(uri)
            if await self._editor.show(uri):
                return
        try:
            path: Path | None = await asyncio.to_thread(self._write, name, text)
        except OSError:
            path = None
        if path is not None and await self._editor.show(path.as_uri()):
            return
        if chat is not None and self._documents.get(chat) is not None:
            language = name.rpartition(".")[2]
            if await revise(chat, self._editor, self._documents, lambda now: with_note(now, text, language)):
                return
        self._editor.say(f"This editor shows no documents on request. See {path}." if path else "The text cannot be shown.")

    def _write(self, name: str, text: str) -> Path:
        if self._folder is None or not self._folder.is_dir():
            self._folder = Path(tempfile.mkdtemp(prefix="tallystick-"))
            atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        path = self._folder / name
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", "surrogatepass"))
        return path


def with_note(chat: str, text: str, language: str) -> str:
    """The chat with the text above its prompt, so that it is not sent with it. A text that is there is not added again."""
    block = _block(text, language)
    if block in chat:
        return chat
    lines = chat.split("\n")
    at = parse(chat).line
    if not lines[at].lstrip().startswith(YOU):
        above = chat.rstrip()
        fence = open_fence(above)
        return f"{above}\n{fence}\n\n{block}" if fence else f"{above}\n\n{block}"
    return "\n".join([*lines[:at], *block.split("\n"), *lines[at:]])


def _block(text: str, language: str) -> str:
    cut = text if len(text) <= MOST_IN_CHAT else text[:MOST_IN_CHAT] + "\n…"
    if language == "md":
        return quoted(cut)
    fence = "```"
    while fence in cut:
        fence += "`"
    return f"{fence}{language}\n{cut.rstrip()}\n{fence}\n"
