"""Brings a rendered answer into a document that the user may be editing. Owns the order of the edits and their retries.

One edit is under way at a time; what is rendered meanwhile goes with the next. Each is made from the document as it is
then, bound to its version, and counts only when the editor's own account of the document shows it.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tallystick_server.lsp.chat_document import Placed, place
from tallystick_server.lsp.chat_place import Place, begun, grown, moved, tidied
from tallystick_server.lsp.documents import OpenDocument, OpenDocuments
from tallystick_server.lsp.editor import Editor
from tallystick_server.lsp.positions import Change, smallest_change
from tallystick_server.lsp.workspace import SETTLE_S

PAUSE_S = 0.1
"""Seconds between two edits, so that a fast stream does not become an edit for every word."""
TRIES = 8
"""Edits that nothing came of, while nobody typed."""
MOST_TRIES = 200
"""Edits of an answer, while somebody does: one who never pauses must not keep us at it for ever."""
_SIGHT = 120
"""Characters at the end of an answer by which one is recognised that the editor reformatted."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """An edit that is under way: the text that it makes, and where the answer then stands."""

    text: str
    place: Place


class ChatWriter:
    def __init__(self, uri: str, editor: Editor, documents: OpenDocuments) -> None:
        self._uri = uri
        self._editor = editor
        self._documents = documents
        self._place: Place | None = None
        """In the document's own text, moved along with every change of it."""
        self._shown = ""
        """The answer as it was when we last put it there."""
        self._text = ""
        """The document before its next change; kept while there is a place in it, or an edit under way."""
        self._sent: _Sent | None = None
        self._wanted = ""
        self._written = ""
        self._task: asyncio.Task[None] | None = None
        documents.follow(uri, self)

    def show(self, rendered: str) -> None:
        """The answer as it is now. Returns at once."""
        self._wanted = rendered
        if self._task is None or self._task.done():
            self._task = self._editor.spawn(self._drain())

    async def finish(self) -> str:
        """Waits until everything shown stands in the document; gives what could not be put there, because it is closed."""
        if self._task is not None:
            await asyncio.wait({self._task})
        if self._written != self._wanted and self._documents.get(self._uri) is not None:
            # The editor took none of our edits for a while. Nothing else comes after this one.
            await self._drain()
        return "" if self._written == self._wanted else self._wanted

    def rest(self, text: str) -> str:
        """A text of the document with the answer in it, for one that is no longer open."""
        return place(text, Placed(shown=self._shown), self._wanted)[0]

    def opened(self, text: str) -> None:
        """The person opened the chat, again or while the server kept it: the answer is where it reads as we left it, or as it
        was a moment before, since an editor reads a file before it tells of that."""
        self._place, self._sent, self._text = _found(text, self._shown), None, text
        if self._place is None:
            self._place = _earlier(text, self._shown or self._wanted)
            self._shown = text[self._place.start : self._place.end] if self._place is not None else ""

    def changed(self, change: Change, after: str) -> None:
        """Knows our own edit by its result, since it was bound to the text before; everything else is the person's."""
        sent, before = self._sent, self._text
        self._text = after
        if sent is not None and after == sent.text:
            self._place, self._sent = sent.place, None
        elif sent is not None and (tidy := tidied(sent.text, sent.place, after)) is not None:
            self._place, self._sent = tidy, None
        elif self._place is not None:
            self._place = tidied(before, self._place, after) or moved(self._place, change)

    async def _drain(self) -> None:
        while self._written != self._wanted:
            wanted = self._wanted
            if not await self._write(wanted):
                return
            self._written = self._shown = wanted
            await asyncio.sleep(PAUSE_S)

    async def _write(self, wanted: str) -> bool:
        """Tries until it stands there, as long as the person types or something else happens."""
        idle = 0
        for _ in range(MOST_TRIES):
            document = self._documents.get(self._uri)
            if document is None:
                return False
            self._text = document.text
            sent = self._sent = self._plan(document, wanted)
            if sent.text == document.text:
                self._place, self._sent = sent.place, None
                return True
            accepted = await self._editor.apply(((document, sent.text),))
            if self._sent is sent:
                await self._documents.wait(self._uri, partial(_moved_on, version=document.version), SETTLE_S)
            if self._sent is not sent or (accepted and self._reformatted(document, sent, wanted)):
                self._sent = None
                return True
            live = self._documents.get(self._uri)
            idle += 1 if live is not None and live.version == document.version else 0
            if idle == TRIES:
                break
        self._sent = None
        _log.warning("an answer did not get into %s", self._uri)
        return False

    def _plan(self, document: OpenDocument, wanted: str) -> _Sent:
        here = self._place
        if here is None:
            text, there = begun(document.plain, wanted)
        else:
            start, end = (len(document.unspelled(document.text[:at])) for at in (here.start, here.end))
            text, there = grown(document.plain, Place(start=start, end=end), self._shown, wanted)
        raw = Place(start=len(document.spelled(text[: there.start])), end=len(document.spelled(text[: there.end])))
        return _Sent(text=document.spelled(text), place=raw)

    def _reformatted(self, base: OpenDocument, sent: _Sent, wanted: str) -> bool:
        """Whether the editor made the edit in a way of its own."""
        live = self._documents.get(self._uri)
        if live is None or live.version == base.version or not _sighted(live.plain, wanted):
            return False
        if self._place is None:
            change = smallest_change(base.text, live.text)
            self._place = None if change is None else Place(start=change.start, end=change.start + len(change.text))
        return True


def _found(text: str, shown: str) -> Place | None:
    words = shown.rstrip("\n")
    at = text.rfind(words) if words else -1
    return Place(start=at, end=at + len(words)) if at >= 0 else None


def _earlier(text: str, shown: str) -> Place | None:
    """Where the text ends in a beginning of `shown`."""
    heading = shown.partition("\n")[0]
    at = text.rfind(heading) if heading else -1
    said = text[at:].rstrip("\n") if at >= 0 else ""
    return Place(start=at, end=at + len(said)) if said and shown.startswith(said) else None


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
