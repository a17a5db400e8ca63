"""After a crash: what became of a call whose intent is logged and whose outcome is not. Owns that judgement.

A file change is judged by digests: the file is as it was, or as it was to be, or neither. A command is never judged and
never run again by itself; the model and the user are told that its outcome is unknown.
"""

from dataclasses import replace
from typing import Any, cast

from tallystick_agent.ports import Workspace
from tallystick_agent.protocol.errors import WorkspaceError
from tallystick_agent.protocol.events import ToolCallItem


async def outcome_of(call: ToolCallItem, workspace: Workspace) -> ToolCallItem:
    """The call with the status and the words that the model gets for it."""
    intent: dict[str, Any] = cast(dict[str, Any], call.intent) if call.intent else {}
    files = cast(list[dict[str, str]], intent.get("files") or [])
    if not call.side_effect:
        return replace(
            call,
            status="error",
            output="The program stopped before this ended. It changed nothing; call it again if it is needed.",
        )
    if not files:
        return replace(
            call,
            status="unknown",
            output="The program stopped while this ran, so its outcome is unknown: it may have run in whole, in part"
            " or not at all. It was not run again. Check the state before you repeat it.",
        )
    states = [await _state(workspace, file) for file in files]
    if all(state == "after" for state in states):
        return replace(call, status="ok", output="The program stopped right after this; the change is in the file.")
    if all(state == "before" for state in states):
        return replace(
            call,
            status="error",
            output="The program stopped before this took effect; nothing was written. Call it again.",
        )
    return replace(
        call,
        status="unknown",
        output="The program stopped during this, and the file has changed otherwise since. Read it again.",
    )


async def _state(workspace: Workspace, file: dict[str, str]) -> str:
    try:
        digest = (await workspace.read(file["path"])).digest
    except WorkspaceError:
        digest = ""
    return "after" if digest == file["after"] else "before" if digest == file["before"] else "other"
