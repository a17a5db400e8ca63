"""One request from its body to the last byte of its answer. Owns the order: ask, tell as it comes, book, then end.

The response begins with the first words, so that what fails before them has its own status. The last event of a stream goes
out only when the request is in the books. A caller that leaves, or reads nothing for a while, stops the provider at once.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from tallystick_agent.ports import Relay
from tallystick_agent.protocol.chat import Payloads, StreamEvent
from tallystick_agent.protocol.errors import ProviderError, TallystickError
from tallystick_agent.protocol.relay import Opening, RelayAnswer, RelayRequest
from tallystick_agent.protocol.usage import usd
from tallystick_server.gateway.dialects.base import Asked, Dialect, Writer
from tallystick_server.gateway.failures import retry_after, status_of

ALIVE_S: Final = 10.0
"""Seconds of silence after which the caller is told that it goes on."""
WRITE_S: Final = 60.0
"""Seconds that a caller may take to read a piece before it counts as gone."""

_STREAM: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    # A proxy between us and the caller must not gather what is said.
    "x-accel-buffering": "no",
}


class Gone(Exception):
    """The caller does not read any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What one request is answered with."""

    relay: Relay
    dialect: Dialect
    asked: Asked
    relayed: RelayRequest
    headers: Mapping[str, str]
    """Of the response, besides its type."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        run = _Stream(self, send) if self.asked.request.stream else _Whole(self, send)
        asking = asyncio.ensure_future(run.run())
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not asking.done():
                asking.cancel()
            with contextlib.suppress(asyncio.CancelledError, Gone):
                # Also when we are ended ourselves: what was asked for has to be in the books first.
                await asking


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Out:
    """The response's bytes. Owns that it begins once."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.begun = True
        pairs = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await self._put({"type": "http.response.start", "status": status, "headers": pairs})

    async def write(self, data: bytes, *, last: bool = False) -> None:
        if data or last:
            await self._put({"type": "http.response.body", "body": data, "more_body": not last})

    async def _put(self, message: Message) -> None:
        try:
            async with asyncio.timeout(WRITE_S):
                await self._send(message)
        except (TimeoutError, OSError) as error:
            raise Gone from error


class _Whole:
    """An answer in one piece."""

    def __init__(self, exchange: Exchange, send: Send) -> None:
        self._to = exchange
        self._out = _Out(send)
        self._passed: list[str] = []

    async def run(self) -> None:
        to = self._to
        try:
            answer = await to.relay.ask(to.relayed, self._watch)
        except TallystickError as error:
            await refuse(self._out, to.dialect, error, to.headers)
            return
        if answer.passed and len(self._passed) == 1:
            # Byte for byte what the provider said.
            body = self._passed[0].encode("utf-8", "replace")
        else:
            body = dumped(to.dialect.whole(to.asked, answer, to.relayed.request_id))
        head = {"content-type": "application/json", "content-length": str(len(body)), **told(answer), **to.headers}
        await self._out.begin(200, head)
        await self._out.write(body, last=True)

    async def _watch(self, event: Opening | Payloads | StreamEvent) -> None:
        match event:
            case Opening():
                self._passed.clear()
            case Payloads():
                self._passed += event.data
            case _:
                pass


class _Stream:
    """An answer in pieces."""

    def __init__(self, exchange: Exchange, send: Send) -> None:
        self._to = exchange
        self._out = _Out(send)
        self._writer: Writer = exchange.dialect.writer(exchange.asked, exchange.relayed.request_id)
        self._last = b""
        self._writing = asyncio.Lock()
        self._said = 0
        """Counts what went out, so that silence is noticed."""

    async def run(self) -> None:
        to = self._to
        alive = asyncio.ensure_future(self._keep_alive())
        try:
            answer = await to.relay.ask(to.relayed, self._watch)
        except TallystickError as error:
            await self._fail(error)
            return
        finally:
            alive.cancel()
        await self._put(self._last if answer.passed else self._writer.end(answer))
        await self._out.write(b"", last=True)

    async def _watch(self, event: Opening | Payloads | StreamEvent) -> None:
        match event:
            case Opening():
                self._last = b""
            case Payloads():
                passed = self._writer.passed(event.data)
                self._last += passed.later
                await self._put(passed.now)
            case _:
                await self._put(self._writer.event(event))

    async def _put(self, data: bytes) -> None:
        if not data:
            return
        async with self._writing:
            self._said += 1
            if not self._out.begun:
                head = {
                    "content-type": "text/event-stream; charset=utf-8",
                    "cache-control": "no-store",
                    "x-accel-buffering": "no",
                }
                await self._out.begin(200, {**head, **self._to.headers})
            await self._out.write(data)

    async def _keep_alive(self) -> None:
        while True:
            before = self._said
            await asyncio.sleep(ALIVE_S)
            if before == self._said:
                # Who has left is noticed where the request is waited for.
                with contextlib.suppress(Gone):
                    await self._put(self._writer.alive())

    async def _fail(self, error: TallystickError) -> None:
        if not self._out.begun:
            await refuse(self._out, self._to.dialect, error, self._to.headers)
            return
        await self._put(self._writer.failure(error, status_of(error)))
        await self._out.write(b"", last=True)


async def refuse(out: _Out, dialect: Dialect, error: TallystickError, headers: Mapping[str, str]) -> None:
    status = status_of(error)
    body = dumped(dialect.error(error, status))
    head = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    wait = retry_after(error)
    if wait:
        head["retry-after"] = wait
    if isinstance(error, ProviderError) and not error.retryable and status >= 500:
        # Some libraries try again by themselves whatever the fault is.
        head["x-should-retry"] = "false"
    await out.begin(status, head)
    await out.write(body, last=True)


def told(answer: RelayAnswer) -> dict[str, str]:
    """What an answer came to, for callers whose API has no place for it."""
    found = {"x-tallystick-endpoint": answer.endpoint}
    if answer.cost.nanos is not None:
        found["x-tallystick-cost-usd"] = f"{usd(answer.cost.nanos):f}"
    return found


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
