"""JSON-RPC as pygls speaks it, with five things put right. Owns parsing, answering and cancelling; no feature.

What stock pygls 2.1.1 does, and this does not:
1. custom methods get renamed tuples for parameters, and lose keys such as `type_name`; here they stay plain dicts;
2. any nested object with a `jsonrpc` key is taken for a message, so relayed traffic kills the request;
3. a request that cannot be parsed is never answered; here the answer is -32602;
4. cancelling `workspace/executeCommand` answers at once while the command runs on; here the coroutine is cancelled;
5. standard input is read through the pool that runs blocking handlers (see `transport`, which has a thread for it).

Documents are kept by `documents`, so pygls' own handlers for them are taken out.
"""

import asyncio
import inspect
import json
import logging
import uuid
from typing import Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
    default_converter,
)

INVALID_PARAMS = -32602
INVALID_REQUEST = -32600
NOT_INITIALIZED = -32002
PARSE_ERROR = -32700
REQUEST_FAILED = -32803
_OWN_DOCUMENTS = (types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE, types.TEXT_DOCUMENT_DID_CLOSE)
_log = logging.getLogger(__name__)


def make_converter() -> Any:
    """pygls' converter, but messages of methods it does not know keep their parameters as JSON gave them."""
    converter: Any = _untyped(default_converter)()

    def request(data: dict[str, Any], _: type) -> JsonRPCRequestMessage:
        return JsonRPCRequestMessage(id=data["id"], method=data["method"], jsonrpc=data["jsonrpc"], params=data.get("params"))

    def notification(data: dict[str, Any], _: type) -> JsonRPCNotification:
        return JsonRPCNotification(method=data["method"], jsonrpc=data["jsonrpc"], params=data.get("params"))

    def response(data: dict[str, Any], _: type) -> JsonRPCResponseMessage:
        return JsonRPCResponseMessage(id=data["id"], jsonrpc=data["jsonrpc"], result=data.get("result"))

    converter.register_structure_hook(JsonRPCRequestMessage, request)
    converter.register_structure_hook(JsonRPCNotification, notification)
    converter.register_structure_hook(JsonRPCResponseMessage, response)
    return converter


def _untyped(function: Any) -> Any:
    """pygls is typed in part only; this keeps what it leaves open from spreading."""
    return function


class TallystickProtocol(LanguageServerProtocol):
    def __init__(self, server: Any, converter: Any) -> None:
        super().__init__(server, converter)
        self.exit_code: int | None = None
        """Set by the `exit` notification: 0 after a `shutdown`, else 1, as LSP asks."""
        self._initialized = False
        self._features: Any = self.fm
        handlers: dict[str, Any] = self._features.builtin_features
        for method in _OWN_DOCUMENTS:
            handlers.pop(method)
        handlers[types.EXIT] = self._on_exit
        handlers[types.WORKSPACE_EXECUTE_COMMAND] = self._on_execute_command

    def receive(self, body: bytes) -> None:
        """Takes one message off the wire. Never raises for what a client sent."""
        try:
            message: Any = json.loads(body)
        except (ValueError, RecursionError):
            self._refuse(None, PARSE_ERROR, "The message is not JSON.")
            return
        if not isinstance(message, dict) or cast("dict[str, Any]", message).get("jsonrpc") != self.VERSION:
            self._refuse(None, INVALID_REQUEST, "The message is no JSON-RPC 2.0 object.")
            return
        data = cast("dict[str, Any]", message)
        is_request = "method" in data and "id" in data
        method = str(data.get("method", ""))
        refusal = self._out_of_turn(method) if method else None
        if refusal is not None:
            if is_request:
                self._refuse(data["id"], *refusal)
            return
        try:
            parsed: Any = self.structure_message(data)
        except Exception as error:
            self._not_understood(data, is_request=is_request, error=error)
            return
        self._initialized = self._initialized or method == types.INITIALIZE
        self.handle_message(parsed)

    def _out_of_turn(self, method: str) -> tuple[int, str] | None:
        """Why a method cannot be taken at this point of the server's life."""
        if method == types.EXIT:
            return None
        if self._shutdown:
            return INVALID_REQUEST, "The server is shutting down."
        if not self._initialized and method != types.INITIALIZE:
            return NOT_INITIALIZED, "The server is not initialized."
        if self._initialized and method == types.INITIALIZE:
            return INVALID_REQUEST, "The server is initialized already."
        return None

    def _not_understood(self, data: dict[str, Any], *, is_request: bool, error: Exception) -> None:
        if is_request:
            self._refuse(data["id"], INVALID_PARAMS, f"The parameters of {data['method']} are not valid.")
        elif "method" not in data and (waiting := self._request_futures.pop(data.get("id", ""), None)) is not None:
            if not waiting.done():
                waiting.set_exception(error)
        else:
            _log.warning("a notification %s could not be understood", data.get("method"))

    def _refuse(self, msg_id: Any, code: int, message: str, data: Any = None) -> None:
        error = types.ResponseError(code=code, message=message, data=data)
        self._send_data(types.ResponseErrorMessage(id=msg_id, error=error))

    def _handle_response(self, msg_id: Any, result: Any = None, error: types.ResponseError | None = None) -> None:
        """An answer to a question that was withdrawn has nobody to go to."""
        waiting = self._request_futures.get(msg_id)
        if waiting is not None and waiting.done():
            self._request_futures.pop(msg_id, None)
            return
        super()._handle_response(msg_id, result, error)

    def _send_handler_result(self, future: Any, *, msg_id: Any) -> None:
        """A client's mistake is answered; only a bug of ours is worth a traceback in the log."""
        error = None if future.cancelled() else future.exception()
        if isinstance(error, JsonRpcException):
            self._request_futures.pop(msg_id, None)
            self._refuse(msg_id, error.code, error.message, error.data)
        else:
            super()._send_handler_result(future, msg_id=msg_id)

    async def ask(self, method: str, params: Any) -> Any:
        """A request to the client. Raises `JsonRpcException` for its error; when cancelled it is withdrawn there too."""
        msg_id = str(uuid.uuid4())
        waiting = self.send_request(method, params, msg_id=msg_id)
        try:
            return await asyncio.wrap_future(waiting)
        except asyncio.CancelledError:
            if self._request_futures.pop(msg_id, None) is not None:
                self._result_types.pop(msg_id, None)
                self.notify(types.CANCEL_REQUEST, types.CancelParams(id=msg_id))
            raise

    async def _on_execute_command(self, params: types.ExecuteCommandParams) -> Any:
        handler: Any = self._features.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams(f"There is no command {params.command}.")
        arguments = list(params.arguments or ())
        try:
            inspect.signature(handler).bind(*arguments)
        except TypeError as error:
            raise JsonRpcInvalidParams(f"{params.command}: {error}.") from error
        return await handler(*arguments)

    def _on_exit(self, _: object) -> None:
        self.exit_code = 0 if self._shutdown else 1


def failed(message: str, data: dict[str, str]) -> JsonRpcException:
    """A request that was understood and could not be done."""
    return JsonRpcException(message=message, code=REQUEST_FAILED, data=data)
