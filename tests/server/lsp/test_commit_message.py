"""Commit messages in git's own message file, in a real server process: where they go, of which repository they speak, and
what ends them. The text's own rules are tested as functions."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.agent.context.code.workspaces import commit, git
from tests.server.lsp.test_chat_turn import Desk, play
from tests.support.lsp_client import LspError
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_server.lsp.commit_text import MOST, Insertion, plain_message, with_message
from tallystick_server.lsp.positions import Change

COMMENTS = "\n# Please enter the commit message\n# On branch main\n"
ACTION = "Tallystick: Write the commit message"
COMMAND = "tallystick.commitMessage"
HANGS: list[Reply | str] = [Reply(lines="Set x", hang=True)]


def stage(root: Path, **files: str) -> None:
    commit(root, "First", a="x = 0\n")
    for name, text in (files or {"a": "x = 1\n"}).items():
        (root / f"{name}.py").write_text(text)
    git(root, "add", "-A")


def opened(at: Desk, text: str = COMMENTS, folder: Path | None = None) -> str:
    """Git's message file, open in the editor."""
    uri = ((folder or at.root / ".git") / "COMMIT_EDITMSG").as_uri()
    at.client.open(uri, text, "gitcommit")
    return uri


async def command(at: Desk, *arguments: Any) -> Any:
    return await at.client.request("workspace/executeCommand", {"command": COMMAND, "arguments": list(arguments)})


def begun(at: Desk, uri: str) -> "tuple[int, asyncio.Future[Any]]":
    return at.client.start_request("workspace/executeCommand", {"command": COMMAND, "arguments": [uri]})


def test_the_commit_message_goes_above_gits_comments(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        stage(at.root)
        uri = opened(at)
        await at.client.run((await at.client.actions(uri))[ACTION])
        assert at.client.documents[uri].text == f"Set x to 1\n\nBecause.\n{COMMENTS}"
        assert all(one["edit"]["documentChanges"][0]["textDocument"]["version"] for one in at.client.all("workspace/applyEdit"))
        assert "+x = 1" in str(provider.requests[0].body["messages"])
        assert "tools" not in provider.requests[0].body
        assert await command(at) == "Again."

    play(tmp_path, ["```\nSet x to 1\n\nBecause.\n```", "Again."], scene)


@pytest.mark.parametrize(
    "written",
    [
        f"My own words\n{COMMENTS}",
        "Words\n\n#12 is fixed\nmore words\n\n# git's\n",
        "Words\n\n; Please enter the commit message\n; On branch main\n",
        "\n# Please\n# ------------------------ >8 ------------------------\n# Do not touch\ndiff --git a/a b/a\n-x\n+# y\n",
    ],
)
def test_what_a_person_wrote_stays(tmp_path: Path, written: str) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        stage(at.root)
        uri = opened(at, written)
        typed = "typed "

        def types() -> None:
            at.client.on_edit = None
            at.client.replace(uri, 0, 0, typed)

        at.client.on_edit = types
        await command(at, uri)
        assert at.client.documents[uri].text == f"Set x\n\n{typed}{written}"

    play(tmp_path, ["Set x"], scene)


def test_a_document_that_was_closed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        stage(at.root)
        uri = opened(at)
        _, answer = begun(at, uri)
        await at.client.until(provider.arrived.is_set)
        at.client.close(uri)
        opened(at, "Another commit\n")
        await answer
        assert at.client.documents[uri].text == "Another commit\n"
        assert at.client.all("workspace/applyEdit") == []

    play(tmp_path, [Reply(lines="Set x to one", delay_s=0.2)], scene)


@pytest.mark.parametrize("relative", [False, True])
def test_a_linked_work_tree_is_its_own(tmp_path: Path, relative: bool) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        stage(at.root, other="wrong = 1\n")
        tree = tmp_path / "linked"
        git(at.root, "worktree", "add", "-q", str(tree))
        folder = at.root / ".git" / "worktrees" / "linked"
        if relative:
            (folder / "gitdir").write_text("../../../../linked/.git\n")
        (tree / "a.py").write_text("right = 2\n")
        git(tree, "add", "-A")
        uri = opened(at, folder=folder)
        await command(at, uri)
        asked = str(provider.requests[0].body["messages"])
        assert "+right = 2" in asked
        assert "wrong" not in asked
        assert at.client.documents[uri].text.startswith("Set x\n\n#")

    play(tmp_path, ["Set x"], scene)


def test_a_submodule_is_its_own(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        stage(at.root, other="wrong = 1\n")
        commit(tmp_path / "library", "First", b="y = 0\n")
        git(at.root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "library"), "deep/library")
        (at.root / "deep" / "library" / "b.py").write_text("right = 2\n")
        git(at.root / "deep" / "library", "add", "-A")
        await command(at, opened(at, folder=at.root / ".git" / "modules" / "deep" / "library"))
        asked = str(provider.requests[0].body["messages"])
        assert "+right = 2" in asked
        assert "wrong" not in asked

    (tmp_path / "library").mkdir()
    play(tmp_path, ["Set x"], scene)


def test_a_git_folder_cannot_claim_another_repository(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        stage(at.root)
        stage(tmp_path / "secret")
        folder = at.root / ".git" / "worktrees" / "evil"
        folder.mkdir(parents=True)
        (folder / "gitdir").write_text(f"{tmp_path / 'secret' / '.git'}\n")
        uri = opened(at, folder=folder)
        with pytest.raises(LspError, match="work tree of this message file was not found"):
            await command(at, uri)
        assert at.client.documents[uri].text == COMMENTS
        assert provider.requests == []

    (tmp_path / "secret").mkdir()
    play(tmp_path, [], scene)


@pytest.mark.parametrize("by", ["progress", "request"])
def test_it_can_be_stopped(tmp_path: Path, by: str) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        stage(at.root)
        uri = opened(at)
        number, answer = begun(at, uri)
        await at.client.until(lambda: provider.arrived.is_set() and at.client.all("$/progress"))
        if by == "progress":
            at.client.notify("window/workDoneProgress/cancel", {"token": at.client.all("$/progress")[0]["token"]})
        else:
            at.client.notify("$/cancelRequest", {"id": number})
        with pytest.raises(LspError) as error:
            await answer
        assert error.value.code == -32800
        await at.client.until(provider.closed_early.is_set)
        await at.client.until(lambda: at.client.all("$/progress")[-1]["value"]["kind"] == "end")
        assert at.client.documents[uri].text == COMMENTS
        assert at.client.all("workspace/applyEdit") == []
        [log] = (tmp_path / "home" / "sessions").glob("*.jsonl")
        assert '"stop":"cancelled"' in log.read_text("utf-8")

    play(tmp_path, HANGS, scene)


def test_cancelling_the_progress_of_a_chat_stops_its_turn_alone(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(prompt="hi")
        turn = await at.start()
        await at.client.until(lambda: provider.arrived.is_set() and at.client.all("$/progress"))
        at.client.notify("window/workDoneProgress/cancel", {"token": "of somebody else"})
        at.client.notify("window/workDoneProgress/cancel", {"token": at.client.all("$/progress")[0]["token"]})
        await turn
        assert "**Stopped**" in at.said
        at.client.notify("window/workDoneProgress/cancel", {"token": at.client.all("$/progress")[0]["token"]})

    play(tmp_path, HANGS, scene)


def test_where_nothing_is_staged_no_model_is_asked(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        commit(at.root, "First", a="x = 0\n")
        (at.root / "a.py").write_text("x = 1\n")
        uri = opened(at)
        with pytest.raises(LspError, match="Nothing is staged for a commit") as error:
            await command(at, uri)
        assert error.value.code == -32803
        assert at.client.all("window/showMessage")[-1]["message"] == "Nothing is staged for a commit."
        assert at.client.documents[uri].text == COMMENTS
        at.client.open(at.chat, "/commit")
        await at.send()
        assert "## Tallystick\n\nNothing is staged for a commit.\n\n## You\n\n" in at.said
        assert provider.requests == []
        git(at.root, "add", "-A")
        at.client.replace(at.chat, len(at.said), len(at.said), "/commit")
        await at.send()
        assert "Set x" in at.said

    play(tmp_path, ["Set x"], scene)


def test_what_is_staged_before_the_first_commit_counts(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        git(at.root, "init", "-q")
        git(at.root, "add", "-A")
        uri = opened(at)
        await command(at, uri)
        assert "+x = 0" in str(provider.requests[0].body["messages"])

    play(tmp_path, ["Begin"], scene)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("```text\nSet x\n```", "Set x"),
        ("```\n```", ""),
        ("Set x\r\n\r\n#12 is fixed\r\n; so is 13", "Set x\n\n #12 is fixed\n ; so is 13"),
        ("#12: set x", " #12: set x"),
        ("Set x  \n\nBecause.\t", "Set x\n\nBecause."),
        ("x" * (MOST + 1), "x" * MOST),
        ("Set x\n\n" + "y" * MOST, "Set x"),
        ("Set x\n" + "y" * (MOST - 6), "Set x\n" + "y" * (MOST - 6)),
        ("Set x\n" + "y" * (MOST - 6) + "\nz", "Set x\n" + "y" * (MOST - 6)),
    ],
)
def test_what_is_taken_of_an_answer(said: str, message: str) -> None:
    assert plain_message(said) == message


@pytest.mark.parametrize("text", ["", "\n", COMMENTS, "# c\n", "Mine\n\n# c\n", "Mine"])
def test_the_message_is_inserted_once_and_nothing_goes(text: str) -> None:
    once = with_message(text, "Set x")
    assert once.startswith("Set x\n")
    assert once.endswith(text)
    assert with_message(once, "Set x") == once


def test_an_insertion_is_not_repeated_when_somebody_types_above_it() -> None:
    insertion = Insertion()
    wanted = insertion.into("Mine\n", "Set x")
    insertion.changed(Change(start=0, end=0, text="Set x\n\n"), wanted.replace("\n", "\r\n"))
    assert insertion.into(f"typed {wanted}", "Set x") == f"typed {wanted}"
