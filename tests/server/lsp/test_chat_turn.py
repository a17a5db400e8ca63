"""Whole turns in a chat document: a real server process, a scripted editor, a scripted provider."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.lsp_client import SERVER, LspClient, LspError, Refuse, started
from tests.support.scripted_provider import Reply, ScriptedProvider

EDIT = 'call edit {"path":"a.py","edits":[{"old":"x = 1","new":"x = 2  # 🎉"}]}'
PROGRESS = {"window": {"workDoneProgress": True}, "workspace": {"codeLens": {"refreshSupport": True}}}


class Desk:
    """A started server with a chat document and a.py open, whose unsaved text differs from its file."""

    def __init__(self, client: LspClient, root: Path, offered: dict[str, Any] | None = None) -> None:
        self.client = client
        self.offered = offered or {}
        """The server's capabilities."""
        self.root = root
        self.code = (root / "a.py").as_uri()
        self.chat = (root / "talk.tally.md").as_uri()

    @property
    def said(self) -> str:
        return self.client.documents[self.chat].text

    @property
    def source(self) -> str:
        return self.client.documents[self.code].text

    def open(self, prompt: str = "make x 2 🎉", source: str = "# é🎉\nx = 1\n") -> None:
        self.client.open(self.code, source, "python")
        self.client.open(self.chat, f"## You\n\n{prompt}\n")

    async def start(self) -> "asyncio.Future[Any]":
        action = (await self.client.actions(self.chat))["Tallystick: Send"]
        command = {"command": action["command"]["command"], "arguments": action["command"]["arguments"]}
        return self.client.start_request("workspace/executeCommand", command)[1]

    async def send(self) -> None:
        async with asyncio.timeout(30):
            await (await self.start())

    def answers(self, title: str | None) -> None:
        """What the person picks in every message with buttons."""
        choice = {"title": title} if title is not None else None
        self.client.responders["window/showMessageRequest"] = lambda _: choice


@contextlib.asynccontextmanager
async def desk(tmp_path: Path, provider: ScriptedProvider, **options: Any) -> AsyncGenerator[Desk, None]:
    root = tmp_path / "work"
    root.mkdir(exist_ok=True)
    if not (root / "a.py").exists():
        (root / "a.py").write_text("x = 0\n")
    environment = {
        "TALLYSTICK_HOME": str(tmp_path / "home"),
        "OPENAI_API_KEY": "sk-test-123456",
        "OPENAI_BASE_URL": provider.url,
    }
    environment.update(options.get("environment", {}))
    command = options.get("command", SERVER)
    async with started(environment, encoding=options.get("encoding", "utf-16"), command=command) as client:
        if "configuration" in options:
            client.responders["workspace/configuration"] = lambda _: [options["configuration"]]
        given = {"options": options.get("options"), "replay": options.get("replay")}
        answer = await client.initialize(root, options.get("capabilities", PROGRESS), **given)
        yield Desk(client, root, answer["capabilities"])


def play(
    tmp_path: Path,
    replies: list[Reply | str],
    scene: Callable[[Desk, ScriptedProvider], Awaitable[None]],
    **options: Any,
) -> None:
    async def run(provider: ScriptedProvider) -> None:
        async with desk(tmp_path, provider, **options) as place:
            await scene(place, provider)
            assert await place.client.stop() == 0

    with ScriptedProvider(replies) as provider:
        asyncio.run(run(provider))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_turn_with_an_edit(tmp_path: Path, encoding: str) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open()
        at.answers("Allow once")
        await at.send()
        assert at.source == "# é🎉\nx = 2  # 🎉\n"
        assert (at.root / "a.py").read_text() == "x = 0\n"
        first, rest = at.said.split("\n", 1)
        assert first.startswith("<!-- tallystick session: s-")
        assert rest.startswith(
            "## You\n\nmake x 2 🎉\n\n## Tallystick\n\nI look 🎉.\n\n- read a.py\n- edit a.py: Changed a.py (+1 -1).\n\n```diff\n"
        )
        assert "\n+x = 2  # 🎉\n" in rest
        assert " out, price unknown, 3 requests, openai/scripted*\n\n## You\n\n" in rest
        assert rest.endswith("\n## You\n\n")
        [asked] = at.client.all("window/showMessageRequest")
        assert [action["title"] for action in asked["actions"]] == ["Allow once", "Allow for this session", "Reject"]
        assert "edit a.py" in asked["message"]
        assert "+x = 2" in asked["message"]
        seen = str(provider.requests[1].body)
        assert "x = 1" in seen, "the unsaved text is what the model reads"
        assert "unsaved changes: a.py" in str(provider.requests[0].body)
        kinds = [one["value"]["kind"] for one in at.client.all("$/progress")]
        assert (kinds[0], kinds[-1]) == ("begin", "end")
        versions = [one["edit"]["documentChanges"][0]["textDocument"]["version"] for one in at.client.all("workspace/applyEdit")]
        assert all(versions)

    replies: list[Reply | str] = ['I look 🎉.\ncall read_file {"path": "a.py"}', EDIT, "It is 2 🎉."]
    play(tmp_path, replies, scene, encoding=encoding)


def test_the_answer_comes_in_pieces(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open()
        await at.send()
        assert "word 59" in at.said
        assert len(at.client.all("workspace/applyEdit")) > 4
        assert (
            max(
                len(change["edit"]["documentChanges"][0]["edits"][0]["newText"])
                for change in at.client.all("workspace/applyEdit")
            )
            < 400
        )

    words = " ".join(f"word {number}" for number in range(60))
    play(tmp_path, [Reply(lines=words, delay_s=0.02)], scene)


@pytest.mark.parametrize("title", ["Reject", None])
def test_a_rejected_or_closed_question_means_no(tmp_path: Path, title: str | None) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open()
        at.answers(title)
        await at.send()
        assert at.source == "# é🎉\nx = 1\n"
        assert "The user did not allow this" in str(provider.requests[1].body)
        assert "```diff" not in at.said
        assert "Understood." in at.said

    play(tmp_path, [EDIT, "Understood."], scene)


def test_allowed_for_the_session_is_not_asked_again(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open()
        at.answers("Allow for this session")
        await at.send()
        assert at.source == "# é🎉\nx = 3\n"
        assert len(at.client.all("window/showMessageRequest")) == 1

    again = 'call edit {"path":"a.py","edits":[{"old":"x = 2  # 🎉","new":"x = 3"}]}'
    play(tmp_path, [EDIT, again, "Done."], scene)


@pytest.mark.parametrize(("verb", "source"), [("Approve", "x = 2  # 🎉\n"), ("Reject", "x = 1\n")])
def test_code_actions_where_no_message_can_be_answered(tmp_path: Path, verb: str, source: str) -> None:
    """Kate has no window/showMessageRequest."""

    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open(source="x = 1\n")
        turn = await at.start()
        await at.client.until(lambda: [one for one in at.client.all("textDocument/publishDiagnostics") if one["diagnostics"]])
        [mark] = at.client.all("textDocument/publishDiagnostics")
        assert mark["uri"] == at.chat
        assert "edit a.py" in mark["diagnostics"][0]["message"]
        actions = await at.client.actions(at.code)
        assert list(actions)[:3] == ["Approve: edit a.py", "Approve for this session: edit a.py", "Reject: edit a.py"]
        await at.client.run(actions[f"{verb}: edit a.py"])
        await turn
        assert at.source == source
        assert at.client.all("textDocument/publishDiagnostics")[-1] == {"uri": at.chat, "diagnostics": []}
        assert not any("edit a.py" in title for title in await at.client.actions(at.code))
        await at.client.run(actions["Approve: edit a.py"])
        assert "no longer open" in at.client.all("window/showMessage")[-1]["message"]

    play(tmp_path, [EDIT, "Done."], scene)


def test_a_question_of_the_model(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open()
        at.answers("blue")
        await at.send()
        assert "The user says: blue" in str(provider.requests[1].body)
        assert "Nobody is there to answer" in str(provider.requests[2].body)
        assert "**Question:** Which colour? (red / blue)" in at.said
        assert len(at.client.all("window/showMessageRequest")) == 1

    first = 'call ask_user {"question": "Which colour?", "options": ["red", "blue"]}'
    play(tmp_path, [first, 'call ask_user {"question": "Why?"}', "Blue it is."], scene)


def _by_action(at: Desk) -> Callable[[], Awaitable[None]]:
    async def stop() -> None:
        actions = await at.client.actions(at.chat)
        assert "Tallystick: Send" not in actions
        await at.client.run(actions["Tallystick: Stop"])

    return stop


def _by_progress(at: Desk) -> Callable[[], Awaitable[None]]:
    async def stop() -> None:
        begun = await at.client.until(lambda: at.client.all("$/progress"))
        at.client.notify("window/workDoneProgress/cancel", {"token": begun[0]["token"]})

    return stop


@pytest.mark.parametrize("way", [_by_action, _by_progress])
def test_stop(tmp_path: Path, way: Callable[[Desk], Callable[[], Awaitable[None]]]) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open()
        turn = await at.start()
        await at.client.until(lambda: "## Tallystick" in at.said and provider.requests)
        await way(at)()
        await turn
        assert "> **Stopped** (cancelled)" in at.said
        assert at.said.endswith("## You\n\n")
        at.client.replace(at.chat, len(at.said), len(at.said), "and now?\n")
        await at.send()
        assert "Here I am." in at.said

    play(tmp_path, [Reply(hang=True), "Here I am."], scene)


def test_cancelling_the_command_stops_the_turn(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open()
        command = {"command": "tallystick.send", "arguments": [at.chat]}
        number, answer = at.client.start_request("workspace/executeCommand", command)
        await at.client.until(lambda: provider.requests)
        at.client.notify("$/cancelRequest", {"id": number})
        with pytest.raises(LspError) as caught:
            await answer
        assert caught.value.code == -32800
        await at.client.until(lambda: "> **Stopped** (cancelled)" in at.said)

    play(tmp_path, [Reply(hang=True)], scene)


def test_a_stop_takes_an_open_question_back(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open()
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        at.client.responders["window/showMessageRequest"] = lambda _: never
        turn = await at.start()
        await at.client.until(lambda: at.client.all("window/showMessageRequest"))
        await at.client.run((await at.client.actions(at.chat))["Tallystick: Stop"])
        await turn
        await at.client.until(lambda: at.client.all("$/cancelRequest"))
        assert not any("edit a.py" in title for title in await at.client.actions(at.code))
        assert at.source == "# é🎉\nx = 1\n"
        never.set_result(None)

    play(tmp_path, [EDIT], scene)


def test_a_stale_version_is_refused_and_the_model_told(tmp_path: Path) -> None:
    """The user types at the very moment of the edit: the editor refuses it, and the model reads the text again."""

    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(source="x = 1\n")
        at.answers("Allow for this session")
        typed: list[str] = []

        def type_first() -> None:
            edits = at.client.all("workspace/applyEdit")[-1]["edit"].get("documentChanges", [])
            if not typed and edits and edits[0]["textDocument"]["uri"] == at.code:
                typed.append("y")
                at.client.replace(at.code, 0, 0, "y = 0\n")

        at.client.on_edit = type_first
        await at.send()
        assert typed
        assert "changed since it was read" in str(provider.requests[1].body)
        assert at.source == "y = 0\nx = 2  # 🎉\n"

    play(tmp_path, [EDIT, EDIT, "Done."], scene)


def test_what_the_user_writes_while_the_answer_comes_stays(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open(prompt="hi")
        typed = 0

        def type_first() -> None:
            nonlocal typed
            if typed < 5 and "## Tallystick" in at.said:
                typed += 1
                at.client.replace(at.chat, len(at.said), len(at.said), f"note {typed} 🎉\n")
                above = at.said.index("hi") + 2
                at.client.replace(at.chat, above, above, f" above{typed}")

        at.client.on_edit = type_first
        await at.send()
        assert typed == 5
        assert "hi above5 above4 above3 above2 above1\n" in at.said
        assert [at.said.count(f"note {number} 🎉") for number in range(1, 6)] == [1] * 5
        words = " ".join(f"word {number}" for number in range(40))
        assert at.said.count(words) == 1

    words = " ".join(f"word {number}" for number in range(40))
    play(tmp_path, [Reply(lines=words, delay_s=0.01)], scene)


def test_a_client_that_takes_no_versioned_edits(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open()
        at.answers("Allow once")

        def apply(params: Any) -> Any:
            if "documentChanges" in params["edit"]:
                raise Refuse(-32603, "documentChanges?")
            return {"applied": at.client.apply(params["edit"])}

        at.client.responders["workspace/applyEdit"] = apply
        await at.send()
        assert at.source == "# é🎉\nx = 2  # 🎉\n"
        assert "Done." in at.said

    play(tmp_path, [EDIT, "Done."], scene)


def test_a_chat_goes_on_in_its_session_after_it_was_closed(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(prompt="remember 42")
        await at.send()
        text = at.said
        at.client.close(at.chat)
        at.client.open(at.chat, text + "which number?\n")
        await at.send()
        assert "remember 42" in str(provider.requests[1].body)
        assert at.said.splitlines()[0] == text.splitlines()[0]
        at.client.close(at.chat)
        at.client.open(at.chat, "<!-- tallystick session: s-gone -->\n## You\n\nhi\n")
        await at.send()
        assert "A new one was begun" in at.client.all("window/showMessage")[-1]["message"]
        assert "s-gone" not in at.said

    play(tmp_path, ["Noted.", "42.", "Hi."], scene)


def test_a_chat_closed_during_the_answer_finds_it_in_the_file(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(prompt="hi")
        at.client.responders["window/showMessageRequest"] = lambda _: release
        release: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        turn = await at.start()
        await at.client.until(lambda: at.client.all("window/showMessageRequest"))
        await at.client.until(lambda: "waiting for your permission" in at.said)
        (at.root / "talk.tally.md").write_text(at.said)
        at.client.close(at.chat)
        release.set_result({"title": "Reject"})
        await turn
        saved = (at.root / "talk.tally.md").read_text()
        assert "Too bad." in saved
        assert saved.count("## Tallystick") == 1

    play(tmp_path, [EDIT, "Too bad."], scene)


def test_an_error_before_the_turn_keeps_the_prompt(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open(prompt="hi")
        await at.send()
        [shown] = at.client.all("window/showMessage")
        assert shown["type"] == 1
        assert "OPENAI_API_KEY" in shown["message"]
        assert "> **Not sent:** There is no key for openai." in at.said
        assert "## Tallystick" not in at.said
        assert "Tallystick: Send" in await at.client.actions(at.chat)

    play(tmp_path, [], scene, environment={"OPENAI_API_KEY": ""})


def test_an_error_of_the_provider_is_in_the_document(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open(prompt="hi")
        await at.send()
        assert "> **Stopped** (provider failed): " in at.said
        assert at.said.endswith("## You\n\n")

    play(tmp_path, [Reply(status=401, body='{"error": {"message": "bad key"}}')], scene)


def test_lenses_follow_the_turn(tmp_path: Path) -> None:
    async def lenses(at: Desk) -> list[tuple[int, str]]:
        found = await at.client.request("textDocument/codeLens", {"textDocument": {"uri": at.chat}})
        return [(one["range"]["start"]["line"], one["command"]["title"]) for one in found]

    async def lens(at: Desk) -> tuple[int, str]:
        [one] = await lenses(at)
        return one

    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(prompt="hi")
        assert await lens(at) == (0, "▶ Send")
        turn = await at.start()
        await at.client.until(lambda: provider.requests)
        assert (await lens(at))[1] == "■ Stop"
        await at.client.run((await at.client.actions(at.chat))["Tallystick: Stop"])
        await turn
        shown = await lenses(at)
        assert [title for _, title in shown] == ["▶ Send", "↶ Undo", "↻ Retry"]
        assert {at.said.splitlines()[line] for line, _ in shown} == {"## You"}
        assert len(at.client.all("workspace/codeLens/refresh")) >= 2
        assert await at.client.request("textDocument/codeLens", {"textDocument": {"uri": at.code}}) == []

    play(tmp_path, [Reply(hang=True)], scene)


def test_a_question_is_answered_by_its_lens(tmp_path: Path) -> None:
    async def scene(at: Desk, _: ScriptedProvider) -> None:
        at.open()
        turn = await at.start()
        allow: list[Any] = []

        async def offered() -> bool:
            found = await at.client.request("textDocument/codeLens", {"textDocument": {"uri": at.chat}})
            end = at.said.rstrip().count("\n")
            titled = [one for one in found if one["command"]["title"] == "Allow once"]
            allow[:] = [one for one in titled if one["range"]["start"]["line"] == end]
            return bool(allow)

        async with asyncio.timeout(30):
            while not await offered():
                await at.client.until(lambda: "+x = 2" in at.said)
        await at.client.run(allow[0])
        await turn
        assert "x = 2" in at.source

    play(tmp_path, [EDIT, "It is 2."], scene)


def test_nothing_to_send_and_a_turn_that_runs(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open(prompt="")
        assert await at.client.actions(at.chat) == {}
        send = {"command": "tallystick.send", "arguments": [at.chat]}
        await at.client.request("workspace/executeCommand", send)
        assert "no prompt" in at.client.all("window/showMessage")[-1]["message"]
        with pytest.raises(LspError) as caught:
            await at.client.request("workspace/executeCommand", {"command": "tallystick.send", "arguments": [1]})
        assert caught.value.code == -32602
        at.client.replace(at.chat, len(at.said), len(at.said), "hi\n")
        turn = await at.start()
        await at.client.until(lambda: provider.requests)
        await at.client.request("workspace/executeCommand", send)
        assert "A turn is running" in at.client.all("window/showMessage")[-1]["message"]
        await at.client.request("workspace/executeCommand", {"command": "tallystick.stop", "arguments": [at.chat]})
        await turn
        place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
        context = {"diagnostics": [], "only": ["source.organizeImports"]}
        params = {"textDocument": {"uri": at.chat}, "range": place, "context": context}
        assert await at.client.request("textDocument/codeAction", params) == []

    play(tmp_path, [Reply(hang=True)], scene)


def test_a_window_is_condensed_and_brought_back_from_the_chat(tmp_path: Path) -> None:
    async def scene(at: Desk, provider: ScriptedProvider) -> None:
        at.open("read a.py", source="".join(f"value_{n} = {n}\n" for n in range(300)))
        await at.send()
        for prompt in ("/compact", "still there?", "/restore", "and now?"):
            at.client.replace(at.chat, len(at.said), len(at.said), f"{prompt}\n")
            await at.send()
        assert "*The context window was condensed:" in at.said
        assert "*The context window was brought back:" in at.said
        bodies = [str(request.body["messages"]) for request in provider.requests]
        assert ["value_299" in body for body in bodies] == [False, True, False, True]
        assert not any("/compact" in body for body in bodies)

    play(tmp_path, ['call read_file {"path": "a.py"}', "Read.", "Yes.", "Yes."], scene)
