"""read_file: a text of the workspace with line numbers, or a page of kept output."""

from tallystick_agent.policy.approvals import Action
from tallystick_agent.policy.paths import confine
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.tools.base import Arguments, Outcome, Prepared, ToolContext, parse, spec_of
from tallystick_agent.tools.bounds import numbered, shorten_lines

MOST_LINES = 600


class ReadFileArguments(Arguments):
    path: str
    start: int = 1
    lines: int = MOST_LINES


class ReadFile:
    spec = spec_of("read_file", "Read a text file, with line numbers. `start` is the first line (from 1).", ReadFileArguments)

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        arguments = parse(ReadFileArguments, raw)
        if arguments.path.startswith("output:"):
            action = Action(effect="none")
            path = arguments.path
        else:
            path = confine(context.workspace.root, arguments.path)
            action = Action(effect="read", paths=(path,))

        async def execute() -> Outcome:
            if arguments.path.startswith("output:"):
                text = context.outputs.read(path)
            else:
                document = await context.workspace.read(path)
                context.seen[path] = document.digest
                text = document.text
                asked = (path, arguments.start, arguments.lines)
                before, call = context.pages.get(asked, ("", call_id))
                if before == document.digest and context.in_window is not None and context.in_window(call):
                    return Outcome(text=f"Unchanged since you read it: call {call} above has these lines as they are.")
                context.pages[asked] = (document.digest, call_id)
            return Outcome(text=_page(text, arguments, context.settings.context.tool_output_bytes))

        return Prepared(action=action, title=f"read {path}", execute=execute)


def _page(text: str, arguments: ReadFileArguments, limit: int) -> str:
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if not lines:
        return "The file is empty."
    first = max(1, arguments.start)
    if first > len(lines):
        return f"The file has only {len(lines)} lines."
    page = lines[first - 1 : first - 1 + max(1, min(arguments.lines, MOST_LINES))]
    shown = shorten_lines(numbered(page, first))
    while len(shown.encode("utf-8", "replace")) > limit and len(page) > 1:
        page = page[: max(1, len(page) * 2 // 3)]
        shown = shorten_lines(numbered(page, first))
    last = first + len(page) - 1
    more = f"\n[Lines {first}-{last} of {len(lines)}. Go on with start={last + 1}.]" if last < len(lines) else ""
    return shown + more
