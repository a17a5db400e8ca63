"""An editor that stops reading while a model streams: the server stays small, hears it, and loses nothing.

What the server does meanwhile is seen in the session's log, which it writes whoever reads.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from tests.server.lsp.test_chat_turn import Desk, desk
from tests.support.lsp_client import LspClient
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.protocol.codec import event_to_dict
from tallystick_agent.sessions.event_log import read_readable

MOST_GROWN_MB = 48
WORDS = "".join(f"{number:011d} " for number in range(300_000))


def logged(tmp_path: Path) -> list[dict[str, Any]]:
    logs = list((tmp_path / "home" / "sessions").rglob("*.jsonl"))
    return [event_to_dict(event) for event in read_readable(logs[0])[0]] if logs else []


def size(tmp_path: Path) -> int:
    return sum(log.stat().st_size for log in (tmp_path / "home" / "sessions").rglob("*.jsonl"))


def memory_mb(client: LspClient) -> float:
    if sys.platform != "linux":
        return 0.0
    status = Path(f"/proc/{client.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def deaf(client: LspClient, tmp_path: Path, until: int) -> None:
    """Stops listening and lets the turn stream on until so many bytes are in its log."""
    before = memory_mb(client)
    client.listen(on=False)
    await client.until(lambda: size(tmp_path) > until)
    assert memory_mb(client) - before < MOST_GROWN_MB


def ask_much(client: LspClient, uri: str) -> "list[asyncio.Future[Any]]":
    asked = [client.start_request("textDocument/codeLens", {"textDocument": {"uri": uri}})[1] for _ in range(200)]
    client.replace(uri, 0, 0, "")
    return asked


async def hears(client: LspClient, tmp_path: Path) -> None:
    """The turn ends while nobody listens."""
    [stop] = await client.until(lambda: [event["stop"] for event in logged(tmp_path) if event["kind"] == "turn_finished"])
    assert stop == "cancelled"


def test_an_answer_in_a_chat(tmp_path: Path) -> None:
    async def run(provider: ScriptedProvider) -> None:
        async with desk(tmp_path, provider) as at:
            at.open()
            turn = await at.start()
            await at.client.until(lambda: "00000000003" in at.said)
            edits = len(at.client.all("workspace/applyEdit"))
            await deaf(at.client, tmp_path, 100_000)
            asked = ask_much(at.client, at.chat)
            stopped = at.client.start_request("workspace/executeCommand", {"command": "tallystick.stop", "arguments": [at.chat]})[
                1
            ]
            await hears(at.client, tmp_path)
            assert len(at.client.all("workspace/applyEdit")) <= edits + 1
            at.client.listen(on=True)
            await asyncio.gather(turn, stopped, *asked)
            whole(at, tmp_path)
            assert await at.client.stop() == 0

    with ScriptedProvider([Reply(lines=WORDS, delay_s=0.0005)]) as provider:
        asyncio.run(run(provider))


def whole(at: Desk, tmp_path: Path) -> None:
    """The document holds all that came before the stop, once and in order."""
    deltas = [event["text"] for event in logged(tmp_path) if event["kind"] == "item_delta"]
    assert "".join(deltas).strip() in at.said
    assert at.said.count("00000000003") == 1
    assert "**Stopped** (cancelled)" in at.said


def test_a_stream_of_events(tmp_path: Path) -> None:
    """Pieces of text may be left out for a client that lags: the finished item repeats them."""

    async def run(provider: ScriptedProvider) -> None:
        async with desk(tmp_path, provider) as at:
            client = at.client
            at.open()
            session = (await client.request("tallystick/openSession", {"model": "openai/scripted"}))["sessionId"]
            prompt = {"kind": "prompt", "text": "go"}
            await client.request("tallystick/submit", {"sessionId": session, "operation": prompt})
            await client.until(lambda: len(client.all("tallystick/event")) > 10)
            await deaf(client, tmp_path, 3_000_000)
            heard = len(client.all("tallystick/event"))
            asked = ask_much(client, at.chat)
            cancel = {"sessionId": session, "operation": {"kind": "cancel"}}
            cancelled = client.start_request("tallystick/submit", cancel)[1]
            await hears(client, tmp_path)
            assert heard < len(logged(tmp_path)), "it was to lag behind"
            client.listen(on=True)
            await asyncio.gather(cancelled, *asked)
            await client.request("tallystick/closeSession", {"sessionId": session})
            events = [one["event"] for one in client.all("tallystick/event")]
            seqs = [event["seq"] for event in events]
            assert seqs == sorted(set(seqs))
            kept = [event for event in logged(tmp_path) if event["kind"] != "item_delta"]
            assert [event for event in events if event["kind"] != "item_delta"] == kept
            assert await client.stop() == 0

    with ScriptedProvider([Reply(lines=WORDS)]) as provider:
        asyncio.run(run(provider))
