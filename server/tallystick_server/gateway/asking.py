"""The routes that ask a model: one a dialect. Owns the way from a request to its exchange, and refusals in the caller's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tallystick_agent.protocol.errors import TallystickError
from tallystick_server.gateway.dialects import messages_request
from tallystick_server.gateway.dialects.base import Dialect
from tallystick_server.gateway.dialects.chat_answer import ChatDialect
from tallystick_server.gateway.dialects.messages_answer import MessagesDialect
from tallystick_server.gateway.failures import Refused, status_of
from tallystick_server.gateway.inbound import relayed
from tallystick_server.gateway.relaying import Exchange, dumped
from tallystick_server.gateway.state import Gateway, body_of

NOTICE: Final = "x-tallystick-notice"
_CHAT: Final = ChatDialect()
_MESSAGES: Final = MessagesDialect()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One dialect's door."""

    gateway: Gateway
    dialect: Dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gateway = self.gateway
        try:
            exchange = await self._exchange(scope, receive)
        except TallystickError as error:
            gateway.refused += 1
            await refusal(self.dialect, error)(scope, receive, send)
            return
        gateway.under_way += 1
        try:
            await exchange(scope, receive, send)
        finally:
            gateway.under_way -= 1

    async def _exchange(self, scope: Scope, receive: Receive) -> Exchange:
        """Raises `TallystickError` for what is refused before any model is asked."""
        gateway, headers = self.gateway, Headers(scope=scope)
        key = gateway.key(headers)
        if gateway.under_way >= gateway.most_together:
            raise Refused(429, "Too many requests are under way.", remedy="Raise gateway.max_requests in settings.toml.")
        body = await body_of(receive, headers, gateway.most_body)
        asked = self.dialect.read(body, headers)
        request, notices = relayed(headers, key, asked, gateway.ids.new("gen"))
        return Exchange(
            relay=gateway.relay,
            dialect=self.dialect,
            asked=asked,
            relayed=request,
            headers={**_named(request.request_id), **_noticed(notices)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """`/v1/messages/count_tokens`: what a request would have in tokens. Nothing is sent."""

    gateway: Gateway
    dialect: Dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gateway, headers = self.gateway, Headers(scope=scope)
        try:
            key = gateway.key(headers)
            body = await body_of(receive, headers, gateway.most_body)
            asked = messages_request.read_count(body, headers)
            request, _ = relayed(headers, key, asked, "count")
            tokens = await gateway.relay.count(request)
        except TallystickError as error:
            await refusal(self.dialect, error)(scope, receive, send)
            return
        await Response(dumped({"input_tokens": tokens}), media_type="application/json")(scope, receive, send)


def spoken_at(path: str) -> Dialect:
    """The dialect in which errors at a path are told."""
    return _MESSAGES if "/v1/messages" in path else _CHAT


def refusal(dialect: Dialect, error: TallystickError) -> Response:
    status = status_of(error)
    return Response(dumped(dialect.error(error, status)), status_code=status, media_type="application/json")


def _named(request_id: str) -> dict[str, str]:
    return {"x-generation-id": request_id, "x-request-id": request_id, "request-id": request_id}


def _noticed(notices: tuple[str, ...]) -> Mapping[str, str]:
    return {NOTICE: " ".join(notices)} if notices else {}
