"""What a client may send by mistake or malice, to the real server: each request is answered once, and the server lives on."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from tests.support.lsp_client import LspClient, started

URI = "file:///a.tally.md"
LIFE = ("initialize", "shutdown", "exit")
KINDS: dict[str, Any] = {method: kinds[1] for method, kinds in types.METHOD_TO_TYPES.items() if method not in LIFE}
"""The type of the answer, by method; a notification has none."""
REQUESTS = sorted(method for method, answer in KINDS.items() if answer is not None)
NOTICES = sorted(method for method, answer in KINDS.items() if answer is None)
DEEP = "[" * 400 + "]" * 400
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63, 10**300, 1.5, -0.0, 1e308, "", "x", URI, "\ud83c", "\0", "file://%zz", "é🎉" * 50,
    [], [[]], {}, {"uri": URI}, {"": None}, {"jsonrpc": "2.0", "id": 1, "method": "exit"}, json.loads(DEEP),
)  # fmt: skip
KEYS = (
    "textDocument", "uri", "position", "range", "line", "character", "context", "command", "arguments", "contentChanges",
    "text", "version", "token", "value", "id", "event", "settings", "changes", "sessionId", "operation", "type_name", "cells",
)  # fmt: skip


@asynccontextmanager
async def server(tmp_path: Path) -> AsyncGenerator[LspClient, None]:
    async with started({"TALLYSTICK_HOME": str(tmp_path / "home")}) as client:
        await client.initialize(tmp_path)
        yield client


def params(dice: random.Random, depth: int = 0) -> Any:
    if depth > 3 or dice.random() < 0.3:
        return dice.choice(VALUES)
    place = {"line": 0, "character": 0}
    if dice.random() < 0.3:
        good: dict[str, Any] = {"textDocument": {"uri": URI}, "range": {"start": place, "end": place}, "position": place}
        return {**good, "context": {"diagnostics": []}, "command": "tallystick.send", "arguments": [URI]}
    return {dice.choice(KEYS): params(dice, depth + 1) for _ in range(dice.randint(0, 4))}


@pytest.mark.parametrize("seed", range(4))
def test_each_request_is_answered_once(tmp_path: Path, seed: int) -> None:
    """Requests of every kind, right and wrong, with cancels in between; ids are numbers and words."""

    async def run() -> None:
        dice = random.Random(seed)
        sent: list[int | str] = []
        async with server(tmp_path) as client:
            client.open(URI, "## You\n\n\n")
            for number in range(500):
                what = dice.random()
                if what < 0.5:
                    msg_id: int | str = dice.choice((number + 1_000, str(number), f"id {number} 🎉", -number - 1))
                    method = dice.choice(
                        (*REQUESTS, "workspace/executeCommand", "tallystick/submit", "x/unknown", "$/unknown", "")
                    )
                    sent.append(msg_id)
                    client.send({"id": msg_id, "method": method, "params": params(dice)})
                elif what < 0.7 and sent:
                    target = dice.choice(sent[-5:])
                    wrong: Any = str(target) if isinstance(target, int) else None
                    client.notify("$/cancelRequest", {"id": dice.choice((target, target, target, wrong, 10**9, [1]))})
                elif what < 0.9:
                    client.notify(dice.choice((*NOTICES, "x/unknown", "$/unknown")), params(dice))
                elif what < 0.95:
                    client.send({"id": dice.choice((*sent[-2:], "unasked")), "result": params(dice)})
                else:
                    client.send({"id": dice.choice((*sent[-2:], "unasked")), "error": params(dice)})
            await client.request("shutdown", None)
            # What was cancelled by the shutdown is answered right behind it.
            await client.until(lambda: len(client.all("<answer>")) >= len(sent))
            answers = Counter(answer["id"] for answer in client.all("<answer>"))
            assert answers == Counter(sent)
            client.notify("exit", None)
            assert await client.process.wait() == 0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("body", "msg_id", "code"),
    [
        (b"{nonsense", None, -32700),
        (b"", None, -32700),
        (b"\xff\xfe\xfd", None, -32700),
        (b'{"jsonrpc":"2.0","id":5,"method":"x","params":NaN}', None, -32700),
        (b'{"jsonrpc":"2.0","id":5,"method":"x","params":' + b"9" * 5_000 + b"}", None, -32700),
        (b"[" * 100_000, None, -32700),
        (b"[]", None, -32600),
        (b'[{"jsonrpc":"2.0","id":5,"method":"x"}]', None, -32600),
        (b"5", None, -32600),
        (b"null", None, -32600),
        (b"{}", None, -32600),
        (b'{"jsonrpc":"1.0","id":5,"method":"x"}', None, -32600),
        (b'{"jsonrpc":2.0,"id":5,"method":"x"}', None, -32600),
        (b'{"id":5,"method":"x"}', None, -32600),
        (b'{"jsonrpc":"2.0"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":5}', 5, -32600),
        (b'{"jsonrpc":"2.0","id":5,"method":7}', 5, -32600),
        (b'{"jsonrpc":"2.0","id":5,"method":null}', 5, -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"x"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"x"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":[1],"method":"x"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"x"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":"\\ud83c","method":"x"}', "\ud83c", -32601),
        (b'{"jsonrpc":"2.0","id":5,"method":"\\ud83c"}', 5, -32601),
        (b'{"jsonrpc":"2.0","id":5,"method":"$/unknown"}', 5, -32601),
        (b'{"jsonrpc":"2.0","id":5,"method":"textDocument/rename","params":5}', 5, -32602),
        (b'{"jsonrpc":"2.0","id":5,"method":"textDocument/codeLens","params":[]}', 5, -32602),
        (b'{"jsonrpc":"2.0","id":5,"method":"textDocument/codeLens"}', 5, -32602),
        (b'{"jsonrpc":"2.0","id":5,"method":"textDocument/didOpen","params":{}}', 5, -32600),
        (b'{"jsonrpc":"2.0","id":5,"method":"window/showMessageRequest","params":{"type":1,"message":"x"}}', 5, -32601),
        (b'{"jsonrpc":"2.0","id":5,"method":"workspace/executeCommand","params":{"command":"rm"}}', 5, -32602),
        (b'{"jsonrpc":"2.0","id":5,"method":"initialize","params":{"capabilities":{}}}', 5, -32600),
    ],
)  # fmt: skip
def test_what_is_wrong_is_answered_so(bad: "Conversation", body: bytes, msg_id: Any, code: int) -> None:
    answer = bad.answer(body)
    assert (answer["id"], answer["error"]["code"]) == (msg_id, code)


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","method":"$/unknown","params":{"a":1}}',
        b'{"jsonrpc":"2.0","method":"x/unknown"}',
        b'{"jsonrpc":"2.0","method":"textDocument/codeLens","params":{"textDocument":{"uri":"file:///a"}}}',
        b'{"jsonrpc":"2.0","method":"textDocument/didOpen","params":5}',
        b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{}}',
        b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":99}}',
        b'{"jsonrpc":"2.0","id":null,"result":null}',
        b'{"jsonrpc":"2.0","id":99,"result":null}',
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"?"}}',
        b'{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///no","version":1},"contentChanges":[]}}',
        b'{"jsonrpc":"2.0","method":"textDocument/didClose","params":{"textDocument":{"uri":"file:///no"}}}',
        b'{"jsonrpc":"2.0","method":"window/workDoneProgress/cancel","params":{"token":"no"}}',
    ],
)
def test_what_needs_no_answer_gets_none(bad: "Conversation", body: bytes) -> None:
    assert bad.silence(body)


def test_an_answer_that_has_the_id_of_a_running_request_is_nothing(tmp_path: Path) -> None:
    """Stock pygls has one table for both sides, and this ended the server."""

    async def run() -> None:
        async with server(tmp_path) as client:
            client.open(URI, "## You\n\n\n")
            lenses = {"textDocument": {"uri": URI}}
            _, first = client.start_request("textDocument/codeLens", lenses)
            client.send({"id": 2, "result": None})
            client.send({"id": 2, "error": {"code": 1, "message": "x"}})
            assert (await first)[0]["command"]["title"] == "▶ Send"
            assert await client.request("textDocument/codeLens", lenses)

    asyncio.run(run())


class Conversation:
    """One server for all the cases above: that it answers the next one is part of what they show."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: LspClient) -> None:
        self._loop = loop
        self._client = client

    def answer(self, body: bytes) -> dict[str, Any]:
        async def run() -> dict[str, Any]:
            self._client.heard.clear()
            self._client.send_raw(body)
            await self._client.request("textDocument/codeLens", {"textDocument": {"uri": "file:///none"}})
            answers: list[dict[str, Any]] = self._client.all("<answer>")
            assert len(answers) == 1
            return answers[0]

        return self._loop.run_until_complete(run())

    def silence(self, body: bytes) -> bool:
        async def run() -> bool:
            self._client.heard.clear()
            self._client.send_raw(body)
            await self._client.request("textDocument/codeLens", {"textDocument": {"uri": "file:///none"}})
            return not self._client.heard

        return self._loop.run_until_complete(run())


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Any:
    loop = asyncio.new_event_loop()
    context = server(tmp_path_factory.mktemp("bad"))
    client = loop.run_until_complete(context.__aenter__())
    yield Conversation(loop, client)
    loop.run_until_complete(context.__aexit__(None, None, None))
    loop.close()
