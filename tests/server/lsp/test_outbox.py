"""What waits for a client that does not read: its order, what the newest replaces, and the bounds."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from tallystick_server.lsp import outbox as module
from tallystick_server.lsp.outbox import Outbox


class Client:
    """Reads when it is let."""

    def __init__(self) -> None:
        self.got = b""
        self.error: Exception | None = None
        self.began = threading.Event()
        self.reads = threading.Event()
        self.gone = asyncio.Event()
        self.outbox = Outbox(self._write, self.gone.set)

    def _write(self, data: bytes) -> None:
        self.began.set()
        self.reads.wait()
        if self.error is not None:
            raise self.error
        self.got += data

    async def block(self) -> None:
        """A first message is on its way and does not get through; what follows waits."""
        self.outbox.put(b"first ")
        await asyncio.to_thread(self.began.wait)


def play(scene: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        client = Client()
        try:
            async with asyncio.timeout(30):
                await scene(client)
        finally:
            client.reads.set()

    asyncio.run(run())


def test_messages_keep_their_order_and_the_newest_state_counts() -> None:
    async def scene(client: Client) -> None:
        await client.block()
        for number in range(3):
            client.outbox.put(b"event%d " % number)
            client.outbox.put(b"state%d " % number, "state")
            client.outbox.put(b"other%d " % number, ("other", number))
        client.reads.set()
        await client.outbox.close(20)
        assert client.got == b"first event0 other0 event1 other1 event2 state2 other2 "
        client.outbox.put(b"late")
        assert not client.gone.is_set()

    play(scene)


def test_room_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FULL", 10)

    async def scene(client: Client) -> None:
        await client.outbox.room()
        await client.block()
        client.outbox.put(b"x" * 20)
        waiting = asyncio.ensure_future(client.outbox.room())
        done, _ = await asyncio.wait({waiting}, timeout=0.05)
        assert not done
        client.reads.set()
        await waiting
        await client.outbox.close(20)
        assert client.got == b"first " + b"x" * 20

    play(scene)


def test_more_is_heard_than_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FULL", 10)
    monkeypatch.setattr(module, "CROWDED", 40)

    async def scene(client: Client) -> None:
        await client.block()
        client.outbox.put(b"x" * 20)
        await client.outbox.uncrowded()
        client.outbox.put(b"x" * 30)
        waiting = asyncio.ensure_future(client.outbox.uncrowded())
        done, _ = await asyncio.wait({waiting}, timeout=0.05)
        assert not done
        client.reads.set()
        await waiting
        await client.outbox.room()
        await client.outbox.close(20)

    play(scene)


def test_a_client_that_never_reads_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 100)

    async def scene(client: Client) -> None:
        await client.block()
        for _ in range(1_000):
            client.outbox.put(b"x" * 10)
        await client.gone.wait()
        await client.outbox.room()
        client.reads.set()
        await client.outbox.close(20)
        assert client.got == b"first "

    play(scene)


def test_one_message_may_be_larger_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 100)

    async def scene(client: Client) -> None:
        await client.block()
        client.outbox.put(b"x" * 1_000)
        client.reads.set()
        await client.outbox.close(20)
        assert len(client.got) == 1_006
        assert not client.gone.is_set()

    play(scene)


def test_a_broken_pipe_is_told_once() -> None:
    async def scene(client: Client) -> None:
        client.error = BrokenPipeError()
        client.reads.set()
        client.outbox.put(b"x")
        await client.gone.wait()
        client.outbox.put(b"y")
        await client.outbox.close(20)
        assert client.got == b""

    play(scene)


def test_leaving_does_not_wait_for_a_client_that_hangs() -> None:
    async def scene(client: Client) -> None:
        await client.block()
        await client.outbox.close(0.01)
        assert client.got == b""

    play(scene)
