"""The local model on small tasks: how many the agent solves, and for how many tokens. Prints a table and JSON Lines.

    python benchmarks/localmodel/run_tasks.py [--tasks DIR] [--only SUBSTRING] [--attempts N] [--model SLUG] [--out FILE]

Each task is a folder with `task.toml` (prompt) and `repo/`; the agent gets a git repository with a copy of `repo/` and the
prompt. A task counts as solved when its tests, put back as they were, pass afterwards and the run exited with 0.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def tests_pass(folder: Path) -> bool:
    command = [sys.executable, "-B", "-m", "unittest", "discover", "-s", ".", "-t", "."]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False).returncode == 0


def run_task(task: Path, options: argparse.Namespace) -> dict[str, Any]:
    prompt = tomllib.loads((task / "task.toml").read_text("utf-8"))["prompt"]
    with tempfile.TemporaryDirectory() as temporary:
        repo = Path(temporary) / "repo"
        shutil.copytree(task / "repo", repo)
        for arguments in (
            ["init", "-q"],
            ["add", "-A"],
            ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "start"],
        ):
            subprocess.run(["git", *arguments], cwd=repo, check=True)
        command = [
            str(Path(sys.executable).parent / "tallystick"),
            "run",
            prompt,
            "--repo",
            str(repo),
            "--yes",
            "--json",
            "--attempts",
            str(options.attempts),
        ]
        command += ["--model", options.model] if options.model else []
        start = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        used = [event["usage"] for event in events if event["kind"] == "request_finished"]
        for test in (path for path in (task / "repo").rglob("*.py") if path.name.startswith("test_")):
            shutil.copyfile(test, repo / test.relative_to(task / "repo"))
        return {
            "task": task.name,
            "solved": done.returncode == 0 and tests_pass(repo),
            "exit": done.returncode,
            "requests": len(used),
            "tokens": sum(one["input_tokens"] + one["output_tokens"] for one in used),
            "seconds": round(time.monotonic() - start, 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=Path, default=HERE / "tasks")
    parser.add_argument("--only", default="")
    parser.add_argument("--attempts", type=int, default=10)
    parser.add_argument("--model", default="")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(f"{'task':28} {'solved':>6} {'exit':>4} {'requests':>8} {'tokens':>7} {'seconds':>7}")
    for task in sorted(path for path in options.tasks.iterdir() if (path / "task.toml").exists() and options.only in path.name):
        row = run_task(task, options)
        rows.append(row)
        print(
            f"{row['task']:28} {'yes' if row['solved'] else 'no':>6} {row['exit']:>4}"
            f" {row['requests']:>8} {row['tokens']:>7} {row['seconds']:>7}",
            flush=True,
        )
    solved, tokens = sum(row["solved"] for row in rows), sum(row["tokens"] for row in rows)
    print(f"\nsolved {solved} of {len(rows)}; {tokens} tokens in all, {tokens // max(1, solved)} a solved task")
    if options.out:
        options.out.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


if __name__ == "__main__":
    main()
