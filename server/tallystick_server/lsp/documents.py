"""The documents that are open in the editor, as the editor last told us. Owns their text, version and change waiters.

pygls keeps a copy of its own that cuts lines at characters LSP does not; it is not used. Every document is a frozen
snapshot that a change replaces, so whoever holds one can rely on it across an await.
"""

import asyncio
import contextlib
import os
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from lsprotocol import types
from pygls.uris import to_fs_path

from tallystick_server.lsp.positions import Change, Encoding, smallest_change
from tallystick_server.lsp.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDocument:
    uri: str
    """As the editor writes it."""
    content: Text
    version: int
    language: str
    path: Path | None
    """With links resolved; `None` for what is no file, such as an untitled document."""

    @property
    def text(self) -> str:
        """As the editor sent it, its line endings included."""
        return str(self.content)

    @property
    def newline(self) -> str:
        """`\\r\\n` where the document uses it throughout."""
        return self.content.newline

    @property
    def plain(self) -> str:
        """The text with `\\n` where it uses `\\r\\n` throughout."""
        return self.content.plain

    def spelled(self, plain: str) -> str:
        """`plain` with this document's line endings."""
        return plain.replace("\r\n", "\n").replace("\n", "\r\n") if self.newline == "\r\n" else plain

    def unspelled(self, text: str) -> str:
        """The other way round, for a part of this document."""
        return text.replace("\r\n", "\n") if self.newline == "\r\n" else text


class Follower(Protocol):
    """Who must see every single change of a document, such as who keeps a place in it."""

    def changed(self, change: Change, after: str) -> None:
        """`change` was made, and the text is `after` now. Called before anything else hears of it; must not raise."""
        ...

    def opened(self, text: str) -> None:
        """The document was opened, or opened anew."""
        ...


class OpenDocuments:
    def __init__(self) -> None:
        self._documents: dict[str, OpenDocument] = {}
        self._followers: weakref.WeakKeyDictionary[Follower, str] = weakref.WeakKeyDictionary()
        self._waiting: set[asyncio.Future[None]] = set()
        self._filed: set[str] = set()
        """Documents that no editor has open, and that the server keeps itself: see `filed`."""

    def get(self, uri: str) -> OpenDocument | None:
        return self._documents.get(unquote(uri))

    def all(self) -> tuple[OpenDocument, ...]:
        return tuple(self._documents.values())

    def follow(self, uri: str, follower: Follower) -> None:
        """Tells `follower` of every change, as long as somebody else holds it."""
        self._followers[follower] = unquote(uri)

    def _following(self, uri: str) -> list[Follower]:
        return [one for one, followed in self._followers.items() if followed == uri] if self._followers else []

    def open(self, item: types.TextDocumentItem) -> None:
        self._filed.discard(unquote(item.uri))
        place = real_path(item.uri)
        self._documents[unquote(item.uri)] = OpenDocument(
            uri=item.uri, content=Text.of(item.text), version=item.version, language=str(item.language_id), path=place
        )
        for follower in self._following(unquote(item.uri)):
            follower.opened(item.text)
        self._wake()

    def change(self, uri: str, version: int, changes: Iterable[types.TextDocumentContentChangeEvent], encoding: Encoding) -> None:
        """Applies the editor's changes in their order. Raises `KeyError` for a document that is not open."""
        document = self._documents[unquote(uri)]
        content = document.content
        following = self._following(unquote(uri))
        for change in changes:
            before = content
            if isinstance(change, types.TextDocumentContentChangePartial):
                begin, stop = change.range.start, change.range.end
                start = content.offset(begin.line, begin.character, encoding)
                end = start if stop == begin else content.offset(stop.line, stop.character, encoding)
                start, end = min(start, end), max(start, end)
                content = content.replaced(start, end, change.text)
                made: Change | None = Change(start=start, end=end, text=change.text)
            else:
                content = Text.of(change.text)
                made = smallest_change(str(before), change.text) if following else None
            if made is not None:
                for follower in following:
                    follower.changed(made, str(content))
        self._documents[unquote(uri)] = replace(document, content=content, version=version)
        self._wake()

    def keep(self, uri: str, text: str, version: int) -> None:
        """A chat's text that the server keeps in the editor's place, until an editor opens it."""
        if self.filed(uri):
            self.change(uri, version, [types.TextDocumentContentChangeWholeDocument(text=text)], "utf-16")
            return
        self.open(types.TextDocumentItem(uri=uri, language_id="markdown", version=version, text=text))
        self._filed.add(unquote(uri))

    def filed(self, uri: str) -> bool:
        """Whether the server keeps this document, since no editor has it open."""
        return unquote(uri) in self._filed

    def close(self, uri: str) -> None:
        self._filed.discard(unquote(uri))
        self._documents.pop(unquote(uri), None)
        self._wake()

    async def wait(self, uri: str, until: Callable[[OpenDocument | None], bool], timeout_s: float) -> OpenDocument | None:
        """The document as soon as `until` holds for it, or as it is when the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not until(self.get(uri)):
                    changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting.add(changed)
                    try:
                        await changed
                    finally:
                        self._waiting.discard(changed)
        return self.get(uri)

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)


def real_path(uri: str) -> Path | None:
    """The file behind a URI, links resolved; `None` for another scheme."""
    path = to_fs_path(uri)
    return Path(os.path.realpath(path)) if path else None
