"""Slots across processes: one file, one order, whatever is in it, and back again when a wait is given up."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tallystick_agent.protocol.errors import ProviderError, StorageError
from tallystick_agent.protocol.model_info import Endpoint, RateLimits
from tallystick_agent.providers.account_check import EVERY_S, AccountCheck
from tallystick_agent.providers.http import Transport
from tallystick_agent.providers.limits import MARGIN_S
from tallystick_agent.providers.pacing import Pacer
from tallystick_agent.providers.whole import whole

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NEXT = 60.0 + MARGIN_S
"""Seconds until a window has room again."""


class HandClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.at)

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


def endpoint(slug: str = "openrouter/x/m:free", **limits: Any) -> Endpoint:
    given = replace(RateLimits(requests=2, window_s=60.0, requests_per_day=10, account="openrouter:free"), **limits)
    model = slug.partition("/")[2]
    return Endpoint(slug=slug, provider="openrouter", model=model, base_url="http://127.0.0.1/v1", limits=given, aggregator=True)


FREE = endpoint()
UNLIMITED = endpoint(requests=None, requests_per_day=None)


def waits(pacer: Pacer, times: int, one: Endpoint = FREE) -> list[float]:
    """The seconds that so many requests have to wait, all asked for now."""

    async def run() -> list[float]:
        found: list[float] = []
        for _ in range(times):
            async with pacer.slot(one) as turn:
                found.append(await turn.ready_in())
        return found

    return asyncio.run(run())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "limits.json"


def test_a_new_pacer_goes_on_where_the_last_one_was(file: Path) -> None:
    clock = HandClock()
    assert waits(Pacer(file, clock), 3) == [0.0, 0.0, NEXT]
    clock.at = 10.0
    assert waits(Pacer(file, clock), 2) == [NEXT - 10, 2 * NEXT - 10]


def test_tokens_are_remembered_over_processes_and_go_to_the_limit_of_the_account(file: Path) -> None:
    one, clock = endpoint(requests=None, requests_per_day=None, tokens=1_000), HandClock()

    async def wait(tokens: int) -> float:
        async with Pacer(file, clock).slot(one, tokens) as turn:
            return await turn.ready_in()

    assert [asyncio.run(wait(tokens)) for tokens in (600, 400, 1)] == [0.0, 0.0, NEXT]


def test_a_file_of_a_version_that_counted_no_tokens_is_read(file: Path) -> None:
    waits(Pacer(file, HandClock()), 2)
    old = json.loads(file.read_text("utf-8"))
    for row in old["accounts"].values():
        del row["loads"]
    file.write_text(json.dumps(old), "utf-8")
    assert waits(Pacer(file, HandClock()), 1) == [NEXT]


def test_models_of_one_account_share_its_limits_and_other_accounts_do_not(file: Path) -> None:
    pacer = Pacer(file, HandClock())
    assert waits(pacer, 2) == [0.0, 0.0]
    assert waits(pacer, 1, endpoint("openrouter/x/other:free")) == [NEXT]
    assert waits(pacer, 1, endpoint("groq/m", account="groq")) == [0.0]


def test_without_limits_no_file_is_made(file: Path) -> None:
    pacer = Pacer(file, HandClock())
    assert waits(pacer, 50, UNLIMITED) == [0.0] * 50
    assert pacer.full((UNLIMITED,)) == {}
    assert not file.parent.exists()


def test_a_day_that_is_used_up_is_an_error_that_says_until_when(file: Path) -> None:
    clock = HandClock()
    pacer = Pacer(file, clock)
    waits(pacer, 10)
    with pytest.raises(ProviderError) as used:
        waits(pacer, 1)
    assert (used.value.code, used.value.account, used.value.retryable) == ("provider_rate_limited", True, False)
    assert used.value.retry_after_s == 12 * 3_600
    assert "10 requests a day" in used.value.message
    assert pacer.full((FREE, UNLIMITED)) == {FREE.slug: "10 of 10 requests of this UTC day are used"}
    clock.at = 12 * 3_600.0
    assert pacer.full((FREE,)) == {}
    assert waits(pacer, 1)[0] == 0.0


def test_a_slot_is_given_back_unless_it_was_used(file: Path) -> None:
    clock = HandClock()
    pacer = Pacer(file, clock)
    waits(pacer, 2)

    async def given_up(after: float) -> float:
        async with pacer.slot(FREE) as turn:
            clock.at += after
            await turn.ready_in()
            raise asyncio.CancelledError

    def today() -> int:
        return int(json.loads(file.read_text())["accounts"]["openrouter:free"]["today"])

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(given_up(10.0))
    assert today() == 2
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(given_up(NEXT))
    assert today() == 3


def test_who_sends_later_than_it_meant_to_keeps_the_next_ones_at_a_distance_from_that(file: Path) -> None:
    """Two slots of now are used 4 seconds late: the third goes a whole window after them, and not after what was planned."""
    clock = HandClock()
    pacer = Pacer(file, clock)

    async def run() -> list[float]:
        async with pacer.slot(FREE) as one, pacer.slot(FREE) as two, pacer.slot(FREE) as three:
            clock.at = 4.0
            found = [await one.ready_in(), await two.ready_in()]
            clock.at = NEXT
            found.append(await three.ready_in())
            clock.at = NEXT + 4.0
            return [*found, await three.ready_in()]

    assert asyncio.run(run()) == [0.0, 0.0, 4.0, 0.0]


def test_within_a_process_the_order_is_that_of_asking(file: Path) -> None:
    pacer = Pacer(file, HandClock())

    async def one(number: int, served: list[tuple[float, int]]) -> None:
        async with pacer.slot(endpoint(requests_per_day=None)) as turn:
            served.append((await turn.ready_in(), number))

    async def run() -> list[tuple[float, int]]:
        served: list[tuple[float, int]] = []
        await asyncio.gather(*(one(number, served) for number in range(12)))
        return served

    served = asyncio.run(run())
    assert [number for _, number in sorted(served)] == list(range(12))


TAKER = """
import asyncio, json, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tallystick_agent.protocol.model_info import Endpoint, RateLimits
from tallystick_agent.providers.pacing import Pacer

class Still:
    def now(self): return datetime(2026, 11, 23, 12, tzinfo=UTC)
    def monotonic(self): return 0.0
    async def sleep(self, seconds): pass

limits = RateLimits(requests=4, window_s=10.0, requests_per_day=1_000, account="shared")
one = Endpoint(slug="p/m", provider="p", model="m", base_url="http://127.0.0.1", limits=limits)

async def main():
    pacer, waits = Pacer(Path(sys.argv[1]), Still()), []
    sys.stdin.readline()
    for _ in range(int(sys.argv[2])):
        async with pacer.slot(one) as turn:
            waits.append(await turn.ready_in())
    print(json.dumps(waits))

asyncio.run(main())
"""


def test_processes_that_share_a_file_share_its_windows(file: Path) -> None:
    each, processes = 15, 4
    children = [
        subprocess.Popen(
            [sys.executable, "-c", TAKER, str(file), str(each)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(processes)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    taken: list[list[float]] = [json.loads(child.communicate(timeout=120)[0]) for child in children]
    assert [child.returncode for child in children] == [0] * processes
    every = sorted(wait for waits in taken for wait in waits)
    assert len(every) == each * processes
    assert all(waits == sorted(waits) for waits in taken)
    for start in every:
        assert sum(start <= wait <= start + 10.0 for wait in every) <= 4
    assert json.loads(file.read_text())["accounts"]["shared"]["today"] == each * processes


ROW: dict[str, Any] = {"slots": [], "day": "2026-11-23", "today": 10, "blocked_until": 0, "daily_limit": None}


def accounts(**change: Any) -> str:
    return json.dumps({"accounts": {"openrouter:free": {**ROW, **change}}})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"accounts": []}',
        '{"accounts": {"openrouter:free": 5}}',
        '{"accounts": {"openrouter:free": {}}}',
        accounts(slots=["x"]),
        accounts(slots=None),
        accounts(slots=[float("inf")]),
        accounts(slots=[float("nan")]),
        accounts(blocked_until=float("inf")),
        accounts(today="many"),
        accounts(today=float("inf")),
        accounts(daily_limit=float("nan")),
        "[" * 100_000,
        "\udcff",
    ],
    ids=lambda text: repr(text)[:40],
)
def test_a_damaged_file_says_nothing_and_is_written_anew(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    pacer = Pacer(file, HandClock())
    assert pacer.full((FREE,)) == {}
    assert waits(pacer, 3) == [0.0, 0.0, NEXT]


def test_a_sound_file_is_believed(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(accounts())
    assert Pacer(file, HandClock()).full((FREE,)) == {FREE.slug: "10 of 10 requests of this UTC day are used"}
    file.write_text(accounts(daily_limit=1_000))
    assert Pacer(file, HandClock()).full((FREE,)) == {}


def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, where a folder is needed")
    with pytest.raises(StorageError) as full:
        waits(Pacer(tmp_path / "state" / "limits.json", HandClock()), 1)
    assert full.value.remedy


def test_nothing_goes_before_the_provider_allows_it_in_any_process(file: Path) -> None:
    clock = HandClock()
    asyncio.run(Pacer(file, clock).block(FREE, 90.0))
    assert waits(Pacer(file, clock), 1) == [90.0]


def test_the_file_holds_only_so_many_accounts_and_forgets_the_oldest(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(json.dumps({"accounts": {f"a{number}": ROW for number in range(300)}}))
    waits(Pacer(file, HandClock()), 1)
    kept = json.loads(file.read_text())["accounts"]
    assert len(kept) == 200
    assert "openrouter:free" in kept
    assert "a0" not in kept


# What the provider says of the day.


class Answering(Transport):
    """Answers a look at the account, or fails."""

    def __init__(self, answer: Callable[[], dict[str, Any]]) -> None:
        self.asked: list[str] = []
        self._answer = answer

    async def fetch(self, url: str, **more: Any) -> dict[str, Any]:
        self.asked.append(url)
        return self._answer()


def failing() -> dict[str, Any]:
    raise ProviderError("nobody answers")


def used_up() -> dict[str, Any]:
    return {"data": {"free_model_daily_requests": {"used": 50, "limit": 50}}}


def test_before_a_free_model_is_asked_the_account_is_and_only_now_and_then(file: Path) -> None:
    clock, transport = HandClock(), Answering(used_up)
    pacer = Pacer(file, clock)
    check = AccountCheck(transport, pacer, clock)
    asyncio.run(check.look(FREE, "key"))
    asyncio.run(check.look(FREE, "key"))
    assert transport.asked == ["http://127.0.0.1/v1/key"]
    assert pacer.full((FREE,)) == {FREE.slug: "50 of 50 requests of this UTC day are used"}
    clock.at = EVERY_S
    asyncio.run(check.look(FREE, "key"))
    assert len(transport.asked) == 2


def test_an_account_that_cannot_be_asked_is_no_reason_to_fail(file: Path) -> None:
    clock = HandClock()
    pacer = Pacer(file, clock)
    asyncio.run(AccountCheck(Answering(failing), pacer, clock).look(FREE, None))
    assert pacer.full((FREE,)) == {}


def test_the_count_of_free_models_says_nothing_of_the_users_own_limit_for_paid_ones(file: Path) -> None:
    clock, transport = HandClock(), Answering(used_up)
    paid = endpoint("openrouter/x/m", account="openrouter", requests_per_day=2_000)
    pacer = Pacer(file, clock)
    asyncio.run(AccountCheck(transport, pacer, clock).look(paid, "key"))
    assert transport.asked == []
    assert pacer.full((paid,)) == {}


def test_many_that_are_overdue_together_do_not_go_together(file: Path) -> None:
    """A suspended machine wakes with all of them due: who had the lock before may have begun later than the next one came."""
    clock, one = HandClock(), endpoint(requests=1, requests_per_day=None)
    sent: list[float] = []

    class Ticking(HandClock):
        """Time goes on while the file is waited for."""

        def now(self) -> datetime:
            clock.at += 0.001
            return NOON + timedelta(seconds=clock.at)

    async def run() -> None:
        go = asyncio.Event()

        async def job() -> None:
            async with Pacer(file, Ticking()).slot(one) as turn:
                await go.wait()
                if await turn.ready_in() <= 0:
                    sent.append(clock.at)

        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(job())
            await asyncio.sleep(0.5)
            clock.at += 1_000.0
            go.set()

    asyncio.run(run())
    assert len(sent) == 1


def test_who_is_stopped_while_a_slot_is_begun_gives_it_back(file: Path) -> None:
    clock = HandClock()
    pacer = Pacer(file, clock)

    async def stopped() -> None:
        async with pacer.slot(FREE) as turn:
            clock.at = 5.0
            with FileLock(file.with_suffix(".lock")):
                begun = asyncio.ensure_future(turn.ready_in())
                await asyncio.sleep(0.05)
                begun.cancel()
                await asyncio.sleep(0.05)
            await begun

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stopped())
    assert waits(pacer, 3) == [0.0, 0.0, NEXT]


def test_what_must_be_finished_is_finished_however_often_it_is_stopped() -> None:
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.05)
        done.append(1)

    async def run() -> None:
        task = asyncio.ensure_future(whole(work()))
        for _ in range(3):
            await asyncio.sleep(0.005)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == [1]

    asyncio.run(run())
