"""Sessions that are on this machine, as hosts show them. Owns the reading of a log for people; no output."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tallystick_agent.protocol.events import Event
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


def session_facts(app: Application, name: str) -> SessionFacts:
    """`name` is an id or its beginning. Raises `SessionError`."""
    from tallystick_agent.sessions.event_log import read_log
    from tallystick_agent.sessions.replay import fold

    session_id = app.store.find(name)
    state = fold(read_log(app.store.path(session_id)))
    return SessionFacts(
        session_id=session_id,
        workspace=state.workspace,
        model=state.model,
        title=state.title,
        turns=state.turns,
        last_prompt=state.prompt,
        last_stop=state.last_stop,
        mode=state.mode,
    )


def session_events(app: Application, name: str) -> list[Event]:
    """All events that can be read, in order. Raises `SessionError`."""
    from tallystick_agent.sessions.event_log import read_readable

    return list(read_readable(app.store.path(app.store.find(name)))[0])


def session_lines(app: Application, name: str) -> str:
    """The log itself, JSON Lines. Raises `SessionError`."""
    return app.store.path(app.store.find(name)).read_text("utf-8", "replace")
