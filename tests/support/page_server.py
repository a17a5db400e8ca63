"""A small HTTP server for the web page's tests: the page's own files, and the API's views over a ledger, behind a token."""

import contextlib
import json
import threading
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.usage import Price, Rates
from tallystick_agent.usage.growth import growth
from tallystick_agent.usage.ledger import Ledger
from tallystick_server import growth_view
from tallystick_server import rankings_view as views
from tallystick_server.gateway import keys_view
from tallystick_server.gateway.page import asset
from tallystick_server.prices import Offer
from tallystick_server.rankings_query import read_rankings, read_series, read_sessions, read_window
from tallystick_server.sessions_view import sessions

TOKEN = "tk-page-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    name: str
    title: str = ""
    created: int = 1_790_000_000
    reads: bool = False


KEYS = (MadeKey(name="laptop"), MadeKey(name="ci", title="Builds"), MadeKey(name="grafana", reads=True))


AHEAD = {
    "window": "200000", "reserved": "0", "used_share": "0.7700", "tokens_per_request": "3400", "tokens_per_turn": "13600",
    "requests_left": 13, "turns_left": 4, "last_turn": 15, "budget_usd": None, "budget_turns_left": None,
    "budget_last_turn": None,
}  # fmt: skip


PRICE = Price(rates=Rates(input=Decimal(3), output=Decimal(15), cache_read=Decimal("0.3")))


def _offer(slug: str) -> Offer:
    return Offer(slug=slug, price=PRICE, window_tokens=200_000)


class PageServer(ThreadingHTTPServer):
    """`ledger` may be missing: then every question fails."""

    def __init__(self, ledger: Ledger | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ledger = ledger
        self.seen: list[str] = []
        """Every request's target, as it came."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        now = datetime.now(UTC)
        if self.ledger is None:
            remedy = "Make room, and start the gateway again."
            return 503, {
                "error": {"message": "The ledger cannot be read: the disk is full.", "code": "storage", "remedy": remedy}
            }
        match path.removeprefix("/v1/").split("/"):
            case ["rankings", "series"]:
                return 200, views.series(self.ledger, read_series(query, today=now.date()), now=now)
            case ["rankings", kind]:
                return 200, views.rankings(self.ledger, read_rankings(kind, query, today=now.date()), now=now)
            case ["usage", "summary"]:
                return 200, views.summary(self.ledger, read_window(query, today=now.date()), now=now)
            case ["sessions"]:
                return 200, sessions(self.ledger, read_sessions(query, today=now.date()), now=now)
            case ["sessions", session, "growth"]:
                found = growth(growth_view.session_rows(self.ledger, session))
                return 200, growth_view.growth_json(session, found, _offer, AHEAD, now=now)
            case ["budgets"]:
                return 200, {"data": []}
            case ["keys"]:
                return 200, keys_view.keys(self.ledger, KEYS, read_window(query, today=now.date()), now=now)
            case _:
                return 404, {"error": {"message": f"There is no {path}.", "code": "not_found"}}


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
                self._json(400, {"error": {"message": error.message, "code": error.code, "remedy": error.remedy}})

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
def page_server(ledger: Ledger | None) -> Generator[PageServer]:
    server = PageServer(ledger)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
