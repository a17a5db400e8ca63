"""search: lines that match a regular expression, by ripgrep; unsaved text of open documents is searched as it is."""

import fnmatch
import re
import shutil
import sysconfig
from functools import cache
from pathlib import Path

from tallystick_agent.policy.approvals import Action
from tallystick_agent.policy.paths import PROTECTED_FOLDERS, SECRET_FILES, confine, is_protected, is_secret
from tallystick_agent.ports import CommandResult
from tallystick_agent.protocol.errors import WorkspaceError
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.tools.base import Arguments, Outcome, Prepared, ToolContext, ToolProblem, parse, spec_of
from tallystick_agent.tools.bounds import head_and_tail, shorten_lines


class SearchArguments(Arguments):
    pattern: str
    path: str = ""
    glob: str = ""


class Search:
    spec = spec_of("search", "Find lines by regular expression (ripgrep) in files, in a folder or file `path`.", SearchArguments)

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        arguments = parse(SearchArguments, raw)
        if not arguments.pattern:
            raise ToolProblem("`pattern` is empty. Give a regular expression.")
        path = confine(context.workspace.root, arguments.path) if arguments.path else "."

        async def execute() -> Outcome:
            unsaved = await _unsaved(context, arguments, path)
            result = await context.terminal.run(
                _command(arguments, path, tuple(unsaved)),
                cwd=context.workspace.root,
                timeout_s=30,
                output_bytes=context.settings.context.tool_output_bytes,
            )
            return _outcome(result, "".join(unsaved.values()), context.settings.context.tool_output_bytes)

        return Prepared(action=Action(effect="read", paths=(path,)), title=f"search {arguments.pattern!r}", execute=execute)


@cache
def ripgrep() -> str:
    """The ripgrep of this installation. Raises `ToolProblem` when it is gone."""
    beside = Path(sysconfig.get_path("scripts")) / "rg"
    found = str(beside) if beside.exists() else shutil.which("rg")
    if not found:
        raise ToolProblem("ripgrep is missing from this installation; use read_file and list_files.")
    return found


def _command(arguments: SearchArguments, path: str, skip: tuple[str, ...]) -> tuple[str, ...]:
    hidden = [f"--iglob=!{name}" for name in sorted(SECRET_FILES | PROTECTED_FOLDERS | {".env.*"})]
    skipped = [f"--glob=!/{_escape(name)}" for name in skip]
    wanted = [f"--glob={arguments.glob}"] if arguments.glob else []
    fixed = (
        "--no-config",
        "--line-number",
        "--no-heading",
        "--color=never",
        "--max-columns=300",
        "--max-columns-preview",
    )
    return (
        ripgrep(),
        *fixed,
        "--max-count=50",
        "--sort=path",
        "--hidden",
        *wanted,
        *hidden,
        *skipped,
        "-e",
        arguments.pattern,
        "--",
        path,
    )


def _escape(path: str) -> str:
    return re.sub(r"([*?\[\]{}!\\])", r"\\\1", path)


async def _unsaved(context: ToolContext, arguments: SearchArguments, path: str) -> dict[str, str]:
    """Hits in documents whose editor text differs from the file, by path; those files are then left out of the search."""
    found: dict[str, str] = {}
    for name in context.workspace.open_paths():
        if path not in (".", name) and not name.startswith(f"{path}/"):
            continue
        if is_secret(name) or is_protected(name) or not _wanted(name, arguments.glob):
            continue
        try:
            text = (await context.workspace.read(name)).text
            expression = re.compile(arguments.pattern)
        except (WorkspaceError, re.error):
            continue
        lines = text.split("\n")
        found[name] = "".join(f"{name}:{n}:{line[:300]}\n" for n, line in enumerate(lines, 1) if expression.search(line))
    return found


def _wanted(path: str, glob: str) -> bool:
    return not glob or fnmatch.fnmatch(path, glob) or fnmatch.fnmatch(path.rpartition("/")[2], glob)


def _outcome(result: CommandResult, unsaved: str, limit: int) -> Outcome:
    if result.exit_code not in (0, 1) and not unsaved:
        if result.ended_by == "timeout":
            return Outcome(text="The search took too long. Narrow it with path or glob.", status="error")
        return Outcome(text=f"The search failed: {result.output.strip()[:500]}", status="error")
    text = unsaved + re.sub(r"^\./", "", result.output, flags=re.MULTILINE)
    if not text.strip():
        return Outcome(text="No matches.")
    return Outcome(text=head_and_tail(shorten_lines(text.rstrip("\n")), limit)[0])
