"""What comes in wrong: each is turned away with its status, in the words of the API that it came to, and nothing is booked."""

import socket
from collections.abc import Generator
from typing import Any

import httpx
import pytest
from tests.support.gateway_house import Guest, House, client, house, model_at
from tests.support.gateway_speech import DIALECTS, NATIVE, PATHS, refusal, request

FRIEND = "http://localhost:3000"
SETTINGS = f'[gateway]\nmax_body_mb = 1\nallowed_origins = ["{FRIEND}"]\nallowed_hosts = ["tally.example"]\n'
MODEL = model_at("openai_chat")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    with house(tmp_path_factory.mktemp("bad"), SETTINGS) as made:
        yield made
        # Whatever was turned away: no provider heard of it, and no row tells of it.
        assert made.provider.requests == []
        assert made.all_rows() == []


@pytest.fixture(scope="module")
def guest(served: House) -> Guest:
    return served.key("guest")


def send(served: House, dialect: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
    with client() as http:
        return http.post(served.root + PATHS[dialect], content=content, headers={"content-type": "application/json", **headers})


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer tally-wrong"},
        {"authorization": "Bearer"},
        {"authorization": "Basic dGFsbHk6"},
        {"x-api-key": "tally-wrong"},
        {"authorization": "Bearer käse".encode().decode("latin-1")},
    ],
)
def test_a_wrong_key(served: House, dialect: str, headers: dict[str, str]) -> None:
    with client() as http:
        told = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        response = http.post(served.root + PATHS[dialect], json=request(dialect, MODEL), headers=httpx.Headers(told))
    assert response.status_code == 401
    assert "tallystick gateway keys add" in refusal(dialect, response)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1", "localhost.evil.example", ""])
def test_a_wrong_host(served: House, guest: Guest, dialect: str, host: str) -> None:
    response = guest.post(dialect, request(dialect, MODEL), {"host": host})
    assert response.status_code == 421
    refusal(dialect, response)


def test_own_hosts_are_served(served: House, guest: Guest) -> None:
    for host in ("localhost", served.root.removeprefix("http://"), "tally.example", "[::1]"):
        with client() as http:
            assert http.get(f"{served.root}/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost:30001"])
def test_a_foreign_origin(served: House, guest: Guest, dialect: str, origin: str) -> None:
    response = guest.post(dialect, request(dialect, MODEL), {"origin": origin})
    assert response.status_code == 403
    refusal(dialect, response)
    assert "access-control-allow-origin" not in response.headers
    with client() as http:
        asked = http.options(served.root + PATHS[dialect], headers={"origin": origin, "access-control-request-method": "POST"})
    assert asked.status_code == 403
    assert "access-control-allow-origin" not in asked.headers


def test_a_friendly_origin(served: House) -> None:
    with client() as http:
        asked = http.options(served.root + PATHS["chat"], headers={"origin": FRIEND, "access-control-request-method": "POST"})
        told = http.post(served.root + PATHS["chat"], json={}, headers={"origin": FRIEND})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, FRIEND)
    assert "authorization" in asked.headers["access-control-allow-headers"]
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert (told.status_code, told.headers["access-control-allow-origin"]) == (401, FRIEND)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_that_is_too_large(served: House, guest: Guest, dialect: str) -> None:
    response = guest.post(dialect, request(dialect, MODEL, "x" * (1 << 20)))
    assert response.status_code == 413
    assert "gateway.max_body_mb" in refusal(dialect, response)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_that_is_too_large_and_does_not_tell(served: House, guest: Guest, dialect: str) -> None:
    """In chunks that would never end."""
    host, port = served.root.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        head = f"POST {PATHS[dialect]} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {guest.key}\r\n"
        line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        got = b""
        try:
            for _ in range(17):
                line.sendall(chunk)
            got = line.recv(65_536)
        except ConnectionError:
            pass
    assert got.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[1]", b'"text"', b"null", b"[" * 100_000, b'{"model": NaN}', b'{"model": "a"} b'],
    ids=["empty", "broken", "no-utf8", "list", "string", "null", "deep-list", "nan", "more"],
)
def test_a_body_that_is_no_json_object(served: House, guest: Guest, dialect: str, content: bytes) -> None:
    response = send(served, dialect, content, guest.headers)
    assert response.status_code == 400
    refusal(dialect, response)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("depth", [200, 400, 900, 960, 985, 50_000])
def test_deep_json(served: House, guest: Guest, dialect: str, depth: int) -> None:
    """In a field that nobody knows, and in one that is read: told in good order, whatever the depth."""
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    known = b'"input":"a"' if dialect == "responses" else b'"messages":[{"role":"user","content":"a"}],"max_tokens":5'
    for field in (b"metadata", b"tools", b"unknown"):
        content = b'{"model":"scripted/none",' + known + b',"' + field + b'":' + nested + b"}"
        response = send(served, dialect, content, guest.headers)
        assert response.status_code in (400, 404), response.text
        refusal(dialect, response)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("model", ["nobody/nothing", "x" * 500, "../../etc", "ünknown"])
def test_an_unknown_model(served: House, guest: Guest, dialect: str, model: str) -> None:
    response = guest.post(dialect, request(dialect, model))
    assert response.status_code == 404, response.text
    refusal(dialect, response)


def shown(url: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}


EVERYWHERE: list[tuple[dict[str, Any], str]] = [
    ({"model": 7}, "model"),
    ({"model": "x" * 600}, "model"),
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": 17}, "temperature"),
    ({"stream": "perhaps"}, "stream"),
    ({"tools": "all"}, "tools"),
    ({"provider": "openai"}, "provider"),
    ({"provider": {"order": 7}}, "provider.order"),
    ({"provider": {"sort": "luck"}}, "provider.sort"),
    ({"provider": {"sort": ["price"]}}, "provider.sort"),
    ({"provider": {"max_price": "low"}}, "provider.max_price"),
]
FIELDS: dict[str, list[tuple[dict[str, Any], str]]] = {
    "chat": [
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": [{"role": "nobody", "content": "a"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
        (shown("file:///etc/passwd"), "URL"),
        (shown("data:image/png;base64,?"), "base64"),
        ({"n": 2}, "n:"),
        ({"n": 0}, "n:"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": "a"}}, "tool_choice.function"),
        ({"reasoning_effort": "giant"}, "effort"),
        ({"models": "a"}, "models"),
        ({"stop": 7}, "stop"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools.0.function.name"),
    ],
    "responses": [
        ({"input": 7}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"role": "nobody", "content": "a"}]}, "role"),
        ({"input": [{"role": "user", "content": 7}]}, "content"),
        ({"input": [{"role": "user", "content": ["a"]}]}, "content"),
        ({"input": [{"role": "user", "content": "a"}, {"type": "reasoning", "summary": "a"}]}, "summary"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
    ],
    "messages": [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": 7}]}]}, "source"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": 7}]}]}, "content"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "content": ["a"]}]}]}, "content"),
        ({"system": 7}, "system"),
        ({"tool_choice": {"type": "perhaps"}}, "tool_choice"),
        ({"tool_choice": {"type": []}}, "tool_choice"),
        ({"output_config": {"effort": "giant"}}, "effort"),
        ({"fallbacks": ["a"]}, "fallbacks"),
        ({"tools": [{"name": ""}]}, "tools.0.name"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "fields", "named"),
    [(dialect, *one) for dialect in DIALECTS for one in (*EVERYWHERE, *FIELDS[dialect])],
)
def test_a_field_of_the_wrong_kind_is_named(
    served: House, guest: Guest, dialect: str, fields: dict[str, Any], named: str
) -> None:
    response = guest.post(dialect, {**request(dialect, MODEL), **fields})
    assert response.status_code == 400, response.text
    assert named in refusal(dialect, response)


@pytest.mark.parametrize(("method", "path", "dialect", "status"), [
    ("GET", "/v1/nothing", "chat", 404),
    ("POST", "/v1/nothing", "chat", 404),
    ("POST", "/v1/embeddings", "chat", 404),
    ("POST", "/nothing", "chat", 404),
    ("POST", "/v1/messages/nothing", "messages", 404),
    ("GET", "/v1/chat/completions", "chat", 405),
    ("DELETE", "/v1/responses", "responses", 405),
    ("GET", "/v1/messages", "messages", 405),
    ("PUT", "/v1/messages", "messages", 405),
    ("GET", "/v1/messages/count_tokens", "messages", 405),
    ("POST", "/v1/models", "chat", 405),
    ("POST", "/metrics", "chat", 405),
    ("POST", "/", "chat", 405),
])  # fmt: skip
def test_a_path_or_a_method_that_does_nothing(
    served: House, guest: Guest, method: str, path: str, dialect: str, status: int
) -> None:
    for prefix in ("", "/api") if path.startswith("/v1") else ("",):
        with client() as http:
            response = http.request(method, f"{served.root}{prefix}{path}", headers=guest.headers)
        assert response.status_code == status
        refusal(dialect, response)


def test_a_packed_body(served: House, guest: Guest) -> None:
    response = send(served, "chat", b"x", {**guest.headers, "content-encoding": "gzip"})
    assert response.status_code == 415
    refusal("chat", response)


def test_a_request_that_breaks_off(served: House, guest: Guest) -> None:
    host, port = served.root.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        head = f"POST {PATHS['chat']} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {guest.key}\r\n"
        line.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
    assert guest.get("/v1/models").status_code == 200


def test_every_dialect_has_a_wire(served: House) -> None:
    assert set(NATIVE) == set(DIALECTS)
