"""The `Workspace` port in an editor: open documents as they are on the screen, everything else from the disk.

Owns which of the two a path is, and when an edit of an open document counts as done. An editor's word for that is not
enough: Neovim answers `applied` to an edit that it dropped because the user had typed, and tells of a change only some
time after it made it. So an edit is done when the editor's own account of the document holds it.
"""

import contextlib
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from tallystick_agent.ports import CHAT_SUFFIX, Document, Files, FileWrite, Workspace
from tallystick_agent.protocol.digest import digest
from tallystick_agent.protocol.errors import StaleDocument, WorkspaceError
from tallystick_server.lsp.documents import OpenDocument, OpenDocuments
from tallystick_server.lsp.editor import Rewrite
from tallystick_server.lsp.positions import landed

SETTLE_S = 5.0
"""Seconds for which an editor may take to tell us of an edit that it says it made."""


class Applies(Protocol):
    async def apply(self, rewrites: tuple[Rewrite, ...], label: str | None = None) -> bool: ...


class EditorWorkspace:
    """Implements the `Workspace` port over `disk`, which has the same root."""

    def __init__(self, disk: Workspace, documents: OpenDocuments, editor: Applies) -> None:
        self._disk = disk
        self._documents = documents
        self._editor = editor

    @property
    def root(self) -> Path:
        return self._disk.root

    async def read(self, path: str) -> Document:
        document = self._open_at(path)
        return await self._disk.read(path) if document is None else self._as_document(document)

    async def files(self) -> tuple[str, ...]:
        return await self._disk.files()

    def open_paths(self) -> tuple[str, ...]:
        """Open documents whose text is not that of their file, sorted; chats are left out."""
        return tuple(sorted(self._relative(one) for one in self._inside() if not one.uri.endswith(CHAT_SUFFIX) and _differs(one)))

    def now(self) -> Files:
        live = {self._relative(one): one.plain for one in self._inside() if not one.uri.endswith(CHAT_SUFFIX)}
        return _LiveFiles(self._disk.now(), live, self.root)

    async def write(self, writes: tuple[FileWrite, ...]) -> None:
        """Open documents first, since an editor may refuse; should the disk then fail, they get their old text back."""
        shown: list[Rewrite] = []
        plain: list[FileWrite] = []
        for write in writes:
            document = self._open_at(write.path)
            if document is None:
                plain.append(write)
            elif self._as_document(document).digest != write.base_digest:
                raise StaleDocument(f"{write.path} changed since it was read.", remedy="Read it again.")
            else:
                shown.append((document, "" if write.remove else _spelled(document, write)))
                plain += [write] if write.remove and await self._saved(write) else []
        await self._rewrite(tuple(shown), f"Tallystick: {_title(writes)}")
        if not plain:
            return
        try:
            await self._disk.write(tuple(plain))
        except BaseException:
            with contextlib.suppress(StaleDocument):
                await self._rewrite(tuple(back for document, text in shown if (back := self._undo(document, text)) is not None))
            raise

    async def _rewrite(self, rewrites: tuple[Rewrite, ...], label: str = "Tallystick") -> None:
        if not rewrites:
            return
        accepted = await self._editor.apply(rewrites, label)
        for document, text in rewrites:
            if accepted:
                live = await self._documents.wait(document.uri, partial(_done, document=document, text=text), SETTLE_S)
                if _done(live, document, text):
                    continue
            raise StaleDocument(f"{document.uri} changed while it was edited.", remedy="Read it again.")

    async def _saved(self, write: FileWrite) -> bool:
        """Whether the file on the disk is what the open document was."""
        try:
            return (await self._disk.read(write.path)).digest == write.base_digest
        except WorkspaceError:
            return False

    def _undo(self, document: OpenDocument, text: str) -> Rewrite | None:
        live = self._documents.get(document.uri)
        return (live, document.text) if live is not None and live.text == text else None

    def _open_at(self, path: str) -> OpenDocument | None:
        wanted = Path(os.path.realpath(self.root / path.strip()))
        return next((one for one in self._inside() if one.path == wanted), None)

    def _inside(self) -> tuple[OpenDocument, ...]:
        return tuple(one for one in self._documents.all() if one.path is not None and one.path.is_relative_to(self.root))

    def _relative(self, document: OpenDocument) -> str:
        assert document.path is not None
        return document.path.relative_to(self.root).as_posix()

    def _as_document(self, document: OpenDocument) -> Document:
        text = document.plain
        newline: Literal["\n", "\r\n"] = "\r\n" if document.newline == "\r\n" else "\n"
        return Document(path=self._relative(document), text=text, digest=digest(text), version=document.version, newline=newline)


class _LiveFiles:
    """Implements the `Files` port: `live` texts over the disk's, also of files that are not saved yet."""

    def __init__(self, disk: Files, live: Mapping[str, str], root: Path) -> None:
        self._disk = disk
        self._live = live
        self._root = root

    def stamps(self) -> Mapping[str, str]:
        found = dict(self._disk.stamps())
        for path, text in self._live.items():
            # What is on the disk and not listed is ignored, or git's own: being open does not change that.
            if path in found or not os.path.lexists(self._root / path):
                found[path] = f"live:{digest(text)}"
        return found

    def load(self, path: str) -> bytes:
        text = self._live.get(path)
        if text is None:
            return self._disk.load(path)
        try:
            return text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            # Half a character that an editor sent.
            return text.encode("utf-8", "surrogatepass")


def _title(writes: tuple[FileWrite, ...]) -> str:
    """In the words of the tools, e.g. `edit a.py`."""
    verb = "remove" if all(one.remove for one in writes) else "edit" if any(one.base_digest for one in writes) else "write"
    names = ", ".join(one.path for one in writes[:3])
    return f"{verb} {names}" if len(writes) <= 3 else f"{verb} {names} and {len(writes) - 3} more"


def _spelled(document: OpenDocument, write: FileWrite) -> str:
    return document.spelled(write.text) if write.newline == "\r\n" else write.text


def _done(live: OpenDocument | None, document: OpenDocument, text: str) -> bool:
    return live is not None and landed(document.text, text, live.text)


def _differs(document: OpenDocument) -> bool:
    """Whether the text on the screen is not what the file holds. What cannot be read differs."""
    assert document.path is not None
    try:
        data = document.path.read_bytes()
    except (OSError, WorkspaceError):
        return True
    saved = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return saved != document.text and saved.replace("\r\n", "\n") != document.plain
