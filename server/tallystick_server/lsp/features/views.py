"""Code actions and commands that show a plan, a chat's changes or a whole open question; workspace/textDocumentContent."""

from collections.abc import Callable, Generator, Iterator
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from tallystick_server.lsp.chat_document import is_chat, parse
from tallystick_server.lsp.features.code_action import action
from tallystick_server.lsp.server import TallystickServer
from tallystick_server.lsp.session_record import Record, changes_view, plan_view
from tallystick_server.lsp.views import SCHEME

SHOW_PLAN = "tallystick.showPlan"
SHOW_CHANGES = "tallystick.showChanges"
SHOW_QUESTION = "tallystick.showQuestion"
_KIND = "source.tallystick"
"""Asked for by name only: an editor that runs `source` actions on saving must not open views."""


def register(server: TallystickServer) -> None:
    def view_actions(params: types.CodeActionParams) -> Iterator[types.CodeAction]:
        for question in server.questions.open():
            if question.whole:
                yield action(f"Tallystick: Show all of: {question.title}", SHOW_QUESTION, question.key)
        uri = params.text_document.uri
        document = server.documents.get(uri)
        if document is None or not is_chat(uri, document.language):
            return
        record = _record(uri)[1]
        if record is not None and record.plan:
            yield action("Tallystick: Show the plan", SHOW_PLAN, uri, kind=_KIND)
        if record is not None and record.changes:
            yield action("Tallystick: Show the changes of this chat", SHOW_CHANGES, uri, kind=_KIND)

    def _record(name: str) -> tuple[str, Record | None]:
        """The session that a chat's URI or a session's own id names."""
        document = server.documents.get(name)
        session_id = parse(document.plain).session_id if document is not None else name
        return session_id or "", server.records.get(session_id)

    async def show_plan(name: Any) -> None:
        session_id, record = _record(_text(name))
        if record is None or not record.plan:
            server.editor.say("There is no plan in this chat yet.")
        else:
            await server.views.show(f"plan-{session_id}.md", plan_view(record), name)

    async def show_changes(name: Any) -> None:
        session_id, record = _record(_text(name))
        text = await changes_view(record) if record is not None else ""
        if text:
            await server.views.show(f"changes-{session_id}.diff", text, name)
        else:
            server.editor.say("Nothing that this chat changed is there any more." if record else "This chat changed nothing yet.")

    async def show_question(key: Any) -> None:
        question = next((one for one in server.questions.open() if one.key == _text(key)), None)
        if question is None:
            server.editor.say("This question is no longer open.")
            return
        ending = "diff" if question.whole.startswith(("---", "+++", "@@", "diff ")) else "txt"
        name = "".join(char if char.isalnum() or char in "-_" else "-" for char in question.key)
        await server.views.show(f"question-{name}.{ending}", question.whole, question.uri)

    async def content(params: types.TextDocumentContentParams) -> types.TextDocumentContentResult:
        return types.TextDocumentContentResult(text=server.views.text(params.uri))

    server.action_sources.append(view_actions)
    server.on_command(SHOW_PLAN, show_plan)
    server.on_command(SHOW_CHANGES, show_changes)
    server.on_command(SHOW_QUESTION, show_question)
    options = types.TextDocumentContentOptions(schemes=[SCHEME])
    server.on(types.WORKSPACE_TEXT_DOCUMENT_CONTENT, content, options)
    _advertise(server, options)


def _advertise(server: TallystickServer, options: types.TextDocumentContentOptions) -> None:
    """pygls knows the method and never says so in the server's capabilities."""
    features: Any = server.protocol.fm
    handlers: dict[str, Callable[[Any], Generator[Any, Any, Any]]] = features.builtin_features
    built_in: Callable[[types.InitializeParams], Generator[Any, Any, types.InitializeResult]] = handlers[types.INITIALIZE]

    def initialize(params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        result = yield from built_in(params)
        workspace = params.capabilities.workspace
        if workspace is not None and workspace.text_document_content is not None:
            ours = result.capabilities.workspace or types.WorkspaceOptions()
            ours.text_document_content = options
            result.capabilities.workspace = ours
        return result

    handlers[types.INITIALIZE] = initialize


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise JsonRpcInvalidParams("The command's argument is a string.")
    return value
