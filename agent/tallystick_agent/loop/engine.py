"""Opens sessions, new and old. Owns nothing else: the parts come from `compose`."""

from tallystick_agent import __version__
from tallystick_agent.loop.parts import EngineParts, SessionOptions
from tallystick_agent.loop.recorder import Recorder
from tallystick_agent.loop.session import Session
from tallystick_agent.protocol.errors import SessionError
from tallystick_agent.protocol.events import SessionOpened
from tallystick_agent.protocol.ids import SessionId
from tallystick_agent.sessions.event_log import EventLog, read_log
from tallystick_agent.sessions.replay import SessionState, fold


class Engine:
    def __init__(self, parts: EngineParts) -> None:
        self.parts = parts

    async def open(self, options: SessionOptions, resume: SessionId | None = None) -> Session:
        """A new session, or an old one with its history. Raises `SessionError` and `StorageError`."""
        session_id = resume or SessionId(self.parts.ids.new("s"))
        if resume and not self.parts.store.path(resume).exists():
            # Opening the log would make one, and a session without a past would pass for the one that was asked for.
            raise SessionError(
                f"There is no session {resume}.", code="session_missing", remedy="`tallystick sessions` lists them."
            )
        log = EventLog(self.parts.store.path(session_id))
        try:
            state = fold(read_log(log.path)) if resume else SessionState()
            recorder = Recorder(session_id, log, self.parts.clock, state, self.parts.secrets.values)
            opened = SessionOpened(
                workspace=str(options.workspace.root),
                model=options.model,
                app=options.app,
                client=options.client,
                version=__version__,
                resumed=resume is not None,
            )
            session = Session(self.parts, options, recorder)
            await recorder.emit(opened, durable=True)
            for endpoint in options.target.candidates:
                self.parts.reconciler.later(endpoint)
        except BaseException:
            log.close()
            raise
        return session

    async def close(self) -> None:
        await self.parts.reconciler.close()
        await self.parts.transport.close()
        await self.parts.books.close()
        self.parts.ledger.close()
