"""What the routes of one gateway share. Owns the count of requests under way, and who a request is from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.datastructures import Headers
from starlette.types import Receive

from tallystick_agent.ports import Relay
from tallystick_server.compose import Application
from tallystick_server.gateway.failures import Refused
from tallystick_server.gateway.guard import Door, key_of, unknown_key
from tallystick_server.gateway.keys import GatewayKey, GatewayKeys
from tallystick_server.local.system import TimeIds
from tallystick_server.metrics_view import MetricsView


@dataclass(slots=True, kw_only=True)
class Gateway:
    app: Application
    keys: GatewayKeys
    relay: Relay
    door: Door
    most_body: int
    """Bytes of a request at most."""
    most_together: int
    ids: TimeIds = field(default_factory=TimeIds)
    under_way: int = 0
    refused: int = 0
    _metrics: MetricsView | None = None

    def metrics(self) -> MetricsView:
        """Counts from its first reading on. Blocks."""
        if self._metrics is None:
            self._metrics = MetricsView(self.app.ledger, self.app.clock)
        return self._metrics

    def key(self, headers: Mapping[str, str]) -> GatewayKey:
        """Raises `Refused` (401)."""
        given = key_of(headers)
        found = self.keys.match(given)
        if found is None:
            raise unknown_key(given)
        return found


async def body_of(receive: Receive, headers: Headers, most: int) -> dict[str, Any]:
    """The JSON object of a request. Raises `Refused`: too large (413), no JSON, no object (400)."""
    too_large = Refused(
        413, f"The request is larger than {most >> 20} MiB.", remedy="Raise gateway.max_body_mb in settings.toml."
    )
    told = headers.get("content-length", "")
    if told.isdigit() and int(told) > most:
        raise too_large
    if headers.get("content-encoding", "identity") != "identity":
        raise Refused(415, "Packed requests are not read here.", remedy="Send the body without content-encoding.")
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request broke off.")
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > most:
            raise too_large
        pieces.append(piece)
        more = message.get("more_body", False)
    try:
        found: Any = json.loads(b"".join(pieces))
    except (ValueError, RecursionError) as error:
        raise Refused(400, "The body is not JSON.") from error
    if not isinstance(found, dict):
        raise Refused(400, "The body is no JSON object.")
    return cast(dict[str, Any], found)
