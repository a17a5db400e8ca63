"""Servers that answer what nobody asked for: every one ends in one typed error that says what to do, and no key gets away."""

import asyncio
import gzip
import json
from typing import Any

import pytest
from tests.support.provider_client import ask, endpoint_at, provider_client, saying, tell
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.protocol.errors import ContextOverflow, ProviderError

PAGE = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def failure(*replies: Reply | str, **options: Any) -> tuple[ProviderError, ScriptedProvider]:
    with ScriptedProvider(list(replies)) as provider:
        told = ask(saying(), endpoint_at(provider.url), max_attempts=1, **options)
    assert told.error is not None
    assert told.replies == []
    return told.error, provider


@pytest.mark.parametrize("status", [302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_refused_and_the_key_stays(status: int) -> None:
    with ScriptedProvider(["stolen"]) as thief:
        error, _ = failure(Reply(status=status, headers={"location": f"{thief.url}/chat/completions"}))
        assert thief.requests == []
    assert error.code == "provider_rejected"
    assert not error.retryable
    assert "base URL" in error.remedy


def test_a_redirect_on_the_same_origin_is_refused_too() -> None:
    error, provider = failure(Reply(status=307, headers={"location": "/v1/chat/completions"}), "Hello.")
    assert error.code == "provider_rejected"
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("reply", "code", "says"),
    [
        (Reply(status=502, body=PAGE), "provider_unavailable", "A web page came instead of an answer."),
        (Reply(status=403, body=PAGE), "provider_auth", "A web page came instead of an answer."),
        (Reply(raw=PAGE.encode()), "provider_rejected", "A web page came instead of an answer."),
        (Reply(raw=b"data: " + PAGE.encode() + b"\n\n"), "provider_failed", "not JSON"),
        (Reply(raw=b""), "provider_stream_cut", ""),
        (Reply(status=500, body=""), "provider_unavailable", "HTTP status 500"),
        (Reply(status=418, body="short and stout"), "provider_rejected", "short and stout"),
        (Reply(raw=b"[" * 200_000, headers={"content-type": "application/json"}), "provider_failed", "not JSON"),
        (Reply(raw=b'data: {"choices": ' + b"[" * 50_000 + b"\n\n"), "provider_failed", ""),
    ],
    ids=[
        "page 502",
        "page 403",
        "page 200",
        "page in a stream",
        "nothing",
        "empty 500",
        "teapot",
        "nested",
        "nested in a stream",
    ],
)
def test_what_is_no_answer_is_one_error(reply: Reply, code: str, says: str) -> None:
    error, _ = failure(reply)
    assert (error.code, says in error.message) == (code, True), error.message


def test_a_line_of_ten_megabytes_is_read_and_one_beyond_the_bound_is_not() -> None:
    def stream(size: int) -> Reply:
        chunk = {"id": "g", "choices": [{"index": 0, "delta": {"content": "x" * size}, "finish_reason": "stop"}]}
        return Reply(raw=b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n")

    with ScriptedProvider([stream(10_000_000)]) as provider:
        told = ask(saying(), endpoint_at(provider.url), max_attempts=1)
    assert len(told.shown) == 10_000_000
    error, _ = failure(stream(17_000_000))
    assert "16 MiB" in error.message


def bomb() -> bytes:
    """A quarter of a gigabyte of blanks in a few hundred kilobytes."""
    return gzip.compress(b" " * 2**28, compresslevel=1)


@pytest.fixture(scope="module")
def packed() -> bytes:
    return bomb()


def test_a_bomb_in_a_success_is_refused(packed: bytes) -> None:
    error, _ = failure(Reply(raw=packed, headers={"content-encoding": "gzip"}))
    assert "beyond anything a model can say" in error.message
    assert not error.retryable


def test_a_bomb_in_a_refusal_is_judged_by_its_status(packed: bytes) -> None:
    error, _ = failure(Reply(status=503, raw=packed, headers={"content-encoding": "gzip"}, body="x"))
    assert error.code == "provider_unavailable"


def test_an_honest_packed_answer_is_read() -> None:
    with ScriptedProvider([Reply(lines="Hello there.", gzip=True)]) as provider:
        told = ask(saying(), endpoint_at(provider.url), max_attempts=1)
        assert provider.requests[0].headers["accept-encoding"] == "identity"
    assert told.shown == "Hello there."


def test_a_packing_that_nobody_asked_for_is_refused() -> None:
    error, _ = failure(Reply(raw=b"\x1b\x03\x00", headers={"content-encoding": "br"}))
    assert "`br`" in error.message


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1", "http://host.invalid/v1", "https://127.0.0.1:9/v1"], ids=["closed", "no name", "no TLS"]
)
def test_nobody_there(url: str) -> None:
    told = ask(saying(), endpoint_at(url), max_attempts=1)
    assert told.error is not None
    assert told.error.code == "provider_unavailable"
    assert "base URL" in told.error.remedy


def test_a_window_that_the_server_names_is_known_to_the_caller() -> None:
    body = {
        "error": {"code": 400, "message": "the request exceeds the available context size", "type": "exceed_context_size_error"}
    }
    body["error"] |= {"n_prompt_tokens": 5_000, "n_ctx": 4_096}
    error, _ = failure(Reply(status=400, body=json.dumps(body)))
    assert isinstance(error, ContextOverflow)
    assert (error.prompt_tokens, error.limit_tokens) == (5_000, 4_096)


def test_no_error_repeats_the_key() -> None:
    for reply in (
        Reply(status=401, body='{"error": {"message": "bad key"}}'),
        Reply(raw=b"\x00\xff"),
        Reply(status=500, body=PAGE),
    ):
        error, provider = failure(reply)
        key = provider.requests[0].headers["authorization"].removeprefix("Bearer ")
        assert key not in f"{error.message} {error.remedy} {error!r}"


def test_an_answer_that_takes_too_long_in_all_is_given_up() -> None:
    slow = Reply(lines="word " * 60, delay_s=0.05)
    with ScriptedProvider([slow]) as provider:
        from tallystick_server.local.system import SystemClock

        told = ask(saying(), endpoint_at(provider.url), max_attempts=1, clock=SystemClock(), request_timeout_s=0.2)
    assert told.error is not None
    assert told.error.code == "provider_timeout"
    assert "request_timeout_s" in told.error.remedy


class Lingering:
    """Gives an answer whole, and leaves the line open."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + self._body)
        await writer.drain()
        await reader.read()
        self.closed.set()
        writer.close()


def test_a_line_that_stays_open_after_the_end_keeps_nobody_waiting() -> None:
    """The idle timeout here is a minute; the answer is there at once, and the line is hung up."""
    chunk = {"id": "g", "choices": [{"index": 0, "delta": {"content": "Hello."}, "finish_reason": "stop"}]}
    server = Lingering(b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n")

    async def run() -> str:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        async with listening, provider_client(idle_s=60.0, max_attempts=1) as client:
            url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
            async with asyncio.timeout(30):
                told = await tell(client, saying(), endpoint_at(url))
                await server.closed.wait()
        return told.shown

    assert asyncio.run(run()) == "Hello."
