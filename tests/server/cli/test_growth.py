"""`tallystick growth` and `tallystick whatif`: real runs, made ledgers, and figures that agree with the ledger's."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.made_ledger import CLINE, LUNA, TAVERN, booked, session, weeks
from tests.support.program import Program
from tests.support.pty_run import run_at_terminal
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.protocol.usage import Cost, Usage
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.record import LedgerRow

NOON = datetime.now(UTC).replace(hour=0, minute=1)
PRICE = """
[endpoints."openrouter/test/flat"]
base_url = "http://127.0.0.1:9/v1"
window_tokens = 20000
price = { input = "1", output = "2", cache_read = "0.5" }
"""


def with_rows(tmp_path: Path, rows: list[LedgerRow], settings: str = PRICE) -> Program:
    program = Program(folder=tmp_path)
    program.home.mkdir(mode=0o700)
    (program.home / "settings.toml").write_text(settings, "utf-8")
    ledger = Ledger(program.home / "ledger.sqlite3")
    ledger.append_many(rows)
    ledger.close()
    return program


def asked(program: Program, *arguments: str) -> dict[str, Any]:
    done = program.run(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_an_empty_ledger_says_so_in_words(tmp_path: Path) -> None:
    program = with_rows(tmp_path, [])
    assert program.run("growth").stdout == "No session has used anything yet.\n"
    assert program.run("whatif", "openrouter/test/flat").stdout.startswith("No request was made from ")
    missing = program.run("growth", "s-1")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert len(missing.stderr.splitlines()) == 2


def test_a_run_and_what_follows_it(tmp_path: Path) -> None:
    """The session's log gives the window; a resumed session has a second turn."""
    with ScriptedProvider(["call list_files {}", "Done.", "Yes."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        settings = '[endpoints."openai/scripted"]\nwindow_tokens = 50000\nprice = { input = "1", output = "2" }\n'
        program.home.mkdir(mode=0o700)
        (program.home / "settings.toml").write_text(settings, "utf-8")
        assert program.task("look around").returncode == 0
        name = json.loads(program.run("sessions", "--json").stdout.splitlines()[0])["session_id"]
        assert program.run("resume", name, "is it done?").returncode == 0
    found = asked(program, "growth", "--budget", "5")
    assert found["session"]["session_id"] == name
    assert [one["requests"] for one in found["turns"]] == [2, 1]
    total = found["session"]
    assert sum(int(one["input_tokens"]) for one in found["data"]) == int(total["input_tokens"])
    assert Decimal(total["cost_usd"]) == sum(Decimal(one["cost_usd"]) for one in found["data"])
    for one in found["data"]:
        assert sum(map(int, one["segments"].values())) == int(one["input_tokens"]) + int(one["output_tokens"])
    ahead = found["forecast"]
    assert ahead["window"] == "50000"
    assert ahead["requests_left"] > 0
    assert ahead["budget_last_turn"] > 2
    text = program.run("growth", name[:8]).stdout
    assert f"Session {name}" in text
    assert "had been sent before" in text


def test_a_session_of_another_app_has_no_log_and_a_chart(tmp_path: Path) -> None:
    rows = [
        booked(Usage(input_tokens=500 + 400 * n, output_tokens=100), when=NOON, who=TAVERN, session="chat", turn=f"t-{n}")
        for n in range(30)
    ]
    program = with_rows(tmp_path, rows)
    found = asked(program, "growth", "chat")
    assert found["session"]["title"] == "SillyTavern"
    assert found["session"]["cost_usd"] is None
    assert found["forecast"]["tokens_per_request"] == "400"
    lines = program.run("growth", "chat").stdout.splitlines()
    bars = [line.count("█") for line in lines if re.match(r"\d+–\d+ ", line)]
    assert len(bars) == 15, "30 turns share 15 lines"
    assert bars == sorted(bars)


@pytest.mark.parametrize("width", [80, 120])
def test_charts_and_tables_fit_a_terminal(tmp_path: Path, width: int) -> None:
    program = with_rows(tmp_path, list(weeks(NOON)))
    for arguments in (["growth", "s-6", "--budget", "20"], ["whatif", "openai/gpt-5.6-luna"]):
        seen = run_at_terminal(program, arguments, wait_for="Nothing waits", then=None, columns=width)
        text = re.sub(r"\x1b\[[0-9;]*m", "", seen.text)
        assert seen.code == 0, text
        assert max(map(len, text.splitlines())) <= width, text
    assert "would be" in text


def test_what_if_it_had_been_another_model(tmp_path: Path) -> None:
    use = Usage(input_tokens=1_000, cached_tokens=400, output_tokens=100)
    rows = [
        booked(use, when=NOON, who=CLINE, endpoint=LUNA, cost=Cost(priced_nanos=3_000_000)),
        booked(use, when=NOON, who=TAVERN, cost=Cost()),
        booked(Usage(input_tokens=20_001), when=NOON, who=CLINE, endpoint=LUNA, cost=Cost(priced_nanos=0)),
    ]
    program = with_rows(tmp_path, rows)
    found = asked(program, "whatif", "openrouter/test/flat")
    total = found["meta"]["total"]
    assert (total["now_usd"], total["was_usd"], total["unpriced"]) == ("0.022001", "0.003", "1")
    assert total["difference_usd"] == "0.018001"
    assert total["too_long"] == "1"
    assert [one["model"] for one in found["data"]] == ["openai/gpt-5.6-luna", "anthropic/claude-sonnet-5.5"]
    assert found["data"][1]["was_usd"] is None
    no_cache = asked(program, "whatif", "openrouter/test/flat", "--cache", "none", "--app", "sillytavern")
    assert no_cache["meta"]["total"]["now_usd"] == "0.0012"
    text = program.run("whatif", "openrouter/test/flat").stdout
    assert "have more input than its window of 20,000 tokens takes" in text


def test_sums_and_rows_give_the_same_price(tmp_path: Path) -> None:
    """Where every request fits and costs are known, the roll-ups are enough; a session is always priced by its rows."""
    rows = list(session(NOON, "s-one", turns=2))
    program = with_rows(tmp_path, rows, PRICE.replace("20000", "10000000"))
    whole = asked(program, "whatif", "openrouter/test/flat", "--period", "day")
    alone = asked(program, "whatif", "openrouter/test/flat", "--session", "s-one")
    assert (whole["meta"]["by_request"], alone["meta"]["by_request"]) == (False, True)
    assert whole["meta"]["total"] == alone["meta"]["total"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["openrouter/nobody/nothing-1"], "is not known"),
        (["openrouter/test/flat", "--date", "2026-13-01"], "is no date"),
        (["openrouter/test/flat", "--session", "s", "--period", "day"], "priced as a whole"),
    ],
)
def test_bad_usage_is_said_with_a_remedy(tmp_path: Path, arguments: list[str], words: str) -> None:
    program = with_rows(tmp_path, list(session(NOON, "s", turns=1)))
    done = program.run("whatif", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 2
