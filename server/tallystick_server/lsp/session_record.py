"""What each session planned and changed while this server ran, for views. Owns no view. What was before a restart is not here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tallystick_agent.protocol.errors import WorkspaceError
from tallystick_agent.protocol.events import Event, FilesChanged, ItemFinished, PlanItem, PlanStep
from tallystick_server.lsp.hunks import Landing, Trail, advance, parse_diff
from tallystick_server.lsp.hunks_diff import as_diff
from tallystick_server.lsp.sessions import OpenSession
from tallystick_server.lsp.workspace import EditorWorkspace

MOST_SESSIONS = 50
MOST_CHANGES = 200
"""Of one file in one session; the oldest are forgotten."""


@dataclass(slots=True, kw_only=True)
class Record:
    workspace: EditorWorkspace
    plan: tuple[PlanStep, ...] = ()
    changes: dict[str, tuple[Landing, ...]] = field(default_factory=lambda: {})


class Records:
    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._keys: Iterator[str] = (str(number) for number in count(1))

    def heard(self, opened: OpenSession, event: Event) -> None:
        match event.body:
            case ItemFinished(item=PlanItem() as plan):
                self._of(opened, event).plan = plan.steps
            case FilesChanged() as body:
                record = self._of(opened, event)
                for change in body.changes:
                    landing = Landing(hunks=parse_diff(change.diff, change.path, self._keys), digest=change.after)
                    record.changes[change.path] = (*record.changes.get(change.path, ()), landing)[-MOST_CHANGES:]
            case _:
                pass

    def _of(self, opened: OpenSession, event: Event) -> Record:
        record = self._records.pop(event.session_id, None) or Record(workspace=opened.workspace)
        record.workspace = opened.workspace
        self._records[event.session_id] = record
        while len(self._records) > MOST_SESSIONS:
            del self._records[next(iter(self._records))]
        return record

    def get(self, session_id: str | None) -> Record | None:
        return self._records.get(session_id) if session_id is not None else None


_MARKS = {"pending": " ", "in_progress": "~", "done": "x"}


def plan_view(record: Record) -> str:
    steps = "\n".join(f"- [{_MARKS[step.status]}] {' '.join(step.text.split())}" for step in record.plan)
    return f"# The plan\n\n{steps}\n"


async def changes_view(record: Record) -> str:
    """One diff a file: what the session changed in it that still stands there, whoever else changed it."""
    parts: list[str] = []
    for path, landings in record.changes.items():
        try:
            text = (await record.workspace.read(path)).text
        except WorkspaceError:
            # A file that is gone has no lines.
            text = ""
        lines = text.split("\n")
        parts.append(as_diff(path, lines, advance(Trail(pending=landings), lines).hunks))
    return "".join(parts)
