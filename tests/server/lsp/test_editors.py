"""Whole turns as each known editor would have them: its own capabilities and name, its encoding, and what it cannot answer.

`tests/support/clients` holds what the editors send; `_source` in each says whether it was captured or read in their source.
"""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from tests.server.lsp.test_chat_turn import EDIT, Desk, play
from tests.support.scripted_provider import Reply, ScriptedProvider

CLIENTS = {path.stem: path for path in sorted((Path(__file__).parents[2] / "support/clients").glob("*.json"))}
IMPATIENT = {"eglot-1.9", "eglot-1.24", "lsp-mode-8", "lsp-mode-10", "helix", "zed", "kate-22.12"}
"""Give a command up after some time, or have no name by which that could be known."""
editors = pytest.mark.parametrize("name", CLIENTS)


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CLIENTS[name].read_text("utf-8"))
    return found


def declares(editor: dict[str, Any], *names: str) -> bool:
    value: Any = editor["capabilities"]
    for name in names:
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return bool(value)


async def approve(at: Desk) -> None:
    """Where no message can be answered: the mark in the chat, then a code action."""
    marks = await at.client.until(lambda: [one for one in at.client.all("textDocument/publishDiagnostics") if one["diagnostics"]])
    assert "Use the code actions here" in marks[0]["diagnostics"][0]["message"]
    await at.client.run((await at.client.actions(at.code))["Approve: edit a.py"])


def test_enough_editors_are_known() -> None:
    assert len(CLIENTS) >= 8
    for name in CLIENTS:
        assert load(name)["_source"]["how"] in ("captured", "read")


@editors
def test_a_turn(tmp_path: Path, name: str) -> None:
    editor = load(name)

    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        encodings = editor["capabilities"].get("general", {}).get("positionEncodings")
        # What was not offered may not be named; lsp-mode 8 counts in another one all the same.
        assert at.offered.get("positionEncoding", "utf-16") == (encodings[0] if encodings else "utf-16")
        at.open(source='# é🎉\ny = "🎉"; x = 1\n')
        if editor["questions"]:
            at.answers("Allow once")
        turn = await at.start()
        if not editor["questions"]:
            await approve(at)
        await turn
        await at.client.until(lambda: at.said.endswith("openai/scripted*\n\n## You\n\n"))
        assert at.source == '# é🎉\ny = "🎉"; x = 2  # 🎉\n'
        assert (at.root / "a.py").read_text() == "x = 0\n"
        assert "## You\n\nmake x 2 🎉\n\n## Tallystick\n\nI look 🎉.\n\n- read a.py\n- edit a.py: Changed" in at.said
        assert "\n\nIt is 2 🎉.\n\n*" in at.said
        assert "x = 1" in str(provider.requests[1].body)
        edits = [one["edit"] for one in at.client.all("workspace/applyEdit")]
        assert all(list(edit) == ["documentChanges"] for edit in edits)
        assert bool(at.client.all("$/progress")) == declares(editor, "window", "workDoneProgress")
        assert bool(at.client.all("workspace/codeLens/refresh")) == declares(editor, "workspace", "codeLens", "refreshSupport")

    replies: list[Reply | str] = ['I look 🎉.\ncall read_file {"path": "a.py"}', EDIT, "It is 2 🎉."]
    play(tmp_path, replies, scene, encoding=editor["encoding"], replay=editor)


@editors
def test_a_command_is_answered_before_the_editor_gives_it_up(tmp_path: Path, name: str) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open()
        turn = await at.start()
        await at.client.until(lambda: provider.requests)
        if name in IMPATIENT:
            await turn
        assert turn.done() == (name in IMPATIENT)
        await at.client.run((await at.client.actions(at.chat))["Tallystick: Stop"])
        await turn
        await at.client.until(lambda: "> **Stopped** (cancelled)" in at.said and at.said.endswith("## You\n\n"))

    editor = load(name)
    play(tmp_path, [Reply(hang=True)], scene, encoding=editor["encoding"], replay=editor)


UNVERSIONED = [name for name in CLIENTS if not declares(load(name), "workspace", "workspaceEdit", "documentChanges")]


@pytest.mark.parametrize("name", UNVERSIONED)
def test_an_edit_is_tried_without_versions_where_none_were_declared(tmp_path: Path, name: str) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        def apply(params: Any) -> Any:
            return {"applied": "changes" in params["edit"] and at.client.apply(params["edit"])}

        at.open(prompt="hi")
        at.client.responders["workspace/applyEdit"] = apply
        await (await at.start())
        await at.client.until(lambda: at.said.endswith("openai/scripted*\n\n## You\n\n"))
        assert "Hello 🎉." in at.said

    editor = load(name)
    play(tmp_path, ["Hello 🎉."], scene, encoding=editor["encoding"], replay=editor)
