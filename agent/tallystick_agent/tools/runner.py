"""The one door to every tool: policy → permission → intent in the log → run → outcome in the log.

Owns the order of those steps. A call whose intent is logged and whose outcome is not is *unknown* after a crash, so the
intent is written, synced, right before the side effect and the outcome right after it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from tallystick_agent.policy.approvals import Action, Grants, approve
from tallystick_agent.policy.commands import Judgement
from tallystick_agent.policy.redaction import redact
from tallystick_agent.protocol.digest import digest
from tallystick_agent.protocol.errors import TallystickError, WorkspaceError
from tallystick_agent.protocol.events import (
    EventBody,
    FilesChanged,
    ItemFinished,
    ItemStarted,
    PermissionDecided,
    PermissionRequested,
    ToolCallItem,
)
from tallystick_agent.protocol.ids import CallId, ItemId
from tallystick_agent.protocol.messages import ToolCallPart
from tallystick_agent.protocol.operations import Decide
from tallystick_agent.tools.base import MalformedCall, Outcome, Prepared, Tool, ToolContext, ToolProblem


class Emit(Protocol):
    async def __call__(self, body: EventBody, *, durable: bool = False) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a call ended, for the loop's guards."""

    text: str
    status: Literal["ok", "error", "denied"]
    malformed: bool = False
    changed: bool = False
    """Whether files of the workspace are other than before."""
    nobody_there: bool = False
    """Denied because there was no person to ask: a headless run ends here."""


class ToolRunner:
    def __init__(
        self,
        *,
        tools: tuple[Tool, ...],
        context: ToolContext,
        emit: Emit,
        decide: Callable[[PermissionRequested], Awaitable[Decide]],
        item_id: Callable[[], ItemId],
        secrets: Callable[[], tuple[str, ...]],
        grants: Grants,
    ) -> None:
        self._tools = {tool.spec.name: tool for tool in tools}
        self._context = context
        self._emit = emit
        self._decide = decide
        self._item_id = item_id
        self._secrets = secrets
        self.grants = grants

    def allows(self, action: Action) -> bool:
        """Whether an action would run without asking anybody."""
        return self._judge(action).verdict == "allow"

    def offer(self, name: str, tool: Tool) -> None:
        """Adds a tool that the engine itself calls, under a name that no model is told of."""
        self._tools[name] = tool

    async def run(self, call: ToolCallPart, *, by: Literal["model", "engine"] = "model") -> Ended:
        """Runs one call, or says why not. Never raises for what a model did; cancellation is logged and goes on."""
        item_id = self._item_id()
        item = ToolCallItem(call_id=call.call_id, name=call.name, arguments=call.arguments, title=call.name, by=by)
        try:
            prepared = await self._prepare(call)
        except MalformedCall as problem:
            return await self._refuse(item_id, item, str(problem), "error", malformed=True)
        except ToolProblem as problem:
            return await self._refuse(item_id, item, str(problem), "error")
        except WorkspaceError as error:
            return await self._refuse(item_id, item, f"{error.message} {error.remedy}".strip(), "error")
        effect = prepared.action.effect in ("edit", "command")
        item = replace(item, title=prepared.title, side_effect=effect, intent=prepared.intent)
        refusal = await self._permission(call, prepared)
        if refusal is not None:
            ended = await self._refuse(item_id, item, refusal[0], "denied")
            return replace(ended, nobody_there=refusal[1])
        gate = self._context.gate if prepared.action.effect == "edit" else None
        before = await gate.before(prepared.action.paths) if gate is not None else None
        await self._emit(ItemStarted(item_id=item_id, item=item), durable=effect)
        self._context.items[call.call_id] = item_id
        try:
            outcome = await prepared.execute()
        except asyncio.CancelledError:
            stopped = "The user stopped it before it ended; it may have taken effect in part."
            await self._emit(ItemFinished(item_id=item_id, item=replace(item, status="error", output=stopped)), durable=True)
            raise
        except (ToolProblem, TallystickError) as problem:
            outcome = Outcome(text=str(problem), status="error")
        finally:
            self._context.items.pop(call.call_id, None)
        if gate is not None and outcome.changes:
            try:
                made = await gate.after(before)
            except asyncio.CancelledError:
                # The change is made: its outcome is logged like any other, so that it can be undone.
                await self._finish(item_id, item, outcome, effect=effect)
                raise
            outcome = replace(outcome, text=f"{outcome.text}\n{made}") if made else outcome
        return await self._finish(item_id, item, outcome, effect=effect)

    async def _prepare(self, call: ToolCallPart) -> Prepared:
        tool = self._tools.get(call.name)
        if tool is None:
            raise MalformedCall(f"There is no tool `{call.name}`. The tools are: {', '.join(self._tools)}.")
        return await tool.prepare(call.arguments, call.call_id, self._context)

    async def _permission(self, call: ToolCallPart, prepared: Prepared) -> tuple[str, bool] | None:
        """`None` to go on; else what the model is told, and whether nobody was there to ask."""
        judgement = self._judge(prepared.action)
        match judgement.verdict:
            case "allow":
                return None
            case "deny":
                return f"This is not allowed here: {judgement.reason}. It was not run.", False
            case "ask":
                pass
        shown = digest(prepared.title + prepared.detail)
        request = PermissionRequested(
            call_id=call.call_id,
            tool=call.name,
            title=prepared.title,
            detail=redact(prepared.detail, self._secrets()),
            reason=judgement.reason,
            digest=shown,
        )
        await self._emit(request)
        answer = await self._decide(request)
        allowed = answer.decision != "reject" and answer.digest == shown
        decision = answer.decision if allowed else "reject"
        await self._emit(PermissionDecided(call_id=call.call_id, tool=call.name, decision=decision, by=answer.by))
        if allowed:
            if decision == "allow_always":
                self.grants = self.grants.with_always(prepared.action)
            return None
        if answer.by == "user":
            return "The user did not allow this. It was not run. Do it another way, or ask what they want.", False
        return "Nobody was there to allow this, so it was not run.", True

    def _judge(self, action: Action) -> Judgement:
        return approve(action, self._context.settings.permissions, self.grants)

    async def _refuse(
        self,
        item_id: ItemId,
        item: ToolCallItem,
        text: str,
        status: Literal["error", "denied"],
        *,
        malformed: bool = False,
    ) -> Ended:
        await self._emit(ItemStarted(item_id=item_id, item=item))
        await self._emit(ItemFinished(item_id=item_id, item=replace(item, status=status, output=text)), durable=True)
        return Ended(text=text, status=status, malformed=malformed)

    async def _finish(self, item_id: ItemId, item: ToolCallItem, outcome: Outcome, *, effect: bool) -> Ended:
        text = redact(outcome.text, self._secrets())
        if outcome.changes:
            await self._emit(FilesChanged(call_id=CallId(item.call_id), changes=outcome.changes))
        if outcome.plan is not None:
            plan_id = self._item_id()
            await self._emit(ItemStarted(item_id=plan_id, item=outcome.plan))
            await self._emit(ItemFinished(item_id=plan_id, item=outcome.plan))
        await self._emit(ItemFinished(item_id=item_id, item=replace(item, status=outcome.status, output=text)), durable=effect)
        return Ended(text=text, status=outcome.status, changed=bool(outcome.changes))
