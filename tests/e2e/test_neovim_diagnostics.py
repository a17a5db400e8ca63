"""Real Neovim, set up as docs/diagnostics.md says, tells what its tools say; exactly the new error goes to the model."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.test_neovim import HINT
from tests.support.lsp_client import SERVER
from tests.support.neovim import play
from tests.support.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.e2e
PAGE = Path(__file__).parents[2] / "docs" / "diagnostics.md"
EDIT = 'call edit {"path":"a.py","edits":[{"old":"x = 1","new":"x = 2  # 🎉"}]}'


def test_reports_of_neovim(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    nvim = need_tool("nvim", HINT)
    root = tmp_path / "work"
    root.mkdir()
    (root / "a.py").write_text("x = 0\n")
    [configuration] = re.findall(r"^```lua\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "init.lua").write_text(configuration, "utf-8")
    with ScriptedProvider([EDIT, "Now it is 2."]) as provider:
        seen = play(nvim, "diagnostics.lua", tmp_path, provider, str(root), str(tmp_path / "init.lua"), *SERVER)
        last = str(provider.requests[-1].body)
    assert seen["code"] == "# unsaved 🎉\nx = 2  # 🎉\ny = z"
    assert r"The edit made 1 new error:\na.py:2:10: error: two is wrong (tool E2)" in last
    assert "z is not defined" not in last
    assert seen["messages"] == []
    assert all(isinstance(report["version"], int) for report in seen["reports"])
