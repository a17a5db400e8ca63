"""One turn: asks, runs tools, compacts, and ends for a stated reason. Owns the effects; what to do next is `loop.step`.

A small model with a failing test is handed to `loop.repair_turn` first, which tries candidates against the tests.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace

from tallystick_agent.context.assemble import xray
from tallystick_agent.context.compaction import pointed_at, read_path
from tallystick_agent.context.rules import applying, rule_paths, rule_text
from tallystick_agent.context.test_command import TestCommand
from tallystick_agent.loop.ask import Asked, Asker
from tallystick_agent.loop.check import CheckState, TestCheck
from tallystick_agent.loop.compact import Compactor
from tallystick_agent.loop.gate import to_raise
from tallystick_agent.loop.gather import read_rules
from tallystick_agent.loop.parts import EngineParts, SessionOptions
from tallystick_agent.loop.recorder import Recorder
from tallystick_agent.loop.requests import base_request
from tallystick_agent.loop.step import (
    AskModel,
    Command,
    CompactFirst,
    Finish,
    RunTools,
    TurnState,
    after_error,
    after_reply,
    after_tool,
    cannot_fit,
)
from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.errors import ContextOverflow, ProviderError, TallystickError
from tallystick_agent.protocol.events import ItemFinished, ItemStarted, MessageItem, Notice, Purpose
from tallystick_agent.protocol.ids import CallId, ItemId
from tallystick_agent.protocol.messages import ToolCallPart, text_of
from tallystick_agent.protocol.model_info import CallMode, Endpoint
from tallystick_agent.providers.call_modes import adapt, read
from tallystick_agent.tools.base import OutputStore, Tool
from tallystick_agent.tools.runner import ToolRunner


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSetup:
    """What one turn may use, frozen when it starts: the tools that are advertised are the tools that run."""

    parts: EngineParts
    options: SessionOptions
    endpoint: Endpoint
    call_mode: CallMode
    tools: tuple[Tool, ...]
    purpose: Purpose
    test_command: TestCommand | None


class Turn:
    def __init__(self, setup: TurnSetup, recorder: Recorder, asker: Asker, runner: ToolRunner, outputs: OutputStore) -> None:
        parts, options = setup.parts, setup.options
        self._check = TestCheck(setup.test_command, options.workspace, parts.settings, runner)
        self._checked = CheckState()
        self._setup = setup
        self._recorder = recorder
        self._asker = asker
        self._runner = runner
        self._state = TurnState()
        self._ruled: set[str] = set()
        """Files of rules that were looked at in this turn."""
        self._compactor = Compactor(parts, options, recorder, outputs, asker)

    async def run(self) -> Finish:
        """Goes on until something ends the turn. Raises only `CancelledError` and what is a bug."""
        command: Command = AskModel()
        while True:
            match command:
                case Finish():
                    failures = await self._failures() if command.stop == "end_turn" else ""
                    if not failures:
                        return command
                    command = AskModel(note=failures)
                case AskModel(note=note):
                    if note:
                        await self._tell_model(note)
                    command = await self._ask()
                case RunTools(calls=calls):
                    command = await self._run_tools(calls)
                case CompactFirst(limit_tokens=limit):
                    command = await self._compact(limit)

    def _request(self) -> ChatRequest:
        setup = self._setup
        request = base_request(setup.parts.settings, setup.endpoint, setup.tools, self._recorder.state.messages)
        return adapt(replace(request, session_key=self._recorder.session_id), setup.call_mode)

    async def _make_room(self) -> None:
        endpoint, counter = self._setup.endpoint, self._asker.counter
        request = self._request()
        tokens = xray(request, counter).input_tokens
        await self._compactor.when_due(tokens, request.max_output_tokens, endpoint.window_tokens, counter.band)

    async def _ask(self) -> Command:
        await self._make_room()
        mode, small = self._setup.call_mode, self._setup.endpoint.scale == "small"
        try:
            asked = await self._asker.ask(
                self._request(), self._setup.endpoint, self._setup.purpose, show=mode == "native", guard=small
            )
        except TallystickError as error:
            self._state, command = after_error(self._state, error, visible=self._asker.visible)
            if isinstance(command, AskModel):
                said = error.message.rstrip().rstrip(".")
                await self._notice("provider_stream_cut", f"{said}. The piece that was shown is dropped; asking again.")
            return command
        reply = read(asked.reply, mode, tuple(tool.spec for tool in self._setup.tools))
        self._state, command = after_reply(self._state, reply)
        if isinstance(command, AskModel):
            return command
        await self._keep(replace(asked, reply=reply), command)
        return command

    async def _keep(self, asked: Asked, command: Command) -> None:
        cut = isinstance(command, Finish) and command.stop == "max_tokens"
        if cut and self._setup.call_mode == "schema":
            # Half of a forced object is neither a call nor words for anybody.
            return
        await self._asker.keep(asked)
        if self._setup.call_mode == "native" or isinstance(command, RunTools):
            return
        text = "".join(part.text for part in asked.reply.message.parts if part.kind == "text")
        if text:
            await self._say(MessageItem(text=text))

    async def _run_tools(self, calls: tuple[ToolCallPart, ...]) -> Command:
        note = ""
        rules: list[str] = []
        for call in _distinct(calls, self._recorder.state.call_ids):
            ended = await self._runner.run(call)
            if ended.nobody_there:
                return Finish(
                    stop="permission_denied",
                    detail=f"`{call.name}` needs a permission, and nobody was there to give it.",
                    code="permission_denied",
                    remedy="Run it again with --yes, or allow it under [permissions] in settings.toml.",
                )
            self._checked = self._checked.after(call, ended, self._check.command)
            rules += await self._folder_rules(call)
            # To be pointed at the same lines again and again is to read them again and again.
            output = pointed_at(ended.text, self._recorder.state.messages)
            self._state, warning, finish = after_tool(self._state, call, output, malformed=ended.malformed)
            note = warning or note
            if finish is not None:
                return finish
        for one in rules:
            # Each file by itself, and behind the results of all calls: so it keeps its name, and can be carried along.
            await self._tell_model(one)
        return AskModel(note=note)

    async def _folder_rules(self, call: ToolCallPart) -> list[str]:
        """The rules of the folders that a call worked in, the first time that it does."""
        setup, path = self._setup, read_path(call)
        if not path or not setup.options.trusted or not setup.parts.settings.context.rules:
            return []
        fresh = [one for one in applying(rule_paths(await setup.options.workspace.files()), path) if one not in self._ruled]
        self._ruled.update(fresh)
        rules = await read_rules(setup.options.workspace, tuple(fresh))
        told = "\n".join(text_of(message) for message in self._recorder.state.messages) if rules else ""
        return [text for rule in rules if (text := rule_text(rule)) not in told]

    async def _failures(self) -> str:
        """Runs the tests where files changed; what failed, in words for the model."""
        failures = await self._check.failures(self._checked, CallId(self._setup.parts.ids.new("call")))
        self._checked = replace(self._checked, changed=False, rounds=self._checked.rounds + bool(failures))
        return failures

    async def _compact(self, limit: int | None) -> Command:
        """Makes the window smaller until the request should fit, or ends the turn."""
        before = xray(self._request(), self._asker.counter).input_tokens
        target = int(min(limit, before) * 0.75) if limit else before * 2 // 3
        fixed = before - self._compactor.history()
        if await self._compactor.to(target - fixed, "the request did not fit the context window"):
            return AskModel()
        return cannot_fit("")

    async def _tell_model(self, text: str) -> None:
        await self._say(MessageItem(text=text, origin="engine"))

    async def _say(self, item: MessageItem) -> None:
        await self._finish_item(item)

    async def _finish_item(self, item: MessageItem) -> None:
        item_id = ItemId(self._setup.parts.ids.new("item"))
        await self._recorder.emit(ItemStarted(item_id=item_id, item=item))
        await self._recorder.emit(ItemFinished(item_id=item_id, item=item))

    async def _notice(self, code: str, message: str) -> None:
        await self._recorder.emit(Notice(level="warning", code=code, message=message))


def _distinct(calls: tuple[ToolCallPart, ...], taken: frozenset[CallId]) -> tuple[ToolCallPart, ...]:
    """The calls with ids that no call of the session has yet: some servers number each reply's calls from 0."""
    found: list[ToolCallPart] = []
    used = set(taken)
    for call in calls:
        call_id, number = call.call_id, 1
        while call_id in used:
            number += 1
            call_id = CallId(f"{call.call_id}_{number}")
        used.add(call_id)
        found.append(replace(call, call_id=call_id))
    return tuple(found)


async def bounded(turn: Awaitable[Finish], timeout_s: float | None) -> Finish:
    """The turn within its wall time."""
    try:
        async with asyncio.timeout(timeout_s):
            return await turn
    except TimeoutError:
        return Finish(
            stop="budget_exhausted",
            detail=f"Stopped: the time limit of {timeout_s:g} s was reached.",
            code="budget_exhausted",
            remedy=to_raise("--timeout", "timeout_s"),
        )
    except (ProviderError, ContextOverflow) as error:
        return Finish(stop="provider_failed", detail=error.message, code=error.code, remedy=error.remedy)
