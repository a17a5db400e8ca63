"""The gateway as an ASGI application. Owns its routes, and what every request passes first: the Host, the Origin, a bug."""

import logging
from typing import Final

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick_agent.protocol.errors import TallystickError
from tallystick_server.gateway.asking import Asking, Counting, refusal, spoken_at
from tallystick_server.gateway.dialects.chat_answer import ChatDialect
from tallystick_server.gateway.dialects.messages_answer import MessagesDialect
from tallystick_server.gateway.dialects.responses_answer import ResponsesDialect
from tallystick_server.gateway.failures import Refused
from tallystick_server.gateway.guard import Door, check_host, check_origin
from tallystick_server.gateway.reading import ANY, no_method, nothing, plain, reading
from tallystick_server.gateway.state import Gateway

_CHAT: Final = ChatDialect()
_MESSAGES: Final = MessagesDialect()
_RESPONSES: Final = ResponsesDialect()
_ALLOWED: Final = (
    "authorization, content-type, x-api-key, anthropic-version, anthropic-beta, http-referer, x-title, x-openrouter-title, "
    "x-openrouter-categories, x-session-id, x-tallystick-task"
)


def application(gateway: Gateway) -> ASGIApp:
    routes: list[BaseRoute] = []
    for prefix in ("", "/api"):
        # OpenRouter's own addresses begin with /api, and its users have them in their settings.
        routes += [
            Route(f"{prefix}/v1/chat/completions", Asking(gateway=gateway, dialect=_CHAT), methods=["POST"]),
            Route(f"{prefix}/v1/responses", Asking(gateway=gateway, dialect=_RESPONSES), methods=["POST"]),
            Route(f"{prefix}/v1/messages", Asking(gateway=gateway, dialect=_MESSAGES), methods=["POST"]),
            Route(f"{prefix}/v1/messages/count_tokens", Counting(gateway=gateway, dialect=_MESSAGES), methods=["POST"]),
            *reading(gateway, prefix),
        ]
    routes += plain(gateway)
    return Guarded(Starlette(routes=routes, exception_handlers={404: _not_found, 405: _no_method}), gateway.door)


async def _not_found(request: Request, error: Exception) -> Response:
    return nothing(request.url.path)


async def _no_method(request: Request, error: Exception) -> Response:
    # What answers every path below /v1 does not make a path of it.
    return nothing(request.url.path) if ANY in request.path_params else no_method(request, _allowed(error))


def _allowed(error: Exception) -> str:
    return (error.headers or {}).get("Allow", "GET") if isinstance(error, HTTPException) else "GET"


class Guarded:
    """What stands before all routes."""

    def __init__(self, inner: ASGIApp, door: Door) -> None:
        self._inner = inner
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers, begun = Headers(scope=scope), False
        dialect = spoken_at(scope["path"])
        try:
            check_host(headers, self._door)
            origin = check_origin(headers, self._door)
        except TallystickError as error:
            await refusal(dialect, error)(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and origin:
            await Response(status_code=204, headers=_shared(origin, preflight=True))(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            if origin and message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_shared(origin))
            await send(message)

        try:
            await self._inner(scope, receive, sent)
        except Exception as error:
            # The words of a request may be in the message, so only its kind is logged.
            logging.getLogger("tallystick").error("a bug in the gateway: %s", type(error).__name__, exc_info=True)
            if not begun and isinstance(error, RecursionError):
                await refusal(dialect, Refused(400, "The request is nested too deeply."))(scope, receive, send)
            elif not begun:
                bug = Refused(500, "A bug in Tallystick; please report it.", code="internal")
                await refusal(dialect, bug)(scope, receive, send)


def _shared(origin: str, *, preflight: bool = False) -> dict[str, str]:
    shown = {"access-control-allow-origin": origin, "vary": "Origin"}
    if not preflight:
        return {**shown, "access-control-expose-headers": "x-generation-id, x-tallystick-endpoint, x-tallystick-cost-usd"}
    return {**shown, "access-control-allow-methods": "GET, POST", "access-control-allow-headers": _ALLOWED}
