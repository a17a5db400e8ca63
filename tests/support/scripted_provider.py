"""A model provider that says what a script says: a real HTTP server on 127.0.0.1 speaking every wire the product knows.

Owns the server; it records every request whole. It is no mock of our code: the product talks to it over a socket as it
talks to any provider. What is said stands in `tests.support.scripted.reply`, how a wire says it in the modules beside it.

The wire follows from the path: `/chat/completions`, `/responses`, `/messages`, `:generateContent`, `/api/chat`, `/infill`.
"""

import contextlib
import gzip
import json
import re
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.scripted import chat
from tests.support.scripted.reply import PIECE, Reply, tokens_of
from tests.support.scripted.window import Window
from tests.support.scripted.wires import EVERY, count_field, wire_of

__all__ = ["PIECE", "Reply", "Script", "ScriptedProvider", "Seen"]
MODELS = {"object": "list", "data": [{"id": "scripted", "object": "model", "created": 0, "owned_by": "tests"}]}


@dataclass(slots=True)
class Seen:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float


Script = Callable[[dict[str, Any], int], Reply]
Lookup = dict[str, Any] | Callable[[str], Any] | None
"""Key to JSON; `None` for what is not there."""


class ScriptedProvider:
    """Use as a context manager; `url` is the base URL to give to the product, `root` the same without its `/v1`.

    `limit` is (requests, seconds): what exceeds it is answered with 429 and counted in `rejected`. With `keep_alive`, a
    stream comes in chunks and the connection serves the next request; without, it ends with the stream.
    """

    def __init__(
        self,
        replies: "list[Reply | str] | Script",
        *,
        limit: tuple[int, float] | None = None,
        keep_alive: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._replies = replies
        self._lock = threading.Lock()
        self._window = Window(*limit) if limit is not None else None
        self._clock = clock
        self.keep_alive = keep_alive
        self.requests: list[Seen] = []
        self.counted: list[Seen] = []
        """Requests that only count tokens; they take no reply of the script."""
        self.gets: list[Seen] = []
        self.models_json: Any = MODELS
        """JSON, a callable that gives it, or a `Reply` for a failure; so are the values of the others."""
        self.key_json: Any = None
        self.endpoints_json: Lookup = None
        """By `author/slug`."""
        self.generation_json: Lookup = None
        """By the id of the generation."""
        self.pages: dict[str, Any] = {}
        """By the end of the path, before anything else: GET and POST."""
        self.arrived = threading.Event()
        """Set when the first request has come."""
        self.closed_early = threading.Event()
        """Set when a client closed the connection before an answer had ended."""
        self.stopping = threading.Event()
        self.connections: set[socket.socket] = set()
        provider = self

        class Handler(_Handler):
            owner = provider

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    @property
    def rejected(self) -> int:
        return self._window.rejected if self._window is not None else 0

    def __enter__(self) -> "ScriptedProvider":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def wait(self) -> int:
        """0, or the seconds that a request has to wait for its turn."""
        return self._window.wait(self._clock()) if self._window is not None else 0

    def next(self, seen: Seen) -> Reply:
        with self._lock:
            index = len(self.requests)
            self.requests.append(seen)
            self.arrived.set()
        if callable(self._replies):
            return self._replies(seen.body, index)
        if index >= len(self._replies):
            return Reply(status=400, body='{"error": {"message": "the script has ended"}}')
        reply = self._replies[index]
        return Reply(lines=reply) if isinstance(reply, str) else reply

    def page(self, path: str) -> Any:
        """JSON for a path of `pages`; `None` for any other."""
        bare = path.partition("?")[0]
        return next((_value(page) for end, page in self.pages.items() if bare.endswith(end)), None)

    def document(self, path: str) -> Any:
        """JSON for a GET, a `Reply`, or `None` for what is not there."""
        parts = urlsplit(path)
        page = self.page(path)
        if page is not None:
            return page
        found = re.search(r"/models/(.+)/endpoints$", parts.path)
        if found:
            return _look(self.endpoints_json, unquote(found[1]))
        if parts.path.endswith("/models"):
            return _value(self.models_json)
        if parts.path.endswith("/key"):
            return _value(self.key_json)
        if parts.path.endswith("/generation"):
            return _look(self.generation_json, parse_qs(parts.query).get("id", [""])[0])
        return None


def _value(source: Any) -> Any:
    return source() if callable(source) else source


def _look(source: Lookup, key: str) -> Any:
    if callable(source):
        return source(key)
    return _value(source.get(key)) if source is not None else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    owner: ScriptedProvider
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Silent: a test's output is its own."""

    def setup(self) -> None:
        super().setup()
        self.owner.connections.add(self.connection)

    def finish(self) -> None:
        self.owner.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            # The client has gone between two requests: no answer is missing.
            self.close_connection = True

    def do_GET(self) -> None:
        self.owner.gets.append(self._seen({}))
        self._document(self.owner.document(self.path))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", "0")))
        body: dict[str, Any] = json.loads(raw or b"{}")
        seen = self._seen(body)
        try:
            page = self.owner.page(self.path)
            field = count_field(self.path)
            if page is not None or field:
                self.owner.counted.append(seen)
                self._document(page if page is not None else {field: max(1, len(raw) // 4)})
                return
            wait = self.owner.wait()
            if wait:
                self._json(429, _too_many(wait), {"retry-after": str(wait)})
                return
            self._answer(self.owner.next(seen), body, len(raw))
        except OSError:
            if not self.owner.stopping.is_set():
                self.owner.closed_early.set()
            self.close_connection = True

    def _seen(self, body: dict[str, Any]) -> Seen:
        return Seen(path=self.path, headers={k.lower(): v for k, v in self.headers.items()}, body=body, at=time.monotonic())

    def _document(self, found: Any) -> None:
        if found is None:
            self._json(404, {"error": {"code": 404, "message": "not found"}}, {})
        elif isinstance(found, Reply):
            self._plain(found, found.raw if found.raw is not None else found.body.encode())
        else:
            self._json(200, found, {})

    def _answer(self, reply: Reply, body: dict[str, Any], size: int) -> None:
        if reply.status != 200:
            self._plain(reply, reply.raw if reply.raw is not None else reply.body.encode())
            return
        name, stream = wire_of(self.path, body)
        wire = EVERY[name]
        tokens = tokens_of(reply, inputs=size // 4, outputs=chat.weight(reply))
        reply_id = f"gen-{len(self.owner.requests)}"
        if not stream:
            if reply.hang:
                self._wait_for_close()
                return
            data = json.dumps(wire.whole(reply, tokens, reply_id=reply_id)).encode()
            self._plain(reply, reply.raw if reply.raw is not None else data)
            return
        frames = [reply.raw] if reply.raw is not None else wire.frames(reply, tokens, reply_id=reply_id)
        if reply.cut:
            frames = frames[: max(1, (len(frames) - 2) // 2)]
        self._stream(reply, wire.content_type, wire.comment, frames)

    def _json(self, status: int, data: Any, headers: dict[str, str]) -> None:
        self._plain(Reply(status=status, headers=headers), json.dumps(data).encode())

    def _plain(self, reply: Reply, data: bytes) -> None:
        """A body whose length is told beforehand; a cut one breaks that promise."""
        headers = {"content-type": "application/json", **reply.headers}
        if reply.gzip:
            data, headers["content-encoding"] = gzip.compress(data, mtime=0), "gzip"
        most = len(data) // 2 if reply.cut else len(data) if reply.truncate_at is None else reply.truncate_at
        self._head(reply.status, {**headers, "content-length": str(len(data))})
        self.wfile.write(data[:most])
        self.close_connection = self.close_connection or most < len(data)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, reply: Reply, content_type: str, comment: bytes, frames: list[bytes]) -> None:
        broken = reply.cut or reply.truncate_at is not None
        chunked = self.owner.keep_alive
        headers = {"content-type": content_type, **({"content-encoding": "gzip"} if reply.gzip else {}), **reply.headers}
        self._head(200, {**headers, **({"transfer-encoding": "chunked"} if chunked else {"connection": "close"})})
        self.close_connection = self.close_connection or broken or not chunked
        rounds = reply.comments // 1000 or 1 if reply.comments and comment else 0
        spoken = [*[comment * min(1000, reply.comments)] * rounds, *([] if reply.hang else frames)]
        pause = reply.delay_s
        for data in _limited(_packed(spoken) if reply.gzip else spoken, reply.truncate_at):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
            if pause:
                time.sleep(pause)
        if reply.hang:
            self._wait_for_close()
        elif chunked and not broken:
            self.wfile.write(b"0\r\n\r\n")

    def _wait_for_close(self) -> None:
        self.close_connection = True
        self.connection.settimeout(0.1)
        while not self.owner.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    self.owner.closed_early.set()
                    return
            except TimeoutError:
                continue


def _packed(frames: Iterable[bytes]) -> list[bytes]:
    """Compressed so that each frame can be read as soon as it has come."""
    packer = zlib.compressobj(wbits=31)
    return [*(packer.compress(frame) + packer.flush(zlib.Z_SYNC_FLUSH) for frame in frames), packer.flush()]


def _limited(frames: list[bytes], most: int | None) -> list[bytes]:
    if most is None:
        return [frame for frame in frames if frame]
    found: list[bytes] = []
    for frame in frames:
        found.append(frame[:most])
        most -= len(found[-1])
    return [frame for frame in found if frame]


def _too_many(wait: int) -> dict[str, Any]:
    """One body that every wire's client can read."""
    error = {"code": 429, "type": "rate_limit_error", "status": "RESOURCE_EXHAUSTED", "message": f"Wait {wait} s."}
    return {"type": "error", "error": {**error, "metadata": {"error_type": "rate_limit_exceeded"}}}
