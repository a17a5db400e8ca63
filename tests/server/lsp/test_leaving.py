"""An editor that dies during a turn: the server ends, and the session's log is whole and says how the turn ended."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from tests.server.lsp.test_chat_turn import Desk
from tests.support.lsp_client import started
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.protocol.events import SessionClosed, TurnFinished
from tallystick_agent.sessions.event_log import read_readable


@pytest.mark.parametrize("way", ["input ends", "editor killed", "terminated"])
def test_a_client_that_dies_leaves_a_whole_log(tmp_path: Path, way: str) -> None:
    """Where the editor is killed, its end of our input stays open: here it is the test that holds it."""

    async def run(provider: ScriptedProvider) -> None:
        editor = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
        home = tmp_path / "home"
        environment = {"TALLYSTICK_HOME": str(home), "OPENAI_API_KEY": "sk-test-123456", "OPENAI_BASE_URL": provider.url}
        async with started(environment) as client:
            await client.initialize(tmp_path, pid=editor.pid)
            at = Desk(client, tmp_path)
            at.open()
            turn = await at.start()
            turn.add_done_callback(lambda done: done.exception())
            await client.until(lambda: provider.requests)
            assert client.process.stdin is not None
            if way == "input ends":
                client.process.stdin.close()
            elif way == "editor killed":
                editor.kill()
            else:
                client.process.send_signal(signal.SIGTERM)
            await client.process.wait()
        if editor.returncode is None:
            editor.kill()
        await editor.wait()
        [log] = (home / "sessions").rglob("*.jsonl")
        events, damage = read_readable(log)
        assert damage == ""
        assert isinstance(events[-1].body, SessionClosed)
        [ended] = [event.body for event in events if isinstance(event.body, TurnFinished)]
        assert ended.stop == "cancelled"

    with ScriptedProvider([Reply(hang=True)]) as provider:
        asyncio.run(run(provider))
