"""Servers of other people's making, run for tests out of the environments that `scripts/foreign` makes.

Owns finding such an environment, and a process that surely ends: with its context, and with the test process however that
ends. It knows no server in particular.
"""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READY_S = 120.0
"""How long a server may take to get ready on a busy machine, in seconds."""
TIE = """
import os, sys, threading
def last():
    while os.read(0, 64):
        pass
    os._exit(0)
threading.Thread(target=last, daemon=True).start()
"""
"""The first lines of a Python child: it ends when its standard input closes, that is, with its parent."""


def foreign_python(name: str) -> Path:
    """The Python of `.venv-NAME`. Missing, it fails in CI and skips elsewhere, saying how to get it."""
    python = ROOT / f".venv-{name}" / "bin" / "python"
    made = list(python.parents[1].glob(".made-*"))
    if not python.exists() or not made:
        missing(f"The environment .venv-{name} is missing.")
    return python


def missing(what: str) -> None:
    message = f"{what} Run `make foreign`."
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(
    command: Sequence[str], ready: Callable[[str], bool], environment: dict[str, str] | None = None
) -> Generator[None, None, None]:
    """Runs a server while the context lasts. `ready` is given all that it has written to standard output so far.

    The server must end when its standard input closes: `TIE` sees to it. It gets an empty home and none of our variables.
    """
    with tempfile.TemporaryDirectory(prefix="foreign") as folder, (Path(folder) / "log").open("w+b") as log:
        variables = {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder, **(environment or {})}
        out = Path(folder) / "out"
        with out.open("wb") as stdout:
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, stderr=log, env=variables, cwd=folder)
        try:
            deadline = time.monotonic() + READY_S
            while not ready(out.read_text("utf-8", "replace")):
                if child.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    told = out.read_bytes()[-2000:] + log.read()[-2000:]
                    raise AssertionError(f"The server did not get ready ({child.poll()}):\n{told.decode('utf-8', 'replace')}")
                time.sleep(0.05)
            yield
        finally:
            assert child.stdin is not None
            child.stdin.close()
            try:
                child.wait(10)
            finally:
                child.kill()
                child.wait()
