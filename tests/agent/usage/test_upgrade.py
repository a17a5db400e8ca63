"""Ledgers of older versions: every row is there after the move with what is derived from it, or nothing was changed."""

import sqlite3
from pathlib import Path

import pytest
from tests.agent.usage.test_ledger import MIDDAY

from tallystick_agent.protocol.errors import StorageError
from tallystick_agent.usage.ledger import VERSION, Ledger
from tallystick_agent.usage.sums import Query

V1 = """
CREATE TABLE requests (
  id INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL,
  app TEXT NOT NULL, client TEXT NOT NULL, user_label TEXT NOT NULL, workspace TEXT NOT NULL,
  app_title TEXT NOT NULL, app_url TEXT NOT NULL, app_categories TEXT NOT NULL,
  session_id TEXT NOT NULL, turn_id TEXT NOT NULL, request_id TEXT NOT NULL, attempt INTEGER NOT NULL,
  step INTEGER NOT NULL, purpose TEXT NOT NULL, model_asked TEXT NOT NULL, endpoint TEXT NOT NULL,
  provider TEXT NOT NULL, author TEXT NOT NULL, generation_id TEXT NOT NULL,
  input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL, source TEXT NOT NULL,
  provider_nanos INTEGER, priced_nanos INTEGER, drift_nanos INTEGER,
  latency_ms INTEGER NOT NULL, first_token_ms INTEGER, finish TEXT NOT NULL, error_code TEXT NOT NULL
);
CREATE INDEX requests_by_time ON requests(time_ms);
CREATE INDEX requests_by_session ON requests(session_id);
CREATE TABLE segments (
  request INTEGER NOT NULL REFERENCES requests(id), name TEXT NOT NULL, tokens INTEGER NOT NULL,
  PRIMARY KEY (request, name)
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
V2 = """
CREATE UNIQUE INDEX corrections ON requests(generation_id, request_id) WHERE finish = 'reconciled';
CREATE INDEX requests_estimated ON requests(provider, time_ms) WHERE source = 'estimated';
PRAGMA user_version = 2;
"""
ROW = (
    "INSERT INTO requests SELECT NULL, :time, 'cli', 'vim', 'ana', '/w', 'Tallystick', :url, '[\"cli-agent\"]', 's-1', :turn,"
    " :request, :attempt, 1, 'chat', 'openrouter/x/y', 'openrouter/x/y', 'openrouter', 'x', :generation, :input, 0, 0, :output,"
    " 0, :source, :provider, :priced, NULL, 12, 3, :finish, :error"
)
URL = "https://github.com/tallystick/tallystick/"


def add(
    file: sqlite3.Connection,
    request: str,
    *,
    tokens: tuple[int, int] = (70, 30),
    source: str = "reported",
    provider: int | None = None,
    priced: int | None = 9,
    finish: str = "stop",
    error: str = "",
    turn: str = "t-1",
    attempt: int = 1,
) -> None:
    values = {
        "time": MIDDAY, "url": URL, "turn": turn, "request": request, "attempt": attempt, "generation": f"gen-{request}",
        "input": tokens[0], "output": tokens[1], "source": source, "provider": provider, "priced": priced, "finish": finish,
        "error": error,
    }  # fmt: skip
    number = file.execute(ROW, values).lastrowid
    parts = [("correction", sum(tokens))] if finish == "reconciled" else [("prompt", tokens[0]), ("output:text", tokens[1])]
    file.executemany("INSERT INTO segments VALUES (?, ?, ?)", [(number, name, size) for name, size in parts if size])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def made(path: Path, *scripts: str) -> sqlite3.Connection:
    file = sqlite3.connect(path)
    for script in scripts:
        file.executescript(script)
    return file


def version(path: Path) -> int:
    file = sqlite3.connect(path)
    found = int(file.execute("PRAGMA user_version").fetchone()[0])
    file.close()
    return found


def test_a_ledger_of_the_second_version_is_brought_up(path: Path) -> None:
    file = made(path, V1, V2)
    add(file, "r-1")
    add(file, "r-2", source="estimated", priced=None, finish="failed", error="provider_stream_cut", tokens=(1_000, 10))
    add(file, "r-2", finish="reconciled", provider=7_000, priced=None, tokens=(-100, 10))
    add(file, "r-3", finish="aborted", error="interrupted", turn="t-2")
    file.commit()
    file.close()

    ledger = Ledger(path)
    (found,) = ledger.sums(Query(by=("door", "app", "user", "model", "bucket")))
    assert found.group == ("cli", "github.com/tallystick/tallystick", "ana", "x/y", "1000")
    assert (found.requests, found.failed, found.aborted, found.turns) == (3, 1, 1, 2)
    assert (found.estimated, found.unpriced) == (0, 0)
    assert (found.input_tokens, found.output_tokens, found.cost_nanos) == (1_040, 80, 7_018)
    assert (found.provider_nanos, found.priced_nanos) == (7_000, 18)
    assert [one.app for one in ledger.apps()] == ["github.com/tallystick/tallystick"]
    rows = [one.row for one in ledger.rows()]
    assert [(one.request_id, one.finish, one.task) for one in rows] == [
        ("r-1", "stop", "t-1"),
        ("r-2", "failed", "t-1"),
        ("r-2", "reconciled", "t-1"),
        ("r-3", "aborted", "t-2"),
    ]
    assert {one.name: one.tokens for one in rows[0].segments} == {"prompt": 70, "output:text": 30}
    assert ledger.unbalanced() == 0
    assert not any(ledger.differing().values())
    assert ledger.unreconciled("openrouter", 10) == []
    assert version(path) == VERSION


def test_a_row_that_version_1_corrected_twice_is_corrected_once_after_the_move(path: Path) -> None:
    file = made(path, V1)
    add(file, "r-1", source="estimated", finish="failed", error="x")
    for _ in range(2):
        add(file, "r-1", finish="reconciled", provider=-2, priced=None, tokens=(-10, 0))
    file.commit()
    file.close()
    (total,) = Ledger(path).totals("door")
    assert (total.requests, total.input_tokens, total.cost_nanos, total.estimated) == (1, 60, 7, 0)


def test_no_row_is_lost_where_two_had_one_name(path: Path) -> None:
    file = made(path, V1, V2)
    for _ in range(3):
        add(file, "r-1")
    file.commit()
    file.close()
    ledger = Ledger(path)
    assert ledger.totals("door")[0].requests == 3
    assert len({one.row.request_id for one in ledger.rows()}) == 3


def test_an_empty_ledger_of_the_first_version_is_brought_up(path: Path) -> None:
    made(path, V1).close()
    assert Ledger(path).totals("app") == []
    assert version(path) == VERSION


def test_many_rows_are_brought_up_in_their_order(path: Path) -> None:
    file = made(path, V1, V2)
    for number in range(2_500):
        add(file, f"r-{number}", turn=f"t-{number // 2}")
    file.commit()
    file.close()
    ledger = Ledger(path)
    assert [one.row.request_id for one in ledger.rows(most=3_000)] == [f"r-{number}" for number in range(2_500)]
    assert ledger.sums(Query())[0].turns == 1_250
    assert not any(ledger.differing().values())


def test_a_move_that_fails_changes_nothing(path: Path) -> None:
    file = made(path, V1, V2, "DROP TABLE segments")
    add_to = "INSERT INTO requests (id, time_ms) SELECT 1, 2"
    with pytest.raises(sqlite3.IntegrityError):
        file.execute(add_to)
    file.close()
    with pytest.raises(StorageError):
        Ledger(path).check()
    with sqlite3.connect(path) as after:
        names = {name for (name,) in after.execute("SELECT name FROM sqlite_master")}
    after.close()
    assert version(path) == 2
    assert names == {"requests", "requests_by_time", "requests_by_session", "corrections", "requests_estimated"}


def test_what_is_no_ledger_is_left_alone(path: Path) -> None:
    made(path, "CREATE VIEW requests AS SELECT 1 AS id").close()
    with pytest.raises(StorageError):
        Ledger(path).check()
    with sqlite3.connect(path) as after:
        assert [name for (name,) in after.execute("SELECT name FROM sqlite_master")] == ["requests"]
    after.close()
    assert version(path) == 0
