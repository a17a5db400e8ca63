"""A turn that goes on keeps the limits that it was given, and says how to raise them."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import Program
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.protocol.events import Event, TurnFinished
from tallystick_agent.protocol.operations import Prompt
from tallystick_server.compose import Application

READ = 'call read_file {"path": "a.txt"}'
LIMITS = ("--max-cost", "0.5", "--max-tokens", "90000", "--max-requests", "1", "--timeout", "90")
GIVEN = {"max_cost_nanos": 500_000_000, "max_tokens": 90_000, "max_requests": 1, "timeout_s": 90.0}
PRICE = '[endpoints."openai/scripted".price]\ninput = "1"\noutput = "1"\n'


def budgets(output: str) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in output.splitlines()]
    return [event["budget"] for event in events if event["kind"] == "turn_started"]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ((), GIVEN),
        (("--max-requests", "5"), {**GIVEN, "max_requests": 5}),
        (("--max-cost", "2", "--timeout", "30"), {**GIVEN, "max_cost_nanos": 2_000_000_000, "timeout_s": 30.0}),
        (("and now this",), {"max_cost_nanos": None, "max_tokens": 80_000, "max_requests": 60, "timeout_s": None}),
    ],
    ids=["none of its own", "one of its own", "two of its own", "a new prompt has those of the settings"],
)
def test_a_turn_that_goes_on_keeps_its_limits(tmp_path: Path, more: tuple[str, ...], found: dict[str, Any]) -> None:
    with ScriptedProvider([READ, "It says one."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("a.txt", "one\n")
        program.home.mkdir(mode=0o700)
        (program.home / "settings.toml").write_text(f"{PRICE}[budget]\nmax_tokens = 80000\n", "utf-8")
        first = program.task("read a.txt", *LIMITS, "--json")
        session = json.loads(first.stdout.splitlines()[0])["session_id"]
        second = program.run("resume", session, *more, "--json")
    assert (first.returncode, second.returncode) == (5, 0)
    assert (budgets(first.stdout), budgets(second.stdout)) == ([GIVEN], [found])


def test_the_end_names_the_command_that_goes_on(tmp_path: Path) -> None:
    with ScriptedProvider([READ]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("a.txt", "one\n")
        done = program.task("read a.txt", "--max-requests", "1")
    assert done.returncode == 5
    session = json.loads(program.run("sessions", "--json").stdout)["session_id"]
    assert f"tallystick resume {session} --max-requests …" in done.stdout


@pytest.mark.parametrize(
    ("given", "stops"),
    [((), 0), (("--max-requests", "1"), 5)],
    ids=["the settings' own is the new one", "what the turn was given stays"],
)
def test_a_turn_that_goes_on_is_under_the_settings_of_now(tmp_path: Path, given: tuple[str, ...], stops: int) -> None:
    with ScriptedProvider([READ, READ, "It says one."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("a.txt", "one\n")
        settings = Path(program.environment["TALLYSTICK_HOME"]) / "settings.toml"
        settings.write_text("[budget]\nmax_requests = 1\n", "utf-8")
        first = program.task("read a.txt", *given, "--json")
        session = json.loads(first.stdout.splitlines()[0])["session_id"]
        settings.write_text("[budget]\nmax_requests = 5\n", "utf-8")
        second = program.run("resume", session, "--json")
    assert (first.returncode, second.returncode) == (5, stops)


def test_an_editors_turn_is_under_the_settings_too(tmp_path: Path) -> None:
    """Hosts that give no limits must not be without any."""

    async def run(url: str) -> list[TurnFinished]:
        program = Program(folder=tmp_path, url=url)
        program.write("a.txt", "one\n")
        app = Application.load({"budget": {"max_requests": 1}}, program.environment)
        session = await app.open(app.disk(program.repo), app="test", model="openai/scripted")
        events = session.events()
        await session.submit(Prompt(text="read a.txt"))
        found = [event.body async for event in until_finished(events)]
        await session.close()
        await app.close()
        return [body for body in found if isinstance(body, TurnFinished)]

    with ScriptedProvider([READ, READ]) as provider:
        (ended,) = asyncio.run(run(provider.url))
        assert len(provider.requests) == 1
    assert (ended.stop, "budget.max_requests" in ended.remedy) == ("budget_exhausted", True)


async def until_finished(events: AsyncIterator[Event]) -> AsyncIterator[Event]:
    async with asyncio.timeout(30):
        async for event in events:
            yield event
            if isinstance(event.body, TurnFinished):
                return
