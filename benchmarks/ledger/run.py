"""What the ledger costs: rows added at once and one by one, and what is read from many. Prints a table for each database.

    python benchmarks/ledger/run.py [--rows 1000000] [--copies 1] [--only sqlite|postgres]

`--copies N` adds the rows N times, each time as other people's (so that there are as many groups more), by SQL, and makes the
sums beside them anew: ten million rows are there in minutes. PostgreSQL is a server of its own with its usual settings, synced.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.ledger.made import DAY_MS, DAYS, FIRST_MS, rows
from tests.support import postgres_server

from tallystick_agent.usage.bookkeeper import Bookkeeper
from tallystick_agent.usage.columns import COLUMNS
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.openings import OpenRequest
from tallystick_agent.usage.places import database
from tallystick_agent.usage.spool import Spool
from tallystick_agent.usage.sums import Dimension, Query
from tallystick_server.local.processes import alive, this_process
from tallystick_server.local.system import SystemClock

BATCH = 1_000
SINGLE = 300
RANKINGS: tuple[tuple[str, tuple[Dimension, ...]], ...] = (
    ("models", ("model",)),
    ("apps", ("app",)),
    ("context lengths", ("bucket",)),
    ("models by app", ("model", "app")),
)


def line(what: str, figure: str) -> None:
    print(f"| {what} | {figure} |", flush=True)


def took(act: Callable[[], object], times: int = 5) -> str:
    """Milliseconds, cold and then the middle of some more."""
    found: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        found.append((time.perf_counter() - start) * 1_000)
    return f"{found[0]:,.0f} first, {statistics.median(found[1:]):,.1f} then"


def add(ledger: Ledger, number: int) -> None:
    made, spent, cpu, done = rows(number), 0.0, 0.0, 0
    while chunk := list(islice(made, BATCH)):
        start, began = time.perf_counter(), time.process_time()
        done += ledger.append_many(chunk)
        spent += time.perf_counter() - start
        cpu += time.process_time() - began
    line(f"rows/s, {BATCH:,} a commit", f"{done / spent:,.0f} ({done / cpu:,.0f} per CPU second of this process)")


def singly(ledger: Ledger, home: Path) -> None:
    found: list[float] = []
    for row in rows(SINGLE, seed=2):
        start = time.perf_counter()
        ledger.append(row)
        found.append((time.perf_counter() - start) * 1_000)
    found.sort()
    line("one durable row, ms p50 / p99", f"{found[len(found) // 2]:.2f} / {found[int(len(found) * 0.99)]:.2f}")

    async def together(*, told: bool) -> str:
        books = Bookkeeper(ledger, Spool(home), SystemClock(), me=this_process(), alive=alive)
        waiting = list(rows(SINGLE * 32, seed=4 if told else 3))
        start, began = time.perf_counter(), time.process_time()

        async def caller(at: int) -> None:
            for row in waiting[at::32]:
                if told:
                    lost = replace(row, finish="lost")
                    await books.open(OpenRequest(lost=lost, nanos=10**9, tokens=10_000, expires_ms=row.time_ms + 10**9))
                await books.append(row)

        await asyncio.gather(*(caller(at) for at in range(32)))
        spent, cpu = time.perf_counter() - start, time.process_time() - began
        await books.close()
        return f"{len(waiting) / spent:,.0f} ({len(waiting) / cpu:,.0f} per CPU second of this process)"

    line("durable rows/s, 32 callers, one each", asyncio.run(together(told=False)))
    line("requests/s opened and booked, 32 callers", asyncio.run(together(told=True)))


def copy(ledger: Ledger, copies: int) -> None:
    """More rows of more people, by SQL, and all sums anew."""
    changed = {
        "request_id": "request_id || '-{n}'", "user_label": "user_label || '-{n}'", "workspace": "workspace || '-{n}'",
        "session_id": "session_id || '-{n}'",
    }  # fmt: skip
    start = time.perf_counter()
    for number in range(1, copies):
        shown = ", ".join(changed.get(name, name).replace("{n}", str(number)) for name in COLUMNS)
        sql = f"INSERT INTO requests ({', '.join(COLUMNS)}) SELECT {shown} FROM requests WHERE request_id LIKE 'req-1-__________'"
        with ledger._database.writing() as work:  # pyright: ignore[reportPrivateUsage]
            work.run(sql)
    line("copies made, s", f"{time.perf_counter() - start:,.0f}")
    start = time.perf_counter()
    ledger.rebuild()
    line("all sums made anew, s", f"{time.perf_counter() - start:,.0f}")


def read(ledger: Ledger) -> None:
    last = (FIRST_MS // DAY_MS) + DAYS - 2
    total = ledger.sums(Query(first_day=last, last_day=last))[0].requests
    with ledger._database.reading() as work:  # pyright: ignore[reportPrivateUsage]
        groups = work.all("SELECT count(*) FROM days WHERE day = ?", (last,))[0][0]
    line("one day: rows, groups in `days`", f"{total:,}, {groups:,}")
    for name, by in RANKINGS:
        for period, first in (("a day", last), ("a month", last - 29)):
            asked = Query(by=by, first_day=first, last_day=last)
            line(f"{period}'s {name}, ms", took(partial(ledger.sums, asked)))
    midnight = (last - 6) * DAY_MS + 5 * 3_600_000
    line("`usage --by model`, a local week, ms", took(lambda: ledger.totals("model", since_ms=midnight), 3))
    line("sessions of a week, ms", took(lambda: ledger.sessions(last - 6, last), 3))
    line("segments of a month, ms", took(lambda: ledger.segments(last - 29, last), 3))


@contextmanager
def server() -> Generator[tuple[str, Callable[[], int]]]:
    """The address of a fresh database, and its size."""
    with postgres_server.running(synced=True) as found:
        yield found.url(), lambda: int(str(found.execute("SELECT pg_database_size('postgres')")[0][0]))


def one(name: str, url: str, home: Path, size: Callable[[], int], arguments: argparse.Namespace) -> None:
    print(f"\n| {name} | |\n| --- | --- |", flush=True)
    ledger = Ledger(database(url, home))
    ledger.check()
    add(ledger, arguments.rows)
    if arguments.copies > 1:
        copy(ledger, arguments.copies)
    singly(ledger, home)
    read(ledger)
    line("bytes a row", f"{size() / (arguments.rows * arguments.copies):,.0f} ({size() / 2**30:.1f} GiB)")
    ledger.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if arguments.only != "postgres":
            one("SQLite", "", home, lambda: sum(path.stat().st_size for path in home.glob("ledger.sqlite3*")), arguments)
        if arguments.only != "sqlite":
            with server() as (url, size):
                one("PostgreSQL", url, home, size, arguments)


if __name__ == "__main__":
    main()
