"""A real gateway that a test may set up, kill and start again, and the provider behind it. Owns its settings and its life."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import httpx

from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.record import LedgerRow
from tallystick_server.gateway.keys import GatewayKeys
from tests.support.foreign_process import READY_S
from tests.support.gateway_speech import PATHS
from tests.support.program import Program
from tests.support.scripted_provider import Reply, ScriptedProvider

WIRES: Final = ("openai_chat", "openai_responses", "anthropic")
INPUT_NANOS: Final = 1_000
OUTPUT_NANOS: Final = 2_000
_PROVIDER: Final = """
[providers.{name}]
base_url = "{url}"
wire = "{wire}"
[endpoints."{name}/acme-1"]
window_tokens = 1000000
max_output_tokens = 32000
price = {{ input = "1.0", output = "2.0" }}
"""


def model_at(wire: str) -> str:
    """The model that the provider of a wire has."""
    return f"{wire.replace('_', '')}/acme-1"


class House:
    """`say` is what the provider answers next: a reply, or a function of the body."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.program = Program(folder=folder)
        self.say: Reply | Callable[[dict[str, Any]], Reply] = Reply(lines="Hello.")
        self.provider = ScriptedProvider(self._answer)
        self._settings = settings
        self._child: subprocess.Popen[bytes] | None = None
        self.root = ""
        self.page = ""
        self._number = 0

    def _answer(self, body: dict[str, Any], index: int) -> Reply:
        return self.say(body) if callable(self.say) else self.say

    @property
    def keys(self) -> GatewayKeys:
        return GatewayKeys(self.program.home / "gateway_keys.json")

    def key(self, name: str = "", *, reads: bool = False, title: str = "", url: str = "") -> "Guest":
        """Somebody with a new key."""
        self._number += 1
        name = name or f"guest-{self._number}"
        return Guest(self, name, self.keys.add(name, reads=reads, title=title, url=url))

    def start(self) -> None:
        environment = {key: value for key, value in self.program.environment.items() if not key.startswith("OPENAI_")}
        providers = "".join(_PROVIDER.format(name=wire.replace("_", ""), url=self.provider.url, wire=wire) for wire in WIRES)
        text = f"[catalog]\nrefresh_hours = 0\n{self._settings}\n{providers}"
        (self.program.home / "settings.toml").write_text(text, "utf-8")
        out = self.program.folder / "gateway.out"
        with out.open("wb") as told:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-m", "tallystick_server", "gateway", "--port", "0"],
                env=environment,
                cwd=self.program.folder,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
            )
        self._read_addresses(out)

    def _read_addresses(self, out: Path) -> None:
        assert self._child is not None
        until = monotonic() + READY_S
        while True:
            told = out.read_text("utf-8", "replace")
            found = [word for word in told.split() if word.startswith("http://127.0.0.1:")]
            if len(found) == 2 and told.endswith("\n"):
                self.root, self.page = found[0].removesuffix("/v1"), found[1]
                return
            ended = self._child.poll() is not None or monotonic() > until
            assert not ended, f"the gateway does not serve:\n{told[-2000:]}"
            sleep(0.05)

    @property
    def told(self) -> str:
        """What the process has printed."""
        return (self.program.folder / "gateway.out").read_text("utf-8", "replace")

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    def end(self) -> int:
        """Ends it in good order; gives the status."""
        assert self._child is not None
        self._child.terminate()
        return self._wait()

    def kill(self) -> None:
        assert self._child is not None
        self._child.kill()
        self._wait()

    def _wait(self) -> int:
        assert self._child is not None
        try:
            return self._child.wait(30)
        finally:
            self._child.kill()
            self._child.wait()

    def all_rows(self) -> list[LedgerRow]:
        ledger = Ledger(self.program.home / "ledger.sqlite3")
        try:
            return [one.row for one in ledger.rows(most=100_000)]
        finally:
            ledger.close()


class Guest:
    """Somebody who comes to a house with a key."""

    def __init__(self, house: House, name: str, key: str) -> None:
        self.house = house
        self.name = name
        self.key = key

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def post(self, dialect: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        """Asks in a dialect and reads all of the answer."""
        with client() as http:
            return http.post(self.house.root + PATHS[dialect], json=body, headers={**self.headers, **(headers or {})})

    def get(self, path: str, **query: str) -> httpx.Response:
        with client() as http:
            return http.get(self.house.root + path, params=query, headers=self.headers)

    def rows(self, most: int = 1) -> list[LedgerRow]:
        """The rows of this key: as soon as there are `most`, or what there is after half a minute."""
        until = monotonic() + 30
        while True:
            found = [row for row in self.house.all_rows() if row.attribution.key == self.name]
            if len(found) >= most or monotonic() > until:
                return found
            sleep(0.05)


def client() -> httpx.Client:
    return httpx.Client(trust_env=False, timeout=60)


@contextlib.contextmanager
def house(folder: Path, settings: str = "") -> Generator[House]:
    """A gateway and its provider while the context lasts."""
    made = House(folder, settings)
    with made.provider:
        made.start()
        try:
            yield made
        finally:
            made.end()
