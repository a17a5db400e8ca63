"""`tallystick/status`: one line of state for a status bar. Owns what all sessions of this server add up to."""

from dataclasses import replace
from typing import Any, Literal

from tallystick_agent.protocol.events import (
    Event,
    PermissionDecided,
    PermissionRequested,
    QuestionAsked,
    RequestStarted,
    TurnFinished,
    TurnStarted,
)
from tallystick_server.lsp.chat_progress import Tally, step
from tallystick_server.lsp.editor import Editor
from tallystick_server.lsp.sessions import OpenSession

STATUS = "tallystick/status"
State = Literal["idle", "busy", "waiting", "error"]


class Status:
    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._tally = Tally(doing="")
        self._state: State = "idle"
        self._message = "ready"
        self._running: set[str] = set()
        self._sent: dict[str, Any] = {}

    def heard(self, opened: OpenSession, event: Event) -> None:
        """One more event of a session; a status that did not change is not sent again."""
        body, session_id = event.body, opened.session.session_id
        before = self._tally
        self._tally = step(self._tally, body)
        match body:
            case TurnStarted():
                self._running.add(session_id)
                self._set("busy", "working")
            case RequestStarted() | PermissionDecided():
                self._set("busy", "working")
            case PermissionRequested():
                self._set("waiting", f"may it {' '.join(body.title.split())[:80]}?")
            case QuestionAsked():
                self._set("waiting", " ".join(body.question.split())[:120])
            case TurnFinished():
                self._running.discard(session_id)
                if body.stop in ("end_turn", "cancelled"):
                    self._set("busy" if self._running else "idle", "working" if self._running else "ready")
                else:
                    self._set("error", body.detail or body.stop.replace("_", " "))
            case _:
                if self._tally is before:
                    return
        self._send()

    def ready(self) -> None:
        """The server has started."""
        self._send()

    def _set(self, state: State, message: str) -> None:
        self._state, self._message = state, message
        self._tally = replace(self._tally, doing="")

    def _send(self) -> None:
        tally = self._tally
        params = {
            "state": self._state,
            "message": self._message,
            "model": tally.model,
            "contextTokens": tally.context_tokens,
            "windowTokens": tally.window_tokens,
            "costNanos": tally.cost_nanos,
            "tokens": tally.tokens,
        }
        if params != self._sent and self._editor.wants_status:
            self._sent = params
            self._editor.notify(STATUS, params)
