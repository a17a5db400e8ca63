"""One line from the person at the terminal, which can be given up at any time. Owns standard input while it waits."""

import asyncio
import os
import sys


async def read_line() -> str | None:
    """The next line without its end; `None` at the end of input. Cancelling leaves nothing behind that waits."""
    loop = asyncio.get_running_loop()
    got: asyncio.Future[str | None] = loop.create_future()
    descriptor = sys.stdin.fileno()

    def ready() -> None:
        # A terminal gives a whole line at once.
        data = os.read(descriptor, 65_536)
        if not got.done():
            got.set_result(data.decode("utf-8", "replace").rstrip("\r\n") if data else None)

    loop.add_reader(descriptor, ready)
    try:
        return await got
    finally:
        loop.remove_reader(descriptor)
