"""Tiny projects on disk and real test runs in a child process, for the tests that read what runners print."""

import subprocess
import sys
import textwrap
from pathlib import Path


def project(folder: Path, **files: str) -> Path:
    """Files by name; `__` in a name stands for `/`, and `.py` is added."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    return folder


def run(folder: Path, *command: str) -> tuple[int, str]:
    """Exit code and everything that was printed, with an environment of its own."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    child = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return child.returncode, child.stdout


UNITTEST = ("-m", "unittest", "discover", "-s", ".", "-t", ".")
PYTEST = ("-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider")
