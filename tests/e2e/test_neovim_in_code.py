"""Real Neovim, headless: lines are explained, a comment is done, and the agent's changes are kept or undone one by one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.test_neovim import HINT
from tests.support.lsp_client import SERVER
from tests.support.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.e2e
EDITS = [
    {"old": "x = 1", "new": "x = 2  # 🎉"},
    {"old": "y = 1", "new": "y = 2"},
    {"old": "# tally: make z 2\nz = 1", "new": "z = 2"},
]


def test_work_in_code(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    nvim = need_tool("nvim", HINT)
    root = tmp_path / "work"
    root.mkdir()
    (root / "a.py").write_text("x = 0\n")
    edit = f"call edit {json.dumps({'path': 'a.py', 'edits': EDITS})}"
    with ScriptedProvider(["It is one 🎉.", edit, "Now it is 2."]) as provider:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TALLYSTICK_HOME": str(tmp_path / "home"),
            "OPENAI_API_KEY": "sk-test-123456",
            "OPENAI_BASE_URL": provider.url,
        }
        script = str(Path(__file__).parent / "in_code.lua")
        command = [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-l", script, str(root), *SERVER]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        requests = [str(request.body) for request in provider.requests]
    shown = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert shown, f"{sys.executable}: {done.stdout}\n{done.stderr}"
    seen = json.loads(shown[-1])
    assert done.returncode == 0, f"{seen}\n{done.stderr}"
    assert "Explain @a.py:2-4: " in requests[0]
    assert "x = 1" in requests[0], "the mention carries the text on the screen"
    assert Path(seen["explained"]["name"]).parent == root / ".tally"
    assert "It is one 🎉." in seen["explained"]["text"]
    assert "Do what the comment in @a.py:6 says" in requests[1]
    assert "Now it is 2." in seen["done"]["text"]
    assert seen["landed"] == "# unsaved 🎉\nx = 2  # 🎉\n\ny = 2\n\nz = 2"
    assert seen["code"] == "# unsaved 🎉\nx = 1\n\ny = 2\n\nz = 2"
    assert seen["last"] == "# unsaved 🎉\nx = 1\n\ny = 2\n\n# tally: make z 2\nz = 1"
    assert seen["modified"] is True
    assert (root / "a.py").read_text() == "x = 0\n"
    assert seen["messages"] == []
