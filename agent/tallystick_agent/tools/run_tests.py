"""run_tests: the repository's test command, in the workspace or in a scratch copy. Called by the engine alone.

Owns the trace of what each test ran, where the command can be traced.
"""

import re
import shlex
from importlib.resources import files
from pathlib import Path

from tallystick_agent.policy.approvals import Action
from tallystick_agent.ports import CommandResult
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.tools.base import Arguments, Outcome, Prepared, ToolContext, parse, spec_of
from tallystick_agent.tools.bounds import head_and_tail
from tallystick_agent.tools.run_command import KEPT_BYTES

SHOWN_BYTES = 2_000
_TRACEABLE = re.compile(r"^(?P<python>[^\s;&|]+) -m (?P<runner>unittest|pytest)(?P<rest>[^;&|]*)$")


class RunTestsArguments(Arguments):
    quick: bool = False


class RunTests:
    spec = spec_of("run_tests", "Run the repository's tests.", RunTestsArguments)

    def __init__(self, command: str, folder: Path, timeout_s: float, *, traces: bool = True) -> None:
        """`traces`: whether a run that is not quick notes which lines each test ran, beside the folder."""
        self.command = command
        self.action = Action(effect="command", command=command)
        self._traces = traces
        self.last: CommandResult | None = None
        self.trace = ""
        """The trace of the first run, as JSON; empty where the command cannot be traced."""
        self._folder = folder
        self._timeout_s = timeout_s

    async def prepare(self, raw: str, call_id: CallId, context: ToolContext) -> Prepared:
        arguments = parse(RunTestsArguments, raw)

        async def execute() -> Outcome:
            out = self._folder.parent / "trace.json"
            traced = self._traced(out) if self._traces and not arguments.quick else None
            self.last = await context.terminal.run(
                traced or self.command,
                cwd=self._folder,
                timeout_s=min(self._timeout_s, 30) if arguments.quick else self._timeout_s,
                output_bytes=KEPT_BYTES,
            )
            if self._traces and out.exists():
                self.trace = out.read_text("utf-8", "replace")
                out.unlink()
            shown = head_and_tail(self.last.output.replace(str(self._folder), "").rstrip(), SHOWN_BYTES)[0]
            passed = self.last.exit_code == 0
            return Outcome(text=f"{'Passed.' if passed else 'Failed.'}\n{shown}", status="ok" if passed else "error")

        return Prepared(
            action=self.action, title=self.command, detail=self.command, intent={"command": self.command}, execute=execute
        )

    def _traced(self, out: Path) -> str | None:
        """The command through the tracing script, where it has the form that the script can stand in for."""
        found = _TRACEABLE.match(self.command)
        if found is None:
            return None
        script = str(files("tallystick_agent.context").joinpath("trace_tests.py"))
        return f"{found['python']} {shlex.quote(script)} {shlex.quote(str(out))} {found['runner']}{found['rest']}"
