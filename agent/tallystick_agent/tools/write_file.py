"""write_file: a whole file, new or replaced."""

from tallystick_agent.policy.paths import confine
from tallystick_agent.ports import Document
from tallystick_agent.protocol.errors import WorkspaceError
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.tools.base import Arguments, Prepared, ToolContext, ToolProblem, parse, spec_of
from tallystick_agent.tools.change import prepare_change


class WriteFileArguments(Arguments):
    path: str
    content: str


class WriteFile:
    def __init__(self, *, replaces: bool = True) -> None:
        """`replaces`: whether a file that is there may be replaced whole; a small model loses the half of it that way."""
        self._replaces = replaces
        text = "Create a file, or replace the whole of it. To change a part, use edit." if replaces else "Create a new file."
        self.spec = spec_of("write_file", text, WriteFileArguments)

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        arguments = parse(WriteFileArguments, raw)
        path = confine(context.workspace.root, arguments.path)
        if path == ".":
            raise ToolProblem("`path` must name a file.")
        before = await _present(path, context)
        if before is not None and not self._replaces:
            raise ToolProblem(f"{path} exists. Change a part of it with edit or define. Nothing was changed.")
        if before is not None and before.text == arguments.content:
            raise ToolProblem(f"{path} already has exactly this content; the write changes nothing.")
        return prepare_change(path=path, before=before, text=arguments.content, verb="write", notes=(), context=context)


async def _present(path: str, context: ToolContext) -> Document | None:
    """The file as it is; `None` where there is none. One that is there and cannot be read as text is not replaced."""
    try:
        return await context.workspace.read(path)
    except WorkspaceError as error:
        if (context.workspace.root / path).exists():
            raise ToolProblem(f"{error.message} It was not replaced.") from error
        return None
