"""The one owner of httpx. Owns connections, deadlines between bytes, and the headers that name this app.

It never follows a redirect, so a key cannot reach another origin, and it never reads proxies or certificates from the
environment of a workspace. Errors of httpx become `ProviderError` here, class by class.
"""

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tallystick_agent.ports import Clock
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.classify import classify
from tallystick_agent.settings import AttributionSettings, NetworkSettings

if TYPE_CHECKING:
    import httpx

MAX_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A response that has begun: 200, with its bytes still to come."""

    chunks: AsyncIterator[bytes]
    event_stream: bool
    generation_id: str


class Transport:
    """One connection pool an origin, for the life of the engine."""

    def __init__(self, network: NetworkSettings, attribution: AttributionSettings, clock: Clock) -> None:
        self._network = network
        self._attribution = attribution
        self._clock = clock
        self._clients: dict[str, httpx.AsyncClient] = {}

    @contextlib.asynccontextmanager
    async def post(self, endpoint: Endpoint, path: str, body: dict[str, Any], key: str | None) -> AsyncGenerator[Opened, None]:
        """Sends, and gives the open response. Raises `ProviderError` for anything but a success."""
        import httpx

        client = self._client(endpoint)
        url = endpoint.base_url.rstrip("/") + path
        headers = self._headers(key)
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        idle = (
            max(endpoint.idle_timeout_s, self._network.idle_timeout_s)
            if endpoint.idle_timeout_s > 60
            else self._network.idle_timeout_s
        )
        timeout = httpx.Timeout(idle, connect=self._network.connect_timeout_s)
        try:
            async with client.stream("POST", url, content=content, headers=headers, timeout=timeout) as response:
                if response.status_code != 200:
                    raise await self._refusal(response)
                yield Opened(
                    chunks=self._chunks(response, idle),
                    event_stream="text/event-stream" in response.headers.get("content-type", ""),
                    generation_id=response.headers.get("x-generation-id", ""),
                )
        except httpx.HTTPError as error:
            raise self._map(error, endpoint, idle) from error
        except httpx.InvalidURL as error:
            raise ProviderError(f"The base URL of {endpoint.slug} is not valid: {error}", code="bad_settings") from error

    async def get_json(self, url: str, *, timeout_s: float) -> Any:
        """A small look at a server of this machine; `None` when nobody answers in time."""
        import httpx

        try:
            async with httpx.AsyncClient(trust_env=False, verify=False, timeout=timeout_s) as client:
                response = await client.get(url)
                return response.json() if response.status_code == 200 else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return None

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _client(self, endpoint: Endpoint) -> "httpx.AsyncClient":
        import httpx

        parts = urlsplit(endpoint.base_url)
        origin = f"{parts.scheme}://{parts.netloc}"
        client = self._clients.get(origin)
        if client is None:
            # Building a TLS context costs 30–70 ms: plain http to this machine needs none.
            verify = parts.scheme != "http"
            client = httpx.AsyncClient(trust_env=verify, verify=verify, follow_redirects=False)
            self._clients[origin] = client
        return client

    def _headers(self, key: str | None) -> dict[str, str]:
        named = self._attribution
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream",
            "user-agent": "tallystick",
            "HTTP-Referer": named.url,
            "X-Title": named.title,
            "X-OpenRouter-Title": named.title,
        }
        if named.categories:
            headers["X-OpenRouter-Categories"] = ",".join(named.categories[:2])
        if key:
            headers["authorization"] = f"Bearer {key}"
        return headers

    async def _refusal(self, response: "httpx.Response") -> ProviderError:
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) >= MAX_ERROR_BYTES:
                break
        if 300 <= response.status_code < 400:
            return ProviderError(
                f"The provider answered with a redirect ({response.status_code}); redirects are not followed.",
                code="provider_rejected",
                status=response.status_code,
                remedy="Set the base URL to the address that really serves the API.",
            )
        return classify(
            status=response.status_code,
            headers=response.headers,
            body=body[:MAX_ERROR_BYTES].decode("utf-8", "replace"),
            now=self._clock.now(),
        )

    async def _chunks(self, response: "httpx.Response", idle: float) -> AsyncIterator[bytes]:
        async for chunk in response.aiter_bytes():
            yield chunk

    def _map(self, error: "httpx.HTTPError", endpoint: Endpoint, idle: float) -> ProviderError:
        import httpx

        host = urlsplit(endpoint.base_url).netloc
        match error:
            case httpx.ConnectTimeout() | httpx.ConnectError():
                return ProviderError(
                    f"Nothing answers at {host}.",
                    code="provider_unavailable",
                    retryable=True,
                    remedy="Is the server running, and is the base URL right?",
                )
            case httpx.ReadTimeout() | httpx.WriteTimeout() | httpx.PoolTimeout():
                return ProviderError(f"{host} sent nothing for {idle:g} s.", code="provider_timeout", retryable=True)
            case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError():
                return ProviderError(f"{host} broke the connection.", code="provider_stream_cut", retryable=True)
            case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
                # What httpx says of a header may hold the key.
                return ProviderError(
                    f"No request can be made to {endpoint.base_url}.",
                    code="bad_settings",
                    remedy="Check the base URL and the key.",
                )
            case httpx.DecodingError():
                return ProviderError(f"{host} sent something that cannot be unpacked.", retryable=True)
            case _:
                return ProviderError(
                    f"The request to {host} failed ({type(error).__name__}).", code="provider_failed", retryable=True
                )
