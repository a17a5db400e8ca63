"""What the scripted provider does beside speaking: limits, breaks, lookups, and connections that stay open."""

import gzip
import http.client
import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.support.scripted.recorded import recorded_streams
from tests.support.scripted.reply import Reply, Tokens
from tests.support.scripted.window import Window
from tests.support.scripted.wires import WIRES
from tests.support.scripted_provider import ScriptedProvider

PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/m:streamGenerateContent?alt=sse",
    "ollama": "/api/chat",
}
TOKENS = Tokens(input=10, output=5)


@contextmanager
def talking_to(provider: ScriptedProvider) -> Generator[http.client.HTTPConnection, None, None]:
    connection = http.client.HTTPConnection(provider.root.removeprefix("http://"), timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def post(connection: http.client.HTTPConnection, path: str, body: dict[str, Any]) -> tuple[http.client.HTTPResponse, bytes]:
    connection.request("POST", path, json.dumps(body))
    response = connection.getresponse()
    return response, response.read()


def frames(wire: str, lines: str, number: int = 1) -> bytes:
    tokens = Tokens(input=10, output=5)
    return b"".join(WIRES[wire].frames(Reply(lines=lines), tokens, reply_id=f"gen-{number}"))


@pytest.mark.parametrize("wire", PATHS)
def test_the_path_chooses_the_wire(wire: str) -> None:
    with ScriptedProvider([Reply(lines="Hello.", input_tokens=10, output_tokens=5)]) as provider, talking_to(provider) as line:
        response, data = post(line, PATHS[wire], {"stream": True})
    assert response.headers["content-type"] == WIRES[wire].content_type
    assert data == frames(wire, "Hello.")


@pytest.mark.parametrize("wire", PATHS)
def test_a_connection_stays_open_when_asked(wire: str) -> None:
    replies = [Reply(lines=text, input_tokens=10, output_tokens=5) for text in ("One.", "Two.")]
    with ScriptedProvider([*replies], keep_alive=True) as provider, talking_to(provider) as line:
        _, first = post(line, PATHS[wire], {"stream": True})
        socket = line.sock
        _, second = post(line, PATHS[wire], {"stream": True})
        assert line.sock is socket
    assert (first, second) == (frames(wire, "One.", 1), frames(wire, "Two.", 2))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_body_cut_at_a_byte(stream: bool, keep_alive: bool) -> None:
    reply = Reply(lines="Hello.", truncate_at=40, input_tokens=10, output_tokens=5)
    with ScriptedProvider([reply], keep_alive=keep_alive) as provider, talking_to(provider) as line:
        line.request("POST", PATHS["chat"], json.dumps({"stream": stream}))
        response = line.getresponse()
        try:
            data = response.read()
        except http.client.IncompleteRead as error:
            data = error.partial
    whole = json.dumps(WIRES["chat"].whole(reply, TOKENS, reply_id="gen-1")).encode()
    assert data == (frames("chat", "Hello.") if stream else whole)[:40]


@pytest.mark.parametrize("stream", [True, False])
def test_gzip(stream: bool) -> None:
    reply = Reply(lines="Hello.", gzip=True, input_tokens=10, output_tokens=5)
    with ScriptedProvider([reply]) as provider, talking_to(provider) as line:
        response, data = post(line, PATHS["chat"], {"stream": stream})
    assert response.headers["content-encoding"] == "gzip"
    plain = gzip.decompress(data)
    assert plain == frames("chat", "Hello.") if stream else json.loads(plain)["object"] == "chat.completion"


def test_raw_bytes_and_headers() -> None:
    reply = Reply(raw=b"data: {\xff}\n\n", headers={"content-type": "text/plain", "x-generation-id": "gen-9"})
    with ScriptedProvider([reply]) as provider, talking_to(provider) as line:
        response, data = post(line, PATHS["chat"], {"stream": True})
    assert data == b"data: {\xff}\n\n"
    assert response.headers.get_all("content-type") == ["text/plain"]
    assert response.headers["x-generation-id"] == "gen-9"


def test_a_limit_turns_away_and_says_how_long() -> None:
    now = [100.0]
    with ScriptedProvider(["One.", "Two.", "Three."], limit=(2, 60.0), clock=lambda: now[0]) as provider:
        seen: list[tuple[int, str | None]] = []
        for at in (100.0, 110.5, 111.0, 159.9, 160.0):
            now[0] = at
            with talking_to(provider) as line:
                response, _ = post(line, PATHS["chat"], {"stream": True})
            seen.append((response.status, response.headers["retry-after"]))
    assert seen == [(200, None), (200, None), (429, "49"), (429, "1"), (200, None)]
    assert (provider.rejected, len(provider.requests)) == (2, 3)


def test_a_window_slides() -> None:
    window = Window(3, 10.0)
    assert [window.wait(at) for at in (0.0, 4.0, 8.0, 9.0, 10.0, 13.9, 14.0, 18.0, 19.0)] == [0, 0, 0, 1, 0, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ("path", "status", "answer"),
    [
        ("/v1/models", 200, {"data": []}),
        ("/v1/models/a/b:free/endpoints", 200, {"id": "a/b:free"}),
        ("/v1/models/a%2Fb%3Afree/endpoints", 200, {"id": "a/b:free"}),
        ("/v1/models/a/c/endpoints", 404, None),
        ("/v1/key", 200, {"data": {"limit": 1}}),
        ("/v1/generation?id=gen-1", 200, {"data": {"id": "gen-1"}}),
        ("/v1/generation?id=gen-2", 404, None),
        ("/api/tags", 503, {"error": "loading"}),
        ("/v1/credits", 404, None),
    ],
)
def test_lookups(path: str, status: int, answer: Any) -> None:
    with ScriptedProvider([]) as provider, talking_to(provider) as line:
        provider.models_json = {"data": []}
        provider.key_json = lambda: {"data": {"limit": 1}}
        provider.endpoints_json = {"a/b:free": {"id": "a/b:free"}}
        provider.generation_json = lambda known: {"data": {"id": known}} if known == "gen-1" else None
        provider.pages = {"/api/tags": Reply(status=503, body='{"error": "loading"}')}
        line.request("GET", path, headers={"Authorization": "Bearer x"})
        response = line.getresponse()
        found = json.loads(response.read())
    assert (response.status, found if answer is not None else None) == (status, answer)
    assert [(seen.path, seen.headers["authorization"]) for seen in provider.gets] == [(path, "Bearer x")]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/messages/count_tokens", "input_tokens"),
        ("/v1/responses/input_tokens", "input_tokens"),
        ("/v1beta/models/m:countTokens", "totalTokens"),
    ],
)
def test_counting_takes_no_reply(path: str, field: str) -> None:
    with ScriptedProvider(["Hello."]) as provider, talking_to(provider) as line:
        _, data = post(line, path, {"text": "x" * 400})
    assert json.loads(data)[field] == (len(json.dumps({"text": "x" * 400})) // 4)
    assert (len(provider.counted), len(provider.requests)) == (1, 0)


def test_recorded_streams_are_many_and_speak_every_wire() -> None:
    streams = recorded_streams()
    assert len({stream.name for stream in streams}) == len(streams) >= 34
    assert {stream.wire for stream in streams} == set(WIRES)
    assert streams == recorded_streams()
