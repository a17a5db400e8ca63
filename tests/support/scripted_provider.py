"""A model provider that says what a script says: a real HTTP server on 127.0.0.1 speaking OpenAI's server-sent events.

Owns the wire of the fake; it records every request whole. It is no mock of our code: the product talks to it over a socket
as it talks to any provider. Also a program, for `make demo MODEL=scripted`.

A reply is written as lines: `call NAME {json}` is a tool call (its arguments are sent as they stand, broken ones too),
`reasoning TEXT` is reasoning, everything else is text.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECE = 12
"""Characters in one streamed piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. `status` other than 200 is sent with `body` as it is."""

    lines: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {})
    body: str = ""
    call_id: str = ""
    """The id of the calls, instead of `call`; a number follows."""
    finish: str = ""
    cut: bool = False
    """The connection breaks in the middle of the answer."""
    hang: bool = False
    """The connection stays open and nothing comes."""
    comments: int = 0
    """Keep-alive comments sent before the answer."""
    delay_s: float = 0.0
    """Pause between pieces, in seconds."""
    usage: dict[str, Any] | None = None
    """What is reported instead of the fake's own count; `{}` for no usage at all."""


@dataclass(slots=True)
class Seen:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float


Script = Callable[[dict[str, Any], int], Reply]


class ScriptedProvider:
    """Use as a context manager; `url` is the base URL to give to the product."""

    def __init__(self, replies: "list[Reply | str] | Script") -> None:
        self._replies = replies
        self._lock = threading.Lock()
        self.requests: list[Seen] = []
        self.arrived = threading.Event()
        """Set when the first request has come."""
        self.closed_early = threading.Event()
        """Set when a client closed the connection before an answer had ended."""
        self.stopping = threading.Event()
        provider = self

        class Handler(_Handler):
            owner = provider

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> "ScriptedProvider":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

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


class _Handler(BaseHTTPRequestHandler):
    owner: ScriptedProvider
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Silent: a test's output is its own."""

    def do_GET(self) -> None:
        data = json.dumps({"object": "list", "data": [{"id": "scripted", "object": "model"}]}).encode()
        self._plain(200, {"content-type": "application/json"}, data)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", "0")))
        body: dict[str, Any] = json.loads(raw)
        reply = self.owner.next(
            Seen(path=self.path, headers={k.lower(): v for k, v in self.headers.items()}, body=body, at=time.monotonic())
        )
        try:
            if reply.status != 200:
                self._plain(reply.status, {"content-type": "application/json", **reply.headers}, reply.body.encode())
            else:
                self._stream(reply, len(raw))
        except OSError:
            self.owner.closed_early.set()
            self.close_connection = True

    def _plain(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, reply: Reply, size: int) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        if reply.comments:
            for _ in range(reply.comments // 1000 or 1):
                self.wfile.write(b": OPENROUTER PROCESSING\n\n" * min(1000, reply.comments))
        if reply.hang:
            self._wait_for_close()
            return
        chunks = list(_chunks(reply))
        for number, chunk in enumerate(chunks):
            if reply.cut and number >= max(1, len(chunks) // 2):
                self.wfile.flush()
                self.connection.close()
                return
            self._send({"choices": [chunk]})
            if reply.delay_s:
                time.sleep(reply.delay_s)
        self._usage(reply, size, sum(len(json.dumps(chunk.get("delta", {}))) for chunk in chunks))
        self.wfile.write(b"data: [DONE]\n\n")

    def _usage(self, reply: Reply, size: int, spoken: int) -> None:
        if reply.usage == {}:
            return
        inputs, outputs = max(1, size // 4), max(1, spoken // 16)
        usage = reply.usage or {
            "prompt_tokens": inputs,
            "completion_tokens": outputs,
            "total_tokens": inputs + outputs,
            "prompt_tokens_details": {"cached_tokens": 0},
        }
        self._send({"choices": [], "usage": usage})

    def _send(self, fields: dict[str, Any]) -> None:
        chunk = {
            "id": f"gen-{len(self.owner.requests)}",
            "object": "chat.completion.chunk",
            "model": "scripted",
            **fields,
        }
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.flush()

    def _wait_for_close(self) -> None:
        self.connection.settimeout(0.1)
        while not self.owner.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    self.owner.closed_early.set()
                    return
            except TimeoutError:
                continue


def _chunks(reply: Reply) -> list[dict[str, Any]]:
    """The deltas of an answer, text and arguments in small pieces."""
    chunks: list[dict[str, Any]] = [{"index": 0, "delta": {"role": "assistant"}}]
    texts: list[str] = []
    calls = 0
    for line in reply.lines.strip("\n").split("\n") if reply.lines.strip() else []:
        if line.startswith("call "):
            _, name, *rest = line.split(" ", 2)
            call_id = f"{reply.call_id or 'call'}_{calls}"
            head = {"index": calls, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
            chunks.append({"index": 0, "delta": {"tool_calls": [head]}})
            for piece in _pieces(rest[0] if rest else ""):
                chunks.append({"index": 0, "delta": {"tool_calls": [{"index": calls, "function": {"arguments": piece}}]}})
            calls += 1
        elif line.startswith("reasoning "):
            chunks.extend({"index": 0, "delta": {"reasoning": piece}} for piece in _pieces(line[10:]))
        else:
            texts.append(line)
    spoken = [{"index": 0, "delta": {"content": piece}} for piece in _pieces("\n".join(texts))]
    finish = reply.finish or ("tool_calls" if calls else "stop")
    return [*chunks[:1], *spoken, *chunks[1:], {"index": 0, "delta": {}, "finish_reason": finish}]


def _pieces(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
