"""An editor in this process, behind the `Wire` of `lsp/editor.py`: versions, positions and habits as real ones have them.

What it says to the server goes through one channel in order, each message some time after the one before, as over a pipe.
Owns the text as the person sees it. It shares no code with the server.
"""

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lsprotocol import types

from tallystick_server.lsp.documents import OpenDocuments


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How often (0 to 1) the editor does what."""

    refuses: float = 0.0
    """An edit that it could have made."""
    drops: float = 0.0
    """Says `applied` to an edit of an old version and drops it, as Neovim does; else it refuses that."""
    late: float = 0.0
    """Answers first and tells of the change some time later."""
    trims: float = 0.0
    """Takes white space off the ends of all lines, and of the document, after an edit."""
    declares: bool = True
    """Whether it says that it knows edits with versions. It always does."""


@dataclass(slots=True)
class SimEditor:
    documents: OpenDocuments
    dice: random.Random
    habits: Habits = field(default_factory=Habits)
    texts: dict[str, str] = field(default_factory=lambda: {})
    versions: dict[str, int] = field(default_factory=lambda: {})
    before_edit: Callable[[], None] = lambda: None
    """Called when an edit has come in, before it is looked at."""
    answers: dict[str, Callable[[Any], Any]] = field(default_factory=lambda: {})
    """For other requests, by method: a value, or a future of one."""
    told: list[tuple[str, Any]] = field(default_factory=lambda: [])
    """The server's notifications."""
    _channel: "asyncio.Queue[tuple[float, Callable[[], None]]]" = field(default_factory=lambda: asyncio.Queue())
    _pump: "asyncio.Task[None] | None" = None

    def begin(self) -> None:
        self._pump = asyncio.ensure_future(self._deliver())

    async def end(self) -> None:
        assert self._pump is not None
        self._pump.cancel()
        await asyncio.wait({self._pump})

    async def settled(self) -> None:
        """Until everything that was said has been heard."""
        await self._channel.join()

    def open(self, uri: str, text: str, language: str = "markdown") -> None:
        self.texts[uri], self.versions[uri] = text, 1
        self.documents.open(types.TextDocumentItem(uri=uri, language_id=language, version=1, text=text))

    def type(self, uri: str, start: int, end: int, text: str, *, late: bool = False) -> None:
        """Puts `text` in place of what lies between two offsets, and tells the server of it."""
        before = self.texts[uri]
        place = types.Range(start=_position(before, start), end=_position(before, end))
        self.texts[uri] = before[:start] + text + before[end:]
        self.versions[uri] += 1
        version = self.versions[uri]
        change = types.TextDocumentContentChangePartial(range=place, text=text)
        self._say(
            lambda: self.documents.change(uri, version, [change], "utf-16"), self.dice.choice((0.0, 0.2, 0.6)) if late else 0.0
        )

    async def ask(self, method: str, params: Any) -> Any:
        await self._transit()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if method == types.WORKSPACE_APPLY_EDIT:
            self._edit(params.edit, lambda applied: _give(answer, types.ApplyWorkspaceEditResult(applied=applied)))
        else:
            respond = self.answers.get(method)
            value: Any = respond(params) if respond is not None else None
            if asyncio.isfuture(value):
                value = await value
            self._say(lambda: _give(answer, value))
        return await answer

    def notify(self, method: str, params: Any | None = None) -> None:
        self.told.append((method, params))

    def _edit(self, edit: types.WorkspaceEdit, answer: Callable[[bool], None]) -> None:
        self.before_edit()
        changes: list[tuple[str, int | None, list[Any]]] = []
        for one in edit.document_changes or ():
            assert isinstance(one, types.TextDocumentEdit)
            changes.append((one.text_document.uri, one.text_document.version, list(one.edits)))
        changes += [(uri, None, list(edits)) for uri, edits in (edit.changes or {}).items()]
        if self.dice.random() < self.habits.refuses:
            self._say(lambda: answer(False))
            return
        if any(version is not None and version != self.versions.get(uri) for uri, version, _ in changes):
            applied = self.dice.random() < self.habits.drops
            self._say(lambda: answer(applied))
            return
        late = self.dice.random() < self.habits.late
        if late:
            self._say(lambda: answer(True))
        for uri, _, edits in changes:
            for one in sorted(edits, key=lambda one: (one.range.start.line, one.range.start.character), reverse=True):
                text = self.texts[uri]
                self.type(uri, _offset(text, one.range.start), _offset(text, one.range.end), one.new_text, late=late)
            if self.dice.random() < self.habits.trims:
                self.trim(uri)
        if not late:
            self._say(lambda: answer(True))

    def trim(self, uri: str) -> None:
        text = self.texts[uri]
        newline = "\r\n" if "\r\n" in text else "\n"
        trimmed = re.sub(r"[ \t]+(?=\r?\n|$)", "", text).rstrip() + newline
        if trimmed != text:
            self.type(uri, 0, len(text), trimmed)

    def _say(self, message: Callable[[], None], pause_s: float = 0.0) -> None:
        self._channel.put_nowait((pause_s, message))

    async def _deliver(self) -> None:
        while True:
            pause_s, message = await self._channel.get()
            await self._transit()
            if pause_s:
                await asyncio.sleep(pause_s)
            message()
            self._channel.task_done()

    async def _transit(self) -> None:
        if self.dice.random() < 0.3:
            await asyncio.sleep(self.dice.choice((0.001, 0.01, 0.05)))
        else:
            for _ in range(self.dice.randrange(4)):
                await asyncio.sleep(0)


def _give(answer: "asyncio.Future[Any]", value: Any) -> None:
    if not answer.done():
        answer.set_result(value)


def _position(text: str, offset: int) -> types.Position:
    line, start = text.count("\n", 0, offset), text.rfind("\n", 0, offset) + 1
    return types.Position(line=line, character=len(text[start:offset].encode("utf-16-le")) // 2)


def _offset(text: str, place: types.Position) -> int:
    lines = text.split("\n")
    if place.line >= len(lines):
        return len(text)
    column = len(lines[place.line].encode("utf-16-le")[: 2 * place.character].decode("utf-16-le"))
    return sum(len(line) + 1 for line in lines[: place.line]) + column
