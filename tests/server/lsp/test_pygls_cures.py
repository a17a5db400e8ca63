"""The five things that our protocol does otherwise than stock pygls 2.1.1, each seen on both, over real standard streams.

Where a cure is no longer needed because pygls changed, the half that runs stock pygls fails and says so.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.lsp_client import LspClient, LspError, started

_FEATURES = """
import asyncio, os, sys, time

def register(server):
    go_on = asyncio.Event()

    @server.feature("test/echo")
    def echo(params):
        kept = params if isinstance(params, dict) else None
        return {"plain": kept is not None, "keys": sorted(kept) if kept is not None else []}

    @server.feature("test/block")
    @server.thread()
    def block(params):
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.01)

    @server.feature("test/go_on")
    async def release(params):
        go_on.set()

    @server.feature("test/bug")
    async def bug(params):
        print("a library that prints")
        raise KeyError("a bug")

    @server.command("test.wait")
    async def wait():
        try:
            await go_on.wait()
        except asyncio.CancelledError:
            server.protocol.notify("test/cancelled", {})
            raise
        server.protocol.notify("test/went_on", {})
"""
_STOCK = f"""
import logging
logging.disable()
{_FEATURES}
from pygls.lsp.server import LanguageServer
server = LanguageServer("stock", "0", max_workers=2)
register(server)
server.start_io()
"""
_OURS = f"""
import logging
logging.disable()
{_FEATURES}
from tallystick_server.lsp.server import TallystickServer
from tallystick_server.lsp.transport import standard_streams
async def main():
    server = TallystickServer(None)
    server._max_workers = 2
    register(server)
    return await server.serve(standard_streams())
asyncio.run(main())
"""
STOCK, OURS = "stock", "ours"
both = pytest.mark.parametrize("which", [STOCK, OURS])


@asynccontextmanager
async def _server(which: str, tmp_path: Path) -> AsyncGenerator[LspClient, None]:
    command = (sys.executable, "-I", "-c", _STOCK if which == STOCK else _OURS, str(tmp_path / "released"))
    async with started({"TALLYSTICK_HOME": str(tmp_path)}, command=command) as client:
        await client.initialize(None)
        yield client


async def _answered_before_echo(client: LspClient, method: str, params: Any) -> Any:
    """What a request got by the time that the next one, which is always answered, had its answer; `None` for nothing."""
    _, answer = client.start_request(method, params)
    await client.request("test/echo", {"a": 1})
    if not answer.done():
        return None
    try:
        return answer.result()
    except LspError as error:
        return error.code


@both
def test_custom_parameters_stay_plain(which: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with _server(which, tmp_path) as client:
            seen = await client.request("test/echo", {"HTTP-Referer": "u", "class": 1, "_meta": {}, "type_name": "T"})
        plain = {"plain": True, "keys": ["HTTP-Referer", "_meta", "class", "type_name"]}
        assert (seen == plain) is (which == OURS)

    asyncio.run(run())


@both
def test_a_nested_message_is_no_message(which: str, tmp_path: Path) -> None:
    async def run() -> None:
        relayed: dict[str, Any] = {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {}}
        async with _server(which, tmp_path) as client:
            got = await _answered_before_echo(client, "test/echo", {"mcp": relayed})
        assert got == (None if which == STOCK else {"plain": True, "keys": ["mcp"]})

    asyncio.run(run())


@both
def test_a_request_that_cannot_be_parsed_is_answered(which: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with _server(which, tmp_path) as client:
            got = await _answered_before_echo(client, "textDocument/hover", {"textDocument": {}})
        assert got == (None if which == STOCK else -32602)

    asyncio.run(run())


@both
def test_a_cancelled_command_stops(which: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with _server(which, tmp_path) as client:
            number, answer = client.start_request("workspace/executeCommand", {"command": "test.wait", "arguments": []})
            await client.request("test/echo", {})
            client.notify("$/cancelRequest", {"id": number})
            with pytest.raises(LspError) as caught:
                await answer
            assert caught.value.code == -32800
            client.notify("test/go_on", {})
            await client.until(lambda: client.all("test/went_on") or client.all("test/cancelled"))
            await client.request("test/echo", {})
            assert bool(client.all("test/cancelled")) is (which == OURS)
            assert bool(client.all("test/went_on")) is (which == STOCK)

    asyncio.run(run())


@both
def test_blocking_work_leaves_the_input_alone(which: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with _server(which, tmp_path) as client:
            blocked = [client.start_request("test/block", {})[1] for _ in range(2)]
            _, echo = client.start_request("test/echo", {})
            # Both workers wait for the file below, so on stock pygls no answer can come before it, however long one waits.
            await asyncio.wait({echo}, timeout=1 if which == STOCK else 30)
            heard = echo.done()
            (tmp_path / "released").touch()
            await asyncio.gather(echo, *blocked)
            assert heard is (which == OURS)

    asyncio.run(run())


def test_other_noise_is_answered_or_ignored(tmp_path: Path) -> None:
    async def run() -> None:
        async with _server(OURS, tmp_path) as client:
            client.send_raw(b"{nonsense")
            client.send_raw(b"[1, 2]")
            client.notify("textDocument/didOpen", {})
            client.notify("$/unknown", {"a": 1})
            client.send({"id": "nobody asked", "result": None})
            with pytest.raises(LspError) as bug:
                await client.request("test/bug", {})
            assert bug.value.code == -32603
            with pytest.raises(LspError) as unknown:
                await client.request("test/unknown", {})
            assert unknown.value.code == -32601
            with pytest.raises(LspError) as command:
                await client.request("workspace/executeCommand", {"command": "test.wait", "arguments": ["one too many"]})
            assert command.value.code == -32602
            codes = [answer["error"]["code"] for answer in client.all("<answer>")]
            assert codes == [-32700, -32600]
            assert await client.stop() == 0

    asyncio.run(run())


def test_a_request_out_of_turn_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with started({"TALLYSTICK_HOME": str(tmp_path)}) as client:
            with pytest.raises(LspError) as early:
                await client.request("textDocument/codeLens", {"textDocument": {"uri": "file:///a"}})
            assert early.value.code == -32002
            await client.initialize(None)
            await client.request("shutdown", None)
            with pytest.raises(LspError) as late:
                await client.request("textDocument/codeLens", {"textDocument": {"uri": "file:///a"}})
            assert late.value.code == -32600
            client.notify("exit", None)
            assert await client.process.wait() == 0

    asyncio.run(run())


def test_http_is_cut_off(tmp_path: Path) -> None:
    """What a web page could send to a TCP port of ours is no message, even with a right body behind it."""

    async def run() -> None:
        async with started({"TALLYSTICK_HOME": str(tmp_path)}) as client:
            assert client.process.stdin is not None
            body = b'{"jsonrpc":"2.0","id":1,"method":"shutdown"}'
            client.process.stdin.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            assert await client.process.wait() == 0
            assert client.heard == []

    asyncio.run(run())


def test_exit_without_shutdown_and_the_end_of_input(tmp_path: Path) -> None:
    async def run() -> None:
        async with started({"TALLYSTICK_HOME": str(tmp_path)}) as client:
            await client.initialize(None)
            client.notify("exit", None)
            assert await client.process.wait() == 1
        async with started({"TALLYSTICK_HOME": str(tmp_path)}) as client:
            await client.initialize(None)
            assert client.process.stdin is not None
            client.process.stdin.close()
            assert await client.process.wait() == 0

    asyncio.run(run())
