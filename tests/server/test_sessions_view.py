"""The list of sessions: newest first, by page, by app and model, and equal to the rows; and the list of keys."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from tests.support.page_books import APPS, MODELS, SESSION, write

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.usage.ledger import Ledger
from tallystick_server.gateway.keys_view import keys
from tallystick_server.rankings_query import read_sessions, read_window
from tallystick_server.sessions_view import sessions

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return write(tmp_path_factory.mktemp("books"))


def listed(books: Ledger, **given: str) -> list[dict[str, object]]:
    data: list[dict[str, object]] = sessions(books, read_sessions(given, today=NOW.date()), now=NOW)["data"]
    return data


def test_newest_first_and_every_page_goes_on_where_the_one_before_ended(books: Ledger) -> None:
    everything = listed(books, period="month", limit="500")
    times = [one["last_ms"] for one in everything]
    assert times == sorted(times, key=lambda one: -int(str(one)))
    pages = [one for at in range(0, 60, 20) for one in listed(books, period="month", limit="20", offset=str(at))]
    assert pages == everything[:60]
    answer = sessions(books, read_sessions({"period": "month", "limit": "3"}, today=NOW.date()), now=NOW)
    assert answer["meta"]["groups"] == len(everything)
    assert listed(books, offset="100000") == []


def test_an_entry_is_the_sum_of_its_rows(books: Ledger) -> None:
    [entry] = [one for one in listed(books, limit="500") if one["session_id"] == SESSION]
    rows = [one.row for one in books.rows(session_id=SESSION)]
    assert entry["tokens"] == str(sum(row.usage.total_tokens for row in rows))
    assert entry["requests"] == str(len(rows))
    assert entry["turns"] == "11"
    assert entry["unpriced"] == "1"
    assert (entry["first_ms"], entry["last_ms"]) == (rows[0].time_ms, rows[-1].time_ms)
    assert (entry["app"], entry["title"], entry["model"]) == (APPS[1][0], APPS[1][1], MODELS[0])


def test_filters_and_what_is_no_parameter(books: Ledger) -> None:
    found = listed(books, period="month", app=APPS[2][0], model=MODELS[1], limit="500")
    assert found
    assert {(one["app"], one["model"]) for one in found} == {(APPS[2][0], MODELS[1])}
    for wrong in ({"key": "ci"}, {"limit": "501"}, {"offset": "-1"}, {"period": "year"}, {"date": "tomorrow"}):
        with pytest.raises(ConfigurationError):
            read_sessions(wrong, today=NOW.date())


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    name: str
    title: str = ""
    created: int = 0
    reads: bool = False


def test_keys_that_were_used_or_are_there(books: Ledger) -> None:
    known = [Known(name="unused", created=7), Known(name="ci", title="Builds", reads=True)]
    data = keys(books, known, read_window({}, today=NOW.date()), now=NOW)["data"]
    by_name = {one["name"]: one for one in data}
    assert list(by_name)[-1] == "unused"
    assert (by_name["unused"]["tokens"], by_name["unused"]["created"], by_name["unused"]["removed"]) == ("0", 7, False)
    assert (by_name["ci"]["title"], by_name["ci"]["reads"], by_name["ci"]["removed"]) == ("Builds", True, False)
    assert by_name["laptop"]["removed"]
    assert int(by_name["laptop"]["tokens"]) > 0
