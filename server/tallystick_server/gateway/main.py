"""Starting and ending the gateway. Owns its socket, its first key, and the key of its page, which lives as long as it runs."""

import asyncio
import contextlib
import hashlib
import logging
import secrets
import signal
import socket
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_server.compose import Application
from tallystick_server.gateway.guard import Door
from tallystick_server.gateway.keys import GatewayKey, GatewayKeys
from tallystick_server.gateway.state import Gateway
from tallystick_server.gateway.web import application

if TYPE_CHECKING:
    import uvicorn

HOST: Final = "127.0.0.1"
FIRST: Final = "default"
"""The name of the key that is made where there is none."""
BACKLOG: Final = 2_048
"""Calls that may wait to be accepted."""
GRACE_S: Final = 10
"""Seconds that requests under way get at the end; after them they are stopped, and booked as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What a person has to know of a gateway that serves."""

    url: str
    """What apps take as their base URL, without `/v1`."""
    page: str
    """The page's address with its key. It is as good as the key."""
    new_key: str
    """The key that was made because there was none; it is shown this once."""


def keys_of(app: Application) -> GatewayKeys:
    return GatewayKeys(app.home / "gateway_keys.json")


def serve(app: Application, port: int | None, announce: Callable[[Started], None]) -> int:
    """Serves until it is told to end. Raises `ConfigurationError` where the port is taken."""
    listener = _listening(app.settings.gateway.port if port is None else port)
    with contextlib.closing(listener), asyncio.Runner(loop_factory=_loop()) as runner:
        return runner.run(_serve(app, listener, announce))


def _loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The quicker event loop where there is one for this system."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        # Whoever reads the address may call at once: until the server accepts, a call waits instead of being refused.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Port {port} of {HOST} cannot be taken: {error.strerror}.",
            code="bad_usage",
            remedy="Name another: tallystick gateway --port 8791, or 0 for any that is free.",
        ) from error
    return listener


@contextlib.contextmanager
def _told_to_end(server: "uvicorn.Server") -> Generator[None]:
    """Lets the first signal end the server in good order, and a second one at once."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.handle_exit, number, None)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _serve(app: Application, listener: socket.socket, announce: Callable[[Started], None]) -> int:
    import uvicorn

    port = int(listener.getsockname()[1])
    settings = app.settings.gateway
    keys = keys_of(app)
    new_key = "" if keys.all() else keys.add(FIRST)
    page_key = secrets.token_urlsafe(32)
    own = GatewayKey(name="page", digest=hashlib.sha256(page_key.encode()).hexdigest(), created=int(time.time()), reads=True)
    keys.lend(own)
    gateway = Gateway(
        app=app,
        keys=keys,
        relay=app.relay(),
        door=Door(port=port, hosts=settings.allowed_hosts, origins=settings.allowed_origins),
        most_body=settings.max_body_mb << 20,
        most_together=settings.max_requests,
    )
    # What stands on the engine is loaded before the first request has to wait for it.
    await asyncio.to_thread(lambda: app.engine)
    await asyncio.to_thread(gateway.metrics)
    config = uvicorn.Config(
        application(gateway),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server = uvicorn.Server(config)
    # uvicorn's own way ends the process by the signal, before what is under way has been booked.
    server.capture_signals = lambda: _told_to_end(server)  # type: ignore[method-assign]
    url = f"http://{HOST}:{port}"
    announce(Started(url=url, page=f"{url}/#token={page_key}", new_key=new_key))
    try:
        await server.serve(sockets=[listener])
    finally:
        await app.close()
    return 0
