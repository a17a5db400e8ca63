"""`tallystick rankings` over real ledgers: the tables at a terminal, the JSON, and how it refuses."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.made_ledger import booked, weeks
from tests.support.program import Program
from tests.support.pty_run import run_at_terminal
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.protocol.usage import Usage
from tallystick_agent.usage.ledger import Ledger
from tallystick_server.cli.rankings import bar
from tallystick_server.rankings_query import KINDS

NOON = datetime.now(UTC).replace(hour=0, minute=1)


def filled(tmp_path: Path) -> Program:
    program = Program(folder=tmp_path)
    program.home.mkdir(mode=0o700)
    ledger = Ledger(program.home / "ledger.sqlite3")
    ledger.append_many(list(weeks(NOON)))
    ledger.close()
    return program


def test_an_empty_ledger_says_so_in_words(tmp_path: Path) -> None:
    program = Program(folder=tmp_path)
    for arguments, words in (
        ([], "No tokens were used from "),
        (["images", "--period", "day"], "No images were sent on "),
        (["apps", "--sort", "trending"], "No app grew from "),
        (["sessions"], "No session was used from "),
        (["models", "--model", "a/b"], "(model a/b)."),
    ):
        done = program.run("rankings", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert words in done.stdout, done.stdout


def test_a_run_is_ranked(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        assert program.task("say hello").returncode == 0
    found = json.loads(program.run("rankings", "--json").stdout)
    (row,) = found["data"]
    assert (row["rank"], row["name"], row["requests"], row["cost_usd"], row["share"]) == (
        1,
        "openai/scripted",
        "1",
        None,
        "1.0000",
    )
    (app,) = json.loads(program.run("rankings", "apps", "--json").stdout)["data"]
    assert (app["name"], app["title"], app["new"]) == ("github.com/tallystick/tallystick", "Tallystick", True)


def test_every_ranking_has_a_table_and_json(tmp_path: Path) -> None:
    program = filled(tmp_path)
    for kind in KINDS:
        found = json.loads(program.run("rankings", kind.replace("_", "-"), "--json").stdout)
        assert found["data"], kind
        assert found["meta"]["ranking"] == kind
        text = program.run("rankings", kind.replace("_", "-")).stdout
        assert "\x1b" not in text
        assert "█" not in text, "bars are for a terminal"
        assert len(text.splitlines()) >= len(found["data"]) + 3, text


@pytest.mark.parametrize("width", ["80", "120"])
def test_tables_fit_a_terminal(tmp_path: Path, width: str) -> None:
    program = filled(tmp_path)
    for arguments in (["models"], ["apps"], ["sessions"], ["reasoning"], ["use-cases"]):
        seen = run_at_terminal(program, ["rankings", *arguments], wait_for="Nothing waits", then=None, columns=int(width))
        text = re.sub(r"\x1b\[[0-9;]*m", "", seen.text)
        assert seen.code == 0, text
        assert max(map(len, text.splitlines())) <= int(width), text
        assert "█" in text or arguments in (["sessions"], ["apps"], ["reasoning"]), text


def test_what_the_provider_did_not_say_is_marked(tmp_path: Path) -> None:
    program = Program(folder=tmp_path)
    program.home.mkdir(mode=0o700)
    ledger = Ledger(program.home / "ledger.sqlite3")
    ledger.append(booked(Usage(input_tokens=5, output_tokens=5, source="estimated"), when=NOON))
    ledger.close()
    text = program.run("rankings").stdout
    assert "anthropic/claude-sonnet-5.5*" in text
    assert "* some requests were counted by us" in text
    assert "unknown" in text


@pytest.mark.parametrize(
    "arguments", [["--date", "yesterday"], ["--limit", "51"], ["--days", "3", "--period", "day"], ["models", "--sort", "popular"]]
)
def test_bad_usage_is_said_with_a_remedy(tmp_path: Path, arguments: list[str]) -> None:
    done = Program(folder=tmp_path).run("rankings", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("part", "width", "text"), [(0, 8, ""), (1, 4, "████"), (0.5, 4, "██"), (0.0001, 8, "▏"), (0.16, 8, "█▎")]
)
def test_bars(part: float, width: int, text: str) -> None:
    assert bar(part, width) == text


def test_what_a_run_is_about_is_in_its_rows(tmp_path: Path) -> None:
    """Languages come from the words of the prompt and the files that it names, and stay the same for all requests of a turn."""
    with ScriptedProvider(['call read_file {"path": "lib/cart.rb"}', "Fertig."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("lib/cart.rb", "puts 1\n")
        assert program.task("Was ist hier falsch, und wie kann ich es beheben? @lib/cart.rb").returncode == 0
    for kind, name in (("use-cases", "programming"), ("natural-languages", "german"), ("programming-languages", "ruby")):
        (row,) = json.loads(program.run("rankings", kind, "--json").stdout)["data"]
        assert (row["name"], row["requests"]) == (name, "2")
