"""What we ask of the editor: edits, questions, progress, messages, marks. Owns the words of LSP for these; no decisions.

Editors understate what they can do (Neovim and Emacs apply versioned edits and declare nothing), so a request that has an
answer is simply tried, and only what has none depends on the declared capabilities.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tallystick_agent.protocol.errors import TallystickError
from tallystick_server.lsp import filed
from tallystick_server.lsp.documents import OpenDocument, OpenDocuments
from tallystick_server.lsp.marks import Mark
from tallystick_server.lsp.positions import Encoding, position_at, smallest_change

_log = logging.getLogger(__name__)
_SEVERITY = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "information": types.DiagnosticSeverity.Information,
}
_OURS = "tallystick"
SHOW_S = 5.0
"""Seconds for an editor to show a document; one that says nothing does not show it."""
_IMPATIENT = ("eglot", "emacs", "helix", "zed")
"""Editors, by how their name begins, that give a command up after some time."""
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
        self._running: dict[types.ProgressToken, Progress] = {}
        """What is shown as under way and has not ended, by token."""
        self._capabilities = types.ClientCapabilities()
        self._knows_versions = False
        """Whether the editor takes edits with versions: it said so, or did."""
        self._wanted: set[str] = set()
        """Kinds of refreshes that are asked for and not under way yet."""
        self._fetching: set[str] = set()
        self.encoding: Encoding = "utf-16"
        self.options: Any = None
        """`initializationOptions` as the editor sent them."""
        self.wants_status = False
        """Whether the client asked for `tallystick/status`."""
        self.client = ""
        """The editor's name and version, as it gave them."""

    def introduce(self, params: types.InitializeParams, encoding: str) -> None:
        """Takes what the editor says of itself."""
        self._capabilities = params.capabilities
        self.options = params.initialization_options
        self.wants_status = _wants_status(params.capabilities.experimental)
        self.encoding = "utf-8" if encoding == "utf-8" else "utf-32" if encoding == "utf-32" else "utf-16"
        if params.client_info is not None:
            self.client = f"{params.client_info.name} {params.client_info.version or ''}".strip()
            general = params.capabilities.general
            if params.client_info.name == "emacs" and (general is None or not general.position_encodings):
                # lsp-mode before version 10 offers none, and counts code points in spite of LSP's UTF-16.
                self.encoding = "utf-32"

    @property
    def waits(self) -> bool:
        """Whether a command may be answered when its work has ended. Emacs stands still until the answer, ten seconds at most,
        and lsp-mode then cancels; so does Zed after two minutes. An editor without a name may be an old eglot."""
        return bool(self.client) and not self.client.lower().startswith(_IMPATIENT)

    async def ask(self, method: str, params: Any) -> Any:
        """A request to the editor. Raises `JsonRpcException` for its error."""
        return await self._wire.ask(method, params)

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
        kept = [(document, text) for document, text in rewrites if self._documents.filed(document.uri)]
        if not all([await filed.write(self._documents, document, text) for document, text in kept]):
            return False
        rewrites = [one for one in rewrites if one not in kept]
        edits = [(document, edit) for document, text in rewrites if (edit := self._edit(document, text)) is not None]
        if not edits:
            return True
        versioned = self._versioned(edits, label)
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

    def _versioned(self, edits: Sequence[tuple[OpenDocument, types.TextEdit]], label: str | None) -> types.WorkspaceEdit:
        """With a label, every edit says what it belongs to, where the editor knows annotations; it need not be confirmed."""
        workspace = self._capabilities.workspace
        known = workspace.workspace_edit if workspace is not None else None
        if label is None or known is None or known.change_annotation_support is None:
            changes = [types.TextDocumentEdit(text_document=_version(document), edits=[edit]) for document, edit in edits]
            return types.WorkspaceEdit(document_changes=changes)
        annotated = [(one, types.AnnotatedTextEdit(annotation_id=_OURS, range=e.range, new_text=e.new_text)) for one, e in edits]
        return types.WorkspaceEdit(
            document_changes=[
                types.TextDocumentEdit(text_document=_version(document), edits=[edit]) for document, edit in annotated
            ],
            change_annotations={_OURS: types.ChangeAnnotation(label=label, needs_confirmation=False)},
        )

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

    @property
    def creates_files(self) -> bool:
        """Whether the editor says that it makes files where an edit asks for one."""
        workspace = self._capabilities.workspace
        known = workspace.workspace_edit if workspace is not None else None
        return types.ResourceOperationKind.Create in (known.resource_operations or ()) if known is not None else False

    async def create(self, uri: str, text: str) -> bool:
        """Makes a new document with a text; a file that exists is left alone. False where the editor does not."""
        zero = types.Position(line=0, character=0)
        edit = types.TextEdit(range=types.Range(start=zero, end=zero), new_text=text)
        where = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=None)
        made = types.CreateFile(uri=uri, options=types.CreateFileOptions(overwrite=False, ignore_if_exists=False))
        whole = types.WorkspaceEdit(document_changes=[made, types.TextDocumentEdit(text_document=where, edits=[edit])])
        return await self._apply(whole, "Tallystick: new chat")

    async def show(self, uri: str, selection: types.Range | None = None) -> bool:
        """Opens a document for the person. Whatever an editor declares, it is asked: its answer says what it did."""
        params = types.ShowDocumentParams(uri=uri, take_focus=True, selection=selection)
        with contextlib.suppress(JsonRpcException, TimeoutError):
            async with asyncio.timeout(SHOW_S):
                answer = await self._wire.ask(types.WINDOW_SHOW_DOCUMENT, params)
            return bool(answer is not None and answer.success)
        return False

    @property
    def asks_for_content(self) -> bool:
        """Whether the editor fetches documents of other schemes from us."""
        workspace = self._capabilities.workspace
        return workspace is not None and workspace.text_document_content is not None

    def refresh_content(self, uri: str) -> None:
        """Asks the editor to fetch one of those documents anew."""
        params = types.TextDocumentContentRefreshParams(uri=uri)
        self.spawn(self._refresh(types.WORKSPACE_TEXT_DOCUMENT_CONTENT_REFRESH, params))

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

    def publish(self, uri: str, marks: Sequence[Mark]) -> None:
        """All our diagnostics of a document."""
        found = [
            types.Diagnostic(
                range=types.Range(
                    start=types.Position(line=mark.line, character=0), end=types.Position(line=mark.line, character=1)
                ),
                message=mark.message,
                severity=_SEVERITY[mark.level],
                source="tallystick",
            )
            for mark in marks
        ]
        params = types.PublishDiagnosticsParams(uri=uri, diagnostics=found)
        self._wire.notify(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)

    def refresh_hints(self) -> None:
        """Asks the editor to fetch the inlay hints anew, where it can."""
        workspace = self._capabilities.workspace
        if workspace is not None and workspace.inlay_hint is not None and workspace.inlay_hint.refresh_support:
            self._refetch(types.WORKSPACE_INLAY_HINT_REFRESH)

    def notify(self, method: str, params: Any) -> None:
        self._wire.notify(method, params)

    def refresh_lenses(self) -> None:
        """Asks the editor to fetch the code lenses anew, where it can. Returns at once."""
        workspace = self._capabilities.workspace
        if workspace is not None and workspace.code_lens is not None and workspace.code_lens.refresh_support:
            self._refetch(types.WORKSPACE_CODE_LENS_REFRESH)

    def _refetch(self, method: str) -> None:
        """One request of a kind at a time; what is asked for meanwhile is one more after it."""
        self._wanted.add(method)
        if method not in self._fetching:
            self._fetching.add(method)
            self.spawn(self._keep_fetching(method))

    async def _keep_fetching(self, method: str) -> None:
        try:
            while method in self._wanted:
                self._wanted.discard(method)
                await self._refresh(method)
        finally:
            self._fetching.discard(method)

    async def _refresh(self, method: str, params: Any = None) -> None:
        with contextlib.suppress(JsonRpcException):
            await self._wire.ask(method, params)

    def progress(self, title: str, on_cancel: Callable[[], None]) -> "Progress":
        window = self._capabilities.window
        shown = window is not None and bool(window.work_done_progress)
        return Progress(self, self._wire, self._running, title, on_cancel, shown=shown)

    def progress_cancelled(self, token: types.ProgressToken) -> None:
        """The person cancelled a progress; one that has ended meanwhile is left alone."""
        if token in self._running:
            self._running[token].on_cancel()


def _version(document: OpenDocument) -> types.OptionalVersionedTextDocumentIdentifier:
    return types.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)


def _wants_status(experimental: Any) -> bool:
    ours: Any = cast("dict[str, Any]", experimental).get("tallystick") if isinstance(experimental, dict) else None
    return isinstance(ours, dict) and cast("dict[str, Any]", ours).get("status") is True


class Progress:
    """One work-done progress. It never holds up the work: reports made before the editor agreed are left out."""

    def __init__(
        self,
        editor: Editor,
        wire: Wire,
        running: "dict[types.ProgressToken, Progress]",
        title: str,
        on_cancel: Callable[[], None],
        *,
        shown: bool,
    ) -> None:
        """`running` holds it by its token until it ends."""
        self.token = f"tallystick-{uuid.uuid4()}"
        self.on_cancel = on_cancel
        self._wire = wire
        self._title = title
        self._message = ""
        self._begun = self._ended = False
        self._running = running
        if shown:
            running[self.token] = self
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
        self._running.pop(self.token, None)

    def _send(self, value: types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd) -> None:
        self._wire.notify(types.PROGRESS, types.ProgressParams(token=self.token, value=value))
