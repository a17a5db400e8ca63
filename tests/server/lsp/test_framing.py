"""The framing of messages: what passes, what is cut off, and that it does not matter how the bytes come."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.support.lsp_client import started

from tallystick_server.lsp.transport import FramingError, read_messages

INITIALIZE = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"rootUri":null,"capabilities":{}}}'


def read(blocks: Iterable[bytes]) -> list[bytes]:
    async def run() -> list[bytes]:
        reader = asyncio.StreamReader(limit=65_536)
        for block in blocks:
            reader.feed_data(block)
        reader.feed_eof()
        return [body async for body in read_messages(reader)]

    return asyncio.run(run())


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 2\r\n",
        b"content-length:2\r\n",
        b"CONTENT-LENGTH:   2  \r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc\r\n",
        b"Content-Length: 2\n",
    ],
)
def test_heads_that_pass(head: bytes) -> None:
    assert read([head + b"\r\n{}", b"Content-Length: 3\r\n\r\n\xe2\x82\xac"]) == [b"{}", "€".encode()]


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n",
        b"Content-Type: x\r\n\r\n",
        b"Content-Length: -2\r\n\r\n",
        b"Content-Length: +2\r\n\r\n",
        b"Content-Length: 2.0\r\n\r\n",
        b"Content-Length: 0x2\r\n\r\n",
        b"Content-Length: two\r\n\r\n",
        b"Content-Length:\r\n\r\n",
        b"Content-Length: \xb2\r\n\r\n",
        b"Content-Length: 999999999999\r\n\r\n",
        b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 1\r\n\r\n",
        b"Content-Length: 2\r\nHost: example.org\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b'{"jsonrpc":"2.0","method":"exit"}\r\n\r\n',
        b"\xff\xfe\x00\x01\r\n\r\n",
        b"x" * 300_000,
    ],
)
def test_heads_that_are_cut_off(head: bytes) -> None:
    with pytest.raises(FramingError):
        read([head + b"{}"])


@pytest.mark.parametrize("data", [b"", b"Content-Length: 5\r\n\r\n{}", b"Content-Length: 0\r\n\r\n"])
def test_an_end_in_the_middle_is_an_end(data: bytes) -> None:
    assert read([data]) in ([], [b""])


def test_it_does_not_matter_where_the_bytes_are_split() -> None:
    data = b"Content-Length: 8\r\nContent-Type: x\r\n\r\n" + '["éé"]'.encode() + b"Content-Length: 2\r\n\r\n{}"
    whole = ['["éé"]'.encode(), b"{}"]
    for at in range(len(data) + 1):
        assert read([data[:at], data[at:]]) == whole
    assert read(data[at : at + 1] for at in range(len(data))) == whole


def test_a_server_that_is_fed_byte_by_byte(tmp_path: Path) -> None:
    async def run() -> None:
        async with started({"TALLYSTICK_HOME": str(tmp_path)}) as client:
            assert client.process.stdin is not None
            shutdown = b'{"jsonrpc":"2.0","id":2,"method":"shutdown"}'
            data = b"".join(b"content-length:%d\r\n\r\n%s" % (len(body), body) for body in (INITIALIZE, shutdown))
            for at in range(len(data)):
                client.process.stdin.write(data[at : at + 1])
                await client.process.stdin.drain()
            await client.until(lambda: len(client.all("<answer>")) == 2)
            client.notify("exit", None)
            assert await client.process.wait() == 0

    asyncio.run(run())


def test_a_large_message_comes_through(tmp_path: Path) -> None:
    """40 MB in one document: more than is ever held back for reading."""

    async def run() -> None:
        async with started({"TALLYSTICK_HOME": str(tmp_path)}) as client:
            await client.initialize(None)
            client.open("file:///big.py", "x = 1  # 🎉\n" * 3_000_000, "python")
            client.replace("file:///big.py", 7, 8, "🎉")
            assert await client.request("textDocument/codeLens", {"textDocument": {"uri": "file:///big.py"}}) == []
            assert await client.stop() == 0

    asyncio.run(run())
