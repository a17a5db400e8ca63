"""list_files: the paths of the workspace, ignored ones left out."""

import fnmatch

from tallystick_agent.policy.approvals import Action
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.tools.base import Arguments, Outcome, Prepared, ToolContext, parse, spec_of

MOST = 300


class ListFilesArguments(Arguments):
    folder: str = ""
    glob: str = ""


class ListFiles:
    spec = spec_of("list_files", "List files below a folder; `glob` filters, e.g. *.py.", ListFilesArguments)

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        arguments = parse(ListFilesArguments, raw)
        folder = arguments.folder.strip().strip("/").removeprefix("./")
        folder = "" if folder == "." else folder

        async def execute() -> Outcome:
            files = await context.workspace.files()
            inside = [path for path in files if not folder or path.startswith(f"{folder}/")]
            if arguments.glob:
                pattern = arguments.glob.removeprefix("**/")
                inside = [p for p in inside if fnmatch.fnmatch(p, pattern) or fnmatch.fnmatch(p.rpartition("/")[2], pattern)]
            if not inside:
                return Outcome(text="No files match." if files else "The workspace has no files.")
            more = f"\n[{len(inside) - MOST} more; narrow it with folder or glob.]" if len(inside) > MOST else ""
            return Outcome(text="\n".join(inside[:MOST]) + more)

        return Prepared(action=Action(effect="read"), title=f"list {folder or 'files'}", execute=execute)
