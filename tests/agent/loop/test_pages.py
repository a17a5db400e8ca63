"""Pages that a prompt names: a real server, one request without a key, and what is told of an answer that is no page."""

import socket
from pathlib import Path
from typing import Any

import pytest
from tests.agent.loop.conversation import Talk, repo, talk
from tests.support.scripted_provider import Reply, ScriptedProvider, Seen

from tallystick_agent.loop.mentioned import URL_BYTES

HTML = "<html><head><title>T</title><script>evil()</script></head><body><h1>Shop</h1><p>Prices &amp; more</p></body></html>"


def page(data: str | bytes, kind: str = "text/html", *, status: int = 200, location: str = "") -> Reply:
    raw = data.encode() if isinstance(data, str) else data
    headers = {"content-type": kind, **({"location": location} if location else {})}
    return Reply(status=status, raw=raw, headers=headers)


SETTINGS: dict[str, Any] = {"context": {"prompt_tokens": 3_000, "local_urls": True}}


def ask(folder: Path, answer: Reply, path: str = "/page") -> tuple[Talk, list[Seen], str]:
    """The session, the requests for the page, and its address."""
    repo(folder, a="x = 1\n")
    with ScriptedProvider(["Read."]) as provider:
        provider.pages = {"/page": answer, "/elsewhere": page("never seen")}
        address = f"{provider.root}{path}"
        seen = talk(folder, provider, [f"read @{address}."], settings=SETTINGS)
        assert seen.stops == ["end_turn"]
        return seen, provider.gets, address


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (page(HTML), "Shop\n\nPrices & more"),
        (page(HTML, "Text/HTML; charset=utf-8"), "Shop\n\nPrices & more"),
        (page("def f():\n    a\n\n    b\n", "text/plain"), "def f():\n    a\n\n    b"),
        (page('{"a": [1]}', "application/json"), '{"a": [1]}'),
        (page("caf\xe9".encode("latin-1"), "text/plain; charset=iso-8859-1"), "café"),
        (page(b"caf\xe9", "text/plain"), "caf\ufffd"),
        (page(b"caf\xe9", "text/plain; charset=nonsense"), "caf\ufffd"),
        (Reply(raw=HTML.encode(), headers={"content-type": "text/html"}, gzip=True), "Shop\n\nPrices & more"),
    ],
)
def test_a_page_becomes_text(tmp_path: Path, answer: Reply, text: str) -> None:
    seen, gets, address = ask(tmp_path, answer)
    assert seen.shown()[f"url:{address}"] == f'<page url="{address}">\n{text}\n</page>'
    assert seen.notices == []
    [get] = gets
    assert not {"authorization", "cookie", "x-title", "http-referer"} & set(get.headers)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (
            page("", status=302, location="http://127.0.0.1:9/elsewhere"),
            "It leads to http://127.0.0.1:9/elsewhere; name that instead.",
        ),
        (page("", status=301, location="/elsewhere"), "It leads to /elsewhere; name that instead."),
        (page(b"\x89PNG", "image/png"), "It is no text but image/png."),
        (page(b"PK", "application/zip"), "It is no text but application/zip."),
        (page("gone", status=404), "answered 404."),
        (page("broken", status=500), "answered 500."),
        (Reply(raw=HTML.encode(), headers={"content-type": "text/html"}, truncate_at=20), "broke the connection"),
        (Reply(raw=b"no gzip", headers={"content-type": "text/html", "content-encoding": "gzip"}), "failed"),
    ],
)
def test_what_is_no_page_is_told_and_the_turn_goes_on(tmp_path: Path, answer: Reply, problem: str) -> None:
    seen, gets, address = ask(tmp_path, answer)
    [said] = seen.said
    assert said.startswith(f"@{address}: ")
    assert problem in said
    assert set(seen.shown()) == {"files"}
    assert [one.path for one in gets] == ["/page"], "nothing else is asked"


def test_a_huge_page_is_cut(tmp_path: Path) -> None:
    seen, _, address = ask(tmp_path, page(("word " * 20 + "\n") * (2 * URL_BYTES // 100), "text/plain"))
    assert seen.forms()[f"url:{address}"] == "excerpt"
    assert "bytes left out" in seen.shown()[f"url:{address}"]


def test_a_page_that_would_take_a_parser_minutes_is_read(tmp_path: Path) -> None:
    seen, _, address = ask(tmp_path, page("<p>Words</p>" + "<a b='" * 150_000))
    assert "Words" in seen.shown()[f"url:{address}"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}/x", "http://[::bad/", "https://"])
def test_nobody_there_and_no_address(tmp_path: Path, address: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        named = address.format(port=free.getsockname()[1])
    repo(tmp_path, a="x = 1\n")
    with ScriptedProvider(["Read."]) as provider:
        seen = talk(tmp_path, provider, [f"read @{named}"], settings=SETTINGS)
    assert seen.stops == ["end_turn"]
    assert set(seen.shown()) == {"files"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "10.0.0.1", "169.254.169.254", "192.168.1.1"])
def test_this_machine_and_private_networks_are_not_read_unless_the_user_says_so(tmp_path: Path, host: str) -> None:
    """A prompt may be made of other people's words: those of an issue in CI, say."""
    repo(tmp_path, a="x = 1\n")
    with ScriptedProvider(["Read."]) as provider:
        provider.pages = {"/page": page("secret")}
        port = provider.root.rpartition(":")[2]
        seen = talk(tmp_path, provider, [f"read @http://{host}:{port}/page"])
        assert provider.gets == []
    [said] = seen.said
    assert "this machine or a private network" in said
