"""The systems that are compared, each a process that answers lines of JSON. Owns their commands, and what they cost.

CPU is user and system time of the process and of the children it waited for; memory is its peak resident set.
"""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from benchmarks.context.score import Answer

HERE: Final = Path(__file__).resolve().parent
TICK: Final = os.sysconf("SC_CLK_TCK")
OURS: Final = [sys.executable, "-m", "tallystick_server", "context", "--serve"]


def commands(aider_python: Path | None) -> dict[str, list[str]]:
    """Every system by its name."""
    baselines = [sys.executable, str(HERE / "baselines.py"), "--serve", "--method"]
    known = {
        "tallystick-outline": [*OURS, "--mode", "outline"],
        "tallystick-bodies": [*OURS, "--mode", "bodies"],
        "bm25": [*baselines, "bm25"],
        "rg": [*baselines, "rg"],
    }
    if aider_python is not None:
        known["aider"] = [str(aider_python), str(HERE / "aider_map.py"), "--serve"]
    return known


class SystemFailedError(Exception):
    """A question without an answer."""


class Served:
    """One process for one repository, with an empty home folder of its own."""

    def __init__(self, command: list[str]) -> None:
        self._home = tempfile.TemporaryDirectory()
        self._said = Path(self._home.name) / "stderr.txt"
        env = {**os.environ, "TALLYSTICK_HOME": self._home.name}
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, encoding="utf-8", env=env
            )
        self._spent = 0.0
        self.alive = True

    def ask(self, repo: Path, query: str, budgets: list[int]) -> tuple[Answer, float]:
        """The answer, and the CPU seconds since the one before; the first has those of starting."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"repo": str(repo), "query": query, "budgets": budgets}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.alive = False
            last = self._said.read_text("utf-8", "replace").strip().splitlines()[-1:]
            raise SystemFailedError(f"ended: {''.join(last)[:300]}")
        before, self._spent = self._spent, self._cpu()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SystemFailedError(str(answer["error"])[:300])
        return Answer(
            order=tuple(answer["order"]), maps={int(budget): str(text) for budget, text in answer["maps"].items()}
        ), self._spent - before

    def peak_mb(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # What a process that died did not take is still to be written.
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._home.cleanup()

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
        return sum(int(one) for one in fields[11:15]) / TICK
