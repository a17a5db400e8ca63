"""A process that books and is then killed, or cannot write. Started by tests with what it is to do."""

import asyncio
import os
import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path

from tallystick_agent.protocol.usage import Cost, Usage
from tallystick_agent.usage import spool as spools
from tallystick_agent.usage.bookkeeper import Bookkeeper
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.openings import OpenRequest
from tallystick_agent.usage.places import database
from tallystick_agent.usage.spool import Spool
from tallystick_server.local.processes import alive, this_process
from tallystick_server.local.system import SystemClock
from tests.agent.usage.test_ledger import row


def keeper(url: str, home: Path) -> Bookkeeper:
    return Bookkeeper(Ledger(database(url, home)), Spool(home), SystemClock(), me=this_process(), alive=alive)


def opened(name: str, *, tokens: int = 100, nanos: int = 300) -> OpenRequest:
    usage = Usage(input_tokens=tokens, source="estimated")
    lost = row(usage, cost=Cost(priced_nanos=nanos), request=name, finish="lost", error="interrupted")
    return OpenRequest(lost=lost, nanos=nanos * 2, tokens=tokens * 2, expires_ms=lost.time_ms + 10**12)


async def dies_under_way(url: str, home: Path, name: str) -> None:
    """Opens three requests, books one of them, and is gone."""
    books = keeper(url, home)
    await asyncio.gather(*(books.open(opened(f"{name}-{number}")) for number in range(3)))
    await books.append(row(Usage(input_tokens=90, output_tokens=5), request=f"{name}-0"))
    os.kill(os.getpid(), signal.SIGKILL)


async def dies_taking_in(url: str, home: Path, name: str) -> None:
    """Takes the spool in, and is gone before it can say so."""
    ledger = Ledger(database(url, home))

    def book(rows: object) -> int:
        ledger.append_many(rows)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    Spool(home).take_in(book)


async def fills_the_disk(url: str, home: Path, name: str) -> None:
    """Books until no file may grow any more; prints how many rows it was told are booked, and how the next request ends."""
    books = keeper(url, home)
    await books.check()
    await books.append(row(Usage(input_tokens=1), request=f"{name}-first"))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    most = (home / "ledger.sqlite3-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(most, spools.ROOM), resource.RLIM_INFINITY))
    booked = 1
    for number in range(60):
        booked += await books.append(row(Usage(input_tokens=1), request=f"{name}-{number}"))
    try:
        await books.open(opened(f"{name}-next"))
        ending = "sent"
    except Exception as error:
        ending = type(error).__name__
    print(booked, books.spooled, ending)


async def churns(url: str, home: Path, name: str) -> None:
    """Opens and books until it is killed; says each request once it is open."""
    books = keeper(url, home)

    async def caller(number: int) -> None:
        for turn in range(10**6):
            asked = opened(f"{name}-{number}-{turn}")
            await books.open(asked)
            os.write(1, f"{asked.lost.request_id}\n".encode())
            await books.append(replace(asked.lost, finish="stop", error_code=""))

    await asyncio.gather(*(caller(number) for number in range(8)))


if __name__ == "__main__":
    action = {"churn": churns, "die": dies_under_way, "die_taking_in": dies_taking_in, "fill": fills_the_disk}[sys.argv[1]]
    asyncio.run(action(sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
