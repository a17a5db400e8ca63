"""A small HTTP server for the web page's tests: the page's own files, and the figures of a home, behind a token."""

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from tallystick_agent.protocol.errors import StorageError, TallystickError
from tallystick_server.compose import Application
from tallystick_server.gateway.figures import figures
from tallystick_server.gateway.page import asset

TOKEN = "tk-page-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    name: str
    title: str = ""
    created: int = 1_790_000_000
    reads: bool = False


KEYS = (MadeKey(name="laptop"), MadeKey(name="ci", title="Builds"), MadeKey(name="grafana", reads=True))


class PageServer(ThreadingHTTPServer):
    """Without an application every question fails."""

    def __init__(self, app: Application | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.app = app
        self.seen: list[str] = []
        """Every request's target, as it came."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if self.app is None:
            raise StorageError("The ledger cannot be read: the disk is full.", remedy="Make room, and start the gateway again.")
        found = figures(self.app, KEYS, path.removeprefix("/v1/"), query, now=datetime.now(UTC))
        return (404, {"error": {"message": f"There is no {path}.", "code": "not_found"}}) if found is None else (200, found)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = cast("PageServer", self.server)
        server.seen.append(self.path)
        target = urlsplit(self.path)
        if not target.path.startswith("/v1/"):
            found = asset(target.path)
            self._send(200 if found else 404, found.body if found else b"", found.headers if found else {})
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._json(401, {"error": {"message": "This key is not known here.", "code": "invalid_key"}})
        else:
            try:
                self._json(*server.answer(unquote(target.path), dict(parse_qsl(target.query))))
            except TallystickError as error:
                self._json(
                    503 if isinstance(error, StorageError) else 400,
                    {"error": {"message": error.message, "code": error.code, "remedy": error.remedy}},
                )

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body).encode(), {"content-type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def page_server(home: Path | None) -> Generator[PageServer]:
    app = None if home is None else Application.load(environment={"TALLYSTICK_HOME": str(home), "PATH": os.environ["PATH"]})
    server = PageServer(app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        if app is not None:
            asyncio.run(app.close())
