"""The one owner of httpx. Owns connections, deadlines between bytes, and the headers that name this app.

It never follows a redirect, so a key cannot reach another origin, and it never reads proxies or certificates from the
environment of a workspace. Errors of httpx become `ProviderError` here, class by class.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from tallystick_agent.ports import Clock
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.model_info import AuthStyle, Endpoint
from tallystick_agent.providers.addresses import is_private
from tallystick_agent.providers.classify import classify
from tallystick_agent.providers.unpack import unpacked
from tallystick_agent.settings import AttributionSettings, NetworkSettings

if TYPE_CHECKING:
    import httpx

MAX_ERROR_BYTES: Final = 64 * 1024
MAX_LOOK_BYTES: Final = 32 * 1024 * 1024
CONNECTIONS: Final = 128
"""Open connections to one origin at most; further requests wait for one."""
TOGETHER: Final = 4
"""Requests that one client of httpx has open before the next client is made."""
_UNANSWERED: Final = "without sending a response"
"""How httpcore says that a connection was closed before the first byte of an answer; it has no class of its own for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A response that has begun: 200, with its bytes still to come."""

    chunks: AsyncIterator[bytes]
    event_stream: bool
    generation_id: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole response, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def host_of(url: str) -> str:
    """Host and port as they stand in the URL, without a name and password before them."""
    return urlsplit(url).netloc.rpartition("@")[2]


def origin_of(url: str) -> str:
    """Scheme, host and port: what a key and a connection belong to."""
    return f"{urlsplit(url).scheme}://{host_of(url)}"


def _too_slow(url: str, seconds: float) -> ProviderError:
    return ProviderError(
        f"{host_of(url)} did not answer within {seconds:g} s.",
        code="provider_timeout",
        retryable=True,
        remedy="Raise network.request_timeout_s, or ask for less at once.",
        taken=True,
    )


class Transport:
    """One connection pool an origin, for the life of the engine."""

    def __init__(self, network: NetworkSettings, attribution: AttributionSettings, clock: Clock) -> None:
        self._network = network
        self._clock = clock
        self._named = _attribution(attribution)
        self._pools: dict[tuple[str, bool, bool], _Pool] = {}
        self._timeouts: dict[float, httpx.Timeout] = {}

    @contextlib.asynccontextmanager
    async def post(
        self,
        endpoint: Endpoint,
        path: str,
        body: dict[str, Any],
        key: str | None,
        headers: Mapping[str, str] | None = None,
        *,
        total_s: float | None = None,
    ) -> AsyncGenerator[Opened, None]:
        """Sends, and gives the open response. Raises `ProviderError` for anything but a success.

        `total_s`: seconds that it may take to begin; what follows is the reader's to bound.
        """
        import httpx

        url = endpoint.base_url.rstrip("/") + path
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        idle, begun = self.idle_s(endpoint), False
        try:
            timeout = self._timeout(idle)
            more = {**(headers or {}), **signed(key, endpoint.auth)}
            pool = self._pool(endpoint.base_url, kept=not endpoint.local)
            async with pool.sent("POST", url, total_s, content=content, headers=more, timeout=timeout) as response:
                begun = True
                if response.status_code != 200:
                    raise await self._refusal(response, idle)
                got = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}
                yield Opened(
                    chunks=unpacked(response.aiter_raw(), got.get("content-encoding", "")),
                    event_stream="text/event-stream" in got.get("content-type", ""),
                    generation_id=got.get("x-generation-id", ""),
                    headers=got,
                )
        except httpx.HTTPError as error:
            raise self._map(error, endpoint.base_url, idle, begun=begun) from error
        except TimeoutError as error:
            raise _too_slow(endpoint.base_url, total_s or idle) from error
        except httpx.InvalidURL as error:
            raise ProviderError(f"The base URL of {endpoint.slug} is not valid: {error}", code="bad_settings") from error

    async def fetch(
        self, url: str, *, key: str | None = None, auth: AuthStyle = "bearer", timeout_s: float = 10.0
    ) -> dict[str, Any]:
        """A JSON object from a provider's own API, such as its list of models. Raises `ProviderError`."""
        import httpx

        try:
            more = {"accept": "application/json", **signed(key, auth)}
            async with (
                asyncio.timeout(timeout_s * 3),
                self._pool(url, kept=True).sent("GET", url, None, headers=more, timeout=timeout_s) as response,
            ):
                if response.status_code != 200:
                    raise await self._refusal(response, timeout_s)
                body = b""
                async for chunk in unpacked(response.aiter_raw(), response.headers.get("content-encoding", "")):
                    body += chunk
                    if len(body) > MAX_LOOK_BYTES:
                        raise ProviderError(f"{urlsplit(url).netloc} sent over {MAX_LOOK_BYTES >> 20} MiB.")
            data: Any = json.loads(body)
        except httpx.HTTPError as error:
            raise self._map(error, url, timeout_s) from error
        except TimeoutError as error:
            raise _too_slow(url, timeout_s * 3) from error
        except (httpx.InvalidURL, ValueError, RecursionError) as error:
            raise ProviderError(f"{urlsplit(url).netloc} did not answer with JSON.") from error
        if not isinstance(data, dict):
            raise ProviderError(f"{urlsplit(url).netloc} did not answer with a JSON object.")
        return cast(dict[str, Any], data)

    async def deliver(self, url: str, content: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Answer:
        """Posts bytes that are no model request, without attribution. Raises `ProviderError` where no whole answer comes."""
        import httpx

        try:
            async with (
                asyncio.timeout(timeout_s),
                self._pool(url, kept=True, named=False).sent(
                    "POST", url, None, content=content, headers=dict(headers), timeout=timeout_s
                ) as response,
            ):
                got = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}
                body = b""
                async for chunk in unpacked(response.aiter_raw(), got.get("content-encoding", "")):
                    body += chunk
                    if len(body) > MAX_ERROR_BYTES:
                        break
                return Answer(status=response.status_code, headers=got, body=body[:MAX_ERROR_BYTES])
        except httpx.HTTPError as error:
            raise self._map(error, url, timeout_s) from error
        except TimeoutError as error:
            raise _too_slow(url, timeout_s) from error
        except (httpx.InvalidURL, ValueError) as error:
            raise ProviderError(f"No request can be made to {host_of(url)}.", code="bad_settings") from error

    async def get_json(self, url: str, *, timeout_s: float) -> Any:
        """A small look at a server of this machine; `None` when nobody answers in time."""
        import httpx

        try:
            async with httpx.AsyncClient(trust_env=False, verify=False, timeout=timeout_s) as client:
                response = await client.get(url)
                return response.json() if response.status_code == 200 else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return None

    async def get_text(self, url: str, *, most_bytes: int, local: bool = False, timeout_s: float = 20.0) -> tuple[str, str]:
        """The content type and the text of a page that the user named. No key, cookie or attribution goes along.

        Raises `ProviderError`: no answer, no text, a redirect, which the user may name in turn, or without `local` an address of
        this machine or of a private network.
        """
        import httpx

        try:
            if not local:
                async with asyncio.timeout(timeout_s):
                    private = await is_private(urlsplit(url).hostname or "")
                if private:
                    raise ProviderError(
                        f"{urlsplit(url).hostname} is this machine or a private network.",
                        remedy="Set context.local_urls = true in settings.toml to let prompts read there.",
                    )
            async with (
                asyncio.timeout(timeout_s),
                httpx.AsyncClient(timeout=timeout_s) as client,
                client.stream("GET", url, headers={"accept": "text/html, text/*, application/json"}) as response,
            ):
                kind = response.headers.get("content-type", "text/plain").lower()
                if response.is_redirect:
                    raise ProviderError(f"It leads to {response.headers.get('location', 'elsewhere')}; name that instead.")
                if response.status_code != 200:
                    raise ProviderError(f"{urlsplit(url).netloc} answered {response.status_code}.")
                if not any(word in kind for word in ("text", "json", "xml", "javascript", "yaml")):
                    raise ProviderError(f"It is no text but {kind}.")
                body = b""
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > most_bytes:
                        break
                return kind, body[:most_bytes].decode(response.encoding or "utf-8", "replace")
        except httpx.HTTPError as error:
            raise self._map(error, url, timeout_s) from error
        except TimeoutError as error:
            raise _too_slow(url, timeout_s) from error
        except (httpx.InvalidURL, LookupError, ValueError) as error:
            raise ProviderError(f"{url} cannot be read: {error}") from error

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()

    def idle_s(self, endpoint: Endpoint) -> float:
        """Seconds without a byte: the endpoint's own where it is known to be slow, else the setting."""
        if endpoint.idle_timeout_s > 60:
            return max(endpoint.idle_timeout_s, self._network.idle_timeout_s)
        return self._network.idle_timeout_s

    def _timeout(self, idle: float) -> "httpx.Timeout":
        import httpx

        known = self._timeouts.get(idle)
        if known is None:
            # The connection's time ends before the whole: a request that never reached anybody must not count as taken.
            connect = min(self._network.connect_timeout_s, self._network.request_timeout_s * 0.9)
            known = self._timeouts[idle] = httpx.Timeout(idle, connect=connect)
        return known

    def _pool(self, url: str, *, kept: bool, named: bool = True) -> "_Pool":
        """`named`: for providers, who are told which app it is."""
        origin = origin_of(url)
        pool = self._pools.get((origin, kept, named))
        if pool is None:
            headers = self._named if named else {"user-agent": "tallystick", "accept-encoding": "identity"}
            pool = self._pools[origin, kept, named] = _Pool(headers, plain=origin.startswith("http:"), kept=kept)
        return pool

    async def _refusal(self, response: "httpx.Response", within_s: float) -> ProviderError:
        if 300 <= response.status_code < 400:
            return ProviderError(
                f"The provider answered with a redirect ({response.status_code}); redirects are not followed.",
                code="provider_rejected",
                status=response.status_code,
                remedy="Set the base URL to the address that really serves the API.",
            )
        import httpx

        body = b""
        with contextlib.suppress(ProviderError, httpx.HTTPError, TimeoutError):
            # What cannot be unpacked, or does not come whole and in time, is judged by its status and what came.
            async with asyncio.timeout(within_s):
                async for chunk in unpacked(response.aiter_raw(), response.headers.get("content-encoding", "")):
                    body += chunk
                    if len(body) >= MAX_ERROR_BYTES:
                        break
        return classify(
            status=response.status_code,
            headers=response.headers,
            body=body[:MAX_ERROR_BYTES].decode("utf-8", "replace"),
            now=self._clock.now(),
        )

    def _map(self, error: "httpx.HTTPError", base_url: str, idle: float, *, begun: bool = False) -> ProviderError:
        import httpx

        host = host_of(base_url)
        match error:
            case httpx.ConnectTimeout() | httpx.ConnectError():
                return ProviderError(
                    f"Nothing answers at {host}.",
                    code="provider_unavailable",
                    retryable=True,
                    remedy="Is the server running, and is the base URL right?",
                )
            case httpx.ReadTimeout() | httpx.WriteTimeout() | httpx.PoolTimeout():
                # Read whole and never answered: it may be served all the same.
                taken = isinstance(error, httpx.ReadTimeout) and not begun
                return ProviderError(f"{host} sent nothing for {idle:g} s.", code="provider_timeout", retryable=True, taken=taken)
            case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError() if not begun:
                return ProviderError(
                    f"{host} broke the connection before it answered.", code="provider_unavailable", retryable=True
                )
            case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError():
                return ProviderError(f"{host} broke the connection.", code="provider_stream_cut", retryable=True)
            case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
                # What httpx says of a header may hold the key.
                return ProviderError(
                    f"No request can be made to {base_url}.",
                    code="bad_settings",
                    remedy="Check the base URL and the key.",
                )
            case _:
                return ProviderError(
                    f"The request to {host} failed ({type(error).__name__}).", code="provider_failed", retryable=True
                )


class _Pool:
    """The clients of one origin. A client of httpx gets dearer with every request that it has open, so each has few."""

    def __init__(self, headers: Mapping[str, str], *, plain: bool, kept: bool) -> None:
        """`kept` is false for servers of this machine, some of which close a connection that they had said to keep."""
        self._headers = headers
        self._plain = plain
        self._kept = kept
        self._clients: list[httpx.AsyncClient] = []
        self._open: list[int] = []
        self._idle: list[bool] = []
        """Whether the last answer of a client was read to its end, so that its connection may serve again."""
        self._single: httpx.AsyncClient | None = None
        """For one request on a new connection."""
        self._doubted: set[httpx.AsyncClient] = set()
        """Clients in which a cancelled request may have left a connection that is never used and never freed."""
        self._closing: set[asyncio.Task[None]] = set()
        self._verify: Any = False

    @contextlib.asynccontextmanager
    async def sent(self, method: str, url: str, total_s: float | None, **options: Any) -> AsyncGenerator["httpx.Response", None]:
        """Sends a request, and gives the open response. Raises `TimeoutError` where that takes longer than `total_s`."""
        place = next((number for number, count in enumerate(self._open) if count < TOGETHER), None)
        if place is None and len(self._clients) < CONNECTIONS // TOGETHER:
            place = len(self._clients)
            self._clients.append(self._client(kept=self._kept))
            self._open.append(0)
            self._idle.append(False)
        elif place is None:
            place = self._open.index(min(self._open))
        client, clients, counts, idle = self._clients[place], self._clients, self._open, self._idle
        counts[place] += 1
        tidy = False
        try:
            request = client.build_request(method, url, **options)
            async with asyncio.timeout(total_s):
                response = await self._send(client, place, request)
            try:
                yield response
            finally:
                await response.aclose()
                idle[place] = response.is_stream_consumed
                tidy = True
        finally:
            counts[place] -= 1
            if not tidy:
                self._doubted.add(client)
            if not counts[place] and client in self._doubted:
                self._doubted.discard(client)
                if clients is self._clients:
                    clients[place], idle[place] = self._client(kept=self._kept), False
                    self._close_later(client)

    def _close_later(self, client: "httpx.AsyncClient") -> None:
        """httpcore forgets a connection whose request is cancelled before it was sent: it takes a place for ever."""
        closing = asyncio.ensure_future(client.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _send(self, client: "httpx.AsyncClient", place: int, request: "httpx.Request") -> "httpx.Response":
        """The open response. A kept connection that the server has closed meanwhile is no failure: a new one is opened.

        Only where the request really went out on the connection of an earlier one, and nothing at all came back: on a new one, a
        request without an answer may have been served.
        """
        import httpx

        kept, self._idle[place] = self._idle[place] and self._kept, False
        fresh: list[str] = []

        async def trace(name: str, info: Any) -> None:
            if name == "connection.connect_tcp.started":
                fresh.append(name)

        if kept:
            request.extensions = {**request.extensions, "trace": trace}
        try:
            return await client.send(request, stream=True)
        except httpx.RemoteProtocolError as error:
            if not kept or fresh or _UNANSWERED not in str(error):
                raise
            if self._single is None:
                self._single = self._client(kept=False)
            return await self._single.send(request, stream=True)

    def _client(self, *, kept: bool) -> "httpx.AsyncClient":
        import httpx

        if not self._plain and self._verify is False:
            # Building a TLS context costs 30–70 ms: once an origin, and never for plain http to this machine.
            self._verify = httpx.create_ssl_context()
        limits = httpx.Limits(max_connections=TOGETHER, max_keepalive_connections=TOGETHER if kept else 0, keepalive_expiry=30)
        return httpx.AsyncClient(
            headers=self._headers, trust_env=not self._plain, verify=self._verify, follow_redirects=False, limits=limits
        )

    async def close(self) -> None:
        # Requests that are still open keep counting in the old list.
        clients, self._clients, self._open, self._idle = self._clients, [], [], []
        clients += [self._single] if self._single is not None else []
        self._single = None
        for client in clients:
            await client.aclose()
        await asyncio.gather(*self._closing, return_exceptions=True)


def signed(key: str | None, auth: AuthStyle) -> dict[str, str]:
    """The header that carries the key, where there is one."""
    if not key:
        return {}
    return {"authorization": f"Bearer {key}"} if auth == "bearer" else {auth: key}


def _attribution(named: AttributionSettings) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream, application/json",
        "accept-encoding": "identity",
        "user-agent": "tallystick",
        "HTTP-Referer": named.url,
        "X-Title": named.title,
        "X-OpenRouter-Title": named.title,
    }
    if named.categories:
        headers["X-OpenRouter-Categories"] = ",".join(named.categories[:2])
    return headers
