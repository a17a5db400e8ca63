"""Keep and Undo of what the agent changed, whole: a real server process, a scripted editor, a scripted provider."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.server.lsp.test_chat_turn import Desk, play
from tests.server.lsp.test_code_actions import ALL, lines, offered, read
from tests.support.lsp_client import LspError
from tests.support.scripted_provider import Reply, ScriptedProvider

SOURCE = "".join(f"line {number} é🎉\n" for number in range(12))
TWO = 'call edit {"path":"a.py","edits":[{"old":"line 2 é🎉","new":"two 🎉\\nand"},{"old":"line 8 é🎉\\n","new":""}]}'
CHANGED = SOURCE.replace("line 2 é🎉", "two 🎉\nand").replace("line 8 é🎉\n", "")


async def lenses(at: Desk) -> list[tuple[int, str, dict[str, Any]]]:
    found = await at.client.request("textDocument/codeLens", {"textDocument": {"uri": at.code}})
    return [(one["range"]["start"]["line"], one["command"]["title"], one) for one in found]


async def changed(at: Desk) -> None:
    at.answers("Allow for this session")
    await at.send()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lenses_and_undo(tmp_path: Path, encoding: str, newline: str) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(source=SOURCE.replace("\n", newline))
        assert await lenses(at) == []
        await changed(at)
        assert at.source == CHANGED.replace("\n", newline)
        before = len(at.client.all("workspace/codeLens/refresh"))
        shown = await lenses(at)
        assert [(line, title) for line, title, _ in shown] == [
            (0, "✓ Keep all 2"),
            (0, "↶ Undo all 2"),
            (2, "✓ Keep"),
            (2, "↶ Undo"),
            (9, "✓ Keep"),
            (9, "↶ Undo"),
        ]
        at.client.replace(at.code, 0, 0, f"typed{newline}")
        assert await at.client.run(shown[3][2]) is True
        live = CHANGED.replace("two 🎉\nand", "line 2 é🎉")
        assert at.source == f"typed\n{live}".replace("\n", newline)
        assert [(line, title) for line, title, _ in await lenses(at)] == [(9, "✓ Keep"), (9, "↶ Undo")]
        assert await at.client.run(shown[3][2]) is False
        assert "no longer there" in at.client.all("window/showMessage")[-1]["message"]
        assert await at.client.run(shown[4][2]) is True
        assert await lenses(at) == []
        assert at.source == f"typed\n{live}".replace("\n", newline)
        await at.client.until(lambda: len(at.client.all("workspace/codeLens/refresh")) > before + 1)

    capabilities = ALL if encoding == "utf-16" else {"workspace": {"codeLens": {"refreshSupport": True}}}
    play(tmp_path, [TWO, "Done."], scene, encoding=encoding, capabilities=capabilities)


def test_code_actions_do_the_same_where_there_are_no_lenses(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open(source=SOURCE)
        await changed(at)
        at_two = await offered(at.client, at.code, lines(3, 3))
        assert "Tallystick: Keep the change of lines 3-4" in at_two
        assert "Tallystick: Undo all 2 changes in this file" in at_two
        automatic = await offered(at.client, at.code, lines(6, 6), triggerKind=2)
        assert automatic == {}
        await at.client.run(at_two["Tallystick: Undo all 2 changes in this file"])
        assert at.source == SOURCE
        assert not any("change" in title for title in await offered(at.client, at.code, lines(3, 3)))

    play(tmp_path, [TWO, "Done."], scene, capabilities={})


def test_edits_are_versioned_and_say_what_they_are(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open(source=SOURCE)
        await changed(at)
        await at.client.run((await offered(at.client, at.code, lines(0, 0)))["Tallystick: Undo all 2 changes in this file"])
        [edit, undo] = [
            one
            for one in at.client.all("workspace/applyEdit")
            if one["edit"]["documentChanges"][0]["textDocument"]["uri"] == at.code
        ]
        for one, label in ((edit, "Tallystick: edit a.py"), (undo, "Tallystick: undo 2 changes")):
            assert one["label"] == label
            [change] = one["edit"]["documentChanges"]
            assert isinstance(change["textDocument"]["version"], int)
            annotation = change["edits"][0]["annotationId"]
            assert one["edit"]["changeAnnotations"][annotation] == {"label": label, "needsConfirmation": False}

    play(tmp_path, [TWO, "Done."], scene, capabilities=ALL)


def test_a_change_of_a_closed_file_waits_for_its_opening(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        (at.root / "a.py").write_text(SOURCE)
        at.client.open(at.chat, "## You\n\nmake x 2\n")
        await changed(at)
        assert read(at.root / "a.py") == CHANGED.replace("two", "TWO")
        at.client.open(at.code, CHANGED.replace("two", "TWO"), "python")
        shown = await lenses(at)
        assert shown[1][1] == "↶ Undo all 2"
        at.client.close(at.code)
        at.client.open(at.code, CHANGED.replace("two", "TWO"), "python")
        await at.client.run((await lenses(at))[1][2])
        assert at.source == SOURCE

    again = 'call edit {"path":"a.py","edits":[{"old":"two 🎉","new":"TWO 🎉"}]}'
    play(tmp_path, [TWO, again, "Done."], scene)


def test_sessions_of_a_client_of_our_own_count_too(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.client.open(at.code, SOURCE, "python")
        session = (await at.client.request("tallystick/openSession", {"workspace": at.root.as_uri()}))["sessionId"]
        prompt = {"sessionId": session, "operation": {"kind": "prompt", "text": "change it"}}
        await at.client.request("tallystick/submit", prompt)

        def events(kind: str) -> list[Any]:
            return [one["event"] for one in at.client.all("tallystick/event") if one["event"]["kind"] == kind]

        [asked] = await at.client.until(lambda: events("permission_requested"))
        decide = {"kind": "decide", "call_id": asked["call_id"], "digest": asked["digest"], "decision": "allow_once"}
        await at.client.request("tallystick/submit", {"sessionId": session, "operation": decide})
        await at.client.until(lambda: events("turn_finished"))
        assert at.source == CHANGED
        await at.client.run((await lenses(at))[1][2])
        assert at.source == SOURCE

    play(tmp_path, [TWO, "Done."], scene)


def test_an_editor_that_refuses_and_a_person_who_types(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open(source=SOURCE)
        await changed(at)
        undo = (await lenses(at))[3][2]
        typed: list[str] = []

        def type_first() -> None:
            if not typed:
                typed.append("x")
                at.client.replace(at.code, 0, 0, "typed\n")

        at.client.on_edit = type_first
        assert await at.client.run(undo) is True
        assert at.source == "typed\n" + CHANGED.replace("two 🎉\nand", "line 2 é🎉")
        at.client.responders["workspace/applyEdit"] = lambda _: {"applied": False}
        assert await at.client.run((await lenses(at))[1][2]) is False
        assert len(await lenses(at)) == 2, "what was not undone is still offered"
        for arguments in ([], [1, 2], [at.code]):
            with pytest.raises(LspError):
                await at.client.request("workspace/executeCommand", {"command": "tallystick.undoHunk", "arguments": arguments})

    play(tmp_path, [TWO, "Done."], scene)


def test_the_agent_is_told_that_its_text_was_undone(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(source="x = 1\n")
        await changed(at)
        await at.client.run((await lenses(at))[1][2])
        assert at.source == "x = 1\n"
        at.client.replace(at.chat, len(at.said), len(at.said), "again\n")
        await at.send()
        assert at.source == "x = 2\nx = 3\n"
        shown = await lenses(at)
        await at.client.run(shown[1][2])
        assert at.source == "x = 1\n"

    one = 'call edit {"path":"a.py","edits":[{"old":"x = 1","new":"x = 2"}]}'
    two = 'call edit {"path":"a.py","edits":[{"old":"x = 1","new":"x = 2"}]}'
    three = 'call edit {"path":"a.py","edits":[{"old":"x = 2","new":"x = 2\\nx = 3"}]}'
    play(tmp_path, [one, "Done.", 'call read_file {"path":"a.py"}', two, three, "Done."], scene)


PLAN = 'call update_plan {"steps":[{"text":"look","status":"done"},{"text":"change a.py","status":"in_progress"}]}'
LONG = "".join(f"new {number}\\n" for number in range(60))


@pytest.mark.parametrize("able", [True, False])
def test_views_of_plan_and_changes(tmp_path: Path, able: bool) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        if able:
            at.client.responders["window/showDocument"] = lambda _: {"success": True}
        at.open(source=SOURCE)
        assert not any("Show" in title for title in await at.client.actions(at.chat))
        await changed(at)
        at.client.replace(at.code, len(at.source), len(at.source), "mine\n")
        actions = await at.client.actions(at.chat)
        texts: list[str] = []
        for title in ("Tallystick: Show the plan", "Tallystick: Show the changes of this chat"):
            assert actions[title]["kind"] == "source.tallystick"
            await at.client.run(actions[title])
            if able:
                uri = at.client.all("window/showDocument")[-1]["uri"]
                texts.append((await at.client.request("workspace/textDocumentContent", {"uri": uri}))["text"])
            else:
                texts.append(at.said)
        assert "- [x] look\n- [~] change a.py\n" in texts[0]
        assert "--- a/a.py\n+++ b/a.py\n@@ -1,12 +1,12 @@\n line 0 é🎉\n line 1 é🎉\n-line 2 é🎉\n+two 🎉\n+and\n" in texts[1]
        assert "+mine" not in texts[1]
        if not able:
            assert at.said.endswith("## You\n\n")
            assert "Show" not in at.said
            private = at.client.all("window/showDocument")[-1]["uri"]
            path = Path(private.removeprefix("file://"))
            assert await asyncio.to_thread(lambda: path.stat().st_mode & 0o777) == 0o600
            assert await asyncio.to_thread(lambda: path.parent.stat().st_mode & 0o777) == 0o700
            folder.append(path.parent)

    folder: list[Path] = []
    play(tmp_path, [PLAN, TWO, "Done."], scene, capabilities=ALL if able else {})
    assert all(not one.exists() for one in folder), "the private folder goes with the server"
    assert able or folder


def test_the_content_provider_is_told_to_those_who_ask_for_one(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        assert (await at.client.request("workspace/textDocumentContent", {"uri": "tallystick-view:/gone"}))["text"] == ""

    play(tmp_path, [], scene, capabilities=ALL)


def test_the_whole_of_a_question_can_be_seen_while_it_is_open(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        at.client.responders["window/showMessageRequest"] = lambda _: answer
        at.client.responders["window/showDocument"] = lambda _: {"success": True}
        at.open(source=SOURCE)
        turn = await at.start()
        [asked] = await at.client.until(lambda: at.client.all("window/showMessageRequest"))
        assert "new 59" not in asked["message"]
        show = (await at.client.actions(at.code))["Tallystick: Show all of: edit a.py"]
        await at.client.run(show)
        path = Path(at.client.all("window/showDocument")[-1]["uri"].removeprefix("file://"))
        assert path.suffix == ".diff"
        assert "+new 59\n" in read(path)
        answer.set_result({"title": "Reject"})
        await turn
        await at.client.run(show)
        assert "no longer open" in at.client.all("window/showMessage")[-1]["message"]

    edit = f'call edit {{"path":"a.py","edits":[{{"old":"line 2 é🎉\\n","new":"{LONG}"}}]}}'
    play(tmp_path, [edit, "Too bad."], scene, capabilities={})


def test_the_person_writes_between_changes(tmp_path: Path) -> None:
    """Edits of three turns and the person's own lines among them: undoing all leaves exactly the person's."""

    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open(source=SOURCE)
        for number in range(3):
            await changed(at)
            where = at.source.index("line 5")
            at.client.replace(at.code, where, where, f"mine {number}\n")
            at.client.replace(at.code, 0, 0, "above\n")
            at.client.replace(at.chat, len(at.said), len(at.said), "go on\n")
        assert "one!! " in at.source
        assert "nine! " in at.source
        await at.client.run((await lenses(at))[1][2])
        assert at.source == "above\n" * 3 + SOURCE.replace("line 5", "mine 0\nmine 1\nmine 2\nline 5")

    edits: list[Reply | str] = []
    for old, new in (("line 1 ", "one! "), ("line 9 ", "nine! "), ("one! ", "one!! ")):
        edits += [
            'call read_file {"path":"a.py"}',
            f'call edit {{"path":"a.py","edits":[{{"old":"{old}","new":"{new}"}}]}}',
            "Done.",
        ]
    play(tmp_path, edits, scene)
