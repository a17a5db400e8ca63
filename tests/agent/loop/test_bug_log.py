"""A bug in a turn: the turn ends with an event, and the log of bugs says where it was and nothing of what was said."""

import asyncio
from pathlib import Path

from tests.support.program import Program
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.protocol.events import TurnFinished
from tallystick_agent.protocol.operations import Prompt
from tallystick_server.compose import Application
from tallystick_server.local.disk import DiskWorkspace

SECRET = "a prompt and a key"


class Broken(DiskWorkspace):
    def open_paths(self) -> tuple[str, ...]:
        raise RuntimeError(SECRET)

    async def files(self) -> tuple[str, ...]:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise RuntimeError(SECRET) from error


def test_a_bug_leaves_its_place_and_no_words(tmp_path: Path) -> None:
    async def run(url: str) -> str:
        program = Program(folder=tmp_path, url=url)
        app = Application.load(environment=program.environment)
        session = await app.open(Broken(program.repo, program.environment), app="test", model="openai/scripted")
        events = session.events()
        await session.submit(Prompt(text=SECRET))
        async with asyncio.timeout(30):
            async for event in events:
                if isinstance(event.body, TurnFinished):
                    assert event.body.stop == "internal_error"
                    break
        await session.close()
        await app.close()
        return (program.home / "logs" / "bugs.log").read_text()

    with ScriptedProvider(["Hello."]) as provider:
        log = asyncio.run(run(provider.url))
    assert "RuntimeError" in log
    assert "test_bug_log.py" in log
    assert SECRET not in log
