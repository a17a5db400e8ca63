"""Many requests at once: rows are booked together and once, no open request is forgotten, and no limit is ever exceeded."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path

import pytest
from tests.agent.usage.conftest import Place
from tests.agent.usage.test_ledger import MIDDAY, row
from tests.support.books_child import opened

from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.usage.bookkeeper import Bookkeeper
from tallystick_agent.usage.ledger import Committed, Ledger, Opening
from tallystick_agent.usage.limits import Limit, LimitReached, Spender
from tallystick_agent.usage.openings import Process
from tallystick_agent.usage.places import database
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.spool import Spool
from tallystick_agent.usage.sums import Query
from tallystick_server.local.processes import alive, this_process
from tallystick_server.local.system import SystemClock

ROOT = Path(__file__).resolve().parents[3]
ME = this_process()


def keeper(ledger: Ledger, home: Path) -> Bookkeeper:
    return Bookkeeper(ledger, Spool(home), SystemClock(), me=ME, alive=alive)


class Counted(Ledger):
    """A ledger that counts its commits."""

    commits = 0

    def commit(self, opens: Sequence[Opening], closed: Sequence[tuple[str, int]], rows: Sequence[LedgerRow]) -> Committed:
        self.commits += 1
        return super().commit(opens, closed, rows)


def test_rows_of_many_requests_are_booked_together(place: Place, tmp_path: Path) -> None:
    async def run() -> None:
        ledger = Counted(place.opened())
        books = keeper(ledger, tmp_path)
        rows = [row(Usage(input_tokens=1), request=f"r-{number}") for number in range(200)]
        assert all(await asyncio.gather(*(books.append(one) for one in rows)))
        assert not any(await asyncio.gather(*(books.append(one) for one in rows[:5])))
        await books.close()
        assert ledger.commits < 40
        assert ledger.sums(Query())[0].requests == 200
        assert not any(ledger.differing().values())
        ledger.close()

    asyncio.run(run())


def test_it_works_again_after_it_was_closed(place: Place, tmp_path: Path) -> None:
    async def run() -> None:
        ledger = place.ledger()
        books = keeper(ledger, tmp_path)
        for number in range(3):
            assert await books.append(row(Usage(), request=f"r-{number}"))
            await books.close()
        assert ledger.sums(Query())[0].requests == 3

    asyncio.run(run())


def test_a_row_that_was_handed_over_is_booked_whatever_becomes_of_its_caller(place: Place, tmp_path: Path) -> None:
    async def run() -> None:
        ledger = place.ledger()
        books = keeper(ledger, tmp_path)
        tasks = [asyncio.create_task(books.append(row(Usage(), request=f"r-{number}"))) for number in range(20)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)
        await books.close()
        assert ledger.sums(Query())[0].requests == 20

    asyncio.run(run())


def test_a_request_that_was_stopped_while_it_was_opened_is_not_open(place: Place, tmp_path: Path) -> None:
    async def run() -> None:
        books = keeper(place.ledger(), tmp_path)
        tasks = [asyncio.create_task(books.open(opened(f"r-{number}"))) for number in range(20)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await books.close()
        assert place.execute("SELECT count(*) FROM open_requests")[0][0] == 0

    asyncio.run(run())


def test_a_row_closes_its_request(place: Place, tmp_path: Path) -> None:
    async def run() -> None:
        ledger = place.ledger()
        books = keeper(ledger, tmp_path)
        await books.open(opened("r-1"))
        await books.open(opened("r-2"))
        limit = Limit(kind="app", name="cli.example", max_nanos=10**9)
        (now,) = ledger.standings([limit])
        assert (now.requests, now.open_requests, now.open_nanos, now.open_tokens) == (0, 2, 1_200, 400)
        await books.append(row(Usage(input_tokens=7), request="r-1", cost=Cost(priced_nanos=5)))
        (now,) = ledger.standings([limit])
        assert (now.requests, now.nanos, now.tokens) == (1, 5, 7)
        assert (now.open_requests, now.open_nanos, now.open_tokens) == (1, 600, 200)
        await books.close()

    asyncio.run(run())


def test_one_row_that_cannot_be_booked_holds_no_other_up(place: Place, tmp_path: Path) -> None:
    async def run() -> None:
        ledger = place.ledger()
        books = keeper(ledger, tmp_path)
        huge = row(Usage(input_tokens=2**70), request="huge")
        good = [row(Usage(input_tokens=1), request=f"r-{number}") for number in range(5)]
        assert all(await asyncio.gather(*(books.append(one) for one in (*good[:3], huge, *good[3:]))))
        await books.close()
        assert ledger.sums(Query())[0].requests == 5
        spool = Spool(tmp_path)
        spool.take_in(ledger.append_many)
        assert "huge" in spool.damaged.read_text()
        assert not spool.waiting()

    asyncio.run(run())


KINDS: list[tuple[Spender, str]] = [
    ("all", ""), ("app", "cli.example"), ("key", "desk"), ("model", "x/y"), ("user", "ana"), ("session", "s-1"), ("task", "T"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_a_limit_holds_for_whom_it_names(place: Place, tmp_path: Path, kind: Spender, name: str) -> None:
    async def run() -> None:
        books = keeper(place.ledger(), tmp_path)
        asked = opened("r-1")
        who = replace(asked.lost.attribution, key="desk")
        asked = replace(asked, lost=replace(asked.lost, attribution=who, task="T"))
        other = Limit(kind=kind, name="somebody else" if name else "", max_nanos=600)
        await books.open(asked, [Limit(kind=kind, name=name, max_nanos=600, max_tokens=200, max_requests=1), other])
        again = replace(asked, lost=replace(asked.lost, request_id="r-2"))
        for limit in (
            Limit(kind=kind, name=name, max_nanos=1_199),
            Limit(kind=kind, name=name, max_tokens=399),
            Limit(kind=kind, name=name, max_requests=1),
        ):
            with pytest.raises(LimitReached) as reached:
                await books.open(again, [limit])
            assert reached.value.limit == limit
            assert reached.value.standing.open_requests == 1
            assert reached.value.code == "budget_exhausted"
        await books.append(replace(asked.lost, finish="stop", error_code=""))
        day = MIDDAY // 86_400_000
        with pytest.raises(LimitReached):
            await books.open(again, [Limit(kind=kind, name=name, first_day=day, last_day=day, max_requests=1)])
        earlier = Limit(kind=kind, name=name, first_day=day - 9, last_day=day - 1, max_requests=1)
        if kind in ("session", "task"):
            with pytest.raises(LimitReached):
                await books.open(again, [earlier])
        else:
            await books.open(again, [earlier])
        await books.close()

    asyncio.run(run())


def test_a_limit_in_money_and_a_price_that_nobody_knows(ledger: Ledger, tmp_path: Path) -> None:
    async def run() -> None:
        books = keeper(ledger, tmp_path)
        with pytest.raises(LimitReached) as reached:
            await books.open(replace(opened("r-1"), nanos=None), [Limit(kind="all", max_nanos=10**12)])
        assert reached.value.code == "price_unknown"
        await books.open(replace(opened("r-1"), nanos=None), [Limit(kind="all", max_tokens=10**6)])
        await books.close()

    asyncio.run(run())


def spend(url: str, home: Path, name: str, told: "Queue[tuple[int, int]]") -> None:
    """One process: sixteen requests at once under a common limit, each of which costs a little less than it reserved."""

    async def one(books: Bookkeeper, number: int) -> bool:
        asked = opened(f"{name}-{number}", nanos=50)
        try:
            await books.open(asked, [Limit(kind="all", max_nanos=1_000)])
        except LimitReached:
            return False
        await asyncio.sleep(0.001 * (number % 5))
        await books.append(replace(asked.lost, finish="stop", error_code="", cost=Cost(priced_nanos=90)))
        return True

    async def run() -> None:
        ledger = Ledger(database(url, home))
        books = keeper(ledger, home)
        sent = sum(await asyncio.gather(*(one(books, number) for number in range(16))))
        await books.close()
        ledger.close()
        told.put((sent, 90 * sent))

    asyncio.run(run())


def test_64_requests_of_four_processes_never_exceed_a_limit(place: Place, tmp_path: Path) -> None:
    """Each reserves 100 and costs 90, and 1,000 are there: ten or eleven may be sent, never more."""
    url, home = place.url, place.home or tmp_path
    spawn = get_context("spawn")
    told = spawn.Queue()
    children = [spawn.Process(target=spend, args=(url, home, f"p-{number}", told)) for number in range(4)]
    for child in children:
        child.start()
    sums = [told.get(timeout=60) for _ in children]
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0] * 4
    (now,) = place.ledger().standings([Limit(kind="all")])
    assert now.nanos == sum(nanos for _, nanos in sums) <= 1_000
    assert 10 <= sum(sent for sent, _ in sums) == now.requests <= 11
    assert now.open_requests == 0


def child(action: str, place: Place, home: Path, name: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.support.books_child", action, place.url, str(home), name]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_what_a_killed_process_had_under_way_is_booked_by_the_next(place: Place, tmp_path: Path) -> None:
    home = place.home or tmp_path
    ledger = place.ledger()
    ledger.check()
    killed = child("die", place, home, "k")
    assert killed.returncode == -9, killed.stderr

    async def run() -> None:
        books = keeper(ledger, home)
        await books.append(row(Usage(), request="mine"))
        await books.close()

    asyncio.run(run())
    rows = {one.row.request_id: one.row for one in ledger.rows()}
    assert set(rows) == {"mine", "k-0", "k-1", "k-2"}
    assert rows["k-0"].finish == "stop"
    for name in ("k-1", "k-2"):
        assert (rows[name].finish, rows[name].error_code, rows[name].usage.source) == ("lost", "interrupted", "estimated")
        assert (rows[name].usage.input_tokens, rows[name].cost.nanos) == (100, 300)
    assert place.execute("SELECT count(*) FROM open_requests")[0][0] == 0
    assert not any(ledger.differing().values())
    assert ledger.book_lost(ME, alive, MIDDAY) == 0


def test_processes_that_are_killed_over_and_over_leave_one_row_for_each_request(place: Place, tmp_path: Path) -> None:
    home = place.home or tmp_path
    ledger = place.ledger()
    ledger.check()
    told: set[str] = set()
    for life in range(4):
        command = [sys.executable, "-m", "tests.support.books_child", "churn", place.url, str(home), f"life-{life}"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            for _ in range(40 + 37 * life):
                told.add(running.stdout.readline().strip())
            running.kill()
            told |= {line.strip() for line in running.stdout if line.endswith("\n")}
    keeper(ledger, home).tidy()
    rows = [one.row for one in ledger.rows(most=100_000)]
    assert told <= {one.request_id for one in rows}
    assert len(rows) == len({one.request_id for one in rows}) >= len(told) >= 200
    assert {one.finish for one in rows} <= {"stop", "lost"}
    assert place.execute("SELECT count(*) FROM open_requests")[0][0] == 0
    assert not any(ledger.differing().values())
    (now,) = ledger.standings([Limit(kind="all")])
    assert (now.requests, now.open_requests) == (len(rows), 0)


def test_only_what_is_gone_is_taken_for_lost(ledger: Ledger, tmp_path: Path) -> None:
    far = Process(host="another", pid=1)
    dead = Process(host=ME.host, pid=ME.pid, born="before")
    for number, process in enumerate((ME, far, dead)):
        ledger.commit([Opening(request=opened(f"r-{number}"), process=process)], (), ())
    assert ledger.book_lost(ME, alive, MIDDAY) == 1
    assert ledger.book_lost(ME, alive, MIDDAY + 10**12) == 0
    assert ledger.book_lost(ME, alive, MIDDAY + 10**12 + 1) == 1
    assert {one.row.request_id for one in ledger.rows()} == {"r-1", "r-2"}
    (now,) = ledger.standings([Limit(kind="all")])
    assert now.open_requests == 1


def test_an_answer_after_its_request_was_taken_for_lost_is_booked_as_the_difference(ledger: Ledger) -> None:
    lost = opened("r-1").lost
    real = replace(
        row(Usage(input_tokens=80, output_tokens=20), request="r-1", cost=Cost(provider_nanos=777)),
        segments=(Segment(name="prompt", tokens=80), Segment(name="output:text", tokens=20)),
    )
    ledger.append(lost)
    assert (ledger.append(real), ledger.append(real)) == (False, False)
    (found,) = ledger.sums(Query())
    assert (found.requests, found.input_tokens, found.output_tokens, found.cost_nanos) == (1, 80, 20, 777)
    assert (found.estimated, found.provider_nanos) == (0, 777)
    assert next(one for one in ledger.by_segment() if one.name == "output:text").tokens == 20
    assert ledger.unbalanced() == 0
    assert not any(ledger.differing().values())
