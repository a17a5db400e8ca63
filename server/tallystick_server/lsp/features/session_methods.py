"""tallystick/openSession, submit, closeSession, and the event notification: the engine's protocol for clients of our own.

Parameters and results are plain JSON. For these sessions the client answers permissions itself, by submitting `decide`.
"""

from pathlib import Path
from typing import Any, cast

from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from tallystick_agent.protocol.codec import event_to_dict, operation_from_json
from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.operations import CloseSession
from tallystick_server.lsp.documents import real_path
from tallystick_server.lsp.protocol import failed
from tallystick_server.lsp.server import TallystickServer
from tallystick_server.lsp.sessions import OpenSession

OPEN = "tallystick/openSession"
SUBMIT = "tallystick/submit"
CLOSE = "tallystick/closeSession"
EVENT = "tallystick/event"


def register(server: TallystickServer) -> None:
    pumps: dict[str, Any] = {}

    async def pump(opened: OpenSession) -> None:
        """Every event of a session to the client, until the session is closed."""
        async for event in opened.events:
            await server.room()
            server.editor.notify(EVENT, {"event": event_to_dict(event)})

    async def open_session(params: Any) -> dict[str, str]:
        fields = _fields(params)
        place = _optional(fields, "workspace")
        root = server.sessions.root_for(None) if place is None else _folder(place)
        try:
            opened = await server.sessions.open(root, model=_optional(fields, "model"), resume=_optional(fields, "resume"))
        except TallystickError as error:
            raise _failed(error) from error
        session_id = opened.session.session_id
        pumps[session_id] = server.editor.spawn(pump(opened))
        return {"sessionId": session_id}

    async def submit(params: Any) -> dict[str, str]:
        fields = _fields(params)
        session_id = _known(fields)
        try:
            operation = operation_from_json(fields.get("operation"))
        except ValueError as error:
            raise JsonRpcInvalidParams("`operation` is not an operation of this version.") from error
        if isinstance(operation, CloseSession):
            await end(session_id)
            return {}
        opened = server.sessions.get(session_id)
        assert opened is not None
        try:
            await opened.session.submit(operation)
        except TallystickError as error:
            raise _failed(error) from error
        return {}

    async def close_session(params: Any) -> dict[str, str]:
        await end(_known(_fields(params)))
        return {}

    async def end(session_id: str) -> None:
        """The client has every event, the last one included, before it has our answer."""
        await server.sessions.close(session_id)
        await pumps.pop(session_id)

    def _known(fields: dict[str, Any]) -> str:
        session_id = _optional(fields, "sessionId")
        if session_id is None or session_id not in pumps or server.sessions.get(session_id) is None:
            raise JsonRpcInvalidParams("`sessionId` names no open session.")
        return session_id

    server.on(OPEN, open_session)
    server.on(SUBMIT, submit)
    server.on(CLOSE, close_session)


def _fields(params: Any) -> dict[str, Any]:
    if params is None:
        return {}
    if not isinstance(params, dict):
        raise JsonRpcInvalidParams("The parameters are no object.")
    return cast("dict[str, Any]", params)


def _optional(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise JsonRpcInvalidParams(f"`{name}` is not a string.")
    return value


def _folder(place: str) -> Path:
    """A file URI or an absolute path."""
    path = real_path(place) if "://" in place else Path(place)
    if path is None or not path.is_absolute():
        raise JsonRpcInvalidParams("`workspace` is neither a file URI nor an absolute path.")
    return path


def _failed(error: TallystickError) -> JsonRpcException:
    return failed(error.message, {"code": error.code, "remedy": error.remedy})
