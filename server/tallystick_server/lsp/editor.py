"""What we ask of the editor: edits, questions, progress, messages, marks. Owns the words of LSP for these; no decisions.

Editors understate what they can do (Neovim and Emacs apply versioned edits and declare nothing), so a request that has an
answer is simply tried, and only what has none depends on the declared capabilities.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tallystick_agent.protocol.errors import TallystickError
from tallystick_server.lsp.documents import OpenDocument, OpenDocuments
from tallystick_server.lsp.positions import Encoding, position_at, smallest_change

_log = logging.getLogger(__name__)
Rewrite = tuple[OpenDocument, str]
"""A document as we know it, and the text it shall have, with its own line endings."""


class Wire(Protocol):
    """The part of the protocol that is needed here."""

    async def ask(self, method: str, params: Any) -> Any: ...

    def notify(self, method: str, params: Any | None = None) -> None: ...


class Editor:
    def __init__(self, wire: Wire, documents: OpenDocuments) -> None:
        self._wire = wire
        self._documents = documents
        self._tasks: set[asyncio.Task[Any]] = set()
        self._capabilities = types.ClientCapabilities()
        self._knows_versions = False
        """Whether the editor takes edits with versions: it said so, or did."""
        self._refreshing: asyncio.Task[None] | None = None
        self._refresh_again = False
        self.encoding: Encoding = "utf-16"
        self.client = ""
        """The editor's name and version, as it gave them."""

    def introduce(self, params: types.InitializeParams, encoding: str) -> None:
        """Takes what the editor says of itself."""
        self._capabilities = params.capabilities
        self.encoding = "utf-8" if encoding == "utf-8" else "utf-32" if encoding == "utf-32" else "utf-16"
        if params.client_info is not None:
            self.client = f"{params.client_info.name} {params.client_info.version or ''}".strip()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task that is held until it ends, and whose failure is logged."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Ends every task; what those start on their way out is ended too."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a task failed", exc_info=error)

    async def apply(self, rewrites: Sequence[Rewrite], label: str | None = None) -> bool:
        """Asks for the edits, bound to the versions we know. What the editor answers is no proof: see `workspace`."""
        edits = [(document, edit) for document, text in rewrites if (edit := self._edit(document, text)) is not None]
        if not edits:
            return True
        versioned = types.WorkspaceEdit(
            document_changes=[
                types.TextDocumentEdit(text_document=_versioned(document), edits=[edit]) for document, edit in edits
            ]
        )
        if await self._apply(versioned, label):
            self._knows_versions = True
            return True
        workspace = self._capabilities.workspace
        edits_known = workspace.workspace_edit if workspace is not None else None
        # A refusal may mean that the text moved on, so an edit without a version is tried only where nothing suggests that.
        self._knows_versions |= edits_known is not None and bool(edits_known.document_changes)
        if self._knows_versions or not all(self._current(one) for one, _ in edits):
            return False
        return await self._apply(types.WorkspaceEdit(changes={document.uri: [edit] for document, edit in edits}), label)

    def _current(self, document: OpenDocument) -> bool:
        now = self._documents.get(document.uri)
        return now is not None and now.version == document.version

    async def _apply(self, edit: types.WorkspaceEdit, label: str | None) -> bool:
        params = types.ApplyWorkspaceEditParams(edit=edit, label=label)
        with contextlib.suppress(JsonRpcException):
            answer = await self._wire.ask(types.WORKSPACE_APPLY_EDIT, params)
            return bool(answer is not None and answer.applied)
        return False

    def _edit(self, document: OpenDocument, text: str) -> types.TextEdit | None:
        change = smallest_change(document.text, text)
        if change is None:
            return None
        start = position_at(document.text, change.start, self.encoding)
        end = position_at(document.text, change.end, self.encoding)
        place = types.Range(
            start=types.Position(line=start[0], character=start[1]), end=types.Position(line=end[0], character=end[1])
        )
        return types.TextEdit(range=place, new_text=change.text)

    async def choose(self, message: str, labels: Sequence[str]) -> str | None:
        """The label that was picked, `None` for a question that was closed. Raises `JsonRpcException` where nobody asks."""
        actions = [types.MessageActionItem(title=label) for label in labels]
        params = types.ShowMessageRequestParams(type=types.MessageType.Info, message=message, actions=actions)
        answer = await self._wire.ask(types.WINDOW_SHOW_MESSAGE_REQUEST, params)
        return None if answer is None else str(answer.title)

    def say(self, message: str, kind: types.MessageType = types.MessageType.Info) -> None:
        self._wire.notify(types.WINDOW_SHOW_MESSAGE, types.ShowMessageParams(type=kind, message=message))

    def say_error(self, error: TallystickError) -> None:
        self.say(f"{error.message} {error.remedy}".strip(), types.MessageType.Error)

    def mark(self, uri: str, line: int, message: str) -> None:
        """A diagnostic at the end of a document, or none where `message` is empty."""
        place = types.Range(start=types.Position(line=line, character=0), end=types.Position(line=line, character=1))
        marks = [
            types.Diagnostic(range=place, message=message, severity=types.DiagnosticSeverity.Information, source="tallystick")
        ]
        params = types.PublishDiagnosticsParams(uri=uri, diagnostics=marks if message else [])
        self._wire.notify(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)

    def notify(self, method: str, params: Any) -> None:
        self._wire.notify(method, params)

    def refresh_lenses(self) -> None:
        """Asks the editor to fetch the code lenses anew, where it can. Returns at once."""
        workspace = self._capabilities.workspace
        if workspace is not None and workspace.code_lens is not None and workspace.code_lens.refresh_support:
            self._refresh_again = True
            if self._refreshing is None or self._refreshing.done():
                self._refreshing = self.spawn(self._refresh())

    async def _refresh(self) -> None:
        """One request at a time; what is asked for meanwhile is one more after it."""
        while self._refresh_again:
            self._refresh_again = False
            with contextlib.suppress(JsonRpcException):
                await self._wire.ask(types.WORKSPACE_CODE_LENS_REFRESH, None)

    def progress(self, title: str, on_cancel: Callable[[], None]) -> "Progress":
        window = self._capabilities.window
        return Progress(self, self._wire, title, on_cancel, shown=window is not None and bool(window.work_done_progress))


def _versioned(document: OpenDocument) -> types.OptionalVersionedTextDocumentIdentifier:
    return types.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)


class Progress:
    """One work-done progress. It never holds up the work: reports made before the editor agreed are left out."""

    def __init__(self, editor: Editor, wire: Wire, title: str, on_cancel: Callable[[], None], *, shown: bool) -> None:
        self.token = f"tallystick-{uuid.uuid4()}"
        self.on_cancel = on_cancel
        self._wire = wire
        self._title = title
        self._message = ""
        self._begun = self._ended = False
        if shown:
            editor.spawn(self._begin())

    async def _begin(self) -> None:
        try:
            await self._wire.ask(types.WINDOW_WORK_DONE_PROGRESS_CREATE, types.WorkDoneProgressCreateParams(token=self.token))
        except JsonRpcException:
            return
        if not self._ended:
            self._begun = True
            self._send(types.WorkDoneProgressBegin(title=self._title, message=self._message or None, cancellable=True))

    def report(self, message: str) -> None:
        if message != self._message:
            self._message = message
            if self._begun and not self._ended:
                self._send(types.WorkDoneProgressReport(message=message, cancellable=True))

    def end(self, message: str) -> None:
        if self._begun and not self._ended:
            self._send(types.WorkDoneProgressEnd(message=message))
        self._ended = True

    def _send(self, value: types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd) -> None:
        self._wire.notify(types.PROGRESS, types.ProgressParams(token=self.token, value=value))
