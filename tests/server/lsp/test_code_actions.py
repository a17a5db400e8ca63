"""Code actions on code, whole: a real server process, a scripted editor with and without abilities, a scripted provider."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.server.lsp.test_chat_turn import Desk, play
from tests.support.lsp_client import LspClient, LspError
from tests.support.scripted_provider import Reply, ScriptedProvider

ALL: dict[str, Any] = {
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {
        "codeLens": {"refreshSupport": True},
        "textDocumentContent": {"dynamicRegistration": True},
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": ["create", "rename", "delete"],
            "changeAnnotationSupport": {},
        },
    },
}
SOURCE = "import os\n\n\ndef f(x):\n    return x + 1\n\n\ndef g(y):\n    return y\n"


def file_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def read(path: Path) -> str:
    return path.read_text("utf-8")


def position(line: int, character: int) -> dict[str, int]:
    return {"line": line, "character": character}


def lines(first: int, last: int) -> dict[str, Any]:
    """From the start of a line to the start of another."""
    return {"start": position(first, 0), "end": position(last, 0)}


async def offered(
    client: LspClient, uri: str, place: dict[str, Any], *, diagnostics: Any = (), **context: Any
) -> dict[str, dict[str, Any]]:
    params = {"textDocument": {"uri": uri}, "range": place, "context": {"diagnostics": list(diagnostics), **context}}
    found: list[dict[str, Any]] = await client.request("textDocument/codeAction", params)
    return {action["title"]: action for action in found}


def shows_documents(at: Desk) -> None:
    """An editor that opens what it is asked to show, as VS Code and Neovim do."""

    def show(params: Any) -> Any:
        uri: str = params["uri"]
        if uri not in at.client.documents:
            path = file_of(uri)
            at.client.open(uri, read(path) if path.exists() else "")
        return {"success": True}

    def apply(params: Any) -> Any:
        changes: list[Any] = params["edit"].get("documentChanges") or []
        for change in changes:
            if change.get("kind") == "create":
                at.client.open(change["uri"], "")
        texts = [one for one in changes if "kind" not in one]
        for one in texts:
            if one["textDocument"]["version"] is None:
                one["textDocument"]["version"] = at.client.documents[one["textDocument"]["uri"]].version
        return {"applied": at.client.apply({**params["edit"], "documentChanges": texts})}

    at.client.responders["window/showDocument"] = show
    at.client.responders["workspace/applyEdit"] = apply


def made_chat(at: Desk) -> str:
    [uri] = [uri for uri in at.client.documents if uri.endswith(".tally.md")]
    return uri


ACTIONS = [
    ("Tallystick: Explain", "Explain @a.py:4-5: "),
    ("Tallystick: Write tests", "Write tests for @a.py:4-5"),
    ("Tallystick: Document", "Document @a.py:4-5"),
]


@pytest.mark.parametrize(("title", "prompt"), ACTIONS)
@pytest.mark.parametrize("able", [True, False])
def test_a_task_on_a_selection(tmp_path: Path, title: str, prompt: str, able: bool) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        if able:
            shows_documents(at)
        at.client.open(at.code, SOURCE, "python")
        result = await at.client.run((await offered(at.client, at.code, lines(3, 5)))[title])
        path = file_of(result["uri"])
        if able:
            chat = made_chat(at)
            await at.client.until(lambda: at.client.documents[chat].text.endswith("\n## You\n\n"))
            text = at.client.documents[chat].text
            assert at.client.all("workspace/applyEdit")[0]["edit"]["documentChanges"][0]["kind"] == "create"
        else:
            await at.client.until(lambda: read(path).endswith("\n## You\n\n"))
            text = read(path)
            assert f"Tallystick answers in .tally/{path.name}." in at.client.all("window/showMessage")[-1]["message"]
        assert path.parent == at.root / ".tally"
        assert read(path.parent / ".gitignore") == "*\n"
        assert f"## You\n\n{prompt}" in text
        assert "Here is the answer." in text
        seen = str(provider.requests[0].body)
        assert prompt in seen
        assert "return x + 1" in seen, "the mention carries the unsaved lines"

    play(tmp_path, ["Here is the answer."], scene, capabilities=ALL if able else {})


@pytest.mark.parametrize("able", [True, False])
def test_words_of_the_person_are_waited_for(tmp_path: Path, able: bool) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        if able:
            shows_documents(at)
        at.client.open(at.code, SOURCE, "python")
        actions = await offered(at.client, at.code, lines(3, 5))
        result = await at.client.run(actions["Tallystick: Edit…"])
        if able:
            text = at.client.documents[made_chat(at)].text
            [shown] = at.client.all("window/showDocument")
            assert shown["selection"]["start"] == position(2, len("Change @a.py:4-5: "))
        else:
            text = read(file_of(result["uri"]))
            assert "Go on there" in at.client.all("window/showMessage")[-1]["message"]
        assert text == "## You\n\nChange @a.py:4-5: \n"
        asked = {"command": "tallystick.code", "arguments": ["ask", at.code, lines(3, 5), None, "why 🎉?"]}
        second = await at.client.request("workspace/executeCommand", asked)
        assert second["uri"] != result["uri"]
        await at.client.until(lambda: provider.requests)
        assert len(provider.requests) == 1
        assert "@a.py:4-5 why" in str(provider.requests[0].body)

    play(tmp_path, ["Because."], scene, capabilities=ALL if able else {})


def test_an_editor_that_opens_the_chat_while_it_is_answered(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.client.open(at.code, SOURCE, "python")
        result = await at.client.run((await offered(at.client, at.code, lines(3, 5)))["Tallystick: Explain"])
        uri = result["uri"]
        path = file_of(uri)
        await at.client.until(lambda: "word 3" in read(path))
        at.client.open(uri, read(path))
        await at.client.until(lambda: at.client.documents[uri].text.endswith("\n## You\n\n"))
        text = at.client.documents[uri].text
        assert text.count("word 30") == 1
        assert text.count("## Tallystick") == 1

    words = " ".join(f"word {number}" for number in range(40))
    play(tmp_path, [Reply(lines=words, delay_s=0.03)], scene, capabilities={})


def test_chats_made_at_once_have_names_of_their_own(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.client.open(at.code, SOURCE, "python")
        asked = {"command": "tallystick.code", "arguments": ["ask", at.code, lines(3, 5), None, None]}
        made = await asyncio.gather(*(at.client.request("workspace/executeCommand", asked) for _ in range(5)))
        assert len({one["uri"] for one in made}) == 5
        assert len(list((at.root / ".tally").glob("*.tally.md"))) == 5

    play(tmp_path, [], scene, capabilities={})


def problem(line: int, message: str, severity: int = 1, source: str = "ruff") -> dict[str, Any]:
    return {"range": lines(line, line), "message": message, "severity": severity, "source": source, "code": "F401"}


def test_fixes(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        shows_documents(at)
        at.client.open(at.code, SOURCE, "python")
        given = [problem(0, "`os` unused"), problem(4, "bad\nreturn"), problem(8, "poor", 2), problem(9, "fourth")]
        waits = problem(0, "Tallystick waits", 3, "tallystick")
        actions = await offered(at.client, at.code, lines(0, 9), diagnostics=[waits, *given])
        fixes = [title for title in actions if "Fix" in title]
        assert fixes == [
            "Tallystick: Fix: `os` unused",
            "Tallystick: Fix: bad return",
            "Tallystick: Fix: poor",
            "Tallystick: Fix all 3 in file",
        ]
        assert all(actions[title]["kind"] == "quickfix" for title in fixes)
        assert actions[fixes[1]]["diagnostics"][0]["message"] == "bad\nreturn"
        await at.client.run(actions[fixes[1]])
        await at.client.until(lambda: provider.requests)
        body = str(provider.requests[0].body)
        assert "Fix this problem in @a.py:4-5" in body
        assert "line 5, error: bad return (ruff F401)" in body
        await at.client.run(actions[fixes[3]])
        await at.client.until(lambda: len(provider.requests) == 2)
        body = str(provider.requests[1].body)
        assert "Fix these problems in @a.py, and" in body
        assert "line 10, error: fourth" in body

    play(tmp_path, ["One.", "Two."], scene, capabilities=ALL)


def test_a_comment_is_done_on_request_only(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        shows_documents(at)
        at.client.open(at.code, "x = 1\n# tally: make x 2\n#   and say so\ny = '# tally: no'\n", "python")
        [lens] = await at.client.request("textDocument/codeLens", {"textDocument": {"uri": at.code}})
        assert (lens["range"]["start"]["line"], lens["command"]["title"]) == (1, "▶ Do it")
        title = "Tallystick: Do it: make x 2 and say so"
        assert title in await offered(at.client, at.code, lines(2, 2))
        assert title not in await offered(at.client, at.code, lines(3, 3))
        assert provider.requests == []
        at.client.replace(at.code, 0, 0, "w = 0\n")
        assert await at.client.run(lens) is not None, "it is known by its words, wherever it is now"
        await at.client.until(lambda: provider.requests)
        body = str(provider.requests[0].body)
        assert "Do what the comment in @a.py:3-4 says, then take the comment out" in body
        assert "> make x 2" in body
        at.client.replace(at.code, 0, len(at.source), "x = 1\n")
        assert await at.client.run(lens) is None
        assert "no longer there" in at.client.all("window/showMessage")[-1]["message"]

    play(tmp_path, ["Done."], scene, capabilities=ALL)


def test_a_long_text_is_not_searched_at_every_move_of_the_cursor(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.client.open(at.code, "# tally: do it\n" + "x = 1\n" * 5_000, "python")
        assert await offered(at.client, at.code, lines(0, 0), triggerKind=2) == {}
        assert "Tallystick: Do it: do it" in await offered(at.client, at.code, lines(0, 0), triggerKind=1)
        assert "Tallystick: Do it: do it" in await offered(at.client, at.code, lines(0, 0), triggerKind=2)

    play(tmp_path, [], scene)


def test_what_is_offered_where(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open(source=SOURCE)
        selected = list(await offered(at.client, at.code, lines(3, 5)))
        assert selected == [f"Tallystick: {name}" for name in ("Ask…", "Edit…", "Explain", "Write tests", "Document")]
        assert list(await offered(at.client, at.code, lines(4, 4))) == [
            *(f"Tallystick: {name}" for name in ("Ask…", "Explain", "New chat"))
        ]
        assert list(await offered(at.client, at.code, lines(4, 4), triggerKind=2)) == []
        assert list(await offered(at.client, at.code, lines(3, 5), triggerKind=2)) == selected
        for only, count in ((["refactor"], 5), (["refactor.rewrite"], 5), (["quickfix"], 0), (["source.fixAll"], 0), ([""], 5)):
            assert len(await offered(at.client, at.code, lines(3, 5), only=only)) == count, only
        assert list(await offered(at.client, at.chat, lines(0, 2))) == ["Tallystick: Send"]
        assert await offered(at.client, "file:///nowhere.py", lines(0, 2)) == {}

    play(tmp_path, [], scene)


def test_a_cursor_means_the_definition_around_it_and_untitled_text_goes_along(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.client.open(at.code, SOURCE.replace("\n", "\r\n"), "python")
        at.client.open("untitled:Untitled-1", "select 🎉\n", "sql")
        await at.client.run((await offered(at.client, at.code, lines(8, 8)))["Tallystick: Explain"])
        await at.client.until(lambda: provider.requests)
        assert "Explain @a.py:8-9: " in str(provider.requests[0].body)
        await at.client.run((await offered(at.client, "untitled:Untitled-1", lines(0, 1)))["Tallystick: Explain"])
        await at.client.until(lambda: len(provider.requests) == 2)
        assert "Explain this text" in str(provider.requests[1].body)
        assert "select " in str(provider.requests[1].body)

    play(tmp_path, ["One.", "Two."], scene, capabilities={})


BAD: list[list[Any]] = [
    ["sing", "x"],
    ["ask", 1],
    ["ask", "CODE", "here"],
    ["ask", "CODE", {"start": {}, "end": {}}],
    ["fix", "CODE", None, [{"message": 1}]],
    ["ask", "CODE", None, None, 7],
    [],
]


def test_arguments_that_are_wrong(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.client.open(at.code, SOURCE, "python")
        for arguments in BAD:
            given = [at.code if one == "CODE" else one for one in arguments]
            with pytest.raises(LspError) as caught:
                await at.client.request("workspace/executeCommand", {"command": "tallystick.code", "arguments": given})
            assert caught.value.code == -32602, arguments
        asked = {"command": "tallystick.code", "arguments": ["explain", "file:///not/open.py", None]}
        assert await at.client.request("workspace/executeCommand", asked) is None
        (at.root / ".tally").write_text("a file in the way")
        asked = {"command": "tallystick.code", "arguments": ["explain", at.code, None]}
        with pytest.raises(LspError) as caught:
            await at.client.request("workspace/executeCommand", asked)
        assert caught.value.code == -32803
        (at.root / ".tally").unlink()
        (at.root / ".tally").symlink_to(at.root.parent)
        with pytest.raises(LspError, match="leads out of the workspace"):
            await at.client.request("workspace/executeCommand", asked)

    play(tmp_path, [], scene, capabilities={})
