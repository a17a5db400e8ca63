"""run_command: a shell command in the workspace, bounded in time and output."""

from itertools import islice
from pathlib import Path

from pydantic import Field

from tallystick_agent.policy.approvals import Action
from tallystick_agent.policy.commands import split_plain
from tallystick_agent.policy.paths import confine, is_secret
from tallystick_agent.policy.redaction import clean
from tallystick_agent.ports import CommandResult
from tallystick_agent.protocol.display import shown
from tallystick_agent.protocol.errors import PathRefused
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.tools.base import Arguments, Outcome, Prepared, ToolContext, ToolProblem, parse, spec_of
from tallystick_agent.tools.bounds import head_and_tail, shorten_lines

KEPT_BYTES = 1_000_000
"""Output kept under a handle; beyond it the middle is dropped where it arises."""


class RunCommandArguments(Arguments):
    command: str
    timeout: int = Field(default=120, gt=0, le=1800)


class RunCommand:
    spec = spec_of(
        "run_command",
        "Run a shell command in the workspace root. No input, no terminal. `timeout` in seconds.",
        RunCommandArguments,
    )

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        arguments = parse(RunCommandArguments, raw)
        command = arguments.command.strip()
        if not command:
            raise ToolProblem("`command` is empty.")
        if shown(command) != command:
            # What a person is asked about must be what runs, to the letter.
            raise ToolProblem("`command` has control or hidden characters. Write it in plain text.")

        async def execute() -> Outcome:
            result = await context.terminal.run(
                command,
                cwd=context.workspace.root,
                timeout_s=arguments.timeout,
                output_bytes=KEPT_BYTES,
                on_output=lambda text: context.on_output(call_id, text),
            )
            return describe(result, call_id, context)

        action = Action(effect="command", command=command, leads_out=_leads_out(command, context.workspace.root))
        return Prepared(action=action, title=command, detail=command, intent={"command": command}, execute=execute)


def _leads_out(command: str, root: Path) -> bool:
    """Whether a word of a plain command is, or may be, a link to somewhere outside or to a secret."""
    for words in split_plain(command) or []:
        for word in words[1:]:
            names = [path.relative_to(root).as_posix() for path in _expanded(word, root)]
            for name in [word, *names]:
                try:
                    if is_secret(confine(root, name)):
                        return True
                except PathRefused:
                    return True
    return False


def _expanded(word: str, root: Path) -> list[Path]:
    if not any(mark in word for mark in "*?[") or word.startswith(("/", "-")):
        return []
    return list(islice(root.glob(word), 500))


def describe(result: CommandResult, call_id: CallId, context: ToolContext) -> Outcome:
    """The result as the model reads it: how it ended first, then what it printed."""
    text = shorten_lines(clean(result.output)).rstrip()
    shown, left_out = head_and_tail(text, context.settings.context.tool_output_bytes)
    match result.ended_by:
        case "exit":
            ended = f"Exit code {result.exit_code}."
        case "timeout":
            ended = "It was still running after its time and was ended."
        case "signal":
            ended = f"It was ended by signal {result.signal}."
        case "cancel":
            ended = "It was cancelled."
    handle = f"\n[Everything it printed: read_file {context.outputs.keep(call_id, text)}]" if left_out else ""
    text = f"{ended}\n{shown}{handle}" if shown else f"{ended} It printed nothing."
    return Outcome(text=text, status="ok" if result.exit_code == 0 else "error")
