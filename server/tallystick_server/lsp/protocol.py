"""JSON-RPC for a server that runs long work: what comes in is checked, run, answered once, and can be cancelled. No feature.

Of pygls this uses the types, the table of handlers, the capability builder and the built-in handlers. Dispatch is ours,
because stock pygls 2.1.1
1. gives custom methods renamed tuples for parameters, and loses keys such as `type_name`; here they stay plain dicts;
2. takes any nested object with a `jsonrpc` key for a message, so relayed traffic kills the request;
3. never answers a request that cannot be parsed; here the answer is -32602;
4. answers a cancelled `workspace/executeCommand` at once while the command runs on; here the coroutine is cancelled;
5. reads standard input through the pool that runs blocking handlers (see `transport`, which has a thread for it);
6. keeps the client's requests and its own in one table, so an answer of the client's with the id of a request of the
   client's ends the server;
7. sends tracebacks to the client, and writes parameters to the log.

Documents are kept by `documents`, so pygls' own handlers for them are taken out.
"""

import asyncio
import contextvars
import inspect
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Generator, Hashable
from functools import partial
from typing import Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInternalError, JsonRpcInvalidParams
from pygls.feature_manager import is_thread_function  # pyright: ignore[reportUnknownVariableType]
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage, LanguageServerProtocol

from tallystick_server.lsp.messages import make_converter, state_of
from tallystick_server.lsp.outbox import Outbox

__all__ = ["TallystickProtocol", "failed", "make_converter"]
INTERNAL_ERROR = -32603
INVALID_PARAMS = -32602
METHOD_NOT_FOUND = -32601
INVALID_REQUEST = -32600
NOT_INITIALIZED = -32002
PARSE_ERROR = -32700
REQUEST_CANCELLED = -32800
REQUEST_FAILED = -32803
_OWN_DOCUMENTS = (types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE, types.TEXT_DOCUMENT_DID_CLOSE)
_log = logging.getLogger(__name__)
MsgId = str | int


class TallystickProtocol(LanguageServerProtocol):
    """Made on the loop."""

    def __init__(self, server: Any, converter: Any) -> None:
        super().__init__(server, converter)
        self.exit_code: int | None = None
        """Set by the `exit` notification: 0 after a `shutdown`, else 1, as LSP asks."""
        self.client_process: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The editor's process id, once it was told."""
        self._outbox: Outbox | None = None
        self._initialized = False
        self._running: dict[MsgId, asyncio.Future[Any]] = {}
        """The client's requests. Ours to the client are in pygls' own table."""
        self._told: set[asyncio.Future[Any]] = set()
        """Notifications whose handler still runs."""
        self._features: Any = self.fm
        handlers: dict[str, Any] = self._features.builtin_features
        for method in _OWN_DOCUMENTS:
            handlers.pop(method)
        handlers[types.EXIT] = self._on_exit
        handlers[types.SHUTDOWN] = self._on_shutdown
        handlers[types.WORKSPACE_EXECUTE_COMMAND] = self._on_execute_command

    def connect(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def receive(self, body: bytes) -> None:
        """Takes one message off the wire. Never raises for what a client sent; each request is answered once."""
        try:
            message: Any = json.loads(body, parse_constant=_no_number)
        except (ValueError, RecursionError):
            self._refuse(None, PARSE_ERROR, "The message is not JSON.")
            return
        if not isinstance(message, dict) or cast("dict[str, Any]", message).get("jsonrpc") != self.VERSION:
            self._refuse(None, INVALID_REQUEST, "The message is no JSON-RPC 2.0 object.")
            return
        data = cast("dict[str, Any]", message)
        msg_id, method = data.get("id"), data.get("method")
        known = isinstance(msg_id, str | int) and not isinstance(msg_id, bool)
        if "id" in data and not known and ("method" in data or not _is_answer(data)):
            self._refuse(None, INVALID_REQUEST, "The id of a request is a string or an integer.")
        elif isinstance(method, str):
            self._take(data, method, cast("MsgId", msg_id) if "id" in data else None)
        elif "method" in data or not _is_answer(data):
            self._refuse(cast("MsgId", msg_id) if known else None, INVALID_REQUEST, "The message has no method.")
        elif known:
            self._take_answer(data, cast("MsgId", msg_id))

    def _take(self, data: dict[str, Any], method: str, msg_id: MsgId | None) -> None:
        """A request, or a notification where there is no id."""
        refusal = self._out_of_turn(method, msg_id)
        if refusal is not None:
            if msg_id is not None:
                self._refuse(msg_id, *refusal)
            return
        kind: Any = JsonRPCNotification if msg_id is None else JsonRPCRequestMessage
        try:
            params: Any = self._converter.structure(data, self.get_message_type(method) or kind).params
        except AttributeError:
            params = None
        except Exception:
            if msg_id is not None:
                self._refuse(msg_id, INVALID_PARAMS, f"The parameters of {_short(method)} are not valid.")
            elif method in types.METHOD_TO_TYPES:
                _log.warning("a notification %s could not be understood", method)
            return
        if method == types.INITIALIZE:
            self._initialized = True
            if isinstance(params.process_id, int) and not self.client_process.done():
                self.client_process.set_result(params.process_id)
        # Each handler has a context of its own.
        contextvars.copy_context().run(self._start, method, msg_id, params)

    def _out_of_turn(self, method: str, msg_id: MsgId | None) -> tuple[int, str] | None:
        """Why a method cannot be taken at this point of the server's life, or with this id, or without one."""
        if method == types.EXIT:
            return None
        if self._shutdown:
            return INVALID_REQUEST, "The server is shutting down."
        if not self._initialized and method != types.INITIALIZE:
            return NOT_INITIALIZED, "The server is not initialized."
        if self._initialized and method == types.INITIALIZE:
            return INVALID_REQUEST, "The server is initialized already."
        if msg_id in self._running:
            return INVALID_REQUEST, "A request with this id is running."
        if msg_id is not None and self.get_message_type(method) is not None and self.get_result_type(method) is None:
            return INVALID_REQUEST, f"{method} is a notification."
        return None

    def _start(self, method: str, msg_id: MsgId | None, params: Any) -> None:
        if method == types.CANCEL_REQUEST:
            self._cancel(params.id)
            return
        handler = self._features.builtin_features.get(method) or self._features.features.get(method)
        if handler is None:
            _log.debug("there is no method %s", method)
            if msg_id is not None:
                self._refuse(msg_id, METHOD_NOT_FOUND, f"There is no method {_short(method)}.")
            return
        self._ctx_msg_id.set(msg_id)
        try:
            result = self._call(handler, params)
        except Exception as error:
            self._failed(method, msg_id, error)
            return
        if not inspect.isawaitable(result):
            if msg_id is not None:
                self._answer(method, msg_id, result)
            return
        task: asyncio.Future[Any] = asyncio.ensure_future(result)
        if msg_id is not None:
            self._running[msg_id] = task
        else:
            self._told.add(task)
        task.add_done_callback(partial(self._ended, method, msg_id))

    def _call(self, handler: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What the handler gives: a value where it is a plain function, which has then run; else something to wait for."""
        if _untyped(is_thread_function)(handler):
            pool: Any = cast("Any", self._server).thread_pool
            return asyncio.get_running_loop().run_in_executor(pool, partial(handler, *args, **kwargs))
        result = handler(*args, **kwargs)
        return self._drive(cast("Generator[Any, Any, Any]", result)) if inspect.isgenerator(result) else result

    def _drive(self, built_in: "Generator[Any, Any, Any]", value: Any = None) -> Any:
        """Runs a built-in handler of pygls, which yields the handlers that it calls."""
        while True:
            try:
                handler, args, kwargs = built_in.send(value)
            except StopIteration as end:
                return end.value
            value = self._call(handler, *args, **(kwargs or {}))
            if inspect.isawaitable(value):
                return self._drive_on(built_in, value)

    async def _drive_on(self, built_in: "Generator[Any, Any, Any]", waiting: Awaitable[Any]) -> Any:
        result = self._drive(built_in, await waiting)
        return await result if inspect.isawaitable(result) else result

    def _ended(self, method: str, msg_id: MsgId | None, task: "asyncio.Future[Any]") -> None:
        self._told.discard(task)
        if msg_id is not None:
            self._running.pop(msg_id, None)
        if task.cancelled():
            if msg_id is not None:
                self._refuse(msg_id, REQUEST_CANCELLED, "The request was cancelled.")
        elif (error := task.exception()) is not None:
            self._failed(method, msg_id, error)
        elif msg_id is not None:
            self._answer(method, msg_id, task.result())

    def _failed(self, method: str, msg_id: MsgId | None, error: BaseException) -> None:
        """A client's mistake is answered; only a bug of ours is worth a line in the log. What it says stays with us."""
        if isinstance(error, JsonRpcException) and not isinstance(error, JsonRpcInternalError):
            if msg_id is not None:
                self._refuse(msg_id, error.code, error.message, error.data)
            return
        _log.error("a bug in the handler of %s", method, exc_info=error)
        if msg_id is not None:
            why = f"A bug in Tallystick ended {_short(method)} ({type(error).__name__}). Its log says where."
            self._refuse(msg_id, INTERNAL_ERROR, why)

    def _cancel(self, msg_id: Any) -> None:
        task = self._running.get(msg_id) if isinstance(msg_id, str | int) else None
        if task is not None:
            task.cancel()

    def cancel_all(self) -> None:
        """Ends what runs for the client. Requests are still answered, each once."""
        current = self.msg_id
        for msg_id, task in tuple(self._running.items()):
            if msg_id != current:
                task.cancel()
        for task in tuple(self._told):
            task.cancel()

    def _answer(self, method: str, msg_id: MsgId, result: Any) -> None:
        try:
            body = self._encode(JsonRPCResponseMessage(id=msg_id, jsonrpc=self.VERSION, result=result))
        except Exception as error:
            self._failed(method, msg_id, error)
            return
        self._put(body)

    def _refuse(self, msg_id: MsgId | None, code: int, message: str, data: Any = None) -> None:
        """The id is written even where it is null, which lsprotocol leaves out."""
        error = {"code": code, "message": message} | ({} if data is None else {"data": data})
        self._put(self._encode({"jsonrpc": self.VERSION, "id": msg_id, "error": error}))

    def _take_answer(self, data: dict[str, Any], msg_id: MsgId) -> None:
        """The client's answer to a request of ours; one to a question that was withdrawn has nobody to go to."""
        waiting = self._request_futures.pop(msg_id, None)
        kind: Any = self._result_types.pop(msg_id, None) or JsonRPCResponseMessage
        if waiting is None or waiting.done():
            return
        try:
            if data.get("error") is not None:
                refusal: Any = self._converter.structure(data, types.ResponseErrorMessage)
                raise JsonRpcException.from_error(refusal.error)
            waiting.set_result(self._converter.structure(data, kind).result)
        except JsonRpcException as error:
            waiting.set_exception(error)
        except Exception:
            waiting.set_exception(JsonRpcInternalError("The answer of the client could not be understood."))

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

    def notify(self, method: str, params: Any | None = None) -> None:
        kind: Any = self.get_message_type(method) or JsonRPCNotification
        message = kind(method=method, params=params, jsonrpc=self.VERSION)
        self._put(self._encode(message), state_of(method, params))

    def _send_data(self, data: Any) -> None:
        """How pygls sends the requests that it makes for us."""
        self._put(self._encode(data))

    def _encode(self, message: Any) -> bytes:
        body = json.dumps(message, default=self._serialize_message, separators=(",", ":")).encode("ascii")
        return b"Content-Length: %d\r\n\r\n" % len(body) + body

    def _put(self, message: bytes, state: Hashable | None = None) -> None:
        if self._outbox is not None:
            self._outbox.put(message, state)

    async def _on_execute_command(self, params: types.ExecuteCommandParams) -> Any:
        handler: Any = self._features.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams(f"There is no command {_short(params.command)}.")
        arguments = list(params.arguments or ())
        try:
            inspect.signature(handler).bind(*arguments)
        except TypeError as error:
            raise JsonRpcInvalidParams(f"{params.command}: {error}.") from error
        return await handler(*arguments)

    def _on_shutdown(self, _: object) -> None:
        self.cancel_all()
        self._shutdown = True

    def _on_exit(self, _: object) -> None:
        self.exit_code = 0 if self._shutdown else 1


def _untyped(function: Any) -> Any:
    """pygls is typed in part only."""
    return function


def _is_answer(data: dict[str, Any]) -> bool:
    return "result" in data or "error" in data


def _short(name: str) -> str:
    return name if len(name) <= 100 else name[:99] + "…"


def _no_number(name: str) -> float:
    raise ValueError(name)


def failed(message: str, data: dict[str, str]) -> JsonRpcException:
    """A request that was understood and could not be done."""
    return JsonRpcException(message=message, code=REQUEST_FAILED, data=data)
