"""Tests as feedback: after a turn has changed files, the repository's tests are run once before its end is taken as the end.

Owns when that happens. It happens only where the tests may run without asking, and where the model has not just run them
itself; failures are told to the model, which may have made them or may find that they were there before.
"""

from dataclasses import dataclass, replace

from tallystick_agent.context.test_command import TestCommand
from tallystick_agent.context.test_report import read_report
from tallystick_agent.ports import Workspace
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import ToolCallPart
from tallystick_agent.settings import Settings
from tallystick_agent.tools.bounds import head_and_tail
from tallystick_agent.tools.run_tests import RunTests
from tallystick_agent.tools.runner import Ended, ToolRunner

ROUNDS = 2
"""Times in a turn that failing tests are told to the model."""
TOLD_BYTES = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckState:
    """What the turn has done to the files since the tests last ran."""

    changed: bool = False
    rounds: int = 0

    def after(self, call: ToolCallPart, ended: Ended, command: str | None) -> "CheckState":
        if ended.changed:
            return replace(self, changed=True)
        ran = command is not None and call.name == "run_command" and command in call.arguments
        return replace(self, changed=False) if ran else self


class TestCheck:
    __test__ = False

    def __init__(self, tests: TestCommand | None, workspace: Workspace, settings: Settings, runner: ToolRunner) -> None:
        self._tests = tests
        self._workspace = workspace
        self._settings = settings
        self._runner = runner

    @property
    def command(self) -> str | None:
        return self._tests.command if self._tests else None

    async def failures(self, state: CheckState, call_id: CallId) -> str:
        """What to tell the model; empty where nothing failed, or nothing was to be run."""
        if self._tests is None or not state.changed or state.rounds >= ROUNDS:
            return ""
        if self._workspace.open_paths():
            # Tests read files: they would judge the text that the editor has not saved yet by its old state.
            return ""
        tool = RunTests(self._tests.command, self._workspace.root, self._settings.tests.timeout_s, traces=False)
        if not self._runner.allows(tool.action):
            return ""
        self._runner.offer("run_tests", tool)
        await self._runner.run(ToolCallPart(call_id=call_id, name="run_tests", arguments="{}"), by="engine")
        if tool.last is None or read_report(tool.last.output, exit_code=tool.last.exit_code).passed or tool.last.exit_code == 0:
            return ""
        output = head_and_tail(tool.last.output.strip(), TOLD_BYTES)[0]
        return (
            f"The tests were run after your changes (`{self._tests.command}`) and fail:\n{output}\n"
            "Mend what your changes broke. If a failure has nothing to do with them, leave it and say so."
        )
