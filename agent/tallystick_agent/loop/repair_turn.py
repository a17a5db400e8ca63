"""A turn of a small model with a failing test: candidates in a scratch copy, judged by the tests. Owns those effects.

The user's files change once, when a candidate passes; a test file is never changed. Where the tests already pass, cannot
be read, or the workspace is too large to copy, it steps aside and the ordinary turn goes on.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tallystick_agent.context.focus import all_tests, focus, test_source
from tallystick_agent.context.suspects import Run, rank, read_trace
from tallystick_agent.context.test_command import is_test
from tallystick_agent.context.test_report import TestReport, read_report
from tallystick_agent.loop.ask import Asker
from tallystick_agent.loop.recorder import Recorder
from tallystick_agent.loop.repair import Candidate, Scene, candidates, read
from tallystick_agent.loop.scratch import Scratch
from tallystick_agent.loop.step import Finish, TurnState, after_error
from tallystick_agent.loop.turn import TurnSetup
from tallystick_agent.policy.approvals import Action
from tallystick_agent.protocol.errors import ContextOverflow, TallystickError, WorkspaceError
from tallystick_agent.protocol.events import ItemFinished, ItemStarted, MessageItem, Notice
from tallystick_agent.protocol.ids import CallId, ItemId
from tallystick_agent.protocol.messages import ToolCallPart
from tallystick_agent.tools.base import ToolContext
from tallystick_agent.tools.run_tests import RunTests
from tallystick_agent.tools.runner import Ended, ToolRunner
from tallystick_agent.tools.write_file import WriteFile


class RepairTurn:
    def __init__(self, setup: TurnSetup, recorder: Recorder, asker: Asker, runner: ToolRunner, context: ToolContext) -> None:
        self._setup = setup
        self._recorder = recorder
        self._asker = asker
        self._runner = runner
        self._context = context
        self._calls = 0
        self._texts: dict[str, str] = {}

    async def run(self, task: str) -> Finish | None:
        """The end of the turn, or `None` where this way does not apply."""
        home = self._setup.parts.home / "scratch"
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = await Scratch.create(Path(tempfile.mkdtemp(dir=home)) / "workspace", self._setup.options.workspace)
        if scratch is None:
            return None
        try:
            return await self._repair(scratch, task)
        finally:
            scratch.remove()
            scratch.folder.parent.rmdir()

    async def _repair(self, scratch: Scratch, task: str) -> Finish | None:
        command = self._setup.test_command
        assert command is not None
        self._tests = RunTests(command.command, scratch.folder, self._setup.parts.settings.tests.timeout_s)
        self._runner.offer("run_tests", self._tests)
        self._runner.offer("apply", WriteFile())
        ended, report = await self._test()
        if ended.status == "denied":
            return self._denied(ended)
        if report.passed or not report.failures:
            return None
        self._texts = await self._read_all()
        scene = self._scene(task, self._texts, report)
        if scene is None:
            return None
        return await self._try(scene, report, scratch)

    async def _try(self, scene: Scene, report: TestReport, scratch: Scratch) -> Finish:
        """Asks for candidates until one passes. One that mends some of the tests becomes the ground for the next."""
        settings = self._setup.parts.settings.local
        limit = self._setup.options.attempts or settings.attempts
        original, written = dict(scene.texts), dict(scene.texts)
        failing = {failure.test for failure in report.failures}
        queue = self._candidates(scene)
        tried: set[str] = set()
        asked = 0
        while asked < limit and self._asker.usage.total_tokens < settings.repair_tokens:
            candidate = next(queue, None)
            if candidate is None:
                break
            asked += 1
            told = f"Candidate {asked}: {candidate.name}"
            await self._recorder.emit(Notice(level="info", code="candidate", message=told))
            try:
                answer = await self._answer(candidate)
            except ContextOverflow:
                continue
            except TallystickError as error:
                _, command = after_error(TurnState(compactions=9), error, visible=False)
                assert isinstance(command, Finish)
                return command
            changed = read(candidate, answer, scene.texts)
            key = json.dumps(changed, sort_keys=True)
            if changed is None or key in tried:
                continue
            tried.add(key)
            written = self._write(scratch, written, changed)
            _, after = await self._test(quick=True)
            if after.passed:
                return await self._apply(original, changed, after)
            left = {failure.test for failure in after.failures}
            if left and left < failing and after.ran == report.ran:
                _, traced = await self._test()
                better = self._scene(scene.task, {**self._texts, **changed}, traced) if traced.failures else None
                if better is not None:
                    scene, failing, queue = better, left, self._candidates(better)
        return Finish(
            stop="gave_up",
            detail=f"None of {asked} candidates made the tests pass ({len(failing)} failing at best). No file was changed.",
            code="model_gave_up",
            remedy="Try more candidates (--attempts, local.repair_tokens), or a larger model (--model).",
        )

    def _candidates(self, scene: Scene) -> Iterator[Candidate]:
        return candidates(scene, infill=self._setup.endpoint.capabilities.infill)

    def _write(self, scratch: Scratch, written: Mapping[str, str], wanted: dict[str, str]) -> dict[str, str]:
        """Brings the copy from what was last written there to what is wanted, which is given back."""
        for path, text in wanted.items():
            if written[path] != text:
                scratch.write(path, text)
        return wanted

    async def _answer(self, candidate: Candidate) -> str:
        asked = await self._asker.ask(candidate.request, self._setup.endpoint, "edit", guard=True)
        return "".join(part.text for part in asked.reply.message.parts if part.kind == "text")

    async def _test(self, *, quick: bool = False) -> tuple[Ended, TestReport]:
        """Runs the tests in the scratch copy through the one door. A candidate gets less time: it may loop for ever."""
        ended = await self._call("run_tests", {"quick": quick})
        result = self._tests.last
        if ended.status != "denied":
            # The first yes covers this turn's further runs of the same command on candidates.
            allowed = Action(effect="command", command=self._tests.command)
            self._runner.grants = self._runner.grants.with_always(allowed)
        output, code = (result.output, result.exit_code) if result else ("", None)
        return ended, read_report(output, exit_code=code)

    async def _call(self, name: str, arguments: object) -> Ended:
        self._calls += 1
        call_id = CallId(f"{name}_{self._calls}_{self._setup.parts.ids.new('call')}")
        return await self._runner.run(ToolCallPart(call_id=call_id, name=name, arguments=json.dumps(arguments)), by="engine")

    async def _read_all(self) -> dict[str, str]:
        workspace = self._setup.options.workspace
        found: dict[str, str] = {}
        for path in await workspace.files():
            if path.endswith(".py"):
                try:
                    found[path] = (await workspace.read(path)).text
                except WorkspaceError:
                    continue
        return found

    def _scene(self, task: str, texts: dict[str, str], report: TestReport) -> Scene | None:
        runs: tuple[Run, ...] = read_trace(self._tests.trace)
        suspects = rank(runs, texts)
        failure = report.failures[0]
        path, source = test_source(failure, texts)
        ordered = focus(failure, source, texts, suspects)
        if not ordered:
            return None
        sources = {name: text for name, text in texts.items() if not is_test(name)}
        return Scene(
            task=task,
            texts=sources,
            failure=replace(failure, file=path or failure.file),
            test_source=source,
            all_tests=all_tests(path, texts),
            suspects=tuple(one for one in suspects if one.path in ordered),
            focus=ordered,
        )

    async def _apply(self, before: Mapping[str, str], after: Mapping[str, str], report: TestReport) -> Finish:
        """Brings the candidate that passed into the user's files, through the same door as any edit."""
        changed = [path for path in after if before[path] != after[path]]
        for path in changed:
            ended = await self._call("apply", {"path": path, "content": after[path]})
            if ended.status == "denied":
                return self._denied(ended)
            if ended.status == "error":
                return Finish(stop="gave_up", detail=ended.text, code="workspace_stale", remedy="Run it again.")
        ran = f"all {report.ran} tests pass" if report.ran else "the tests pass"
        await self._say(f"Changed {', '.join(changed)}; {ran} with it.")
        return Finish(stop="end_turn")

    def _denied(self, ended: Ended) -> Finish:
        return Finish(
            stop="permission_denied",
            detail="The tests and the change need a permission, and it was not given.",
            code="permission_denied",
            remedy="Run it again with --yes, or allow it under [permissions] in settings.toml.",
        )

    async def _say(self, text: str) -> None:
        item_id = ItemId(self._setup.parts.ids.new("item"))
        await self._recorder.emit(ItemStarted(item_id=item_id, item=MessageItem()))
        await self._recorder.emit(ItemFinished(item_id=item_id, item=MessageItem(text=text)))
