"""Handlers that fail, and cancels that come early, on a real server with features of the test's own."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from tests.support.lsp_client import LspClient, LspError, started

_SERVER = """
import asyncio, sys, threading
from tallystick_server.lsp import main
from tallystick_server.lsp.server import TallystickServer

class Odd:
    __slots__ = ()

def register(server):
    @server.feature("test/plain")
    def plain(params):
        raise KeyError("MARKER " + params["secret"])

    @server.feature("test/async")
    async def later(params):
        await asyncio.sleep(0)
        raise ValueError("MARKER " + params["secret"])

    @server.feature("test/odd")
    def odd(params):
        return Odd()

    @server.feature("test/task")
    async def task(params):
        server.editor.spawn(later(params))
        asyncio.get_running_loop().call_soon(plain, params)

    @server.feature("test/wait")
    async def wait(params):
        server.editor.notify("test/began", params)
        await asyncio.Event().wait()

    @server.feature("test/echo")
    async def echo(params):
        return params

    @server.feature("test/hold")
    def hold(params):
        threading.Event().wait()

    @server.feature("test/thread")
    async def thread(params):
        loop = asyncio.get_running_loop()

        def held():
            loop.call_soon_threadsafe(server.editor.notify, "test/began", params)
            threading.Event().wait()

        await asyncio.to_thread(held)

class Server(TallystickServer):
    def __init__(self, model):
        super().__init__(model)
        register(self)

import tallystick_server.lsp.server as module
module.TallystickServer = Server
sys.exit(main.serve(tcp_port=None, model=None))
"""


@asynccontextmanager
async def server(tmp_path: Path, stderr: "IO[bytes] | None" = None) -> AsyncGenerator[LspClient, None]:
    command = (sys.executable, "-I", "-c", _SERVER)
    async with started({"TALLYSTICK_HOME": str(tmp_path / "home")}, command=command, stderr=stderr) as client:
        await client.initialize(None)
        yield client


@pytest.mark.parametrize("method", ["test/plain", "test/async", "test/odd"])
def test_a_bug_ends_one_request_only(tmp_path: Path, method: str) -> None:
    """The client learns that it was a bug, and nothing that stood in the values; the log says where."""

    async def run() -> None:
        with (tmp_path / "log").open("wb") as log:
            async with server(tmp_path, log) as client:
                for _ in range(3):
                    with pytest.raises(LspError) as caught:
                        await client.request(method, {"secret": "sk-test"})
                    assert caught.value.code == -32603
                    assert "MARKER" not in str(caught.value)
                    client.notify(method, {"secret": "sk-test"})
                assert await client.request("test/echo", {"a": 1}) == {"a": 1}
                assert client.heard == [], "no message box either"
                assert await client.stop() == 0
        text = (tmp_path / "log").read_text()
        assert "a bug in the handler of " + method in text
        assert "MARKER" not in text
        assert "sk-test" not in text

    asyncio.run(run())


def test_a_bug_in_a_task_or_a_callback_is_logged_without_its_words(tmp_path: Path) -> None:
    async def run() -> None:
        with (tmp_path / "log").open("wb") as log:
            async with server(tmp_path, log) as client:
                assert await client.request("test/task", {"secret": "sk-test"}) is None
                assert await client.request("test/echo", 5) == 5
                assert await client.stop() == 0
        text = (tmp_path / "log").read_text()
        assert text.count("ValueError") + text.count("KeyError") == 2
        assert "MARKER" not in text
        assert "sk-test" not in text

    asyncio.run(run())


def test_a_cancel_that_comes_with_its_request_meets_it_before_it_begins(tmp_path: Path) -> None:
    """pygls issue 517: a request that was withdrawn while it waited ran all the same."""

    async def run() -> None:
        async with server(tmp_path) as client:
            assert client.process.stdin is not None
            for number in range(100, 140):
                ask: dict[str, Any] = {"jsonrpc": "2.0", "id": number, "method": "test/wait", "params": {}}
                cancel: dict[str, Any] = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": number}}
                bodies = [json.dumps(message).encode() for message in (ask, cancel)]
                client.process.stdin.write(b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies))
            await client.until(lambda: len(client.all("<answer>")) == 40)
            assert {answer["error"]["code"] for answer in client.all("<answer>")} == {-32800}
            assert client.all("test/began") == []

    asyncio.run(run())


def test_a_cancel_meets_the_request_with_that_very_id(tmp_path: Path) -> None:
    async def run() -> None:
        async with server(tmp_path) as client:
            for msg_id in (7, "7"):
                client.send({"id": msg_id, "method": "test/wait", "params": {}})
            await client.until(lambda: len(client.all("test/began")) == 2)
            client.notify("$/cancelRequest", {"id": "7"})
            [answer] = await client.until(lambda: client.all("<answer>"))
            assert answer["id"] == "7"
            client.send({"id": 7, "method": "test/echo", "params": 1})
            _, again = await client.until(lambda: client.all("<answer>")[1:] and client.all("<answer>"))
            assert (again["id"], again["error"]["code"]) == (7, -32600), "the id is in use"
            client.notify("$/cancelRequest", {"id": 7})
            *_, last = await client.until(lambda: client.all("<answer>")[2:] and client.all("<answer>"))
            assert (last["id"], last["error"]["code"]) == (7, -32800)

    asyncio.run(run())


def test_a_shutdown_answers_what_runs(tmp_path: Path) -> None:
    async def run() -> None:
        async with server(tmp_path) as client:
            _, waiting = client.start_request("test/wait", {})
            await client.until(lambda: client.all("test/began"))
            assert await client.stop() == 0
            with pytest.raises(LspError) as caught:
                await waiting
            assert caught.value.code == -32800

    asyncio.run(run())


@pytest.mark.parametrize("method", ["test/hold", "test/thread"])
def test_work_that_cannot_be_ended_does_not_keep_the_process(tmp_path: Path, method: str) -> None:
    """The loop is held up for ever, or a thread is."""

    async def run() -> None:
        async with server(tmp_path) as client:
            client.send({"id": "never", "method": method, "params": {}})
            if method == "test/thread":
                await client.until(lambda: client.all("test/began"))
            assert client.process.stdin is not None
            client.process.stdin.close()
            assert await client.process.wait() == 1

    asyncio.run(run())
