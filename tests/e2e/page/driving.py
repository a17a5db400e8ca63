"""Runs `drive.mjs` and gives what the person saw."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = "apt-get install --no-install-recommends chromium"


def drive(modules: Path, home: Path, given: dict[str, Any]) -> dict[str, Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        message = f"chromium is missing. {CHROMIUM}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    asked = json.dumps({"shots": "", "only": "", "calls": [], **given, "modules": str(modules), "chromium": chromium})
    command = ["node", str(Path(__file__).parent / "drive.mjs"), asked]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(lines[-1])
    assert done.returncode == 0, json.dumps(found, indent=1, ensure_ascii=False)[:6_000]
    return found
