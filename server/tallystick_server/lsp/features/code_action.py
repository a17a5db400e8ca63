"""textDocument/codeAction: one list of what all parts offer, in the order of `server.action_sources`. Owns no action.

Editors ask on every move of the cursor, so a source reads what is in memory and nothing else.
"""

from collections.abc import Sequence

from lsprotocol import types

from tallystick_server.lsp.server import TallystickServer

KINDS = (types.CodeActionKind.QuickFix, types.CodeActionKind.RefactorRewrite, types.CodeActionKind.Source)


def register(server: TallystickServer) -> None:
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        only = params.context.only
        found = [action for source in server.action_sources for action in source(params)]
        return [action for action in found if _wanted(action.kind, only)]

    server.on(types.TEXT_DOCUMENT_CODE_ACTION, code_action, types.CodeActionOptions(code_action_kinds=list(KINDS)))


def action(
    title: str,
    command: str,
    *arguments: types.LSPAny,
    kind: types.CodeActionKind | str = types.CodeActionKind.QuickFix,
    diagnostics: Sequence[types.Diagnostic] | None = None,
) -> types.CodeAction:
    return types.CodeAction(
        title=title,
        kind=kind,
        diagnostics=diagnostics,
        command=types.Command(title=title, command=command, arguments=list(arguments)),
    )


def _wanted(kind: "types.CodeActionKind | str | None", only: "Sequence[types.CodeActionKind | str] | None") -> bool:
    """Editors ask for some kinds on their own, e.g. to organise imports on saving; nothing of ours may run then."""
    name = _name(kind or "")
    return not only or any(not one or name == one or name.startswith(f"{one}.") for one in map(_name, only))


def _name(kind: types.CodeActionKind | str) -> str:
    return kind.value if isinstance(kind, types.CodeActionKind) else kind
