"""The folder of session logs: listing, finding, repairing. Owns file names; the logs are the only truth.

A summary is read from the log itself, so no index can lose a session.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tallystick_agent.protocol.codec import event_to_line
from tallystick_agent.protocol.errors import SessionError
from tallystick_agent.protocol.ids import SessionId
from tallystick_agent.sessions.event_log import read_readable


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    session_id: SessionId
    workspace: str
    title: str
    started: str
    updated: str
    turns: int
    unfinished: bool
    last_stop: str
    """How the last finished turn ended."""
    damaged: bool


class SessionStore:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, session_id: str) -> Path:
        """Raises `SessionError` for a name that is no session id."""
        if not session_id or not all(char.isalnum() or char in "-_" for char in session_id):
            raise SessionError(
                f"`{session_id}` is not a session id.",
                code="session_missing",
                remedy="`tallystick sessions` lists them.",
            )
        return self._folder / f"{session_id}.jsonl"

    def find(self, prefix: str) -> SessionId:
        """The one session whose id begins with `prefix`. Raises `SessionError` for none or several."""
        exact = self.path(prefix)
        if exact.exists():
            return SessionId(prefix)
        found = sorted(path.stem for path in self._folder.glob(f"{exact.stem}*.jsonl"))
        if len(found) == 1:
            return SessionId(found[0])
        several = f"{len(found)} sessions begin with {prefix}" if found else f"There is no session {prefix}"
        raise SessionError(f"{several}.", code="session_missing", remedy="`tallystick sessions` lists them.")

    def list(self, workspace: str | None = None) -> list[SessionSummary]:
        """Newest first."""
        paths = sorted(self._folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime, reverse=True)
        summaries = (summary for path in paths if (summary := summarise(path)) is not None)
        return [one for one in summaries if workspace is None or one.workspace == workspace]

    def repair(self, session_id: str) -> tuple[int, Path]:
        """Keeps the readable events as the session; the damaged file stays beside it. Gives their number and its path."""
        path = self.path(session_id)
        events, problem = read_readable(path)
        if not problem:
            return len(events), path
        damaged = path.with_suffix(".damaged")
        number = 1
        while damaged.exists():
            number += 1
            damaged = path.with_suffix(f".damaged{number}")
        if not events:
            # Nothing of it can be read: an empty session would only pass for one.
            os.replace(path, damaged)
            return 0, damaged
        fresh = path.with_suffix(".repaired")
        fresh.unlink(missing_ok=True)
        # The mode is given at the birth of the file, so that nobody else can read it even for a moment.
        with open(fresh, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.writelines(event_to_line(event) for event in events)
            file.flush()
            os.fsync(file.fileno())
        os.link(path, damaged)
        os.replace(fresh, path)
        return len(events), damaged


def _object(line: bytes) -> dict[str, object] | None:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, object], data) if isinstance(data, dict) else None


def summarise(path: Path) -> SessionSummary | None:
    """Reads only the lines that matter for a list: the first, the turns, and the last."""
    first: dict[str, object] = {}
    last: dict[str, object] = {}
    title, turns, unfinished, damaged, last_stop = "", 0, False, False, ""
    try:
        with open(path, "rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                is_turn = b'"kind":"turn_' in line or b'"kind":"session_renamed"' in line
                if first and not is_turn and len(line) > 2_000:
                    continue
                event = _object(line)
                if event is None:
                    damaged = True
                    continue
                last = event
                first = first or last
                if is_turn and last.get("kind") == "turn_started":
                    turns += not last.get("continued")
                    unfinished = True
                    title = title or str(last.get("prompt", "")).strip().split("\n")[0][:80]
                elif is_turn and last.get("kind") == "session_renamed":
                    title = str(last.get("title", ""))[:120]
                elif is_turn and last.get("kind") == "turn_finished":
                    unfinished = False
                    last_stop = str(last.get("stop", ""))
    except OSError:
        return None
    return SessionSummary(
        session_id=SessionId(path.stem),
        workspace=str(first.get("workspace", "")),
        title=title,
        started=str(first.get("time", "")),
        updated=str(last.get("time", "")),
        turns=turns,
        unfinished=unfinished,
        last_stop=last_stop,
        damaged=damaged,
    )
