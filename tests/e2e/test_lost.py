"""kill -9 while an answer is under way, and a run as its rows tell of it: what was asked for is in the books, once."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.program import Program
from tests.support.scripted_provider import Reply, ScriptedProvider


def rows(home: Path, columns: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(home / "ledger.sqlite3")) as file:
        return file.execute(f"SELECT {columns} FROM requests ORDER BY id").fetchall()


def test_what_was_asked_when_the_process_was_killed_is_booked_by_the_doctor(tmp_path: Path) -> None:
    asked = threading.Event()

    def model(body: dict[str, Any], index: int) -> Reply:
        asked.set()
        return Reply(lines="Never told to the end.", hang=True)

    with ScriptedProvider(model) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        command = [sys.executable, "-I", "-m", "tallystick_server", "run", "say hello", "--model", "openai/scripted"]
        running = subprocess.Popen(
            [*command, "--repo", str(program.repo)], env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert asked.wait(60)
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
        assert rows(program.home, "finish") == []
        doctor = program.run("doctor")
        assert "1 requests of processes that are gone were booked" in doctor.stdout
        [(finish, code, source, inputs, door, turn, task)] = rows(
            program.home, "finish, error_code, source, input_tokens, door, turn_id, task"
        )
        assert (finish, code, source, door) == ("lost", "interrupted", "estimated", "cli")
        assert inputs > 100
        assert turn == task != ""
        assert "booked" not in program.run("doctor").stdout


def test_a_turn_of_two_requests_as_its_rows_tell_of_it(tmp_path: Path) -> None:
    with ScriptedProvider(['call list_files {"path": "."}', "Done."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        done = program.task("look around", "--json")
        turn = next(json.loads(line)["turn_id"] for line in done.stdout.splitlines() if "turn_started" in line)
    found = rows(program.home, "app, step, opens_turn, tool_calls, tools > 0, images, bucket, task")
    app = "github.com/tallystick/tallystick"
    assert [one[:6] for one in found] == [(app, 1, 1, 1, 1, 0), (app, 2, 0, 0, 1, 0)]
    assert all(one[6] in (1_000, 10_000) and one[7] == turn for one in found)
    with closing(sqlite3.connect(program.home / "ledger.sqlite3")) as file:
        assert file.execute("SELECT count(*) FROM open_requests").fetchone() == (0,)
