"""tallystick/*: the engine's operations and events over LSP, for a client of our own."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.support.lsp_client import LspClient, LspError, started
from tests.support.scripted_provider import ScriptedProvider


def environment(tmp_path: Path, provider: ScriptedProvider | None = None) -> dict[str, str]:
    known = {"TALLYSTICK_HOME": str(tmp_path / "home"), "OPENAI_API_KEY": "sk-test-123456"}
    return {**known, "OPENAI_BASE_URL": provider.url} if provider is not None else known


def events(client: LspClient, kind: str) -> list[dict[str, Any]]:
    return [heard["event"] for heard in client.all("tallystick/event") if heard["event"]["kind"] == kind]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "a.py").write_text("x = 1\n")
    return folder


def test_a_session_from_open_to_close(tmp_path: Path, root: Path) -> None:
    replies = ['call edit {"path":"a.py","edits":[{"old":"x = 1","new":"x = 2"}]}', "Done."]

    async def run(provider: ScriptedProvider) -> None:
        async with started(environment(tmp_path, provider)) as client:
            await client.initialize(root)
            opened = await client.request("tallystick/openSession", {"model": "openai/scripted"})
            session = opened["sessionId"]
            operation = {"kind": "prompt", "text": "make x 2"}
            assert await client.request("tallystick/submit", {"sessionId": session, "operation": operation}) == {}
            [asked] = await client.until(lambda: events(client, "permission_requested"))
            decide = {
                "kind": "decide",
                "call_id": asked["call_id"],
                "digest": asked["digest"],
                "decision": "allow_once",
            }
            await client.request("tallystick/submit", {"sessionId": session, "operation": decide})
            [ended] = await client.until(lambda: events(client, "turn_finished"))
            assert ended["stop"] == "end_turn"
            assert await client.request("tallystick/closeSession", {"sessionId": session}) == {}
            seqs = [heard["event"]["seq"] for heard in client.all("tallystick/event")]
            assert seqs == list(range(1, len(seqs) + 1))
            assert events(client, "session_closed")
            assert events(client, "session_opened")[0]["client"] == "Scripted 1"
            assert not client.all("window/showMessageRequest")
            with pytest.raises(LspError) as gone:
                await client.request("tallystick/closeSession", {"sessionId": session})
            assert gone.value.code == -32602
            await _resumes(client, session, root)
            assert await client.stop() == 0

    with ScriptedProvider([*replies]) as provider:
        asyncio.run(run(provider))
    assert (root / "a.py").read_text() == "x = 2\n"


async def _resumes(client: LspClient, session: str, root: Path) -> None:
    again = await client.request("tallystick/openSession", {"resume": session, "workspace": root.as_uri()})
    assert again["sessionId"] == session
    await client.request("tallystick/submit", {"sessionId": session, "operation": {"kind": "close_session"}})
    assert len(events(client, "session_closed")) == 2


WRONG: list[tuple[str, Any, int]] = [
    ("tallystick/openSession", {"workspace": 1}, -32602),
    ("tallystick/openSession", {"workspace": "relative"}, -32602),
    ("tallystick/openSession", {"workspace": "/does/not/exist"}, -32803),
    ("tallystick/openSession", {"model": "openai"}, -32803),
    ("tallystick/openSession", {"resume": "s-none"}, -32803),
    ("tallystick/openSession", [1], -32602),
    ("tallystick/submit", {"sessionId": "s-none", "operation": {"kind": "cancel"}}, -32602),
    ("tallystick/submit", {}, -32602),
    ("tallystick/closeSession", None, -32602),
]


def test_what_is_wrong_is_answered_with_its_code(tmp_path: Path, root: Path) -> None:
    async def run() -> None:
        async with started(environment(tmp_path)) as client:
            await client.initialize(root)
            for method, params, code in WRONG:
                with pytest.raises(LspError) as caught:
                    await client.request(method, params)
                assert caught.value.code == code, (method, params)
            assert not list((tmp_path / "home").rglob("*.jsonl")), "asking for a session that is not there makes none"

    asyncio.run(run())


def test_an_operation_that_is_none(tmp_path: Path, root: Path) -> None:
    async def run() -> None:
        async with started(environment(tmp_path)) as client:
            await client.initialize(root)
            session = (await client.request("tallystick/openSession", {"workspace": str(root)}))["sessionId"]
            for operation in (None, {}, {"kind": "dance"}, {"kind": "prompt"}):
                with pytest.raises(LspError) as caught:
                    await client.request("tallystick/submit", {"sessionId": session, "operation": operation})
                assert caught.value.code == -32602

    asyncio.run(run())


def test_a_client_that_dies_leaves_a_whole_log(tmp_path: Path, root: Path) -> None:
    """The answer never comes and nobody says goodbye; the log still ends with the turn's end and the close."""
    from tests.support.scripted_provider import Reply

    async def run(provider: ScriptedProvider) -> str:
        async with started(environment(tmp_path, provider)) as client:
            await client.initialize(root)
            session = (await client.request("tallystick/openSession", {}))["sessionId"]
            operation = {"kind": "prompt", "text": "hi"}
            await client.request("tallystick/submit", {"sessionId": session, "operation": operation})
            await client.until(lambda: events(client, "request_started"))
            assert client.process.stdin is not None
            client.process.stdin.close()
            assert await client.process.wait() == 0
            return str(session)

    with ScriptedProvider([Reply(hang=True)]) as provider:
        session = asyncio.run(run(provider))
    lines = (tmp_path / "home" / "sessions" / f"{session}.jsonl").read_text().splitlines()
    assert '"kind":"turn_finished"' in lines[-2]
    assert '"kind":"session_closed"' in lines[-1]
    assert [path.name for path in (tmp_path / "home" / "sessions").iterdir()] == [f"{session}.jsonl"]
