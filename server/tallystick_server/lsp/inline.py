"""Suggestions at the cursor: when a model is asked, and when it is not. Owns the waiting, the stopping and what is remembered.

At most one request runs for a document: a newer one ends it, and with it the stream. What was suggested is remembered, so
typing along a suggestion asks nobody. After a failure nothing is asked for a while, longer each time.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from tallystick_agent.ports import Filled, Gap
from tallystick_agent.protocol.errors import TallystickError
from tallystick_server.lsp.chat_document import is_chat
from tallystick_server.lsp.documents import OpenDocument, OpenDocuments
from tallystick_server.lsp.editor import Editor
from tallystick_server.lsp.inline_cache import SuggestionCache
from tallystick_server.lsp.sessions import Sessions

if TYPE_CHECKING:
    from tallystick_agent.ports import Completer
    from tallystick_server.compose import Application

_log = logging.getLogger(__name__)
MOST_CHARACTERS: Final = 4_000_000
"""A larger document was not written by a person."""
WARM_AFTER_S: Final = 0.5
"""Seconds for which a document must stay the last one that was opened: an editor that restores many opens them all at once."""
LONGEST_PAUSE_S: Final = 60.0
VERDICTS: Final = 500
_TO_MEND: Final = frozenset(
    ("bad_settings", "budget_exhausted", "model_unknown", "no_model", "price_unknown", "provider_auth", "storage")
)
"""Errors that only the user can put right: they are told once."""


@dataclass(slots=True)
class _Flight:
    """A request that runs."""

    document: OpenDocument
    offset: int
    task: "asyncio.Task[Filled | None]"
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place in a snapshot of a document; `offset` counts code points. `typed` stands for `replaced` code points before it."""

    document: OpenDocument
    offset: int
    typed: str = ""
    replaced: int = 0

    @property
    def before(self) -> str:
        return self._plain(self.document.text[: self.offset - self.replaced]) + self.typed

    @property
    def after(self) -> str:
        return self._plain(self.document.text[self.offset :])

    def _plain(self, text: str) -> str:
        return text.replace("\r\n", "\n") if self.document.newline == "\r\n" else text


class Inline:
    def __init__(self, editor: Editor, documents: OpenDocuments, sessions: Sessions) -> None:
        self._editor = editor
        self._documents = documents
        self._sessions = sessions
        self._cache = SuggestionCache()
        self._flights: dict[str, _Flight] = {}
        self._warming: asyncio.Task[None] | None = None
        self._verdicts: dict[str, bool] = {}
        self._failures = 0
        self._quiet_until = 0.0
        self._told: set[str] = set()

    async def suggest(self, cursor: Cursor, *, at_once: bool = False, within_s: float | None = None) -> Filled | None:
        """What a model suggests at a cursor; `None` for nothing. Being cancelled ends the request.

        `at_once`: the user asked, so no further key is waited for. After `within_s` seconds nothing is given, and what comes
        later is there for the next time.
        """
        document = cursor.document
        if not _is_code(document):
            return None
        key = unquote(document.uri)
        before, after = cursor.before, cursor.after
        known = self._cache.get(key, before, after)
        if known is not None:
            return known if known.text else None
        flight = self._flight(key, cursor, before, after, at_once=at_once)
        flight.waiting += 1
        given_up = False
        try:
            await asyncio.wait({flight.task}, timeout=within_s)
            given_up = not flight.task.done()
        finally:
            flight.waiting -= 1
            if not given_up and not flight.waiting and not flight.task.done():
                flight.task.cancel()
        if given_up or flight.task.cancelled() or self._documents.get(document.uri) is not document:
            return None
        filled = flight.task.result()
        return filled if filled is not None and filled.text else None

    def _flight(self, key: str, cursor: Cursor, before: str, after: str, *, at_once: bool) -> _Flight:
        """The request for this place; a running one for another place of the document is ended."""
        running = self._flights.get(key)
        if running is not None:
            same = (running.document, running.offset) == (cursor.document, cursor.offset) and not cursor.typed
            if same and not running.task.done():
                return running
            running.task.cancel()
        task = self._editor.spawn(self._ask(key, cursor.document, before, after, at_once=at_once))
        flight = self._flights[key] = _Flight(cursor.document, -1 if cursor.typed else cursor.offset, task)
        task.add_done_callback(lambda _: self._landed(key, flight))
        return flight

    def _landed(self, key: str, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def _ask(self, key: str, document: OpenDocument, before: str, after: str, *, at_once: bool) -> Filled | None:
        loop = asyncio.get_running_loop()
        application: Application | None = None
        try:
            application = await self._sessions.application()
            wanted = application.settings.completion
            if wanted.enabled is False or loop.time() < self._quiet_until:
                return None
            if not at_once:
                await asyncio.sleep(wanted.debounce_ms / 1000)
            completer, path = await self._completer(application, document)
            if completer is None:
                return None
            # The place in a local server's cache is wanted now.
            self._stop_warming()
            filled = await completer.fill(Gap(path=path, language=document.language, before=before, after=after))
        except TallystickError as error:
            self._failed(error, application)
            return None
        self._failures = 0
        self._cache.put(key, before, after, filled)
        return filled

    async def _completer(self, application: "Application", document: OpenDocument) -> "tuple[Completer | None, str]":
        """What completes in a document, and the document's path below the workspace. Raises `TallystickError`."""
        root = self._sessions.root_for(document.path)
        path = _relative(document, root)
        if path is None:
            return None, ""
        completer = await application.completer(root, app="lsp", client=self._editor.client)
        if completer is None or not await self._allowed(completer, document, path):
            return None, ""
        return completer, path

    async def _allowed(self, completer: "Completer", document: OpenDocument, path: str) -> bool:
        """Asked once while a document is open. A link is judged by its own name too."""
        key = unquote(document.uri)
        if key not in self._verdicts:
            name = key.rpartition("/")[2]
            linked = bool(path) and name != path.rpartition("/")[2]
            verdict = await completer.allows(path) and not (linked and not await completer.allows(name))
            if len(self._verdicts) >= VERDICTS:
                self._verdicts.clear()
            self._verdicts[key] = verdict
        return self._verdicts[key]

    def _failed(self, error: TallystickError, application: "Application | None") -> None:
        self._failures += 1
        pause = LONGEST_PAUSE_S if error.code in _TO_MEND else min(LONGEST_PAUSE_S, 2.0 ** min(self._failures, 10))
        self._quiet_until = asyncio.get_running_loop().time() + pause
        _log.info("no suggestion: %s", error.code)
        if application is not None and error.code in ("provider_unavailable", "provider_timeout"):
            application.completions.forget()
        if error.code in _TO_MEND and error.code not in self._told:
            self._told.add(error.code)
            self._editor.say_error(error)

    def opened(self, uri: str) -> None:
        """A document was opened: a server of this machine may read it ahead, the last one that was opened alone."""
        document = self._documents.get(uri)
        if document is not None and _is_code(document):
            self._stop_warming()
            self._warming = self._editor.spawn(self._warm(document))

    def closed(self, uri: str) -> None:
        key = unquote(uri)
        self._cache.drop(key)
        self._verdicts.pop(key, None)
        if key in self._flights:
            self._flights[key].task.cancel()

    async def _warm(self, document: OpenDocument) -> None:
        await asyncio.sleep(WARM_AFTER_S)
        try:
            application = await self._sessions.application()
            wanted = application.settings.completion
            if wanted.enabled is False or not wanted.warm:
                return
            completer, _ = await self._completer(application, document)
            if completer is not None:
                await completer.warm(document.plain)
        except TallystickError as error:
            # Whoever types will hear of what the user has to mend.
            _log.info("nothing was read ahead: %s", error.code)

    def _stop_warming(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            self._warming = None

    async def close(self) -> None:
        """Ends what runs, before the books are closed."""
        tasks: set[asyncio.Task[Any]] = {flight.task for flight in self._flights.values()}
        if self._warming is not None:
            tasks.add(self._warming)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _is_code(document: OpenDocument) -> bool:
    plain = document.uri.startswith(("file:", "untitled:"))
    return plain and not is_chat(document.uri, document.language) and len(document.text) <= MOST_CHARACTERS


def _relative(document: OpenDocument, root: Path) -> str | None:
    """Empty for a document that is no file yet; `None` for a file outside the workspace, whose rules nobody knows."""
    if document.path is None:
        return ""
    return document.path.relative_to(root).as_posix() if document.path.is_relative_to(root) else None
