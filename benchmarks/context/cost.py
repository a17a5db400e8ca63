"""What retrieval costs: CPU seconds cold and warm, after an edit, and memory over many questions, of the real command.

    python benchmarks/context/cost.py --repos FOLDER [--only sqlalchemy,sympy] [--queries 500]

Each repository is served by one `tallystick context --serve` with an empty home folder. CPU is user and system time of the
process and of the children it waited for; memory is the resident set.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TASKS = (
    "Fix the error that is raised when the configuration has no default value",
    "Handle empty input in the parser and report the position of the error",
    "Wrong result when two options are combined, add a check for the types",
    "Improve the message of the exception for a missing argument in the constructor",
)
TICK = os.sysconf("SC_CLK_TCK")


class Served:
    def __init__(self, home: str) -> None:
        command = [sys.executable, "-m", "tallystick_server", "context", "--serve"]
        env = {**os.environ, "TALLYSTICK_HOME": home}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def ask(self, repo: Path, query: str, budgets: list[int]) -> tuple[dict[str, Any], float]:
        """The answer, and the CPU seconds that it took."""
        before = self.cpu()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"repo": str(repo), "query": query, "budgets": budgets}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline()), self.cpu() - before

    def cpu(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
        return sum(int(one) for one in fields[11:15]) / TICK

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


def measure(repo: Path, queries: int) -> str:
    files = len(
        subprocess.run(["git", "-C", str(repo), "ls-files"], capture_output=True, text=True, check=True).stdout.splitlines()
    )
    with tempfile.TemporaryDirectory() as home:
        served = Served(home)
        _, cold = served.ask(repo, TASKS[0], [2_000])
        warm = [served.ask(repo, f"{task} number {n}", [2_000])[1] for n in range(4) for task in TASKS]
        bodies = [served.ask(repo, f"{task} again {n}", [8_000])[1] for n in range(2) for task in TASKS]
        early = served.resident_mb()
        target = largest_middling(repo)
        text = target.read_bytes()
        edits: list[float] = []
        for n in range(6):
            target.write_bytes(text + b"\n# edit %d\n" % n)
            edits.append(served.ask(repo, f"{TASKS[0]} number {n}", [2_000])[1])
        target.write_bytes(text)
        for n in range(queries):
            served.ask(repo, f"{TASKS[n % len(TASKS)]} case {n}", [2_000])
        late = served.resident_mb()
        served.close()
        fresh = Served(home)
        _, again = fresh.ask(repo, TASKS[0], [2_000])
        fresh.close()
    edit = statistics.median(edits) - statistics.median(warm)
    return (
        f"| {repo.name} | {files:,} | {cold:.2f} | {1000 * cold / files:.2f} | {again:.2f} | {statistics.median(warm):.3f} |"
        f" {statistics.median(bodies):.3f} | {edit * 1000:.0f} | {early:.0f} | {late:.0f} |"
    )


def largest_middling(repo: Path) -> Path:
    """A source file of about 20 kB."""
    found = [path for ending in ("py", "go", "rs", "ts") for path in repo.rglob(f"*.{ending}") if "test" not in str(path)]
    return min(found, key=lambda path: (abs(path.stat().st_size - 20_000), path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repos", type=Path, required=True)
    parser.add_argument("--only", default="flask,pydantic,sqlalchemy,sympy,ruff")
    parser.add_argument("--queries", type=int, default=100)
    given = parser.parse_args()
    print("| repository | files | cold s | cold s/1,000 files | new process s | query s | bodies s | edit ms | MB | MB later |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in given.only.split(","):
        print(measure(given.repos / name, given.queries), flush=True)


if __name__ == "__main__":
    main()
