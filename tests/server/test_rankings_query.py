"""What may be asked of the rankings, and how everything else is refused."""

from datetime import date

import pytest

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.usage.attribution import CATEGORIES as ACCEPTED
from tallystick_agent.usage.rankings.categories import CATEGORIES
from tallystick_agent.usage.rankings.windows import date_of, day_of
from tallystick_server.rankings_query import MOST_APPS, read_rankings, read_series, read_window

TODAY = date(2026, 11, 25)


def test_nothing_said_is_this_weeks_fifty() -> None:
    query = read_rankings("models", {}, today=TODAY)
    assert (query.kind, query.period, query.window.days, query.limit, query.offset, query.where) == (
        "models",
        "week",
        7,
        50,
        0,
        (),
    )
    assert query.window.last_day == day_of(TODAY)


def test_all_that_can_be_said() -> None:
    given = {
        "period": "month", "date": "2026-10-31", "sort": "trending", "limit": "500", "offset": "20", "category": "coding",
        "model": "a/b", "app": "x.example",
    }  # fmt: skip
    query = read_rankings("apps", given, today=TODAY)
    assert (query.window.days, date_of(query.window.last_day)) == (30, date(2026, 10, 31))
    assert (query.sort, query.limit, query.offset) == ("trending", MOST_APPS, 20)
    assert query.where == (("app", "x.example"), ("model", "a/b"))
    assert "cli-agent" in query.categories
    assert read_rankings("use-cases", {"days": "366"}, today=TODAY).window.days == 366


@pytest.mark.parametrize(
    ("kind", "given", "names"),
    [
        ("colours", {}, "colours"),
        ("models", {"period": "year"}, "year"),
        ("models", {"date": "25.11.2026"}, "25.11.2026"),
        ("models", {"date": "20261125"}, "20261125"),
        ("models", {"date": "2026-11-31"}, "2026-11-31"),
        ("models", {"date": "2026-11-26"}, "2026-11-26"),
        ("models", {"date": "1969-12-31"}, "1969-12-31"),
        ("models", {"days": "367"}, "367"),
        ("models", {"days": "0"}, "0"),
        ("models", {"days": "7", "period": "week"}, "days"),
        ("models", {"limit": "51"}, "51"),
        ("models", {"limit": "-1"}, "-1"),
        ("models", {"limit": "²"}, "²"),
        ("models", {"offset": "9999999999"}, "9999999999"),
        ("models", {"colour": "red"}, "colour"),
        ("models", {"sort": "trending"}, "Only apps"),
        ("models", {"category": "coding"}, "Only apps"),
        ("apps", {"sort": "newest"}, "newest"),
        ("apps", {"category": "cooking"}, "cooking"),
    ],
)
def test_what_cannot_be_asked_is_bad_usage_with_a_remedy(kind: str, given: dict[str, str], names: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_rankings(kind, given, today=TODAY)
    assert caught.value.code == "bad_usage"
    assert names in caught.value.message
    assert caught.value.remedy


def test_bars() -> None:
    query = read_series({}, today=TODAY)
    assert (query.by, query.period, len(query.windows)) == ("model", "week", 12)
    assert query.windows[-1].last_day == day_of(TODAY)
    assert len(read_series({"count": "52"}, today=TODAY).windows) == 52
    for wrong in ({"count": "53"}, {"by": "key"}, {"days": "7"}):
        with pytest.raises(ConfigurationError):
            read_series(wrong, today=TODAY)


def test_a_window_alone() -> None:
    query = read_window({"period": "day", "app": "x", "other": "1"}, today=TODAY, more=frozenset({"other"}))
    assert (query.window.days, query.where) == (1, (("app", "x"),))


def test_the_groups_hold_every_category_that_is_accepted() -> None:
    assert set(CATEGORIES) == ACCEPTED
