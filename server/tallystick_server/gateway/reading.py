"""The routes that read: models, what was used, metrics, the page. Owns their answers over HTTP; what they say is the views'."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.usage.prometheus import Gauge
from tallystick_server.gateway import catalog, generation
from tallystick_server.gateway.asking import refusal, spoken_at
from tallystick_server.gateway.dialects.chat_answer import ChatDialect
from tallystick_server.gateway.failures import Refused
from tallystick_server.gateway.figures import figures
from tallystick_server.gateway.guard import may_read
from tallystick_server.gateway.keys import GatewayKey
from tallystick_server.gateway.openapi import POSTS, described
from tallystick_server.gateway.page import asset
from tallystick_server.gateway.state import Gateway
from tallystick_server.metrics_view import CONTENT_TYPE

_CHAT: Final = ChatDialect()
ANY: Final = "any"
"""The name of the part of a path that may be anything."""
View = Callable[[GatewayKey, Request], "dict[str, Any] | None"]
"""What a key is told; `None` where there is nothing. Blocks, so it runs in a thread."""


def reading(gateway: Gateway, prefix: str) -> list[BaseRoute]:
    def models(key: GatewayKey, request: Request) -> dict[str, Any]:
        return catalog.models(gateway.app)

    def model(key: GatewayKey, request: Request) -> dict[str, Any] | None:
        return catalog.model(gateway.app, str(request.path_params["slug"]))

    def one_generation(key: GatewayKey, request: Request) -> dict[str, Any] | None:
        return generation.generation(gateway.app, request.query_params.get("id", ""), only="" if key.reads else key.name)

    def own_key(key: GatewayKey, request: Request) -> dict[str, Any]:
        return generation.key(gateway.app, key, int(gateway.app.clock.now().timestamp()) // 86_400)

    def told(key: GatewayKey, request: Request) -> dict[str, Any] | None:
        path = str(request.path_params[ANY])
        return figures(
            gateway.app,
            gateway.keys.all(),
            path,
            dict(request.query_params),
            only="" if key.reads else key.name,
            now=datetime.now(UTC),
        )

    found: list[BaseRoute] = [
        Route(f"{prefix}/v1/models", _answering(gateway, models)),
        Route(f"{prefix}/v1/models/{{slug:path}}", _answering(gateway, model)),
        Route(f"{prefix}/v1/generation", _answering(gateway, one_generation)),
        Route(f"{prefix}/v1/key", _answering(gateway, own_key)),
        *(Route(f"{prefix}{path}", _posted) for path in POSTS),
        Route(f"{prefix}/v1/{{{ANY}:path}}", _answering(gateway, told)),
    ]
    return found


async def _posted(request: Request) -> Response:
    return no_method(request, "POST")


def plain(gateway: Gateway) -> list[BaseRoute]:
    """What is not below `/v1`: metrics, the description, the page, and whether we are there at all."""

    async def metrics(request: Request) -> Response:
        try:
            may_read(gateway.key(request.headers))
            gauges = (
                Gauge(name="tallystick_requests_under_way", meaning="Requests that are being answered.", value=gateway.under_way),
                Gauge(name="tallystick_requests_refused", meaning="Requests that were turned away.", value=gateway.refused),
            )
            text = await asyncio.to_thread(lambda: gateway.metrics().text(gauges))
        except TallystickError as error:
            return refusal(_CHAT, error)
        return Response(text, media_type=CONTENT_TYPE)

    async def description(request: Request) -> Response:
        return JSONResponse(described())

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def page(request: Request) -> Response:
        found = asset(request.url.path)
        if found is None:
            return nothing(request.url.path)
        if found.known(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=found.headers)
        return Response(found.body, headers=found.headers)

    return [
        Route("/metrics", metrics),
        Route("/openapi.json", description),
        Route("/health", health),
        Route("/", page, methods=["GET", "HEAD"]),
        Route("/assets/{name:path}", page),
    ]


def _answering(gateway: Gateway, view: View) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            key = gateway.key(request.headers)
            found = await asyncio.to_thread(view, key, request)
        except TallystickError as error:
            return refusal(_CHAT, error)
        return JSONResponse(found) if found is not None else nothing(request.url.path)

    return answer


def nothing(path: str) -> Response:
    return refusal(spoken_at(path), Refused(404, f"There is nothing at {path[:200]}."))


def no_method(request: Request, allowed: str = "GET") -> Response:
    found = refusal(spoken_at(request.url.path), Refused(405, f"{request.method} does nothing at {request.url.path[:200]}."))
    found.headers["allow"] = allowed
    return found
