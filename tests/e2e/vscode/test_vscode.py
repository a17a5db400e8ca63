"""Real VS Code with our extension, our server and a scripted provider, driven as a person would in Debian's Chromium.

One long run (`drive.mjs`), since a start costs more than all its steps. Pictures of it go to the folder that
`TALLYSTICK_PICTURES` names, else to the test's own.
"""

import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.vscode.code_server import code_server
from tests.e2e.vscode.conftest import FOREIGN
from tests.support.lsp_client import started
from tests.support.scripted_provider import Reply, ScriptedProvider

pytestmark = pytest.mark.e2e
CHROMIUM = "apt-get install --no-install-recommends chromium"
A = "def total(prices):\n    return sum(prices)\n"
B = "# b.py\n"
MODEL = "openai/gpt-5-mini"
OF_A_SERVER_THAT_DID_NOT_START = ("couldn't create connection", "Starting server failed")
ANSWER = """\
`total` now takes the **tax** into account:

1. The rate is an argument, `tax`, and *0* by default.
2. Callers stay as they are:
   - `total([1, 2])` is still 3
   - `total([100], tax=0.2)` is 120

```python
total([100], tax=0.2)
```

<img src=x onerror=alert(1)> <b>no HTML</b>"""
CHAT: list[Reply | str] = [
    "reasoning The function sums prices. Where would the tax come in?\n"
    'I will look at `a.py` first.\ncall read_file {"path":"a.py"}',
    'call edit {"path":"a.py","edits":[{"old":"def total(prices):\\n    return sum(prices)",'
    '"new":"def total(prices, tax=0.0):\\n    return sum(prices) * (1 + tax)"}]}',
    'call ask_user {"question":"Round the result?","options":["to cents","not at all"]}',
    Reply(lines=ANSWER, delay_s=0.01),
]
DOCUMENT: list[Reply | str] = [
    'call read_file {"path":"b.py"}',
    'call edit {"path":"b.py","edits":[{"old":"# b.py","new":"# b.py says hello"}]}',
    "Hello is in.",
    "Again it is.",
]
ASK: list[Reply | str] = ["The first line is not saved."]
AFTER: list[Reply | str] = [
    "Still here.",
    Reply(hang=True),
    "Here I am.",
    Reply(hang=True),
    Reply(hang=True),
    "After the restart.",
]


def script() -> Callable[[dict[str, Any], int], Reply]:
    """What the model says; a request that offers no tools is one for a completion, and takes none of the turns' replies."""
    left: list[Reply | str] = [*CHAT, *DOCUMENT, *ASK, *AFTER]

    def reply(body: dict[str, Any], _: int) -> Reply:
        if not body.get("tools"):
            return Reply(lines="42")
        said = left.pop(0) if left else Reply(status=400, body='{"error": {"message": "the script has ended"}}')
        return Reply(lines=said) if isinstance(said, str) else said

    return reply


async def offers(environment: dict[str, str], root: Path) -> bool:
    """Whether this server completes inline."""
    async with started(environment) as client:
        answer = await client.initialize(root, {"textDocument": {"inlineCompletion": {}}})
        await client.stop()
    return answer["capabilities"].get("inlineCompletionProvider") is not None


@pytest.fixture
def seen(vsix: Path, node_path: str, tmp_path: Path, need_tool: Callable[[str, str], str]) -> dict[str, Any]:
    """What the person saw, and `requests`, what the provider was asked."""
    import asyncio

    chromium = need_tool("chromium", CHROMIUM)
    root = tmp_path / "work"
    root.mkdir()
    (root / "a.py").write_text(A)
    (root / "b.py").write_text(B)
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text("")
    shots = Path(os.environ.get("TALLYSTICK_PICTURES") or tmp_path / "pictures")
    shots.mkdir(parents=True, exist_ok=True)
    with ScriptedProvider(script()) as provider:
        environment = {
            "PATH": node_path,
            "TALLYSTICK_HOME": str(home),
            "OPENAI_API_KEY": "sk-test-123456",
            "OPENAI_BASE_URL": provider.url,
        }
        inline = asyncio.run(offers(environment, root))
        if inline:
            (home / "settings.toml").write_text(f'[completion]\nenabled = true\ndebounce_ms = 0\nmodel = "{MODEL}"\n')
        settings = {"tallystick.python": sys.executable, "tallystick.model": MODEL}
        with code_server(FOREIGN, tmp_path, vsix, settings=settings, environment=environment) as url:
            given = {
                "url": f"{url}?folder={root}",
                "shots": str(shots),
                "home": str(home),
                "modules": str(FOREIGN),
                "chromium": chromium,
                "inline": inline,
                "settings": str(tmp_path / "data/Machine/settings.json"),
                "python": _bare_python(tmp_path),
            }
            command = ["node", str(Path(__file__).parent / "drive.mjs"), json.dumps(given)]
            done = subprocess.run(
                command, env={**environment, "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=400, check=False
            )
        requests = [json.dumps(one.body, ensure_ascii=False) for one in provider.requests]
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(lines[-1])
    assert done.returncode == 0, json.dumps(found, indent=1, ensure_ascii=False)
    return {**found, "requests": requests, "root": root, "inline": inline}


def _bare_python(folder: Path) -> str:
    """A Python that has no Tallystick."""
    venv.create(folder / "bare", with_pip=False)
    return str(folder / "bare/bin/python")


def test_an_hour_in_vscode(seen: dict[str, Any]) -> None:
    _starts_nothing_without_trust(seen)
    _chat(seen)
    _undo(seen)
    _chat_document(seen)
    _ask_about_code(seen)
    if seen["inline"]:
        assert "42" in seen["ghost"]
        assert seen["completed"].endswith("answer = 42")
    _server_dies(seen)
    assert seen["restarted"] == "The server ended in the middle of this turn. What was done stays done."
    _server_cannot_start(seen)
    assert [line for line in seen["console"] if not any(noise in line for noise in OF_A_SERVER_THAT_DID_NOT_START)] == []


def _starts_nothing_without_trust(seen: dict[str, Any]) -> None:
    assert seen["untrusted"]["servers"] == []
    assert "do not trust" in seen["untrusted"]["banner"]


def _chat(seen: dict[str, Any]) -> None:
    asked, read, *_ = seen["requests"]
    assert "make total count the tax too" in asked
    assert "Open in the editor with unsaved changes: a.py." in asked
    assert "# unsaved" in read, "the model reads the text on the screen"
    assert (seen["root"] / "a.py").read_text() == A, "and nothing is saved"
    card = seen["card"]
    assert card["text"] == "Permission edit a.py"
    assert "+    return sum(prices) * (1 + tax)" in card["diff"]
    assert card["buttons"] == ["Allow once", "Allow for this session", "Reject"]
    assert seen["focused"] != "BUTTON", "a card takes no focus"
    assert "1" in seen["badge"]
    assert seen["edited"] == "# unsaved\ndef total(prices, tax=0.0):\n    return sum(prices) * (1 + tax)\n"
    chat = seen["chat"]
    assert chat["code"] == ["total([100], tax=0.2)"]
    assert "<img src=x onerror=alert(1)> <b>no HTML</b>" in chat["message"]
    assert chat["html"] == 0
    assert [line.replace("\n", " ") for line in chat["calls"]] == ["✓ read a.py", "✓ edit a.py +2 −2 allowed once"]
    assert re.fullmatch(r"[\d,]+ tokens in · \d+ out · \$0\.\d{4}", chat["usage"])
    assert chat["context"] == "<1% of 272k"
    assert chat["thoughts"].startswith("The function sums prices.")
    assert chat["announced"] == "The turn has ended."
    assert re.fullmatch(r"gpt-5-mini · <1% · \$0\.\d{4}", seen["status"]["text"])
    assert f"Model: {MODEL}" in seen["status"]["label"]
    assert "to cents" in "".join(seen["requests"][:4])


def _undo(seen: dict[str, Any]) -> None:
    assert seen["undone"] == seen["takenBack"] == "# unsaved\n" + A


def _chat_document(seen: dict[str, Any]) -> None:
    assert "edit b.py" in seen["asked"]["text"]
    assert seen["asked"]["buttons"] == ["Allow once", "Allow for this session", "Reject"]
    assert (seen["root"] / "b.py").read_text() == "# b.py says hello\n"
    document = seen["document"]
    assert document.startswith("<!-- tallystick session: s-")
    for line in ("say hello to b.py", "- edit b.py: Changed b.py (+1 -1).", "Hello is in.", "and again 🎉", "Again it is."):
        assert document.count(line) == 1, document


def _ask_about_code(seen: dict[str, Any]) -> None:
    assert "What do you want to know about this code?" in seen["box"]
    asked = seen["askedCode"]
    assert re.search(r"@a\.py:\d+(-\d+)? what is unsaved here\?", asked), asked
    assert "The first line is not saved." in asked
    [chat] = (seen["root"] / ".tally").glob("*what-is-unsaved*.tally.md")
    assert (chat.parent / ".gitignore").read_text() == "*\n"


def _server_dies(seen: dict[str, Any]) -> None:
    assert seen["after"] == {"other": True}
    assert seen["recovered"]["notes"] == ["The server ended in the middle of this turn. What was done stays done.", "Stopped."]
    there, waits, on = seen["requests"][-6:-3]
    assert "make total count the tax too" in there, "the session goes on where it was"
    assert "wait for me" in waits
    assert on.count("wait for me") == 1
    assert seen["anew"] == 1


def _server_cannot_start(seen: dict[str, Any]) -> None:
    assert "could not be started" in seen["stopped"]["banner"]
    assert "stopped" in seen["stopped"]["status"]["text"]
    assert "/not/there/python" in seen["missing"]["banner"]
