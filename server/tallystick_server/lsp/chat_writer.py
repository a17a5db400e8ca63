"""Brings a rendered answer into a document that the user may be editing. Owns the order of the edits and their retries.

One edit is under way at a time; what is rendered meanwhile goes with the next. Each is made from the document as it is
then, bound to its version, and counts only when the editor's own account of the document shows it.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from tallystick_server.lsp.chat_document import Placed, place
from tallystick_server.lsp.documents import OpenDocument, OpenDocuments
from tallystick_server.lsp.editor import Editor
from tallystick_server.lsp.workspace import SETTLE_S

PAUSE_S = 0.1
"""Seconds between two edits, so that a fast stream does not become an edit for every word."""
TRIES = 8
_SIGHT = 120
"""Characters at the end of an answer by which one is recognised that the editor reformatted."""
_log = logging.getLogger(__name__)


class ChatWriter:
    def __init__(self, uri: str, editor: Editor, documents: OpenDocuments) -> None:
        self._uri = uri
        self._editor = editor
        self._documents = documents
        self._placed = Placed()
        self._wanted = ""
        self._written = ""
        self._task: asyncio.Task[None] | None = None

    def show(self, rendered: str) -> None:
        """The answer as it is now. Returns at once."""
        self._wanted = rendered
        if self._task is None or self._task.done():
            self._task = self._editor.spawn(self._drain())

    async def finish(self) -> str:
        """Waits until everything shown stands in the document; gives what could not be put there, because it is closed."""
        if self._task is not None:
            await asyncio.wait({self._task})
        return "" if self._written == self._wanted else self._wanted

    def rest(self, text: str) -> str:
        """A text of the document with the answer in it, for one that is no longer open."""
        return place(text, self._placed, self._wanted)[0]

    async def _drain(self) -> None:
        while self._written != self._wanted:
            wanted = self._wanted
            if not await self._write(wanted):
                return
            self._written = wanted
            await asyncio.sleep(PAUSE_S)

    async def _write(self, wanted: str) -> bool:
        placed = self._placed

        def change(text: str) -> str:
            nonlocal placed
            text, placed = place(text, self._placed, wanted)
            return text

        done = await revise(self._uri, self._editor, self._documents, change, seen=lambda text: _sighted(text, wanted))
        if done:
            self._placed = placed
        return done


async def revise(
    uri: str,
    editor: Editor,
    documents: OpenDocuments,
    change: Callable[[str], str],
    seen: Callable[[str], bool] | None = None,
) -> bool:
    """Makes `change` true of an open document: it is applied until applying it once more would do nothing.

    `change` works on text with `\\n`. `seen` recognises a result that the editor altered, which is not to be repeated.
    """
    for _ in range(TRIES):
        document = documents.get(uri)
        if document is None:
            return False
        wanted = change(document.plain)
        if wanted == document.plain:
            return True
        accepted = await editor.apply(((document, document.spelled(wanted)),))
        live = await documents.wait(uri, partial(_moved_on, version=document.version), SETTLE_S)
        if accepted and live is not None and seen is not None and live.version != document.version and seen(live.plain):
            change(live.plain)
            return True
    _log.warning("an edit of %s did not come through", uri)
    return False


def _sighted(text: str, wanted: str) -> bool:
    end = "".join(wanted[-_SIGHT:].split())
    return bool(end) and end in "".join(text[-10 * _SIGHT :].split())


def _moved_on(document: OpenDocument | None, version: int) -> bool:
    return document is None or document.version != version
