"""Clock and ids of this machine."""

import re
from datetime import UTC, datetime, timedelta

from tallystick_server.local.system import SystemClock, TimeIds


def test_ids_are_names_that_nobody_else_makes_and_sort_by_time() -> None:
    ids = [TimeIds().new("s") for _ in range(2_000)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"s-\d{15}-[0-9a-f]{10}", one) for one in ids)
    times = [one.split("-")[1] for one in ids]
    assert times == sorted(times)


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC)
    made = datetime.strptime(TimeIds().new("s").split("-")[1] + "000", "%y%m%d%H%M%S%f").replace(tzinfo=UTC)
    assert before - timedelta(milliseconds=2) <= made <= datetime.now(UTC)


def test_the_clock_is_in_utc_and_runs_forward() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() <= clock.monotonic()
