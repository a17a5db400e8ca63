"""A ledger that cannot be written: requests are refused or their rows wait in a file, and no row is lost or booked twice."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from tests.agent.usage.conftest import Place
from tests.agent.usage.test_bookkeeper import ME, ROOT, child
from tests.agent.usage.test_ledger import row
from tests.support.books_child import opened
from tests.support.postgres_server import PostgresProcess

from tallystick_agent.protocol.errors import StorageError
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.usage.bookkeeper import Bookkeeper, WhenDown
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.limits import Limit
from tallystick_agent.usage.places import database
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.spool import ROOM, Spool
from tallystick_agent.usage.sums import Query
from tallystick_server.local.processes import alive
from tallystick_server.local.system import SystemClock


def rows(number: int) -> list[LedgerRow]:
    return [row(Usage(input_tokens=1), request=f"r-{one}") for one in range(number)]


def test_what_was_put_in_is_taken_in_once(ledger: Ledger, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert not spool.waiting()
    spool.put(rows(3))
    spool.put(rows(5)[2:])
    assert spool.waiting()
    assert spool.path.stat().st_mode & 0o777 == 0o600
    assert spool.take_in(ledger.append_many) == 5
    assert spool.take_in(ledger.append_many) == 0
    assert [one.row for one in ledger.rows()] == [one.row for one in ledger.rows()]
    assert ledger.sums(Query())[0].requests == 5
    assert not spool.waiting()


def test_rows_come_back_as_they_were(ledger: Ledger, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(rows(2))
    spool.take_in(ledger.append_many)
    (tmp_path / "other").mkdir()
    direct = Ledger(database("", tmp_path / "other"))
    direct.append_many(rows(2))
    assert [one.row for one in ledger.rows()] == [one.row for one in direct.rows()]


def test_the_room_is_taken_beforehand_and_kept(ledger: Ledger, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.prepare()
    assert spool.path.stat().st_size == ROOM
    spool.put(rows(500))
    assert spool.path.stat().st_size > ROOM
    assert spool.take_in(ledger.append_many) == 500
    assert spool.path.stat().st_size == ROOM
    spool.put(rows(501)[500:])
    assert spool.take_in(ledger.append_many) == 1


def test_a_line_that_was_cut_short_costs_no_other_row(ledger: Ledger, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(rows(1))
    with spool.path.open("r+b") as file:
        length = len(file.read().rstrip(b"\0"))
        file.seek(length)
        file.write(b'{"time_ms": 1, "da')
    spool.put(rows(2)[1:])
    assert spool.take_in(ledger.append_many) == 2
    assert spool.damaged.read_bytes() == b'{"time_ms": 1, "da\n'
    assert spool.damaged.stat().st_mode & 0o777 == 0o600


def test_while_the_ledger_is_down_nothing_is_taken_out(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(rows(3))

    def down(_: object = ()) -> int:
        raise StorageError("down")

    with pytest.raises(StorageError):
        spool.take_in(down)
    assert spool.waiting()


def test_a_spool_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Spool(tmp_path / "file").put(rows(1))


def test_a_taker_that_is_killed_half_way_books_no_row_twice(place: Place, tmp_path: Path) -> None:
    home = place.home or tmp_path
    spool = Spool(home)
    spool.put(rows(20))
    place.ledger().check()
    killed = child("die_taking_in", place, home, "x")
    assert killed.returncode == -9, killed.stderr
    assert spool.waiting()
    ledger = place.ledger()
    assert spool.take_in(ledger.append_many) == 0
    assert ledger.sums(Query())[0].requests == 20
    assert not spool.waiting()


@pytest.mark.parametrize("when_down", ["refuse", "spool"])
def test_a_server_that_stops_half_way(postgres: PostgresProcess, tmp_path: Path, when_down: WhenDown) -> None:
    ledger = Ledger(database(postgres.url(postgres.schema()), tmp_path))

    async def run() -> None:
        books = Bookkeeper(ledger, Spool(tmp_path), SystemClock(), me=ME, alive=alive, when_down=when_down)
        await books.check()
        await books.open(opened("r-0"))
        postgres.stop()
        try:
            assert await books.append(rows(1)[0])
            if when_down == "refuse":
                with pytest.raises(StorageError) as refused:
                    await books.open(opened("r-1"))
                assert postgres.password not in refused.value.message
            else:
                await books.open(opened("r-1"))
                with pytest.raises(StorageError):
                    await books.open(opened("r-2"), [Limit(kind="all", max_requests=100)])
                assert await books.append(rows(2)[1])
        finally:
            postgres.start()
        await books.close()

    asyncio.run(run())
    spool = Spool(tmp_path)
    new = spool.take_in(ledger.append_many)
    assert new == (1 if when_down == "refuse" else 2)
    assert ledger.sums(Query())[0].requests == new
    (now,) = ledger.standings([Limit(kind="all")])
    assert now.open_requests == 0
    ledger.close()


def test_rows_in_the_spool_are_taken_in_by_the_next_who_books(place: Place, tmp_path: Path) -> None:
    Spool(tmp_path).put(rows(3))

    async def run() -> None:
        books = Bookkeeper(place.ledger(), Spool(tmp_path), SystemClock(), me=ME, alive=alive)
        await books.append(row(Usage(), request="mine"))
        await books.close()

    asyncio.run(run())
    assert place.ledger().sums(Query())[0].requests == 4


def test_a_full_disk_loses_no_row_and_refuses_the_next_request(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.books_child", "fill", "", str(tmp_path), "f"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    booked, spooled, ending = done.stdout.split()
    assert (booked, ending) == ("61", "StorageError")
    assert int(spooled) > 0
    ledger = Ledger(database("", tmp_path))
    Spool(tmp_path).take_in(ledger.append_many)
    assert ledger.sums(Query())[0].requests == 61
    assert not any(ledger.differing().values())
    ledger.close()
