"""A real gateway in front of the scripted provider. Owns its settings, its keys, its life, and reading its books."""

import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import httpx

from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.record import LedgerRow
from tests.support.foreign_process import READY_S
from tests.support.gateway_clients.model import INPUT_NANOS, OUTPUT_NANOS, Spent
from tests.support.program import Program

MODEL: Final = "scripted/acme-1"
SETTINGS: Final = f"""
[catalog]
refresh_hours = 0
[providers.scripted]
base_url = "{{url}}"
{{speaks}}
[endpoints."{MODEL}"]
window_tokens = 1000000
max_output_tokens = 32000
price = {{{{ input = "{INPUT_NANOS / 1_000:.1f}", output = "{OUTPUT_NANOS / 1_000:.1f}" }}}}
"""
READER: Final = "reader"
CHARGING: Final = 'dialect = "openrouter"'
"""The setting for a provider that tells what it charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A gateway that serves. `root` is without `/v1`."""

    root: str
    program: Program
    reader: str
    """A key that reads everybody's usage."""

    def key(self, name: str) -> str:
        """A new key for an app."""
        made = self.program.run("gateway", "keys", "add", name)
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def ask(self, path: str, **query: str) -> Any:
        """What the gateway's own API answers to the reader."""
        headers = {"authorization": f"Bearer {self.reader}"}
        with httpx.Client(trust_env=False, timeout=60, headers=headers) as client:
            found = client.get(f"{self.root}/v1/{path}", params=query)
        assert found.status_code == 200, f"{path}: {found.status_code} {found.text[:500]}"
        return found.json()

    def rows(self, key: str) -> list[LedgerRow]:
        """The rows of the ledger under a key's name."""
        ledger = Ledger(self.program.home / "ledger.sqlite3")
        try:
            return [one.row for one in ledger.rows(most=100_000) if one.row.attribution.key == key]
        finally:
            ledger.close()

    def booked(self, key: str) -> Counter[Spent]:
        """What these rows say, as the provider would have told it."""
        return Counter(
            Spent(
                input=row.usage.input_tokens,
                output=row.usage.output_tokens,
                cached=row.usage.cached_tokens,
                reasoning=row.usage.reasoning_tokens,
                nanos=row.cost.nanos or 0,
            )
            for row in self.rows(key)
        )


@contextmanager
def gateway(folder: Path, upstream: str, *, speaks: str = CHARGING) -> Generator[Served]:
    """Runs `tallystick gateway` while the context lasts, with its state in `folder`. `speaks` is a setting of the provider."""
    folder.mkdir(parents=True, exist_ok=True)
    program = Program(folder=folder)
    environment = {key: value for key, value in program.environment.items() if not key.startswith("OPENAI_")}
    (program.home / "settings.toml").write_text(SETTINGS.format(url=upstream, speaks=speaks), "utf-8")
    made = program.run("gateway", "keys", "add", READER, "--reads")
    assert made.returncode == 0, made.stderr
    out = folder / "gateway.out"
    with out.open("wb") as told:
        child = subprocess.Popen(
            [sys.executable, "-I", "-m", "tallystick_server", "gateway", "--port", "0"],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Served(root=_root(child, out), program=program, reader=made.stdout.strip())
    finally:
        child.terminate()
        try:
            child.wait(30)
        finally:
            child.kill()
            child.wait()


def _root(child: "subprocess.Popen[bytes]", out: Path) -> str:
    until = monotonic() + READY_S
    while True:
        told = out.read_text("utf-8", "replace")
        found = next((word for word in told.split() if word.startswith("http://127.0.0.1:")), "")
        if found and told.endswith("\n"):
            return found.removesuffix("/v1")
        ended = child.poll() is not None or monotonic() > until
        assert not ended, f"the gateway does not serve:\n{told[-2000:]}"
        sleep(0.05)
