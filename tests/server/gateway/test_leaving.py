"""Callers that leave, never read, or are left: the provider is stopped, the others go on, and the books have it all."""

import json
import os
import signal
import socket
from collections.abc import Generator
from time import monotonic, sleep

import httpx
import pytest
from tests.support.gateway_house import WIRES, Guest, House, client, house, model_at
from tests.support.gateway_speech import DIALECTS, PATHS, heard, request
from tests.support.scripted_provider import Reply

ENDLESS = Reply(lines="Every stick has two halves.\n" * 4_000, delay_s=0.02)


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    with house(tmp_path_factory.mktemp("leaving")) as made:
        yield made


def opened(guest: Guest, dialect: str, body: dict[str, object]) -> socket.socket:
    """A request on a line of its own, of which nothing is read."""
    host, port = guest.house.root.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)), timeout=30)
    content = json.dumps(body).encode()
    head = f"POST {PATHS[dialect]} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {guest.key}\r\n"
    line.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
    return line


def wait_for(house: House, requests: int) -> None:
    until = monotonic() + 30
    while len(house.provider.requests) < requests:
        assert monotonic() < until, "the provider was not asked"
        sleep(0.02)


@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_stops_the_provider_and_is_booked(served: House, stream: bool) -> None:
    for number, (dialect, wire) in enumerate([(dialect, wire) for dialect in DIALECTS for wire in WIRES], start=1):
        served.say = ENDLESS if stream else Reply(hang=True)
        served.provider.closed_early.clear()
        guest = served.key()
        line = opened(guest, dialect, request(dialect, model_at(wire), stream=stream))
        wait_for(served, number)
        if stream:
            line.recv(200)
        line.close()
        assert served.provider.closed_early.wait(30), (dialect, wire)
        (row,) = guest.rows()
        assert (row.finish, row.usage.source, row.error_code) == ("aborted", "estimated", "interrupted")
        assert row.usage.input_tokens > 0


def test_who_never_reads_holds_up_nobody(served: House) -> None:
    served.say = Reply(lines="Every stick has two halves.\n" * 60_000)
    slow = served.key()
    lines = [opened(slow, "chat", request("chat", model_at("openai_chat"), stream=True)) for _ in range(4)]
    wait_for(served, 4)
    served.say = Reply(lines="Hello.")
    for dialect in DIALECTS:
        found = heard(dialect, served.key().post(dialect, request(dialect, model_at("openai_chat"), stream=True)), stream=True)
        assert found.text == "Hello."
    for line in lines:
        line.close()
    assert {row.finish for row in slow.rows(4)} == {"aborted"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_end_in_good_order_books_what_is_under_way(served: House, dialect: str) -> None:
    served.say = ENDLESS
    guest = served.key()
    line = opened(guest, dialect, request(dialect, model_at("openai_chat"), stream=True))
    line.recv(200)
    assert served.end() == 0
    line.close()
    (row,) = guest.rows()
    assert (row.finish, row.usage.source) == ("aborted", "estimated")
    assert row.usage.output_tokens > 0
    served.start()
    served.say = Reply(lines="Hello.")
    assert guest.post(dialect, request(dialect, model_at("openai_chat"))).status_code == 200
    assert [row.finish for row in guest.rows(2)] == ["aborted", "stop"]


def test_what_a_killed_gateway_had_under_way_is_lost_and_booked(served: House) -> None:
    served.say = ENDLESS
    guest = served.key()
    line = opened(guest, "chat", request("chat", model_at("openai_chat"), stream=True))
    line.recv(200)
    served.kill()
    line.close()
    assert served.all_rows() == []
    served.start()
    served.say = Reply(lines="Hello.")
    assert guest.post("chat", request("chat", model_at("openai_chat"))).status_code == 200
    rows = guest.rows(2)
    assert sorted(row.finish for row in rows) == ["lost", "stop"]
    (lost,) = [row for row in rows if row.finish == "lost"]
    assert (lost.usage.source, lost.error_code) == ("estimated", "interrupted")
    assert lost.usage.input_tokens > 0


def test_two_signals_end_it_at_once(served: House) -> None:
    served.say = ENDLESS
    guest = served.key()
    line = opened(guest, "chat", request("chat", model_at("openai_chat"), stream=True))
    line.recv(200)
    os.kill(served.pid, signal.SIGINT)
    os.kill(served.pid, signal.SIGINT)
    served.end()
    line.close()
    (row,) = guest.rows()
    assert row.finish in ("aborted", "failed")


def test_a_line_serves_many_requests(served: House) -> None:
    served.say = Reply(lines="Hello.")
    guest = served.key()
    with client() as http:
        for number in range(20):
            stream = number % 2 == 1
            body = request("chat", model_at("openai_chat"), stream=stream)
            response: httpx.Response = http.post(served.root + PATHS["chat"], json=body, headers=guest.headers)
            assert heard("chat", response, stream=stream).text == "Hello."
    assert [row.finish for row in guest.rows(20)] == ["stop"] * 20
