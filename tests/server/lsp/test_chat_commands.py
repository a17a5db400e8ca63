"""`/` commands and commands on whole chats, in a real server process: what the document then says, and what was sent."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.agent.context.code.workspaces import commit, git
from tests.server.lsp.test_chat_turn import EDIT, Desk, play
from tests.support.lsp_client import LspError
from tests.support.scripted_provider import Reply, ScriptedProvider

NO_REPLIES: list[Reply | str] = []


async def ask(at: Desk, words: str) -> str:
    """Writes a prompt at the chat's end, sends it, and gives what was answered."""
    before = len(at.said)
    at.client.replace(at.chat, before, before, f"{words}\n")
    await at.send()
    return at.said[before + len(words) :].partition("## Tallystick\n\n")[2].removesuffix("\n\n## You\n\n")


async def command(at: Desk, name: str, *arguments: Any) -> Any:
    return await at.client.request("workspace/executeCommand", {"command": name, "arguments": list(arguments)})


def test_commands_that_need_no_model(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.client.open(at.chat, "")
        assert "| `/undo` | take back what the last turn that changed files did to them |" in await ask(at, "/help")
        assert await ask(at, "/usage") == "Nothing was used in this time."
        assert await ask(at, "/context") == "Nothing was sent yet in this chat."
        assert await ask(at, "/usage since ever") == "`since ever` is none of session, today, week, month, all."
        assert "Now: `openai/scripted`" in await ask(at, "/model")
        assert "| 1 | `openai/scripted` |" in await ask(at, "/route")
        assert await ask(at, "/budget") == "A turn here may take at most 60 requests."
        assert "is an amount" in await ask(at, "/budget plenty")
        assert at.said.count("## Tallystick") == 8
        assert provider.requests == []
        assert "tallystick session" not in at.said, "nothing of it needs a session"

    play(tmp_path, NO_REPLIES, scene)


def test_usage_and_context_after_a_turn(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.client.open(at.chat, "hello")
        await at.send()
        usage = await ask(at, "/usage")
        assert usage.startswith("**This session**\n\n| model | requests | input | cached | output | cost |")
        assert "| openai/scripted | 1 |" in usage
        assert "| chat | 1 |" in usage
        context = await ask(at, "/context")
        assert "| system |" in context
        assert "tools |" in context
        assert "**input**" in context

    play(tmp_path, ["Hello."], scene)


def test_model_budget_and_title_hold_for_the_session(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.client.open(at.chat, "")
        assert await ask(at, "/model openai/other") == "From the next prompt on `openai/other` answers here."
        assert "Now: `openai/other`" in await ask(at, "/model")
        assert "1 request." in await ask(at, "/budget 1 request")
        assert "takes no words" in await ask(at, "/undo please")
        assert "cannot be sent" not in await ask(at, "/Budget 1 request")
        await ask(at, "/rename Two  words")
        said = at.said
        at.client.close(at.chat)
        at.client.open(at.chat, said)
        await ask(at, "hello")
        assert provider.requests[-1].body["model"] == "other"
        assert "openai/other*" in at.said
        log = next((tmp_path / "home" / "sessions").glob("*.jsonl")).read_text("utf-8")
        started = [json.loads(line) for line in log.splitlines() if '"turn_started"' in line]
        assert started[-1]["budget"]["max_requests"] == 1
        assert '"title":"Two words"' in log

    play(tmp_path, ["Hello."], scene)


def test_a_chat_that_gets_another_name_keeps_what_was_set(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.client.open(at.chat, "")
        await ask(at, "/budget 3 requests")
        await ask(at, "hello")
        said, old = at.said, at.chat
        at.chat = (at.root / "other.tally.md").as_uri()
        at.client.notify("workspace/didRenameFiles", {"files": [{"oldUri": old, "newUri": at.chat}]})
        at.client.close(old)
        at.client.open(at.chat, said)
        assert "3 requests" in await ask(at, "/budget")
        await ask(at, "and again")
        assert "hello" in str(provider.requests[-1].body["messages"]), "the session goes on"

    play(tmp_path, ["Hello.", "Again."], scene)


def test_a_word_that_is_no_command_is_not_sent(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.client.open(at.chat, "/halp")
        await command(at, "tallystick.send", at.chat)
        assert at.client.all("window/showMessage")[-1]["message"].startswith("There is no command /halp.")
        assert at.said == "/halp"
        await at.client.until(lambda: at.client.all("textDocument/publishDiagnostics"))
        [mark] = at.client.all("textDocument/publishDiagnostics")[-1]["diagnostics"]
        assert "/halp" in mark["message"]
        at.client.replace(at.chat, 0, len(at.said), "/tmp/x is a path")
        await at.send()
        assert "Yes." in at.said
        assert len(provider.requests) == 1

    play(tmp_path, ["Yes."], scene)


@pytest.mark.parametrize("by", ["action", "words"])
def test_undo_takes_the_last_turn_back(tmp_path: Path, by: str) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open()
        at.answers("Allow once")
        await at.send()
        assert "x = 2" in at.source
        if by == "action":
            await at.client.run((await at.client.actions(at.chat))["Tallystick: Undo the last changes"])
        else:
            await ask(at, "/undo")
        assert at.source == "# é🎉\nx = 1\n"
        assert "## You\n\n/undo\n\n## Tallystick\n\n- undo a.py: Undone.\n" in at.said
        assert at.said.endswith("\n## You\n\n")
        assert len(provider.requests) == 2, "no model is asked"
        assert (await ask(at, "/undo")).startswith("> There is no change of this session to undo.")

    play(tmp_path, [EDIT, "It is 2."], scene)


def test_retry_asks_again_and_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(prompt="hi")
        await at.send()
        await command(at, "tallystick.retry", at.chat)
        assert at.said.count("## You\n\n/retry\n\n## Tallystick\n\nSecond.") == 1
        assert str(provider.requests[-1].body["messages"][-1]).count("hi") == 1
        await ask(at, "and now")
        assert "**Stopped**" in at.said
        await command(at, "tallystick.retry", at.chat)
        assert "Third." in at.said
        messages = provider.requests[-1].body["messages"]
        assert str(messages).count("and now") == 1, "a turn that was cut goes on, its prompt is not asked twice"

    broken = Reply(status=401, body='{"error": {"message": "bad key"}}')
    play(tmp_path, ["First.", "Second.", broken, "Third."], scene)


def test_a_retry_may_do_no_more_than_the_turn_that_it_repeats(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        commit(at.root, "First", a="x = 0\n")
        (at.root / "a.py").write_text("x = 5\n")
        at.client.open(at.chat, "/review")
        await at.send()
        await command(at, "tallystick.retry", at.chat)
        first, second = provider.requests
        assert [one["function"]["name"] for one in second.body["tools"]] == [
            one["function"]["name"] for one in first.body["tools"]
        ]
        assert "edit" not in str(second.body["tools"])
        await ask(at, "now mend it")
        assert "edit" in {one["function"]["name"] for one in provider.requests[-1].body["tools"]}, "a review is no mode"

    play(tmp_path, ["A.", "B.", "C."], scene)


def test_a_chat_goes_on_only_with_a_session_of_its_own_folder(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        other = tmp_path / "other"
        other.mkdir()
        opened = await at.client.request("tallystick/openSession", {"workspace": str(other)})
        prompt = {"kind": "prompt", "text": "the secret plan"}
        await at.client.request("tallystick/submit", {"sessionId": opened["sessionId"], "operation": prompt})
        await at.client.until(lambda: "turn_finished" in str(at.client.all("tallystick/event")))
        await at.client.request("tallystick/closeSession", {"sessionId": opened["sessionId"]})
        for named in (opened["sessionId"], "s-"):
            at.client.open(at.chat, f"<!-- tallystick session: {named} -->\n## You\n\n/export jsonl\n")
            await at.send()
            assert "nothing to export" in at.said
            at.client.close(at.chat)
        at.client.open(at.chat, f"<!-- tallystick session: {opened['sessionId']} -->\n## You\n\ngo on\n")
        await at.send()
        assert "belongs to another folder" in at.said
        assert len(provider.requests) == 1

    play(tmp_path, ["42"], scene)


def test_what_is_typed_in_the_moment_of_a_click_is_not_sent(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(prompt="hi")
        await at.send()
        typed = iter(["please delete ev"])

        def type_first() -> None:
            for words in typed:
                at.client.replace(at.chat, len(at.said), len(at.said), words)

        at.client.on_edit = type_first
        await command(at, "tallystick.retry", at.chat)
        assert len(provider.requests) == 1
        assert "please delete ev" in at.said
        assert "/retry" not in at.said

    play(tmp_path, ["Hello."], scene)


def test_sending_code_is_no_chat(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open()
        source = at.source
        await command(at, "tallystick.send", at.code)
        assert at.source == source
        assert provider.requests == []
        assert "This is no chat" in at.client.all("window/showMessage")[-1]["message"]

    play(tmp_path, NO_REPLIES, scene)


def test_a_draft_is_never_taken_for_a_command(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(prompt="hi")
        await at.send()
        at.client.replace(at.chat, len(at.said), len(at.said), "half a thought")
        said = at.said
        await command(at, "tallystick.undo", at.chat)
        assert at.said == said
        assert "Send it or take it away" in at.client.all("window/showMessage")[-1]["message"]
        assert not any("Undo" in title for title in await at.client.actions(at.chat))

    play(tmp_path, ["Hello."], scene)


def test_plan_and_review_change_nothing(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        commit(at.root, "First", a="x = 0\n")
        at.client.open(at.chat, "/plan make it fast")
        await at.send()
        (at.root / "a.py").write_text("x = 5\n")
        await ask(at, "/review the numbers")
        for request in provider.requests:
            names = {tool["function"]["name"] for tool in request.body["tools"]}
            assert not names & {"edit", "write_file", "run_command"}
        review = str(provider.requests[1].body["messages"][-1])
        assert "+x = 5" in review
        assert "the numbers" in review

    play(tmp_path, ["A plan.", "Nothing is wrong."], scene)


def test_export_writes_beside_the_chat_and_never_over_a_file(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open(prompt="hi")
        await at.send()
        first = await ask(at, "/export")
        second = await ask(at, "/export")
        assert first != second
        [one, two] = sorted(at.root.glob("talk-s-*.md"))
        assert "## You\n\nhi\n\n## Tallystick\n\nHello.\n" in one.read_text()
        assert one.read_text() == two.read_text()
        await ask(at, "/export jsonl")
        [log] = at.root.glob("talk-s-*.jsonl")
        assert json.loads(log.read_text().splitlines()[0])["kind"] == "session_opened"

    play(tmp_path, ["Hello."], scene)


def test_new_chats_lie_in_the_folder_that_the_user_chose(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        shown: list[str] = []

        def show(params: Any) -> dict[str, bool]:
            path = Path(params["uri"].removeprefix("file://"))
            at.client.open(params["uri"], path.read_text() if path.exists() else "")
            shown.append(params["uri"])
            return {"success": True}

        at.client.responders["window/showDocument"] = show
        made = await command(at, "tallystick.newChat", None, "say hello", True)
        assert made["uri"] == shown[0]
        assert Path(made["uri"].removeprefix("file://")).parent == at.root / "talks"
        await at.client.until(lambda: "Hello." in at.client.documents[made["uri"]].text)
        assert len(provider.requests) == 1
        with pytest.raises(LspError):
            await command(at, "tallystick.newChat", 5)

    play(tmp_path, ["Hello."], scene, options={"chatsFolder": "talks"})


@pytest.mark.parametrize("kept", [None, "", "!*.md\n"])
def test_chats_in_the_default_folder_are_ignored_by_git_unless_their_reader_wants_them(tmp_path: Path, kept: str | None) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        git(at.root, "init", "-q")
        folder = at.root / ".tally"
        if kept is not None:
            folder.mkdir()
        if kept:
            (folder / ".gitignore").write_text(kept)
        for _number in range(2):
            await command(at, "tallystick.newChat", None, "say hello", False)
        assert len(list(folder.glob("*.tally.md"))) == 2
        status = git(at.root, "status", "--porcelain", "--", ".tally")
        if kept is None:
            assert status == ""
            assert (folder / ".gitignore").read_text() == "*\n"
        else:
            assert status
            assert (folder / ".gitignore").exists() == bool(kept)

    play(tmp_path, NO_REPLIES, scene)


def test_a_budget_that_comes_to_its_end_is_told(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open(prompt="look")
        at.client.replace(at.chat, 0, len(at.said), "")
        await ask(at, "/budget 1000 tokens")
        await ask(at, "look")
        assert any("tokens of this turn are used" in one["message"] for one in at.client.all("window/showMessage"))

    play(tmp_path, ['call read_file {"path": "a.py"}', "Done."], scene)


def test_an_amount_without_a_price_is_told_before_and_after(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.client.open(at.chat, "")
        assert "The price of `openai/scripted` is not known" in await ask(at, "/budget $0.10")
        assert "**Stopped** (price unknown)" in await ask(at, "hello")
        assert provider.requests == []

    play(tmp_path, NO_REPLIES, scene)


def test_status_is_told_to_who_asked_for_it(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open()
        at.answers("Allow once")
        await at.send()
        await asyncio.sleep(0)
        states = [one["state"] for one in at.client.all("tallystick/status")]
        assert states[:2] == ["idle", "busy"]
        assert "waiting" in states
        last = at.client.all("tallystick/status")[-1]
        assert (last["state"], last["model"]) == ("idle", "openai/scripted")
        assert last["contextTokens"] > 100
        assert last["tokens"] > last["contextTokens"]
        assert last["costNanos"] is None, "an unknown price is no 0"

    capabilities = {"experimental": {"tallystick": {"status": True}}}
    play(tmp_path, [EDIT, "It is 2."], scene, capabilities=capabilities)
