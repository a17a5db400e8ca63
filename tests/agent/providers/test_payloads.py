"""From bytes to payloads: streams under odd names, one JSON object, and a line that is held open for nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.providers.payloads import Progress, payloads


class HandClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


def read(pieces: list[tuple[float, bytes]], *, event_stream: bool, limit_s: float = 10.0) -> list[str]:
    """The payloads of pieces that come at the given seconds."""
    clock = HandClock()

    async def chunks() -> AsyncIterator[bytes]:
        for at, piece in pieces:
            clock.at = at
            yield piece

    async def run() -> list[str]:
        found = payloads(chunks(), Progress(clock, limit_s), event_stream=event_stream)
        return [data async for together in found for data in together]

    return asyncio.run(run())


@pytest.mark.parametrize("start", [b"data: {}\n\n", b": ping\n\ndata: {}\n\n", b"event: x\ndata: {}\n\n", b"\ndata: {}\n\n"])
def test_a_stream_under_another_content_type_is_read_as_a_stream(start: bytes) -> None:
    assert read([(0, start)], event_stream=False) == ["{}"]


def test_one_object_is_one_payload() -> None:
    assert read([(0, b'{"a"'), (0, b": 1}")], event_stream=False) == ['{"a": 1}']


def test_what_is_neither_is_an_error() -> None:
    with pytest.raises(ProviderError):
        read([(0, b"<html></html>")], event_stream=False)


def test_comments_alone_end_after_the_limit() -> None:
    """They keep the connection open, and they are no progress."""
    pings = [(float(second), b": ping\n\n") for second in range(0, 60, 2)]
    with pytest.raises(ProviderError) as caught:
        read(pings, event_stream=True)
    assert caught.value.code == "provider_timeout"
    assert caught.value.retryable


def test_a_slow_stream_that_gets_on_is_left_alone() -> None:
    slow = [(second * 4.0, b": ping\n\n" if second % 2 else b"data: x\n\n") for second in range(20)]
    assert read(slow, event_stream=True) == ["x"] * 10
