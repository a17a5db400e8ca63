"""What edit and write_file share: from a new text to a judged, described and recoverable change of one file."""

from tallystick_agent.edits.changeset import unified
from tallystick_agent.policy.approvals import Action
from tallystick_agent.ports import Document, FileWrite
from tallystick_agent.protocol.digest import digest
from tallystick_agent.protocol.errors import StaleDocument
from tallystick_agent.protocol.events import FileChange
from tallystick_agent.tools.base import Outcome, Prepared, ToolContext


def prepare_change(
    *, path: str, before: Document | None, text: str, verb: str, notes: tuple[str, ...], context: ToolContext
) -> Prepared:
    """The change as it will be shown; it is carried out only if the file is still what it was when this was made."""
    base_text = before.text if before else ""
    base, after = (before.digest if before else ""), digest(text)
    diff = unified(path, base_text, text)
    change = FileChange(path=path, diff=diff, before=base, after=after)
    write = FileWrite(
        path=path,
        text=text,
        base_digest=base,
        newline=before.newline if before else "\n",
        bom=before.bom if before else False,
    )

    async def execute() -> Outcome:
        try:
            await context.workspace.write((write,))
        except StaleDocument:
            return Outcome(text=f"{path} changed since it was read. Nothing was written. Read it again.", status="error")
        context.seen[path] = after
        added = sum(line.startswith("+") and not line.startswith("+++") for line in diff.splitlines())
        removed = sum(line.startswith("-") and not line.startswith("---") for line in diff.splitlines())
        done = f"{'Created' if before is None else 'Changed'} {path} (+{added} -{removed})."
        return Outcome(text=" ".join([done, *notes]), changes=(change,))

    return Prepared(
        action=Action(effect="edit", paths=(path,)),
        title=f"{verb} {path}",
        detail=diff,
        intent={"files": [{"path": path, "before": base, "after": after}]},
        execute=execute,
    )
