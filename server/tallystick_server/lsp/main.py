"""Starts the server on standard streams or on a local TCP port. Owns the process: logging, the loop, the exit code.

Once the client is gone the process ends within `LEAVE_S`, whatever still runs in it.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

HOST = "127.0.0.1"
LEAVE_S = 4.8
"""Seconds from the end of the client to the end of the process; `sessions.CLOSE_S` of them are for what runs."""


def serve(*, tcp_port: int | None, model: str | None) -> int:
    """Runs until the client leaves. Gives the exit code. `tcp_port` 0 takes any free port and names it in the log."""
    _set_up_logging()
    try:
        return asyncio.run(_serve(tcp_port, model))
    except KeyboardInterrupt:
        return 130


class _WithoutWords(logging.Formatter):
    """Of an exception, where it was raised and its kind; what it says may be a prompt or a key."""

    def formatException(
        self, ei: "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"
    ) -> str:
        kind, _, trace = ei
        return "".join(traceback.format_tb(trace)) + (kind.__name__ if kind is not None else "")


def _set_up_logging() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_WithoutWords("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # At INFO pygls logs every message whole, prompts and keys included; the engine's HTTP library logs every address.
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("pygls").setLevel(logging.WARNING)
    logging.getLogger("tallystick_server").setLevel(logging.INFO)


async def _serve(tcp_port: int | None, model: str | None) -> int:
    from tallystick_server.lsp.server import TallystickServer
    from tallystick_server.lsp.transport import standard_streams, tcp_stream

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_loop_error)
    connection = standard_streams() if tcp_port is None else tcp_stream(await _first_client(tcp_port))
    server = TallystickServer(model)
    if sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, server.leave)
    code = await server.serve(connection, at_end=_end_soon)
    _end_soon(code)
    return code


def _end_soon(code: int = 1) -> None:
    """Work in a thread cannot be cancelled and would keep the process; a loop that is held up would, too."""
    watchdog = threading.Timer(LEAVE_S, os._exit, (code,))
    watchdog.daemon = True
    watchdog.start()


async def _first_client(port: int) -> socket.socket:
    """There is one editor to a server: no other connection is taken."""
    with socket.create_server((HOST, port)) as listener:
        listener.setblocking(False)
        logging.getLogger(__name__).info("Listening on %s:%d", HOST, listener.getsockname()[1])
        client, _ = await asyncio.get_running_loop().sock_accept(listener)
    return client


def _log_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """As asyncio does it, without the values that it shows of tasks and callbacks."""
    logging.getLogger("asyncio").error("an error that nobody waits for", exc_info=context.get("exception"))
