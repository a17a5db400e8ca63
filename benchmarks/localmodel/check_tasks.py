"""Check the benchmark tasks: every repo/ fails its tests, and passes with solution/ laid over it."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

TASKS = Path(__file__).resolve().parent / "tasks"
TEST_COUNTS = {"bug": range(3, 6), "function": range(5, 11)}


def run_tests(folder: Path) -> tuple[bool, int, int]:
    """Return whether the tests passed, how many ran, and how many of them failed."""
    command = [sys.executable, "-m", "unittest", "discover", "-s", ".", "-t", "."]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)
    ran = re.search(r"^Ran (\d+) test", done.stderr, re.M)
    bad = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", done.stderr))
    return done.returncode == 0, int(ran[1]) if ran else 0, bad


def check(task: Path) -> tuple[str, list[str]]:
    """Return a summary of the task and a list of everything that is wrong with it."""
    info = tomllib.loads((task / "task.toml").read_text(encoding="utf-8"))
    repo, solution, kind = task / "repo", task / "solution", info["kind"]
    files = sorted(p.relative_to(solution).as_posix() for p in solution.rglob("*") if p.is_file())
    changed = 0
    for name in files:
        old, new = ((root / name).read_text(encoding="utf-8").splitlines() for root in (repo, solution))
        codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        changed += sum(max(b - a, d - c) for tag, a, b, c, d in codes if tag != "equal")
    with tempfile.TemporaryDirectory() as name:
        copy = shutil.copytree(repo, Path(name) / "repo")
        before, ran, bad = run_tests(copy)
        shutil.copytree(solution, copy, dirs_exist_ok=True)
        after, ran_after, _ = run_tests(copy)
    rules = {
        "prompt is empty": bool(info["prompt"].strip()),
        "solution_files differs from solution/": bool(files) and files == sorted(info["solution_files"]),
        "tests pass without the solution": not before and bad > 0,
        "tests fail with the solution": after and ran_after == ran,
        f"has {ran} tests": ran in TEST_COUNTS[kind],
        f"bug breaks {bad} tests in {changed} lines": kind != "bug" or (bad in (1, 2) and changed in (1, 2, 3)),
        "holds __pycache__": not any(task.rglob("__pycache__")),
    }
    return f"{kind}, {bad} of {ran} tests fail, {changed} lines", [text for text, ok in rules.items() if not ok]


if __name__ == "__main__":
    results = {task.name: check(task) for task in sorted(TASKS.iterdir()) if task.is_dir()}
    for task_id, (summary, faults) in results.items():
        print(f"{'FAIL' if faults else 'ok  '} {task_id}: {'; '.join(faults) or summary}")
    sys.exit(1 if not results or any(faults for _, faults in results.values()) else 0)
