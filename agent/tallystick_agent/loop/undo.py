"""Taking back what the last turn that changed files did to them. Owns which turn that is, and the order of its steps.

Like every effect it is an intent in the log, the effect, and its outcome; all files of the turn go back, or none does. What
commands did is not known here and stays.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tallystick_agent.edits.changeset import Refused, unified
from tallystick_agent.edits.undo import take_back
from tallystick_agent.loop.recorder import Recorder
from tallystick_agent.loop.step import Finish
from tallystick_agent.policy.redaction import MASK
from tallystick_agent.ports import Document, FileWrite, Ids, Workspace
from tallystick_agent.protocol.digest import digest
from tallystick_agent.protocol.errors import TallystickError, WorkspaceError
from tallystick_agent.protocol.events import (
    FileChange,
    FilesChanged,
    ItemFinished,
    ItemStarted,
    MessageItem,
    Notice,
    ToolCallItem,
)
from tallystick_agent.protocol.ids import CallId, ItemId

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Back:
    """One file's way back."""

    write: FileWrite
    change: FileChange


class _Cannot(Exception):
    """Why a file cannot go back."""


async def undo(recorder: Recorder, workspace: Workspace, ids: Ids) -> Finish:
    """Takes the changes back, or tells the user why not. The model learns of it with the next prompt."""
    done = recorder.state.done
    if not done:
        return await _said(recorder, "There is no change of this session to undo.", "")
    turn_id = done[-1].turn_id
    changes = [one.change for one in done if one.turn_id == turn_id]
    backs: list[_Back] = []
    try:
        for path in dict.fromkeys(change.path for change in changes):
            back = await _back(workspace, path, [change for change in changes if change.path == path])
            backs += [back] if back is not None else []
    except _Cannot as problem:
        return await _said(recorder, f"Nothing was undone: {problem}.", "Mend it by hand, or undo in the editor.")
    call_id, item_id = CallId(ids.new("undo")), ItemId(ids.new("item"))
    files = [{"path": back.change.path, "before": back.change.before, "after": back.change.after} for back in backs]
    names = [change.path for change in changes if not change.path.startswith("/")]
    title = f"undo {_named(list(dict.fromkeys(names)))}"
    item = ToolCallItem(
        call_id=call_id,
        name="undo",
        arguments=json.dumps({"turn": turn_id}),
        title=title,
        by="engine",
        side_effect=True,
        intent={"files": [dict(file) for file in files]},
    )
    await recorder.emit(ItemStarted(item_id=item_id, item=item), durable=True)
    try:
        await workspace.write(tuple(back.write for back in backs))
    except TallystickError as error:
        failed = _ended(item, f"Nothing was undone: {error.message}", ok=False)
        await recorder.emit(ItemFinished(item_id=item_id, item=failed), durable=True)
        return Finish(stop="end_turn")
    await recorder.emit(FilesChanged(call_id=call_id, changes=tuple(back.change for back in backs), undoes=turn_id))
    await recorder.emit(ItemFinished(item_id=item_id, item=_ended(item, "Undone.", ok=True)), durable=True)
    if recorder.state.messages:
        told = MessageItem(text=f"The user took back your last changes of {_named(list(dict.fromkeys(names)))}.", origin="engine")
        told_id = ItemId(ids.new("item"))
        await recorder.emit(ItemStarted(item_id=told_id, item=told))
        await recorder.emit(ItemFinished(item_id=told_id, item=told))
    return Finish(stop="end_turn")


async def _back(workspace: Workspace, path: str, changes: Sequence[FileChange]) -> _Back | None:
    """`None` for a file that is back already."""
    live = await _read(workspace, path)
    text = live.text if live is not None else ""
    now = live.digest if live is not None else ""
    if now == changes[0].before:
        return None
    if live is None:
        raise _Cannot(f"{path} is gone")
    exact, created = now == changes[-1].after, changes[0].before == ""
    if created and not exact:
        raise _Cannot(f"{path} was created then, and has changed since")
    for change in reversed(changes):
        if MASK in change.diff:
            raise _Cannot(f"the change of {path} held a secret, which the log does not keep")
        match take_back(text, change.diff):
            case Refused(reason=reason):
                raise _Cannot(f"{path}: {reason}")
            case applied:
                text = applied.text
    if exact and not created and digest(text) != changes[0].before:
        raise _Cannot(f"the change of {path} is not recorded whole")
    after = "" if created else digest(text)
    write = FileWrite(path=path, text=text, base_digest=now, newline=live.newline, bom=live.bom, remove=created)
    return _Back(write=write, change=FileChange(path=path, diff=unified(path, live.text, text), before=now, after=after))


async def _read(workspace: Workspace, path: str) -> Document | None:
    try:
        return await workspace.read(path)
    except WorkspaceError as error:
        if path in await workspace.files():
            raise _Cannot(f"{path} cannot be read: {error.message}") from error
        return None


def _ended(item: ToolCallItem, output: str, *, ok: bool) -> ToolCallItem:
    return replace(item, status="ok" if ok else "error", output=output)


def _named(paths: Sequence[str]) -> str:
    more = len(paths) - _MOST_NAMED
    return ", ".join(paths[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


async def _said(recorder: Recorder, message: str, remedy: str) -> Finish:
    await recorder.emit(Notice(level="warning", code="undo", message=message, remedy=remedy))
    return Finish(stop="end_turn")
