"""A session as its hosts use it: every turn that was started ends with an event, whatever comes in between."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.ports import SessionHandle
from tallystick_agent.protocol.events import CompactionItem, EventBody, ItemFinished, Notice, TurnFinished
from tallystick_agent.protocol.operations import Cancel, CloseSession, Compact, Prompt
from tallystick_agent.sessions.event_log import read_log
from tallystick_server.compose import Application

Play = Callable[[SessionHandle], Awaitable[None]]


def play(folder: Path, replies: list[Reply | str], act: Play, ends: int = 1) -> list[EventBody]:
    """The bodies of all events until `ends` turns have ended."""

    async def run(url: str) -> list[EventBody]:
        program = Program(folder=folder, url=url)
        app = Application.load(environment=program.environment)
        session = await app.open(app.disk(program.repo), app="test", model="openai/scripted")
        events, seen, left = session.events(), list[EventBody](), ends
        acting = asyncio.create_task(asyncio.wait_for(act(session), 30))
        async with asyncio.timeout(30):
            async for event in events:
                seen.append(event.body)
                left -= isinstance(event.body, TurnFinished)
                if left == 0:
                    break
        await acting
        await session.close()
        assert [event.seq for event in read_log(app.store.path(session.session_id))][-1] >= len(seen)
        await app.close()
        return seen

    with ScriptedProvider(replies) as provider:
        return asyncio.run(run(provider.url))


def ends_of(bodies: list[EventBody]) -> list[str]:
    return [body.stop for body in bodies if isinstance(body, TurnFinished)]


def test_a_cancel_right_behind_a_prompt_ends_the_turn(tmp_path: Path) -> None:
    async def act(session: SessionHandle) -> None:
        await session.submit(Prompt(text="hello"))
        await session.submit(Cancel())

    assert ends_of(play(tmp_path, ["Hello."], act)) == ["cancelled"]


def test_a_second_prompt_while_a_turn_runs_is_refused_with_a_notice(tmp_path: Path) -> None:
    async def act(session: SessionHandle) -> None:
        await session.submit(Prompt(text="hello"))
        await session.submit(Prompt(text="again"))

    bodies = play(tmp_path, ["Hello.", "Again."], act)
    assert [body.code for body in bodies if isinstance(body, Notice)] == ["busy"]
    assert ends_of(bodies) == ["end_turn"]


def test_closing_ends_the_turn_first(tmp_path: Path) -> None:
    async def act(session: SessionHandle) -> None:
        await session.submit(Prompt(text="hello"))
        await asyncio.sleep(0)
        await session.submit(CloseSession())

    assert ends_of(play(tmp_path, [Reply(hang=True)], act)) == ["cancelled"]


@pytest.mark.parametrize("steps", range(0, 60, 4))
def test_a_cancel_at_any_step_leaves_a_whole_log(tmp_path: Path, steps: int) -> None:
    """Cancelled after so many steps of the event loop: the turn ends once, and what was begun is finished in the log."""

    async def act(session: SessionHandle) -> None:
        await session.submit(Prompt(text="hello"))
        for _ in range(steps * 10):
            await asyncio.sleep(0)
        await session.submit(Cancel())

    replies: list[Reply | str] = ["call list_files {}", Reply(lines="Hello, this is a longer answer.", delay_s=0.01)]
    assert ends_of(play(tmp_path, replies, act)) in (["cancelled"], ["end_turn"])


def test_compacting_drops_old_output_and_keeps_the_newest(tmp_path: Path) -> None:
    """Between turns; while nothing is there to drop it says so."""
    Program(folder=tmp_path).write("a.txt", "one line that is read twice, and long enough to be worth its dropping\n" * 5)

    async def act(session: SessionHandle) -> None:
        await session.submit(Compact())
        events = session.events()
        await session.submit(Prompt(text="read it twice"))
        async for event in events:
            if isinstance(event.body, TurnFinished):
                break
        await session.submit(Compact())
        await session.submit(Prompt(text="and now?"))

    read = 'call read_file {"path": "a.txt"}'
    bodies = play(tmp_path, [read, read, "Read.", "Nothing more."], act, ends=2)
    assert [body.code for body in bodies if isinstance(body, Notice)] == ["compaction"]
    [item] = [body.item for body in bodies if isinstance(body, ItemFinished) and isinstance(body.item, CompactionItem)]
    assert item.dropped_calls == ("call_0",)
    assert item.tokens_after < item.tokens_before
