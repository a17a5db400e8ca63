"""A turn that goes on keeps the limits that it was given, and says how to raise them."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import Program
from tests.support.scripted_provider import ScriptedProvider

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
