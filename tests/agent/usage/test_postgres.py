"""PostgreSQL as the ledger's place: a real server that is stopped, started, and asked for by several processes at once."""

from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from tests.agent.usage.test_ledger import row
from tests.support.postgres_server import PostgresProcess

from tallystick_agent.protocol.errors import ConfigurationError, StorageError
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.settings import Settings
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.places import database
from tallystick_agent.usage.postgres import PostgresServer
from tallystick_agent.usage.sums import Query

ROWS = 30


def opened(url: str) -> Ledger:
    return Ledger(PostgresServer(url))


@pytest.fixture
def url(postgres: PostgresProcess) -> str:
    return postgres.url(postgres.schema())


def add_many(url: str, name: str, together: Barrier, problems: "Queue[str]") -> None:
    """The life of one process: with the others it makes the tables, and adds rows."""
    together.wait()
    ledger = opened(url)
    try:
        for number in range(ROWS):
            ledger.append(row(Usage(input_tokens=3, output_tokens=1), session=name, request=f"{name}-{number}"))
            ledger.append(row(Usage(input_tokens=3, output_tokens=1), session=name, request=f"shared-{number}"))
    except StorageError as error:
        problems.put(error.message)
    ledger.close()


def test_processes_that_make_the_tables_and_add_to_them_at_once_lose_nothing(url: str) -> None:
    spawn = get_context("spawn")
    together, problems = spawn.Barrier(4), spawn.Queue()
    children = [spawn.Process(target=add_many, args=(url, f"s-{number}", together, problems)) for number in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0, 0, 0, 0]
    assert problems.empty(), problems.get()
    ledger = opened(url)
    assert ledger.sums(Query())[0].requests == 5 * ROWS
    assert not any(ledger.differing().values())
    ledger.close()


def test_a_server_that_was_away_is_found_again(postgres: PostgresProcess, url: str) -> None:
    ledger = opened(url)
    ledger.append(row(Usage(input_tokens=1)))
    assert ledger.totals("door")[0].requests == 1
    postgres.stop()
    try:
        for act in (lambda: ledger.append(row(Usage(input_tokens=1))), lambda: ledger.totals("door")):
            with pytest.raises(StorageError) as refused:
                act()
            assert "127.0.0.1" in refused.value.message
            assert postgres.password not in refused.value.message
    finally:
        postgres.start()
    assert ledger.append(row(Usage(input_tokens=1)))
    assert ledger.totals("door")[0].requests == 2
    ledger.close()


def test_a_connection_that_broke_since_the_last_row_costs_no_row(postgres: PostgresProcess, url: str) -> None:
    ledger = opened(url)
    ledger.append(row(Usage(input_tokens=1)))
    assert ledger.totals("door")[0].requests == 1
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tallystick'")
    assert ledger.append(row(Usage(input_tokens=1)))
    assert ledger.totals("door")[0].requests == 2
    ledger.close()


def test_tables_of_a_newer_version_are_left_alone(postgres: PostgresProcess) -> None:
    schema = postgres.schema()
    postgres.execute("CREATE TABLE tallystick_version (version BIGINT NOT NULL)", schema)
    postgres.execute("INSERT INTO tallystick_version VALUES (99)", schema)
    with pytest.raises(StorageError) as refused:
        opened(postgres.url(schema)).append(row(Usage()))
    assert "newer version" in refused.value.message
    assert postgres.execute(f"SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'") == [(1,)]


def test_foreign_tables_are_left_alone(postgres: PostgresProcess) -> None:
    schema = postgres.schema()
    postgres.execute("CREATE TABLE days (mine TEXT)", schema)
    with pytest.raises(StorageError):
        opened(postgres.url(schema)).check()
    assert postgres.execute(f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'") == [("days",)]


@pytest.mark.parametrize("spoilt", ["password", "port", "database", "option", "quoted"])
def test_no_password_is_in_an_error(postgres: PostgresProcess, spoilt: str) -> None:
    url = postgres.url(password="wrong%2Dpass" if spoilt == "quoted" else "wrong-pass")
    if spoilt == "port":
        url = url.replace(str(postgres.port), "1")
    elif spoilt == "database":
        url = url.replace("/postgres", "/nowhere")
    elif spoilt == "option":
        url += "?nonsense=1"
    with pytest.raises(StorageError) as refused:
        opened(url).check()
    assert "wrong" not in f"{refused.value.message} {refused.value.remedy}"
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/d", "postgresql://u:secret@h:port/d", "secret", "postgresql://[u:secret@h/d"]
)
def test_what_is_no_address_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        PostgresServer(url)
    assert "secret" not in f"{refused.value.message} {refused.value.remedy}"


def test_settings_do_not_show_the_address() -> None:
    settings = Settings.model_validate({"ledger": {"url": "postgresql://u:secret@h/d"}})
    assert "secret" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    assert settings.ledger.url is not None
    assert settings.ledger.url.get_secret_value().endswith("@h/d")


def test_without_an_address_the_ledger_is_a_file(tmp_path: Path) -> None:
    Ledger(database("", tmp_path)).check()
    assert (tmp_path / "ledger.sqlite3").exists()


def test_a_client_that_is_not_installed_is_a_matter_of_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError) as refused:
        PostgresServer("postgresql://h/d")
    assert "tallystick[postgres]" in refused.value.remedy
