"""JSON-RPC with a child process that is not trusted to behave. Owns framing, answers, bounds and the process's end.

Whatever a server does wrong (no framing, no JSON, too much, too fast, a sudden end) ends this connection and nothing else.
"""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, cast

MOST_BYTES: Final = 32 * 1024 * 1024
"""Of one message."""
MOST_MESSAGES: Final = 20_000
"""In a window of ten seconds; who sends more does not work for us."""
WINDOW_S: Final = 10.0
MOST_HEADERS: Final = 20
LINE_BYTES: Final = 65_536
GRACE_S: Final = 1.0
Json = dict[str, Any]


class ServerGone(Exception):
    """The server ended, or was ended for what it sent."""


class ServerRefused(Exception):
    """It answered a request with an error."""


class Wire:
    """`on_notification` gets a method and its parameters; `on_request` gives the result, or raises `KeyError` for what it
    does not know."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        transport: asyncio.SubprocessTransport,
        on_notification: Callable[[str, Any], None],
        on_request: Callable[[str, Any], Any],
    ) -> None:
        self._process = process
        self._transport = transport
        self._on_notification = on_notification
        self._on_request = on_request
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._next = 0
        self._window = (0.0, 0)
        self._closing = False
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def start(
        cls,
        command: tuple[str, ...],
        cwd: Path,
        environment: Mapping[str, str],
        on_notification: Callable[[str, Any], None],
        on_request: Callable[[str, Any], Any],
    ) -> "Wire":
        """Raises `OSError` where it cannot be started."""
        loop = asyncio.get_running_loop()
        # What `create_subprocess_exec` does, but the transport is ours to close: a server that is ended in the middle of
        # a flood leaves output that nobody reads.
        transport, protocol = await loop.subprocess_exec(
            lambda: asyncio.subprocess.SubprocessStreamProtocol(limit=LINE_BYTES, loop=loop),
            *command,
            cwd=cwd,
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        process = asyncio.subprocess.Process(transport, protocol, loop)
        return cls(process, transport, on_notification, on_request)

    @property
    def alive(self) -> bool:
        return not self._reading.done()

    async def request(self, method: str, params: Any) -> Any:
        """Raises `ServerGone` and `ServerRefused`. When cancelled, the request is withdrawn there too."""
        if not self.alive:
            raise ServerGone
        self._next += 1
        number = self._next
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._send({"id": number, "method": method, "params": params})
            return await answer
        except asyncio.CancelledError:
            self._write({"method": "$/cancelRequest", "params": {"id": number}})
            raise
        finally:
            self._waiting.pop(number, None)

    async def until_gone(self, work: Coroutine[Any, Any, Any]) -> None:
        """Waits for `work`. Raises `ServerGone` where the server ends before it."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task, self._reading}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise ServerGone
        finally:
            task.cancel()

    async def notify(self, method: str, params: Any) -> None:
        """Waits where the server does not read. Raises `ServerGone`."""
        await self._send({"method": method, "params": params})

    async def close(self) -> None:
        """Asks it to end, and ends it and what it started where it does not."""
        if not self._closing:
            self._closing = True
            with contextlib.suppress(ServerGone, ServerRefused, TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await self.request("shutdown", None)
                    await self.notify("exit", None)
                    await self._process.wait()
        self.kill()
        await asyncio.wait({self._reading}, timeout=GRACE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await self._process.wait()

    def kill(self) -> None:
        """At once, with everything in its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._release()
        self._reading.cancel()

    async def _send(self, message: Json) -> None:
        self._write(message)
        assert self._process.stdin is not None
        try:
            await self._process.stdin.drain()
        except OSError as error:
            raise ServerGone from error

    def _write(self, message: Json) -> None:
        assert self._process.stdin is not None
        if self._process.stdin.is_closing():
            return
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def _read(self) -> None:
        try:
            while (body := await self._message()) is not None:
                self._count()
                self._take(json.loads(body))
                # A server that never stops sending must not keep the loop from anything else.
                await asyncio.sleep(0)
        except (ValueError, RecursionError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ServerGone())
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._release()

    def _release(self) -> None:
        """Closes our ends of the pipes: while output is left unread in one, the process would never count as ended."""
        for number in (0, 1):
            pipe = self._transport.get_pipe_transport(number)
            if pipe is not None:
                pipe.close()

    async def _message(self) -> bytes | None:
        """The body of the next message; `None` at the end. Raises `ValueError` for what is none."""
        assert self._process.stdout is not None
        length = -1
        for _ in range(MOST_HEADERS):
            line = await self._process.stdout.readline()
            if not line:
                return None
            if not line.strip():
                break
            name, colon, value = line.partition(b":")
            if not colon:
                raise ValueError("no header")
            if name.strip().lower() == b"content-length":
                length = int(value)
        if not 0 <= length <= MOST_BYTES:
            raise ValueError("no length that can be right")
        return await self._process.stdout.readexactly(length)

    def _count(self) -> None:
        began, number = self._window
        now = time.monotonic()
        self._window = (began, number + 1) if now - began < WINDOW_S else (now, 1)
        if self._window[1] > MOST_MESSAGES:
            raise ValueError("too many messages")

    def _take(self, message: Any) -> None:
        if not isinstance(message, dict):
            raise ValueError("no object")
        data = cast("Json", message)
        method = data.get("method")
        if isinstance(method, str) and "id" in data:
            self._answer(data["id"], method, data.get("params"))
        elif isinstance(method, str):
            self._on_notification(method, data.get("params"))
        else:
            number = data.get("id")
            waiting = self._waiting.get(number) if isinstance(number, int) else None
            if waiting is None or waiting.done():
                return
            if data.get("error") is not None:
                waiting.set_exception(ServerRefused())
            else:
                waiting.set_result(data.get("result"))

    def _answer(self, number: Any, method: str, params: Any) -> None:
        assert self._process.stdin is not None
        if self._process.stdin.transport.get_write_buffer_size() > MOST_BYTES:
            raise ValueError("asks and does not read the answers")
        try:
            self._write({"id": number, "result": self._on_request(method, params)})
        except KeyError:
            self._write({"id": number, "error": {"code": -32601, "message": "Method not found"}})
