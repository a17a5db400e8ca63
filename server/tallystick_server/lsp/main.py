"""Starts the server on standard streams or on a local TCP port. Owns the process: logging, the loop, the exit code."""

import asyncio
import logging
import sys

HOST = "127.0.0.1"


def serve(*, tcp_port: int | None, model: str | None) -> int:
    """Runs until the client leaves. Gives the exit code. `tcp_port` 0 takes any free port and names it in the log."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # At INFO pygls logs every message whole, prompts and keys included; the engine's HTTP library logs every address.
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("pygls").setLevel(logging.WARNING)
    logging.getLogger("tallystick_server").setLevel(logging.INFO)
    try:
        return asyncio.run(_standard(model) if tcp_port is None else _tcp(tcp_port, model))
    except KeyboardInterrupt:
        return 130


async def _standard(model: str | None) -> int:
    from tallystick_server.lsp.server import TallystickServer
    from tallystick_server.lsp.transport import StandardStreams

    streams = StandardStreams()
    return await TallystickServer(model).serve(streams.reader(), streams.write)


async def _tcp(port: int, model: str | None) -> int:
    """Serves the first connection and takes no other: there is one editor to a server."""
    from tallystick_server.lsp.server import TallystickServer

    code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    taken = False

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        if taken:
            writer.close()
            return
        taken = True
        listener.close()
        try:
            ended = await TallystickServer(model).serve(reader, writer.write)
            code.set_result(ended)
        except Exception as error:
            code.set_exception(error)
        finally:
            writer.close()

    listener = await asyncio.start_server(connected, HOST, port)
    logging.getLogger(__name__).info("Listening on %s:%d", HOST, listener.sockets[0].getsockname()[1])
    return await code
