"""What nobody may find in a log: words of the person, of files, of the model and of commands, and keys.

The logs are standard error and the folder `logs` of the state. The session's own history holds the words, and no key.
"""

import asyncio
from pathlib import Path

from tests.server.lsp.test_chat_turn import Desk
from tests.support.lsp_client import started
from tests.support.scripted_provider import Reply, ScriptedProvider

KEY = "sk-marked-key-0123456789"
WORDS = ("prompt-mark", "file-mark", "unsaved-mark", "answer-mark", "command-mark", "edit-mark", "open-mark", "error-mark")


def replies() -> list[Reply | str]:
    return [
        'answer-mark\ncall read_file {"path": "b.py"}\ncall read_file {"path": "a.py"}',
        'call run_command {"command": "echo command-mark; exit 3"}',
        'call edit {"path":"a.py","edits":[{"old":"unsaved-mark","new":"edit-mark"}]}',
        "call edit {broken answer-mark",
        Reply(status=500, body=f'{{"error": {{"message": "error-mark {KEY}"}}}}'),
        "answer-mark again",
        Reply(status=400, body=f'{{"error": {{"message": "error-mark {KEY}"}}}}'),
    ]


def test_no_words_and_no_keys_in_logs(tmp_path: Path) -> None:
    root, home, said = tmp_path / "work", tmp_path / "home", tmp_path / "stderr"
    root.mkdir()
    (root / "b.py").write_text(f"file-mark = 1\nkey = '{KEY}'\n")

    async def run(provider: ScriptedProvider) -> None:
        environment = {"TALLYSTICK_HOME": str(home), "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": provider.url}
        with said.open("wb") as stderr:
            async with started(environment, stderr=stderr) as client:
                await client.initialize(root)
                at = Desk(client, root)
                at.open("prompt-mark", "unsaved-mark = 1\n")
                at.answers("Allow once")
                await at.send()
                at.client.replace(at.chat, len(at.said), len(at.said), "prompt-mark /nothing\n")
                await at.send()
                # What cannot be understood, and what has no handler.
                client.send_raw(b'{"prompt-mark": ')
                client.notify("textDocument/didChange", {"textDocument": "open-mark", "contentChanges": [KEY]})
                client.notify(
                    "textDocument/didChange", {"textDocument": {"uri": "file:///open-mark", "version": 1}, "contentChanges": []}
                )
                client.notify("open-mark/method", {"text": KEY})
                assert await client.stop() == 0

    with ScriptedProvider(replies()) as provider:
        asyncio.run(run(provider))
    logs = [said, *(path for path in (home / "logs").rglob("*") if path.is_file())]
    for log in logs:
        text = log.read_text()
        for word in (*WORDS, KEY):
            assert word not in text, f"{word} stands in {log.name}"
    for path in home.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), f"the key stands in {path.name}"
