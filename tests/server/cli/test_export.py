"""`tallystick export` as the real program: files whole or not at all, pipes, bad usage, and a real collector."""

import csv
import io
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.ledger_rows import few_rows, plain_row
from tests.support.otlp_collector import OtlpCollector, Reply
from tests.support.program import Program
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.usage.ledger import Ledger

COST = sum(one.row.cost.nanos or 0 for one in few_rows())


@pytest.fixture
def program(tmp_path: Path) -> Program:
    program = Program(folder=tmp_path)
    program.home.mkdir(mode=0o700)
    ledger = Ledger(program.home / "ledger.sqlite3")
    ledger.append_many([one.row for one in few_rows()])
    ledger.close()
    return program


def test_the_format_follows_the_name_of_the_file(program: Program) -> None:
    for name in ("a.csv", "a.jsonl", "a.parquet", "a.txt"):
        done = program.run("export", "-o", name)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", f"6 rows in {name}\n")
    assert (program.folder / "a.csv").read_bytes() == (program.folder / "a.txt").read_bytes()
    assert (program.folder / "a.parquet").read_bytes()[:4] == b"PAR1"
    rows = [json.loads(line) for line in (program.folder / "a.jsonl").read_text("utf-8").splitlines()]
    assert sum(Decimal(row["cost_usd"] or 0) for row in rows) == Decimal(COST).scaleb(-9)


def test_parquet_goes_through_a_pipe(program: Program) -> None:
    done = subprocess.run(
        program.command("export", "--format", "parquet"), env=program.environment, capture_output=True, check=True, timeout=60
    )
    assert done.stdout[:4] == done.stdout[-4:] == b"PAR1"


def test_what_was_asked_for(program: Program) -> None:
    def ids(*arguments: str) -> list[tuple[str, str]]:
        done = program.run("export", *arguments)
        assert done.returncode == 0, done.stderr
        return [(row["request_id"], row["correction"]) for row in csv.DictReader(io.StringIO(done.stdout))]

    everything = [("r-1", "false"), ("r-2", "false"), ("r-3", "false"), ("r-3", "true"), ("r-4", "false"), ("r-5", "false")]
    assert ids() == ids("--since", "2025-11-25", "--until", "2025-11-26") == everything
    assert ids("--net") == [one for one in everything if one[1] == "false"]
    assert ids("--since", "2025-11-25T12:00:04") == everything[4:]
    assert ids("--since", "2025-11-25T13:00:04+01:00") == everything[4:]
    assert ids("--until", "2025-11-25T12:00:02Z") == everything[:1]
    assert ids("--app", "cline.bot") == everything[:5]
    assert ids("--period", "today") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "yesterday"], "is no day and no time"),
        (["--format", "xml"], "Invalid value"),
        (["--endpoint", "http://127.0.0.1:1"], "--format otlp"),
        (["--signals", "traces"], "--format otlp"),
        (["--format", "otlp", "-o", "x"], "writes no file"),
        (["--format", "otlp"], "no collector to send to"),
        (["--format", "otlp", "--endpoint", "localhost:4318"], "no address of a collector"),
        (["--session", "s-none"], "s-none"),
    ],
)
def test_bad_usage(program: Program, arguments: list[str], said: str) -> None:
    done = program.run("export", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_written_is_an_error_and_not_half_a_file(program: Program) -> None:
    done = program.run("export", "-o", "no/folder/a.csv")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert not (program.folder / "no").exists()


def test_a_full_disk_leaves_the_file_that_was_there(program: Program) -> None:
    ledger = Ledger(program.home / "ledger.sqlite3")
    ledger.append_many([plain_row(number) for number in range(10, 1_500)])
    ledger.close()
    target = program.folder / "a.csv"
    target.write_text("old")
    command = " ".join(f"'{word}'" for word in program.command("export", "-o", str(target)))
    done = program.execute(["bash", "-c", f"trap '' XFSZ; ulimit -f 100; exec {command}"], program.environment)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert target.read_text() == "old"
    assert not list(program.folder.glob(".a.csv*"))


def test_a_reader_that_goes_away_is_no_failure_of_ours(program: Program) -> None:
    ledger = Ledger(program.home / "ledger.sqlite3")
    ledger.append_many([plain_row(number) for number in range(10, 3_000)])
    ledger.close()
    with subprocess.Popen(
        program.command("export"), env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=program.folder
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read()
        assert running.wait(60) == 1
    assert b"Traceback" not in said


def test_help_has_examples(program: Program) -> None:
    done = program.run("export", "--help")
    assert "tallystick export --period month -o month.csv" in done.stdout


def test_a_period_is_sent_to_a_collector(program: Program) -> None:
    with OtlpCollector() as collector:
        done = program.run("export", "--format", "otlp", "--endpoint", collector.url)
        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith("5 requests as 8 spans and")
        assert collector.total("tallystick.cost.nanos") == COST
        before, points = {one["id"] for one in collector.spans}, len(collector.points)
        program.run("export", "--format", "otlp", "--signals", "traces", "--endpoint", collector.url)
        assert len(collector.points) == points
        assert {one["id"] for one in collector.spans} == before


def test_the_environment_names_the_collector_and_its_headers(program: Program) -> None:
    with OtlpCollector() as collector:
        environment = {
            **program.environment,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20abc",
        }
        done = program.execute(program.command("export", "--format", "otlp"), environment)
        assert done.returncode == 0, done.stderr
        assert {one.headers["authorization"] for one in collector.came} == {"Basic abc"}


def test_a_collector_that_refuses_is_said(program: Program) -> None:
    with OtlpCollector(lambda number: Reply(status=401)) as collector:
        done = program.run("export", "--format", "otlp", "--endpoint", collector.url)
    assert done.returncode == 6
    assert "answered 401" in done.stderr


def test_a_run_tells_its_requests_while_it_works(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello."]) as provider, OtlpCollector() as collector:
        program = Program(folder=tmp_path, url=provider.url)
        program.home.mkdir(mode=0o700)
        settings = f'[telemetry]\nendpoint = "{collector.url}"\n[telemetry.key_headers]\nx-team = "TEAM_TOKEN"\n'
        (program.home / "settings.toml").write_text(settings)
        environment = {**program.environment, "TEAM_TOKEN": "t-123"}
        command = program.command("run", "say hello", "--repo", str(program.repo), "--model", "openai/scripted")
        done = program.execute(command, environment)
        assert done.returncode == 0, done.stderr
        chat, turn = sorted(collector.spans, key=lambda one: one["name"])
        assert (chat["name"], turn["name"]) == ("chat scripted", "invoke_agent Tallystick")
        assert chat["parent"] == turn["id"]
        assert chat["attributes"]["server.address"] == "127.0.0.1"
        assert [one.value for one in collector.points if one.metric == "tallystick.requests"][-1] == 1
        assert {one.headers["x-team"] for one in collector.came} == {"t-123"}
        assert "say hello" not in str([one.body for one in collector.came])
        before = chat["id"]
        program.execute(program.command("export", "--format", "otlp"), environment)
        assert before in {one["id"] for one in collector.spans[2:]}


@pytest.mark.parametrize("settings", ["", 'key_headers = {x = "NONE"}'])
def test_a_run_does_not_care_whether_telemetry_arrives(tmp_path: Path, settings: str) -> None:
    with ScriptedProvider(["Hello."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.home.mkdir(mode=0o700)
        (program.home / "settings.toml").write_text(f'[telemetry]\nendpoint = "http://127.0.0.1:1"\n{settings}\n')
        done = program.task("say hello")
    assert done.returncode == 0
    assert "Hello." in done.stdout


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [(["--format", "parquet"], "parquet"), (["--format", "otlp", "--endpoint", "http://127.0.0.1:1"], "otel")],
)
def test_without_the_library_it_says_how_to_get_it(program: Program, arguments: list[str], extra: str) -> None:
    """As in an installation without the extras: nothing finds the libraries."""
    script = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "gone = ('pyarrow', 'opentelemetry')\n"
        "importlib.util.find_spec = lambda name, *rest: None if name.partition('.')[0] in gone else real(name, *rest)\n"
        "from tallystick_server.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = program.execute([sys.executable, "-c", script, "export", *arguments], program.environment)
    assert done.returncode == 2
    assert f"pip install 'tallystick[{extra}]'" in done.stderr


def test_the_doctor_asks_the_collector(program: Program) -> None:
    status = [200]
    with OtlpCollector(lambda number: Reply(status=status[0])) as collector:
        (program.home / "settings.toml").write_text(f'[telemetry]\nendpoint = "{collector.url}"\n')
        assert f"telemetry: {collector.url} takes it" in program.run("doctor").stdout
        assert (collector.spans, collector.points) == ([], [])
        status[0] = 401
        done = program.run("doctor")
        assert "answered 401" in done.stdout
        assert done.returncode != 0
