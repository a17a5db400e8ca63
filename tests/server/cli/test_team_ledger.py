"""The command line over a team's ledger: what is booked lies in PostgreSQL, and one that is down stops a run before it costs."""

import json
from pathlib import Path

from tests.support.postgres_server import PostgresProcess
from tests.support.program import Program
from tests.support.scripted_provider import ScriptedProvider


def test_runs_of_two_homes_stand_in_one_ledger(tmp_path: Path, postgres: PostgresProcess) -> None:
    url = postgres.url(postgres.schema())
    with ScriptedProvider(["Hello.", "Hello again."]) as provider:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            program = Program(folder=tmp_path / name, url=provider.url)
            program.environment  # noqa: B018 makes the home
            (program.home / "settings.toml").write_text(f'[ledger]\nurl = "{url}"\n')
            assert program.task("say hello").returncode == 0
            assert not (program.home / "ledger.sqlite3").exists()
    shown = program.run("usage", "--json", "--by", "app").stdout
    [row] = [json.loads(line) for line in shown.splitlines()]
    assert (row["requests"], row["title"]) == (2, "Tallystick")
    assert "Tallystick (github.com/tallystick/tallystick)" in program.run("usage", "--by", "app").stdout
    doctor = program.run("doctor")
    assert "every row sums to its tokens" in doctor.stdout
    assert postgres.password not in doctor.stdout + doctor.stderr


def test_a_server_that_is_down_stops_a_run_before_it_costs(tmp_path: Path, postgres: PostgresProcess) -> None:
    url = postgres.url(password="secret-words").replace(str(postgres.port), "1")
    with ScriptedProvider(["Hello."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.environment  # noqa: B018 makes the home
        (program.home / "settings.toml").write_text(f'[ledger]\nurl = "{url}"\n')
        done = program.task("say hello")
        assert done.returncode != 0
        assert provider.requests == []
    assert "ledger" in done.stdout + done.stderr
    assert "secret-words" not in done.stdout + done.stderr
