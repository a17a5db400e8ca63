"""`make demo MODEL=scripted` as a newcomer runs it, without the make: it ends with passing tests and says what was scripted."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.e2e
def test_the_scripted_demo() -> None:
    command = [sys.executable, str(ROOT / "demo/run.py"), "--model", "scripted"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The model's words in this demo are scripted" in done.stdout
    assert "+    return celsius * 9 / 5 + 32" in done.stdout
    assert "The tests pass" in done.stdout
    for heading in ("by purpose", "by model", "What the tokens were spent on"):
        assert heading in done.stdout
