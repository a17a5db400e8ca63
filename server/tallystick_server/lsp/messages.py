"""How messages become values, where lsprotocol is too strict or too clever for us; and which messages tell a state. Pure."""

from collections.abc import Hashable
from typing import Any, cast

from lsprotocol import types
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage, default_converter

STATUS = "tallystick/status"
_MOST = 2**31 - 1


def make_converter() -> Any:
    """pygls' converter, but messages of methods it does not know keep their parameters as JSON gave them, and places that
    are no places are taken as the nearest one, since a change that is left out puts a document out of step for good."""
    converter: Any = _untyped(default_converter)()

    def request(data: dict[str, Any], _: type) -> JsonRPCRequestMessage:
        return JsonRPCRequestMessage(id=data["id"], method=data["method"], jsonrpc=data["jsonrpc"], params=data.get("params"))

    def notification(data: dict[str, Any], _: type) -> JsonRPCNotification:
        return JsonRPCNotification(method=data["method"], jsonrpc=data["jsonrpc"], params=data.get("params"))

    def response(data: dict[str, Any], _: type) -> JsonRPCResponseMessage:
        return JsonRPCResponseMessage(id=data["id"], jsonrpc=data["jsonrpc"], result=data.get("result"))

    def position(data: dict[str, Any], _: type) -> types.Position:
        return types.Position(line=_within(data["line"]), character=_within(data["character"]))

    converter.register_structure_hook(JsonRPCRequestMessage, request)
    converter.register_structure_hook(JsonRPCNotification, notification)
    converter.register_structure_hook(JsonRPCResponseMessage, response)
    converter.register_structure_hook(types.Position, position)
    return converter


def state_of(method: str, params: Any) -> Hashable | None:
    """What a message tells the present state of, so that only the newest counts; `None` for one that must be heard."""
    match params:
        case types.PublishDiagnosticsParams():
            return method, params.uri
        case types.ProgressParams(value=types.WorkDoneProgressReport()):
            return method, params.token
        case _:
            return (method,) if method == STATUS else None


def _within(number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError("not a number")
    return int(min(max(cast("float", number), 0), _MOST))


def _untyped(function: Any) -> Any:
    """pygls is typed in part only; this keeps what it leaves open from spreading."""
    return function
