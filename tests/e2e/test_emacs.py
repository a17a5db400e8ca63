"""Real Emacs in batch, with eglot and with lsp-mode, set up by what docs/editors/emacs.md says: unsaved text, a chat sent by a
code action, the approval, the edit, undo."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.scripted_provider import Reply, ScriptedProvider
from tests.support.snippets import snippets

pytestmark = pytest.mark.e2e
HINT = "apt-get install --no-install-recommends emacs-nox elpa-eglot elpa-lsp-mode elpa-markdown-mode"


@pytest.mark.parametrize("client", ["eglot", "lsp-mode"])
def test_a_chat_in_emacs(tmp_path: Path, need_tool: Callable[[str, str], str], client: str) -> None:
    emacs = need_tool("emacs", HINT)
    root = tmp_path / "work"
    (root / ".git").mkdir(parents=True)
    (root / "a.py").write_text("x = 0\n")
    [init] = [one for one in snippets("emacs", "elisp") if f"with-eval-after-load '{client}" in one]
    (tmp_path / "init.el").write_text(init)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/settings.toml").write_text('model = "openai/scripted"\n')
    words = " ".join(f"word {number}" for number in range(40))
    replies: list[Reply | str] = [
        Reply(lines=f'Let me see 🎉. {words}\ncall read_file {{"path": "a.py"}}', delay_s=0.05),
        'call edit {"path":"a.py","edits":[{"old":"x = 1","new":"x = 2  # 🎉"}]}',
        "Now it is 2 🎉.",
    ]
    with ScriptedProvider(replies) as provider:
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "HOME": str(tmp_path),
            "TALLYSTICK_HOME": str(tmp_path / "home"),
            "OPENAI_API_KEY": "sk-test-123456",
            "OPENAI_BASE_URL": provider.url,
            "STORY_ROOT": str(root),
            "STORY_INIT": str(tmp_path / "init.el"),
        }
        script = Path(__file__).parent / f"emacs_{client.replace('-', '')}.el"
        # `-q` and not `-Q`: that would hide the packages of the system.
        command = [emacs, "-q", "--batch", "-l", str(script)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
        requests = list(provider.requests)
    shown = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert shown, f"{HINT}\n{done.stdout}\n{done.stderr}"
    seen = json.loads(shown[-1])
    assert done.returncode == 0, f"{seen}\n{done.stderr}"
    assert "# unsaved 🎉" in str(requests[1].body), "the model reads the text on the screen"
    assert seen["code"] == "# unsaved 🎉\nx = 2  # 🎉\n"
    assert seen["modified"] is True
    assert (root / "a.py").read_text() == "x = 0\n"
    assert seen["taken-back"] == "# unsaved 🎉\nx = 1\n", "the code action takes the turn's change back"
    assert seen["undone"] == "# unsaved 🎉\nx = 2  # 🎉\n", "and the editor's own undo that of the action"
    assert not (root / "talk.tally.md").exists()
    [asked] = [one for one in seen["asked"] if "Allow once" in one["choices"]]
    assert asked["choices"] == ["Allow once", "Allow for this session", "Reject"]
    assert "edit a.py" in asked["prompt"]
    assert seen["confirmed"] == [], "no edit of the answer was asked about"
    assert "word 39" not in seen["back"], "Emacs is free while the answer comes"
    first, rest = seen["chat"].split("\n", 1)
    assert first.startswith("<!-- tallystick session: s-")
    said = f"## Tallystick\n\nLet me see 🎉. {words}\n\n- read a.py\n- edit a.py: Changed a.py (+1 -1).\n"
    assert rest.startswith(f"## You\n\nmake x 2 🎉\n\n{said}")
    assert "\n\nNow it is 2 🎉.\n\n*" in rest
    assert " tokens in, " in rest
    assert "openai/scripted*\n\n## You\n\n/undo\n\n## Tallystick\n\n- undo a.py: Undone.\n" in rest
    assert rest.rstrip("\n").endswith("\n\n## You")
