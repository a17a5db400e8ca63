"""Real Neovim, headless: lines are explained, a comment is done, and the agent's changes are kept or undone one by one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.test_neovim import HINT
from tests.support.lsp_client import SERVER
from tests.support.neovim import play
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
        seen = play(nvim, "in_code.lua", tmp_path, provider, str(root), *SERVER)
        requests = [str(request.body) for request in provider.requests]
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
