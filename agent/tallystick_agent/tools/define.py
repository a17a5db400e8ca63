"""define: one function or class of a Python file, added or replaced whole. For models that cannot quote text exactly."""

from tallystick_agent.edits.definitions import put
from tallystick_agent.protocol.errors import WorkspaceError
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.tools.base import Arguments, Prepared, ToolContext, ToolProblem, parse, spec_of
from tallystick_agent.tools.change import prepare_change
from tallystick_agent.tools.edit import known_path


class DefineArguments(Arguments):
    path: str
    code: str


class Define:
    spec = spec_of("define", "Add or replace one whole function or class in a Python file.", DefineArguments)

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        arguments = parse(DefineArguments, raw)
        path = await known_path(arguments.path, context)
        try:
            before = await context.workspace.read(path)
        except WorkspaceError as error:
            raise ToolProblem(f"{error.message} Use write_file to create it.") from error
        text = put(before.text, arguments.code)
        if text is None:
            raise ToolProblem("`code` must be one whole function or class that parses. Nothing was changed.")
        if text == before.text:
            raise ToolProblem(f"{path} has exactly this code already; it changes nothing.")
        return prepare_change(path=path, before=before, text=text, verb="define in", notes=(), context=context)
