"""Sessions that are on this machine, as hosts show them. Owns the reading of a log for people; no output."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick_agent.protocol.errors import SessionError
from tallystick_agent.protocol.events import Event, SessionOpened
from tallystick_agent.protocol.usage import Budget
from tallystick_server.compose import Application

if TYPE_CHECKING:
    from tallystick_agent.protocol.modes import WorkMode


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    session_id: str
    workspace: str
    model: str
    title: str
    turns: int
    last_prompt: str
    last_stop: str
    """Empty where the last turn never ended."""
    mode: "WorkMode"
    """Of the last prompt."""
    purpose: str
    limits: Budget
    """Those that its last turn was given."""


def log_of(app: Application, session_id: str) -> Path:
    """The log of exactly that session, never of one that begins so: a document may name it. Raises `SessionError`."""
    path = app.store.path(session_id)
    if not path.is_file():
        raise SessionError(
            f"There is no session {session_id}.", code="session_missing", remedy="`tallystick sessions` lists them."
        )
    return path


def session_workspace(app: Application, session_id: str) -> Path:
    """The folder that a session was begun in. Raises `SessionError`."""
    from tallystick_agent.protocol.codec import event_from_line

    try:
        with log_of(app, session_id).open("rb") as file:
            body = event_from_line(file.readline()).body
    except (OSError, ValueError) as error:
        raise SessionError(f"The session {session_id} cannot be read.", code="session_corrupt") from error
    return Path(body.workspace if isinstance(body, SessionOpened) else "/")


def session_facts(app: Application, session_id: str) -> SessionFacts:
    """Raises `SessionError`."""
    from tallystick_agent.sessions.event_log import read_log
    from tallystick_agent.sessions.replay import fold

    state = fold(read_log(log_of(app, session_id)))
    return SessionFacts(
        session_id=session_id,
        workspace=state.workspace,
        model=state.model,
        title=state.title,
        turns=state.turns,
        last_prompt=state.prompt,
        last_stop=state.last_stop,
        mode=state.asked_mode,
        purpose=state.asked_purpose,
        limits=state.budget,
    )


def session_events(app: Application, session_id: str) -> list[Event]:
    """All events that can be read, in order. Raises `SessionError`."""
    from tallystick_agent.sessions.event_log import read_readable

    return list(read_readable(log_of(app, session_id))[0])


def session_lines(app: Application, session_id: str) -> str:
    """The log itself, JSON Lines. Raises `SessionError`."""
    return log_of(app, session_id).read_text("utf-8", "replace")
