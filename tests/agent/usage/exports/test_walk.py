"""Rows of a real ledger in the order of time, every one once, and word of a row only after it is durable."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.support.ledger_rows import MIDDAY, correction_of, few_rows, plain_row

from tallystick_agent.usage.exports import walk as module
from tallystick_agent.usage.exports.walk import walk
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.record import LedgerRow


@pytest.fixture
def place(places: Callable[[], Any]) -> Any:
    return places()


@pytest.fixture
def ledger(place: Any) -> Ledger:
    found: Ledger = place.ledger()
    return found


@pytest.mark.parametrize("page", [1, 2, 3, 7, 100])
def test_every_row_comes_once_and_in_time(ledger: Ledger, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", page)
    # Several of one time, and not booked in its order.
    rows = [plain_row(number, time_ms=MIDDAY + number * 7 % 5) for number in range(1, 30)]
    rows.append(correction_of(rows[3], tokens=1, nanos=1))
    ledger.append_many(rows)
    found = list(walk(ledger))
    assert [(one.row.time_ms, one.id) for one in found] == sorted((one.row.time_ms, one.id) for one in found)
    assert len({one.id for one in found}) == len(found) == 30
    ids = [(one.row.request_id, one.row.correction) for one in found]
    assert ids.index(("r-4", True)) > ids.index(("r-4", False))


def test_only_what_was_asked_for(ledger: Ledger) -> None:
    ledger.append_many([one.row for one in few_rows()])
    rows = [one.row for one in walk(ledger, since_ms=MIDDAY + 2_000, until_ms=MIDDAY + 4_000)]
    assert [row.request_id for row in rows] == ["r-2", "r-3", "r-3"]
    assert [one.row.request_id for one in walk(ledger, session_id="s-2")] == ["r-4"]
    assert [one.row.request_id for one in walk(ledger, app="github.com/tallystick/tallystick")] == ["r-5"]


def test_observers_hear_of_new_rows_when_they_are_there(place: Any, ledger: Ledger) -> None:
    heard: list[tuple[str, int]] = []

    def observe(rows: Sequence[LedgerRow]) -> None:
        ((there,),) = place.execute("SELECT count(*) FROM requests")
        heard.extend((row.request_id, there) for row in rows)

    ledger.on_booked(observe)
    first, second = plain_row(1), plain_row(2)
    ledger.append(first)
    ledger.append(first)
    ledger.append_many([first, second])
    ledger.append_many([])
    assert heard == [("r-1", 1), ("r-2", 2)]


def test_observers_hear_nothing_of_what_failed(ledger: Ledger) -> None:
    heard: list[object] = []
    ledger.on_booked(heard.extend)
    row = plain_row(1)
    broken = replace(plain_row(2), segments=row.segments + row.segments)
    with pytest.raises(Exception, match="one name"):
        ledger.append_many([row, broken])
    assert heard == []
