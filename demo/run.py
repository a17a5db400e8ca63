"""`make demo`: a small repository with a failing test, and the real agent run on it until the test passes.

With `--model local` the model runs on this machine (got once, 1.1 GB). With `--model scripted` a script stands in for the
model behind a real HTTP server, and says so; any other value is a model slug.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TASK = "make the tests pass"
LOCAL = "qwen2.5-coder-1.5b"


def tallystick(*arguments: str, environment: dict[str, str]) -> int:
    return subprocess.run([sys.executable, "-I", "-m", "tallystick_server", *arguments], env=environment, check=False).returncode


def make_repository(folder: Path) -> Path:
    repo = folder / "weather"
    shutil.copytree(HERE / "workspace", repo)
    for arguments in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=demo", "-c", "user.email=demo@localhost", "commit", "-qm", "A failing test"],
    ):
        subprocess.run(["git", *arguments], cwd=repo, check=True)
    return repo


def tests_pass(repo: Path) -> bool:
    command = [sys.executable, "-B", "-m", "unittest", "discover", "-s", ".", "-t", "."]
    return subprocess.run(command, cwd=repo, capture_output=True, check=False).returncode == 0


def run(model: str, repo: Path, environment: dict[str, str]) -> int:
    print(f'\n$ tallystick run "{TASK}" --repo {repo} --model {model} --yes\n', flush=True)
    return tallystick("run", TASK, "--repo", str(repo), "--model", model, "--yes", environment=environment)


def scripted(repo: Path, folder: Path) -> int:
    sys.path.insert(0, str(HERE.parent))
    from tests.support.scripted_provider import ScriptedProvider

    print("The model's words in this demo are scripted: a local HTTP server says them. Everything else is real.")
    replies = (HERE / "script.txt").read_text("utf-8").split("\n---\n")
    with ScriptedProvider([*replies]) as provider:
        state = {
            "TALLYSTICK_HOME": str(folder / "state"),
            "OPENAI_API_KEY": "scripted-0000",
            "OPENAI_BASE_URL": provider.url,
        }
        return run("openai/scripted", repo, {**os.environ, **state})


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="local")
    model: str = parser.parse_args().model
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="tallystick-demo-") as temporary:
        folder = Path(temporary)
        repo = make_repository(folder)
        if tests_pass(repo):
            print("The demo's repository has no failing test.", file=sys.stderr)
            return 1
        if model == "local":
            code = tallystick("models", "pull", LOCAL, environment=environment)
            if code != 0:
                return code
            model = f"local/{LOCAL}"
        start = time.monotonic()
        code = scripted(repo, folder) if model == "scripted" else run(model, repo, environment)
        passed = tests_pass(repo)
        took = f"{time.monotonic() - start:.0f} s"
        print(f"\n{'The tests pass' if passed else 'The tests still fail'} after {took}; the run ended with exit code {code}.")
        return code if code != 0 else 0 if passed else 3


if __name__ == "__main__":
    sys.exit(main())
