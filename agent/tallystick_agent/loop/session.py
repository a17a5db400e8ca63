"""The owner of one session: operations in, events out, one turn at a time. Owns the turn's task and its permissions.

Every task has a parent here; closing the session ends them all and leaves the log whole.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from typing import Literal, assert_never

from tallystick_agent.context.assemble import xray
from tallystick_agent.context.test_command import TestCommand
from tallystick_agent.loop.ask import Asker
from tallystick_agent.loop.compact import Compactor
from tallystick_agent.loop.gather import Gatherer
from tallystick_agent.loop.parts import EngineParts, SessionOptions
from tallystick_agent.loop.probe import call_mode_of
from tallystick_agent.loop.recorder import Recorder
from tallystick_agent.loop.recovery import outcome_of
from tallystick_agent.loop.repair import asks_for_change
from tallystick_agent.loop.repair_turn import RepairTurn
from tallystick_agent.loop.requests import allowed_context, base_request
from tallystick_agent.loop.sent import Sent
from tallystick_agent.loop.setup import find_tests
from tallystick_agent.loop.slash import Slash, slash
from tallystick_agent.loop.step import Finish, TurnState, after_error
from tallystick_agent.loop.turn import Turn, TurnSetup, bounded
from tallystick_agent.loop.undo import undo
from tallystick_agent.policy.redaction import clean
from tallystick_agent.protocol.errors import StorageError, TallystickError
from tallystick_agent.protocol.events import (
    Event,
    ItemDelta,
    ItemFinished,
    ItemStarted,
    MessageItem,
    Notice,
    PermissionRequested,
    Purpose,
    QuestionAsked,
    SessionClosed,
    SessionRenamed,
    Shown,
    TurnFinished,
    TurnStarted,
)
from tallystick_agent.protocol.ids import CallId, ItemId, SessionId, TurnId
from tallystick_agent.protocol.messages import AssistantMessage, ToolMessage
from tallystick_agent.protocol.modes import WorkMode
from tallystick_agent.protocol.operations import (
    Answer,
    Cancel,
    CloseSession,
    Compact,
    Continue,
    Decide,
    Operation,
    Prompt,
    Rename,
    RestoreWindow,
    SetBudget,
    SetMode,
    SetModel,
    Undo,
)
from tallystick_agent.protocol.usage import Budget
from tallystick_agent.sessions.replay import is_stub
from tallystick_agent.tools.base import OutputStore, ToolContext
from tallystick_agent.tools.error_gate import ErrorGate
from tallystick_agent.tools.registry import tools_for
from tallystick_agent.tools.runner import ToolRunner

ASKED_SHARE = 0.4
"""Of the history, what a compaction that the user asks for leaves."""
MOST_TITLE = 120
"""Characters."""
PLANNING = "You are planning: read and search, then give a plan. Nothing can be changed or run until the user says so.\n"
PLANNED = "You may change files and run commands again.\n"


class Session:
    """Made by `loop.engine.Engine`."""

    def __init__(self, parts: EngineParts, options: SessionOptions, recorder: Recorder) -> None:
        self._parts = parts
        self._options = options
        self._recorder = recorder
        self._task: asyncio.Task[None] | None = None
        self._decisions: dict[CallId, asyncio.Future[Decide]] = {}
        self._answers: dict[CallId, asyncio.Future[str]] = {}
        self._begun = self._stop_at_once = self._told_end = False
        self._grants = options.grants
        self._sent = Sent()
        self._mode: WorkMode = "plan" if recorder.state.session_mode == "plan" else "act"
        self._limits = Budget()
        """Those that the user set for this session."""
        self._background: set[asyncio.Task[None]] = set()
        self._context = ToolContext(
            workspace=options.workspace,
            terminal=options.terminal,
            settings=parts.settings,
            outputs=OutputStore(parts.home / "outputs" / recorder.session_id),
            ask=self._ask_user,
            on_output=self._on_output,
            finder=options.finder,
            gate=_gate(parts, options),
            changed=lambda: self._recorder.state.changed,
            # A small model is led astray by a pointer to what it has; it gets the text again.
            in_window=self._in_window if options.endpoint.scale == "large" else None,
        )

    @property
    def session_id(self) -> SessionId:
        return self._recorder.session_id

    @property
    def busy(self) -> bool:
        return self._task is not None and not self._task.done() and not self._told_end

    def events(self) -> AsyncIterator[Event]:
        """Every event from now on, until the session is closed."""
        return self._recorder.subscribe()

    async def submit(self, operation: Operation) -> None:
        """Takes an operation; what becomes of it comes as events."""
        match operation:
            case Prompt():
                await self._start(operation)
            case Continue():
                # Who goes on with a turn goes on under its limits.
                budget = operation.budget.over(self._recorder.state.budget)
                await self._start(Prompt(text="", budget=budget, mode=self._recorder.state.mode), continued=True)
            case Decide():
                waiting = self._decisions.get(operation.call_id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(operation)
            case Answer():
                question = self._answers.get(operation.call_id)
                if question is not None and not question.done():
                    question.set_result(operation.text)
            case Cancel():
                self._cancel()
            case SetModel():
                await self._set_model(operation.slug)
            case Compact():
                await self._between_turns(self._compact(operation.focus))
            case RestoreWindow():
                await self._between_turns(self._restore_window())
            case SetMode():
                self._mode = operation.mode
            case SetBudget():
                self._limits = operation.budget
            case Rename():
                title = " ".join(operation.title.split())[:MOST_TITLE]
                if title:
                    await self._recorder.emit(SessionRenamed(title=title), durable=True)
            case Undo():
                await self._start(Prompt(text="/undo"))
            case CloseSession():
                await self.close()
            case _ as never:
                assert_never(never)

    async def wait(self) -> None:
        """Until the running turn has ended."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def close(self) -> None:
        """Ends the running turn, logs the close and frees the log. May be called twice."""
        self._cancel()
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait({task})
        with contextlib.suppress(StorageError, OSError):
            await self._recorder.emit(SessionClosed(), durable=True)
        self._recorder.close()

    def _in_window(self, call_id: CallId) -> bool:
        """Whether a call's whole output stands in the present window."""
        parts = (part for message in self._recorder.state.messages if isinstance(message, ToolMessage) for part in message.parts)
        return any(part.call_id == call_id and not is_stub(part.text) for part in parts)

    def _compactor(self, asker: Asker | None = None) -> Compactor:
        budget = self._parts.settings.budget.limits()
        asker = asker or Asker(
            self._parts, self._options.caller(self._parts.settings.attribution), self._recorder, budget, self._sent
        )
        return Compactor(self._parts, self._options, self._recorder, self._context.outputs, asker)

    async def _settle(self) -> None:
        """Calls that a crash cut short get their outcome before anything else is said: a result belongs right behind its call."""
        for call in tuple(self._recorder.state.pending.values()):
            settled = await outcome_of(call, self._options.workspace)
            item_id = ItemId(self._parts.ids.new("item"))
            await self._recorder.emit(ItemFinished(item_id=item_id, item=settled), durable=True)

    async def _compact(self, focus: str, asker: Asker | None = None) -> None:
        """Condenses the window, or says why not. With the turn's `asker` a summary counts against the turn's limits."""
        await self._settle()
        compactor = self._compactor(asker)
        if not await compactor.to(int(compactor.history() * ASKED_SHARE), "the user asked for it", focus=focus):
            await self._notice("compaction", "There is nothing to condense.", "")

    async def _restore_window(self) -> None:
        await self._settle()
        if not await self._compactor().restore():
            await self._notice("compaction", "There is no earlier window to bring back.", "")

    async def _between_turns(self, work: Coroutine[None, None, None]) -> None:
        """Does something while no turn runs, and lets none begin; it can be cancelled like a turn."""
        if self.busy:
            work.close()
            await self._notice("busy", "A turn is running.", "Wait for it, or stop it first.")
            return
        self._begun, self._stop_at_once, self._told_end = True, False, False
        self._task = task = asyncio.create_task(work)
        await asyncio.wait({task})
        if task.cancelled():
            await self._notice("interrupted", "It was stopped; the window is as it was.", "")
        elif (error := task.exception()) is not None:
            if isinstance(error, TallystickError):
                await self._notice(error.code, error.message, error.remedy)
            else:
                assert isinstance(error, Exception)
                self._report(error)
                await self._notice("internal", f"A bug in Tallystick ({type(error).__name__}). The session is whole.", "")

    async def _notice(self, code: str, message: str, remedy: str, *, level: Literal["info", "warning"] = "warning") -> None:
        await self._recorder.emit(Notice(level=level, code=code, message=message, remedy=remedy))

    def _report(self, error: Exception) -> None:
        """Writes where a bug is to a file of ours: a person is told in words.

        What an exception says may be a prompt, a file's text or a key, so only its kind and the frames are written.
        """
        import traceback

        with contextlib.suppress(OSError):
            path = self._parts.home / "logs" / "bugs.log"
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(path, "a", encoding="utf-8", errors="replace") as file:
                file.write(f"{self._parts.clock.now():%Y-%m-%d %H:%M:%S}Z session {self.session_id}\n")
                cause: BaseException | None = error
                while cause is not None:
                    file.writelines(traceback.format_tb(cause.__traceback__))
                    file.write(f"{type(cause).__name__}\n")
                    cause = cause.__cause__ or cause.__context__

    def _cancel(self) -> None:
        """Stops the running turn. One that has not taken its first step is told to stop there: it must still log its end."""
        if self._task is None or self._told_end:
            return
        if self._begun:
            self._task.cancel()
        else:
            self._stop_at_once = True

    async def _start(self, prompt: Prompt, *, continued: bool = False) -> None:
        if self.busy:
            await self._notice("busy", "A turn is running.", "Wait for it, or stop it first.")
            return
        self._begun = self._stop_at_once = self._told_end = False
        command = slash(prompt.text)
        if command is not None and command.name in ("plan", "act"):
            self._mode = "plan" if command.name == "plan" else "act"
            prompt = replace(prompt, text=command.rest or prompt.text, mode=self._mode)
        self._task = asyncio.create_task(self._turn(prompt, continued=continued))

    async def _turn(self, prompt: Prompt, *, continued: bool) -> None:
        """Runs a turn and always logs its end. Limits that it was not given are those of the settings now."""
        self._recorder.turn_id = TurnId(self._parts.ids.new("turn"))
        budget = prompt.budget.over(self._limits).over(self._parts.settings.budget.limits())
        asker = Asker(self._parts, self._options.caller(self._parts.settings.attribution), self._recorder, budget, self._sent)
        self._begun = True
        try:
            if self._stop_at_once:
                raise asyncio.CancelledError
            started = TurnStarted(
                prompt=prompt.text,
                context=prompt.context,
                model=self._options.model,
                purpose=prompt.purpose,
                budget=budget,
                given=prompt.budget.over(self._limits),
                mode=prompt.mode or self._mode,
                mode_lasts=prompt.mode is None or prompt.mode == self._mode,
                continued=continued,
            )
            finish = await bounded(self._work(asker, started), budget.timeout_s)
        except asyncio.CancelledError:
            finish = Finish(stop="cancelled", detail="Stopped by the user.", code="interrupted")
        except TallystickError as error:
            _, command = after_error(TurnState(compactions=9), error, visible=False)
            assert isinstance(command, Finish)
            finish = command
        except Exception as error:
            self._report(error)
            detail = f"A bug in Tallystick ended this turn ({type(error).__name__}). The session is whole."
            finish = Finish(
                stop="internal_error",
                detail=detail,
                code="internal",
                remedy="Please report it with logs/bugs.log of the state folder; `tallystick resume` goes on.",
            )
        ended = TurnFinished(
            stop=finish.stop,
            usage=asker.usage,
            cost=asker.cost,
            requests=asker.spent.requests,
            detail=finish.detail,
            code=finish.code,
            remedy=finish.remedy,
        )
        # Whoever hears the end may start the next turn, although this one is still being synced.
        self._told_end = True
        try:
            await self._recorder.emit(ended, durable=True)
        except StorageError:
            # The disk is full: hosts must still hear how it ended, or they would wait for ever.
            self._recorder.announce(ended)

    async def _work(self, asker: Asker, started: TurnStarted) -> Finish:
        recorder, options, continued, purpose = self._recorder, self._options, started.continued, started.purpose
        await self._settle()
        if not continued and (command := slash(started.prompt)) is not None:
            return await self._slash(started, asker, command)
        tests = await find_tests(self._parts, options) if started.mode == "act" else None
        if not continued:
            started = await self._with_context(started, asker, tests)
        await recorder.emit(started, durable=True)
        if continued and recorder.state.messages and isinstance(recorder.state.messages[-1], AssistantMessage):
            item_id, item = ItemId(self._parts.ids.new("item")), MessageItem(text="Go on with the task.", origin="engine")
            await recorder.emit(ItemStarted(item_id=item_id, item=item))
            await recorder.emit(ItemFinished(item_id=item_id, item=item))
        if self._context.gate is not None:
            self._context.gate.begin_turn()
        setup = TurnSetup(
            parts=self._parts,
            options=options,
            endpoint=options.endpoint,
            call_mode=await call_mode_of(options.endpoint, self._parts, asker),
            tools=tools_for(options.endpoint.scale, started.mode),
            purpose=_purpose(purpose),
            test_command=tests,
        )
        runner = ToolRunner(
            tools=setup.tools,
            context=self._context,
            emit=recorder.emit,
            decide=self._ask_permission,
            item_id=lambda: ItemId(self._parts.ids.new("item")),
            secrets=self._parts.secrets.values,
            grants=self._grants,
        )
        try:
            task = started.prompt or recorder.state.prompt
            mends = setup.endpoint.scale == "small" and tests is not None and tests.language == "python"
            if mends and asks_for_change(task):
                finish = await RepairTurn(setup, recorder, asker, runner, self._context).run(task)
                if finish is not None:
                    return finish
            return await Turn(setup, recorder, asker, runner, self._context.outputs).run()
        finally:
            self._grants = runner.grants

    async def _slash(self, started: TurnStarted, asker: Asker, command: Slash) -> Finish:
        """A command of the user's to us, which is no part of what the model reads."""
        given = self._recorder.state.budget
        await self._recorder.emit(replace(started, continued=True, given=given), durable=True)
        match command.name:
            case "compact":
                await self._compact(command.rest, asker)
            case "restore":
                await self._restore_window()
            case "undo":
                return await undo(self._recorder, self._options.workspace, self._parts.ids)
            case "plan":
                await self._notice("mode", "Planning: nothing is changed or run until /act.", "", level="info")
            case "act":
                await self._notice("mode", "Files may be changed and commands run, as the settings allow.", "", level="info")
        return Finish(stop="end_turn")

    async def _with_context(self, started: TurnStarted, asker: Asker, tests: TestCommand | None) -> TurnStarted:
        """The prompt with what belongs before it; what had to be left out is told."""
        state, counter = self._recorder.state, asker.counter
        tools = tools_for(self._options.endpoint.scale, started.mode)
        plain = base_request(self._parts.settings, self._options.endpoint, tools, state.messages)
        request = xray(plain, counter).input_tokens + counter.text(started.prompt + started.context)
        allowed = allowed_context(self._parts.settings, self._options.target, request, plain.max_output_tokens, counter.band)
        gathered = await Gatherer(self._parts, self._options, tests, counter.text).gather(started.prompt, state.messages, allowed)
        for notice in gathered.notices:
            await self._recorder.emit(notice)
        self._context.seen.update(gathered.seen)
        shown = gathered.shown
        if started.mode == "plan" or (started.mode == "act" and state.mode == "plan" and state.messages):
            shown = (*shown, Shown(name="mode", text=PLANNING if started.mode == "plan" else PLANNED))
        return replace(started, shown=shown, images=gathered.images)

    async def _ask_permission(self, request: PermissionRequested) -> Decide:
        """Waits for the user's word; after the stated time no answer means no."""
        waiting: asyncio.Future[Decide] = asyncio.get_running_loop().create_future()
        self._decisions[request.call_id] = waiting
        try:
            async with asyncio.timeout(self._parts.settings.permissions.answer_timeout_s):
                return await waiting
        except TimeoutError:
            return Decide(call_id=request.call_id, digest=request.digest, decision="reject", by="timeout")
        finally:
            self._decisions.pop(request.call_id, None)

    async def _ask_user(self, call_id: CallId, question: str, options: tuple[str, ...]) -> str:
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answers[call_id] = waiting
        try:
            await self._recorder.emit(QuestionAsked(call_id=call_id, question=question, options=options))
            async with asyncio.timeout(self._parts.settings.permissions.answer_timeout_s):
                return await waiting
        except TimeoutError:
            return ""
        finally:
            self._answers.pop(call_id, None)

    def _on_output(self, call_id: CallId, text: str) -> None:
        """A running command's output, shown as it comes. It may be left out: the outcome repeats it."""
        item_id = self._context.items.get(call_id)
        if item_id is None:
            return
        task = asyncio.ensure_future(self._recorder.emit(ItemDelta(item_id=item_id, text=clean(text))))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _set_model(self, slug: str) -> None:
        try:
            self._options = replace(self._options, model=slug, target=self._parts.resolve(slug))
        except TallystickError as error:
            await self._recorder.emit(Notice(level="error", code=error.code, message=error.message, remedy=error.remedy))


_PURPOSES: tuple[Purpose, ...] = ("chat", "edit", "plan", "commit_message", "title", "subagent")


def _gate(parts: EngineParts, options: SessionOptions) -> ErrorGate | None:
    if options.diagnostics is None:
        return None
    return ErrorGate(diagnostics=options.diagnostics, workspace=options.workspace, settings=parts.settings.diagnostics)


def _purpose(text: str) -> Purpose:
    """A purpose by its name; what a host made up is chat."""
    known: dict[str, Purpose] = {name: name for name in _PURPOSES}
    return known.get(text, "chat")
