"""Code actions and lenses that begin a chat about code, and the command behind them: ask, edit, explain, test, document, fix.

What is offered depends on the request alone and on comments that were found before; the place is looked at when one runs.
"""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from tallystick_agent.protocol.display import shown
from tallystick_server.lsp.chat_document import is_chat, quoted
from tallystick_server.lsp.code_prompts import KINDS, NEEDS_WORDS, Kind, prompt_for
from tallystick_server.lsp.code_tasks import Comments, as_argument, place_of, problem_from, range_argument, range_from
from tallystick_server.lsp.documents import OpenDocument
from tallystick_server.lsp.features.code_action import action
from tallystick_server.lsp.features.code_lens import lens
from tallystick_server.lsp.new_chat import new_chat
from tallystick_server.lsp.protocol import failed
from tallystick_server.lsp.server import TallystickServer
from tallystick_server.lsp.tally_comments import TallyComment
from tallystick_server.lsp.views import SCHEME

CODE = "tallystick.code"
MOST_FIXES = 3
MOST_TITLE = 80
_SELECTION = (("ask", "Ask…"), ("edit", "Edit…"), ("explain", "Explain"), ("tests", "Write tests"), ("document", "Document"))
_REWRITE = types.CodeActionKind.RefactorRewrite


def register(server: TallystickServer) -> None:
    comments = Comments()

    def task_actions(params: types.CodeActionParams) -> Iterator[types.CodeAction]:
        uri = params.text_document.uri
        document = server.documents.get(uri)
        if document is None or is_chat(uri, document.language) or uri.startswith(f"{SCHEME}:"):
            return
        automatic = params.context.trigger_kind == types.CodeActionTriggerKind.Automatic
        yield from _comment_actions(comments.known(document) if automatic else comments.of(document), document, params.range)
        yield from _fixes(uri, params.context.diagnostics)
        yield from _tasks(uri, params)

    def comment_lenses(document: OpenDocument) -> Iterator[types.CodeLens]:
        if not is_chat(document.uri, document.language):
            for one in comments.of(document):
                yield lens(one.first, "▶ Do it", CODE, "comment", document.uri, _lines(one.first, one.last), None, one.text)

    async def code(
        kind: Any, uri: Any, selected: Any = None, diagnostics: Any = None, instruction: Any = None
    ) -> dict[str, str] | None:
        """Gives the chat's URI as soon as the turn has begun. `null` where there is nothing to do any more."""
        if kind not in KINDS or not isinstance(uri, str) or not isinstance(instruction, str | None):
            raise JsonRpcInvalidParams(f"{CODE} takes a kind ({', '.join(KINDS)}), a URI, a range, diagnostics, an instruction.")
        document = server.documents.get(uri)
        if document is None:
            server.editor.say("Tallystick works on documents that are open in the editor; this one is not.")
            return None
        try:
            text = _prompt(cast("Kind", kind), document, selected, diagnostics, instruction or "")
        except ValueError as error:
            raise JsonRpcInvalidParams(f"{CODE}: the range or a diagnostic is not as LSP writes it.") from error
        if text is None:
            server.editor.say("This comment is no longer there.")
            return None
        send = kind not in NEEDS_WORDS or bool((instruction or "").strip())
        try:
            made = await new_chat(server, root=server.sessions.root_for(document.path), text=text, send=send)
        except OSError as error:
            raise failed(f"No chat could be made: {error.strerror or error}.", {"code": "storage", "remedy": ""}) from error
        return {"uri": made}

    def _prompt(kind: Kind, document: OpenDocument, selected: Any, diagnostics: Any, words: str) -> str | None:
        root = server.sessions.root_for(document.path)
        found = [problem_from(one) for one in cast("list[object]", diagnostics)] if isinstance(diagnostics, list) else []
        area = range_from(selected)
        if kind == "comment":
            comment = _asked(comments.of(document), area.start.line if area is not None else 0, words)
            if comment is None:
                return None
            area, words = _range(comment.first, comment.last), comment.text
        elif kind == "fix" and area is None and found:
            area = found[0][1]
        elif kind == "fixAll":
            area = None
        place = place_of(document, root, area, widen=kind == "fix")
        return prompt_for(kind, place, problems=[problem for problem, _ in found], words=quoted(words))

    server.action_sources.append(task_actions)
    server.lens_sources.append(comment_lenses)
    server.on_command(CODE, code)


def _asked(found: Sequence[TallyComment], line: int, words: str) -> TallyComment | None:
    """The comment that the person saw when they said yes: by its words, which the line alone would not tell."""
    if not words:
        return next((one for one in found if one.first <= line <= one.last), None)
    return min((one for one in found if one.text == words), key=lambda one: abs(one.first - line), default=None)


def _comment_actions(comments: Sequence[TallyComment], document: OpenDocument, place: types.Range) -> Iterator[types.CodeAction]:
    for one in comments:
        if one.first <= place.end.line and place.start.line <= one.last:
            title = f"Tallystick: Do it: {_short(one.text)}"
            yield action(title, CODE, "comment", document.uri, _lines(one.first, one.last), None, one.text)


def _fixes(uri: str, diagnostics: Sequence[types.Diagnostic]) -> Iterator[types.CodeAction]:
    # What the server itself marks, such as a question that waits, is nothing to mend.
    given = [one for one in diagnostics if one.source != "tallystick"]
    for one in given[:MOST_FIXES]:
        place, problem = range_argument(one.range), as_argument(one)
        yield action(f"Tallystick: Fix: {_short(one.message)}", CODE, "fix", uri, place, [problem], None, diagnostics=[one])
    errors = [one for one in given if one.severity in (None, types.DiagnosticSeverity.Error)]
    if len(errors) > 1:
        # No `source.fixAll`: editors run that one on every save.
        problems = [as_argument(one) for one in errors[:50]]
        yield action(f"Tallystick: Fix all {len(errors)} in file", CODE, "fixAll", uri, None, problems, None, diagnostics=errors)


def _tasks(uri: str, params: types.CodeActionParams) -> Iterator[types.CodeAction]:
    place = params.range
    tasks: Sequence[tuple[str, str]] = _SELECTION
    if place.start == place.end:
        if params.context.trigger_kind == types.CodeActionTriggerKind.Automatic:
            # Else the editor would show its mark on every line.
            return
        tasks = tuple(task for task in _SELECTION if task[0] in ("ask", "explain"))
    for kind, title in tasks:
        yield action(f"Tallystick: {title}", CODE, kind, uri, range_argument(place), None, None, kind=_REWRITE)


def _short(text: str) -> str:
    flat = shown(" ".join(text.split()))
    return flat if len(flat) <= MOST_TITLE else flat[: MOST_TITLE - 1] + "…"


def _range(first: int, last: int) -> types.Range:
    return types.Range(start=types.Position(line=first, character=0), end=types.Position(line=last, character=1))


def _lines(first: int, last: int) -> dict[str, Any]:
    return range_argument(_range(first, last))
