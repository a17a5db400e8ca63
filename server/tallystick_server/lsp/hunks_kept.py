"""The agent's changes in the files of this editor, to be kept or undone. Owns the trail of each file, and the undoing edit.

A change is heard of as an event of any session, whether its file is open or not, and is looked for in the text when the file
is. Undoing is the person's own edit: no permission is asked, and the agent finds the text changed since it read it.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from tallystick_agent.protocol.events import Event, FileChange, FilesChanged, ItemStarted, ToolCallItem
from tallystick_server.lsp.documents import OpenDocument, OpenDocuments
from tallystick_server.lsp.editor import Editor
from tallystick_server.lsp.hunks import Hunk, Landing, Trail, advance, parse_diff, undo, without
from tallystick_server.lsp.positions import landed, position_at
from tallystick_server.lsp.sessions import OpenSession
from tallystick_server.lsp.workspace import SETTLE_S

MOST_FILES = 200
MOST_PENDING = 50
"""Changes of a file that is not open; the oldest are forgotten."""
ALL = "all"
"""In place of a hunk's key: every hunk of the file."""
TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownHunk:
    hunk: Hunk
    first: int
    last: int
    """Lines of the document as LSP counts them, from 0; for a deletion the line below it."""


class KeptHunks:
    def __init__(self, editor: Editor, documents: OpenDocuments, changed: Callable[[], None]) -> None:
        self._editor = editor
        self._documents = documents
        self._changed = changed
        self._trails: dict[Path, Trail] = {}
        self._seen: dict[Path, OpenDocument] = {}
        """The state of a document at which its trail is."""
        self._titles: dict[str, str] = {}
        self._keys: Iterator[str] = (f"h{number}" for number in count(1))
        self._undoing = asyncio.Lock()

    def heard(self, opened: OpenSession, event: Event) -> None:
        """Takes the changes out of an event."""
        match event.body:
            case ItemStarted(item=ToolCallItem(side_effect=True) as call):
                self._titles = {call.call_id: call.title or call.name}
            case FilesChanged() as body:
                title = self._titles.get(body.call_id, "change")
                for change in body.changes:
                    self._land(Path(os.path.realpath(opened.workspace.root / change.path)), change, title)
            case _:
                pass

    def _land(self, path: Path, change: FileChange, title: str) -> None:
        trail = self._trails.pop(path, Trail())
        self._seen.pop(path, None)
        hunks = parse_diff(change.diff, title, self._keys)
        if not change.after or not hunks:
            # The file is gone, or nobody can say what changed: what was known of it holds no more.
            return
        landing = Landing(hunks=hunks, digest=change.after)
        self._trails[path] = Trail(base=trail.base, hunks=trail.hunks, pending=(*trail.pending, landing)[-MOST_PENDING:])
        while len(self._trails) > MOST_FILES:
            oldest = next(iter(self._trails))
            del self._trails[oldest]
            self._seen.pop(oldest, None)
        document = next((one for one in self._documents.all() if one.path == path), None)
        if document is not None:
            self._bring(document)
            self._changed()

    def _bring(self, document: OpenDocument) -> tuple[Hunk, ...]:
        """The hunks that stand in the document now."""
        trail = self._trails.get(document.path) if document.path is not None else None
        if trail is None or document.path is None:
            return ()
        if self._seen.get(document.path) is document and not trail.pending:
            return trail.hunks
        self._seen[document.path] = document
        lines = tuple(document.plain.split("\n"))
        if trail.pending or trail.base != lines:
            trail = advance(trail, lines)
            if not trail.hunks:
                del self._trails[document.path], self._seen[document.path]
                return ()
            self._trails[document.path] = trail
        return trail.hunks

    def shown(self, document: OpenDocument) -> tuple[ShownHunk, ...]:
        """The document's hunks, top to bottom. Cheap where there are none."""
        if document.path not in self._trails:
            return ()
        hunks = self._bring(document)
        if not hunks:
            return ()
        text = document.plain
        # A lone `\r` ends a line for LSP, and none for a diff.
        line = partial(_lsp_line, text, text.split("\n")) if "\r" in text else min
        most = text.count("\n")
        return tuple(
            ShownHunk(hunk=one, first=line(one.line, most), last=line(max(one.line, one.end - 1), most)) for one in hunks
        )

    def keep(self, uri: str, key: str) -> bool:
        """Forgets a hunk, or all of them; the text stays. False where there is none."""
        document = self._documents.get(uri)
        chosen = self._chosen(document, key)
        if document is None or document.path is None or not chosen:
            return False
        self._left(document.path, tuple(document.plain.split("\n")), without(self._bring(document), chosen, undone=False))
        return True

    async def undo(self, uri: str, key: str) -> bool:
        """Puts the old lines back by an edit of the document. False where the hunk is no more, or the editor refuses."""
        async with self._undoing:
            for _ in range(TRIES):
                document = self._documents.get(uri)
                chosen = self._chosen(document, key)
                if document is None or document.path is None or not chosen:
                    return False
                before = self._bring(document)
                lines = undo(document.plain.split("\n"), chosen)
                text = document.spelled("\n".join(lines))
                title = chosen[0].title if len(chosen) == 1 else f"{len(chosen)} changes"
                accepted = await self._editor.apply(((document, text),), f"Tallystick: undo {title}")
                done = partial(_done, document=document, text=text)
                live = await self._documents.wait(uri, done, SETTLE_S) if accepted else self._documents.get(uri)
                if done(live):
                    self._left(document.path, tuple(lines), without(before, chosen, undone=True))
                    return True
                if live is not None and live.version == document.version:
                    return False
        return False

    def _chosen(self, document: OpenDocument | None, key: str) -> tuple[Hunk, ...]:
        hunks = self._bring(document) if document is not None else ()
        return hunks if key == ALL else tuple(hunk for hunk in hunks if hunk.key == key)

    def _left(self, path: Path, base: tuple[str, ...], hunks: tuple[Hunk, ...]) -> None:
        self._seen.pop(path, None)
        pending = trail.pending if (trail := self._trails.pop(path, None)) is not None else ()
        if hunks or pending:
            self._trails[path] = Trail(base=base, hunks=hunks, pending=pending)
        self._changed()


def _done(live: OpenDocument | None, document: OpenDocument, text: str) -> bool:
    return live is not None and live.version != document.version and landed(document.text, text, live.text)


def _lsp_line(text: str, lines: list[str], line: int, most: int) -> int:
    offset = sum(len(one) + 1 for one in lines[: min(line, most)])
    return position_at(text, min(offset, len(text)), "utf-32")[0]
