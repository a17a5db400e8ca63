"""The proxy that fails on purpose: each fault does what its name says, at the byte where it was told to begin."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.support.fault_proxy import FaultProxy, Toxic, shaped

BODY = b"0123456789" * 40
REQUEST = b"POST /v1/thing HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\n{}"


class Upstream(ThreadingHTTPServer):
    """Answers each request with BODY and closes; counts what arrived whole."""

    daemon_threads = True
    arrived = 0


class Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Silent: a test's output is its own."""

    def do_POST(self) -> None:
        assert isinstance(self.server, Upstream)
        assert self.rfile.read(int(self.headers["content-length"])) == b"{}"
        self.server.arrived += 1
        self.wfile.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + BODY)


WHOLE = len(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + BODY)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Pauses(list[float]):
    """Time that passes at once, written down."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await asyncio.sleep(0)


def proxy_of(upstream: Upstream, *toxics: Toxic, pauses: Pauses | None = None) -> FaultProxy:
    return FaultProxy("127.0.0.1", upstream.server_port, *toxics, pause=Pauses() if pauses is None else pauses)


def talk(port: int, *, patience_s: float = 10.0) -> tuple[int, str]:
    """One request: the bytes that came, and how it ended (`closed`, `reset`, `refused`, or `open` when patience ran out)."""
    came = 0
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as client:
            client.sendall(REQUEST)
            while piece := client.recv(4096):
                came += len(piece)
    except ConnectionRefusedError:
        return came, "refused"
    except ConnectionResetError:
        return came, "reset"
    except TimeoutError:
        return came, "open"
    return came, "closed"


@pytest.mark.parametrize(
    ("toxics", "came", "end"),
    [
        pytest.param([], WHOLE, "closed", id="no fault"),
        pytest.param([Toxic(kind="latency", amount=3)], WHOLE, "closed", id="latency at connect"),
        pytest.param([Toxic(kind="latency", at="headers", amount=3)], WHOLE, "closed", id="latency at the headers"),
        pytest.param([Toxic(kind="latency", at="mid_stream", after_bytes=9, amount=3)], WHOLE, "closed", id="latency mid-stream"),
        pytest.param([Toxic(kind="bandwidth", amount=100)], WHOLE, "closed", id="bandwidth at connect"),
        pytest.param(
            [Toxic(kind="bandwidth", at="mid_stream", after_bytes=9, amount=100)], WHOLE, "closed", id="bandwidth later"
        ),
        pytest.param([Toxic(kind="slicer", amount=7, delay_s=1)], WHOLE, "closed", id="slicer"),
        pytest.param([Toxic(kind="slow_close", amount=3)], WHOLE, "closed", id="slow close"),
        pytest.param([Toxic(kind="timeout", amount=3)], 0, "closed", id="timeout at connect"),
        pytest.param([Toxic(kind="timeout", at="headers", amount=3)], 0, "closed", id="timeout at the headers"),
        pytest.param([Toxic(kind="timeout", at="mid_stream", after_bytes=100, amount=3)], 100, "closed", id="timeout mid-stream"),
        pytest.param([Toxic(kind="reset_peer")], 0, "reset", id="reset at connect"),
        pytest.param([Toxic(kind="reset_peer", at="headers")], 0, "reset", id="reset at the headers"),
        pytest.param([Toxic(kind="reset_peer", at="mid_stream", after_bytes=100)], 100, "reset", id="reset mid-stream"),
        pytest.param(
            [Toxic(kind="reset_peer", at="after_last_token", after_bytes=WHOLE - 2)], WHOLE - 2, "reset", id="reset near the end"
        ),
        pytest.param([Toxic(kind="reset_peer", at="mid_stream", after_bytes=WHOLE)], WHOLE, "reset", id="reset after all bytes"),
        pytest.param([Toxic(kind="limit_data")], 0, "closed", id="no data at all"),
        pytest.param([Toxic(kind="limit_data", amount=30)], 30, "closed", id="limit from connect on"),
        pytest.param([Toxic(kind="limit_data", at="headers", amount=30)], 30, "closed", id="limit from the headers on"),
        pytest.param([Toxic(kind="limit_data", at="mid_stream", after_bytes=100, amount=30)], 130, "closed", id="limit later"),
        pytest.param([Toxic(kind="down")], 0, "refused", id="down at connect"),
        pytest.param([Toxic(kind="down", at="headers")], 0, "closed", id="down at the headers"),
        pytest.param([Toxic(kind="down", at="mid_stream", after_bytes=100)], 100, "closed", id="down mid-stream"),
        pytest.param(
            [Toxic(kind="slicer", amount=7), Toxic(kind="reset_peer", at="mid_stream", after_bytes=100)], 100, "reset", id="two"
        ),
    ],
)
def test_each_fault_lets_its_bytes_pass_and_ends_in_its_way(upstream: Upstream, toxics: list[Toxic], came: int, end: str) -> None:
    with proxy_of(upstream, *toxics) as proxy:
        assert talk(proxy.port) == (came, end)
        assert [len(sent) for sent in proxy.sent] == ([came] if end != "refused" else [])


@pytest.mark.parametrize(
    ("toxic", "reached"),
    [
        pytest.param(Toxic(kind="reset_peer"), 0, id="connect: the server never saw it"),
        pytest.param(Toxic(kind="timeout", amount=1), 0, id="silence from connect on: neither"),
        pytest.param(Toxic(kind="reset_peer", at="headers"), 1, id="headers: the server did its work"),
        pytest.param(Toxic(kind="down", at="mid_stream", after_bytes=5), 1, id="mid-stream: so too"),
    ],
)
def test_where_a_fault_begins_decides_whether_the_server_saw_the_request(upstream: Upstream, toxic: Toxic, reached: int) -> None:
    with proxy_of(upstream, toxic) as proxy:
        talk(proxy.port)
    assert upstream.arrived == reached


@pytest.mark.parametrize(
    ("toxic", "pauses"),
    [
        pytest.param(Toxic(kind="latency", at="headers", amount=3), [3], id="latency"),
        pytest.param(Toxic(kind="slow_close", amount=4), [4], id="slow close"),
        pytest.param(Toxic(kind="timeout", at="headers", amount=5), [5], id="timeout"),
        pytest.param(Toxic(kind="reset_peer", at="headers", amount=6), [6], id="reset"),
        pytest.param(Toxic(kind="slicer", at="mid_stream", after_bytes=WHOLE - 5, amount=2, delay_s=7), [7, 7, 7], id="slicer"),
    ],
)
def test_the_pauses_that_are_asked_for(upstream: Upstream, toxic: Toxic, pauses: list[float]) -> None:
    seen = Pauses()
    with proxy_of(upstream, toxic, pauses=seen) as proxy:
        talk(proxy.port)
    assert seen == pauses


@pytest.mark.parametrize("at", ["connect", "headers"])
def test_bandwidth_shapes_the_request_only_from_connect_on(upstream: Upstream, at: str) -> None:
    seen = Pauses()
    toxic = Toxic(kind="bandwidth", at="connect" if at == "connect" else "headers", amount=1000)
    with proxy_of(upstream, toxic, pauses=seen) as proxy:
        talk(proxy.port)
    assert sum(seen) == pytest.approx((WHOLE + (len(REQUEST) if at == "connect" else 0)) / 1000)


@pytest.mark.parametrize(
    ("shapes", "sizes", "pause"),
    [
        pytest.param([], [10], 0, id="nothing"),
        pytest.param([Toxic(kind="slicer", amount=4, delay_s=1)], [4, 4, 2], 3, id="slices"),
        pytest.param([Toxic(kind="bandwidth", amount=1)], [1] * 10, 10, id="slower than a byte a tick"),
        pytest.param([Toxic(kind="bandwidth", amount=250)], [5, 5], 0.04, id="a tick's bytes"),
        pytest.param(
            [Toxic(kind="bandwidth", amount=250), Toxic(kind="slicer", amount=2, delay_s=1)], [2] * 5, 5.04, id="the finer wins"
        ),
    ],
)
def test_shaping(shapes: list[Toxic], sizes: list[int], pause: float) -> None:
    pieces = list(shaped(b"0123456789", shapes))
    assert b"".join(piece for piece, _ in pieces) == b"0123456789"
    assert [len(piece) for piece, _ in pieces] == sizes
    assert sum(after for _, after in pieces) == pytest.approx(pause)


def test_shaping_nothing() -> None:
    assert list(shaped(b"", [])) == []


def test_only_the_first_connections_are_harmed(upstream: Upstream) -> None:
    with proxy_of(upstream, Toxic(kind="reset_peer", at="mid_stream", after_bytes=3, first=2)) as proxy:
        assert [talk(proxy.port) for _ in range(4)] == [(3, "reset"), (3, "reset"), (WHOLE, "closed"), (WHOLE, "closed")]
        assert proxy.connections == 4
        assert bytes(proxy.sent[2]).endswith(BODY)


def test_what_went_down_stays_down_until_it_is_set_anew(upstream: Upstream) -> None:
    with proxy_of(upstream, Toxic(kind="down", at="mid_stream", after_bytes=3)) as proxy:
        assert [talk(proxy.port) for _ in range(2)] == [(3, "closed"), (0, "refused")]
        proxy.set()
        assert talk(proxy.port) == (WHOLE, "closed")
        proxy.set(Toxic(kind="down"))
        assert talk(proxy.port) == (0, "refused")
        proxy.set(Toxic(kind="down"))
        proxy.set(Toxic(kind="limit_data", amount=5))
        assert talk(proxy.port) == (5, "closed")


def test_going_down_ends_the_other_connections_too(upstream: Upstream) -> None:
    with proxy_of(upstream, Toxic(kind="timeout")) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 10) as other:
        other.sendall(REQUEST)
        assert talk(proxy.port, patience_s=0.05) == (0, "open")
        proxy.set(Toxic(kind="down"))
        assert other.recv(10) == b""


def test_silence_without_end_ends_with_the_proxy(upstream: Upstream) -> None:
    with proxy_of(upstream, Toxic(kind="timeout", at="mid_stream", after_bytes=10)) as proxy:
        client = socket.create_connection(("127.0.0.1", proxy.port), 10)
        client.sendall(REQUEST)
        assert len(client.recv(10, socket.MSG_WAITALL)) == 10
    with client:
        assert client.recv(10) == b""


def test_a_client_that_leaves_is_seen_by_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        with FaultProxy(*listener.getsockname(), Toxic(kind="timeout", at="headers")) as proxy:
            with socket.create_connection(("127.0.0.1", proxy.port), 10) as client:
                client.sendall(REQUEST)
                server, _ = listener.accept()
                server.settimeout(10)
                assert server.recv(len(REQUEST), socket.MSG_WAITALL) == REQUEST
            with server:
                assert server.recv(10) == b""


def test_a_server_that_is_not_there_is_a_connection_that_closes(upstream: Upstream) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with FaultProxy(*unused.getsockname()) as proxy:
            came, end = talk(proxy.port)
            assert (came, end) in [(0, "closed"), (0, "reset")]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"kind": "reset_peer", "at": "mid_stream"}, id="mid-stream without bytes"),
        pytest.param({"kind": "reset_peer", "at": "headers", "after_bytes": 4}, id="headers with bytes"),
        pytest.param({"kind": "bandwidth"}, id="a bandwidth of nothing"),
        pytest.param({"kind": "latency", "amount": -1}, id="time that runs backwards"),
        pytest.param({"kind": "down", "first": 1}, id="a refusal that should be counted"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        Toxic(**wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
