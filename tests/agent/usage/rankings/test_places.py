"""Places, shares and `other`, by the rules of public rankings."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.usage.rankings.bands import SessionCost, band_of, bands
from tallystick_agent.usage.rankings.kinds import CUTS, bucket_name
from tallystick_agent.usage.rankings.places import OTHER, TOP, add, cost_of, median, rank
from tallystick_agent.usage.rankings.series import NAMES, stack
from tallystick_agent.usage.rankings.trends import rank_trending, trend, trends
from tallystick_agent.usage.rankings.windows import Window, bars, date_of, day_of, ending, whole
from tallystick_agent.usage.sums import Sum


def used(name: str, tokens: int, *, requests: int = 1, cost: int = 0, unpriced: int = 0) -> Sum:
    return Sum(group=(name,), requests=requests, input_tokens=tokens, cost_nanos=cost, unpriced=unpriced)


def names(sums: Sequence[Sum], *, limit: int = TOP, offset: int = 0) -> list[tuple[int | None, str, int]]:
    return [(one.rank, one.name, one.amount) for one in rank(sums, limit=limit, offset=offset).places]


def test_most_tokens_first_ties_by_name_and_nothing_used_left_out() -> None:
    sums = [used("b/b", 5), used("a/z", 5), used("a/a", 9), used("c/none", 0), used("d/negative", -3)]
    assert names(sums) == [(1, "a/a", 9), (2, "a/z", 5), (3, "b/b", 5)]


def test_variants_have_places_of_their_own() -> None:
    assert names([used("a/m", 5), used("a/m:free", 7)]) == [(1, "a/m:free", 7), (2, "a/m", 5)]


def test_output_counts_as_input_does() -> None:
    both = Sum(group=("x",), input_tokens=3, output_tokens=4)
    assert names([used("y", 6), both]) == [(1, "x", 7), (2, "y", 6)]


def test_fifty_places_and_the_rest_in_one_last_row() -> None:
    """`other` is last even where it is the most."""
    sums = [used(f"m{number:03}", 1) for number in range(TOP + 70)]
    found = rank(sums)
    assert len(found.places) == TOP + 1
    last = found.places[-1]
    assert (last.rank, last.name, last.amount, last.sum.requests) == (None, OTHER, 70, 70)
    assert sum(one.amount for one in found.places) == last.of == found.total.tokens == TOP + 70
    assert found.groups == TOP + 70


def test_a_page_changes_no_rank() -> None:
    sums = [used(name, tokens) for name, tokens in zip("abcdef", (60, 50, 40, 30, 20, 10), strict=True)]
    assert names(sums, limit=2) == [(1, "a", 60), (2, "b", 50), (None, OTHER, 100)]
    assert names(sums, limit=2, offset=2) == [(3, "c", 40), (4, "d", 30), (None, OTHER, 30)]
    assert names(sums, limit=2, offset=4) == [(5, "e", 20), (6, "f", 10)]
    assert names(sums, limit=2, offset=9) == []


def test_rows_of_an_order_of_their_own_keep_their_ranks() -> None:
    sums = [used("1000", 5), used("10000000", 7), used("10000", 9)]
    found = rank(sums, order=CUTS["context"].order)
    assert [(one.rank, bucket_name(one.name)) for one in found.places] == [(3, "1K"), (1, "10K"), (2, "10M")]
    assert [bucket_name(str(10**power)) for power in (3, 4, 5, 6, 7)] == ["1K", "10K", "100K", "1M", "10M"]


def test_another_measure_than_tokens() -> None:
    sums = [Sum(group=("x",), input_tokens=9, tool_calls=1), Sum(group=("y",), input_tokens=1, tool_calls=4)]
    found = rank(sums, by=CUTS["tool_calls"].measure)
    assert [(one.name, one.amount, one.of) for one in found.places] == [("y", 4, 5), ("x", 1, 5)]


@pytest.mark.parametrize(
    ("requests", "unpriced", "cost", "told"),
    [
        (2, 0, 500, 500),
        (2, 1, 500, 500),
        (2, 2, 0, None),
        (0, 0, 0, 0),
        (1, 0, 0, 0),
    ],
)
def test_money_that_is_not_known_is_none(requests: int, unpriced: int, cost: int, told: int | None) -> None:
    assert cost_of(used("x", 1, requests=requests, unpriced=unpriced, cost=cost)) == told


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(-5, 10**12)), max_size=40), st.integers(1, 10), st.integers(0, 9)
)
def test_every_page_with_what_is_before_and_behind_it_is_the_whole(rows: list[tuple[str, int]], limit: int, offset: int) -> None:
    sums = [used(*row) for row in rows]
    page = rank(sums, limit=limit, offset=offset)
    before = rank(sums, limit=offset, other=False) if offset else None
    counted = sum(one.amount for one in page.places) + (sum(one.amount for one in before.places) if before else 0)
    if page.groups >= offset:
        assert counted == page.total.tokens
    assert add(sums).tokens == sum(tokens for _, tokens in rows)


@pytest.mark.parametrize(
    ("values", "middle"), [([], None), ([7], 7), ([9, 1, 5], 5), ([1, 2], 2), ([2, 3], 2), ([3, 4], 4), ([10, 20, 30, 41], 25)]
)
def test_median(values: list[int], middle: int | None) -> None:
    assert median(values) == middle


def test_growth_is_volume_over_the_mean_of_three_windows() -> None:
    now = [used("grew", 100), used("same", 30), used("fell", 10), used("new", 40), used("third", 11)]
    before = [used("grew", 90), used("same", 90), used("fell", 90), used("third", 32), used("gone", 99)]
    found = rank_trending(now, before)
    assert [(one.rank, one.name, one.amount) for one in found.places] == [(1, "grew", 100), (2, "new", 40), (3, "third", 11)]
    grown = trends(now, before)
    assert {name: one.tokens for name, one in grown.items()} == {"grew": 70, "same": 0, "fell": -20, "new": 40, "third": 0}
    assert grown["third"].thirds == 1, "a third of a token is growth"
    assert found.places[0].of == 191
    assert [one.rank for one in rank_trending(now, before, limit=1, offset=1).places] == [2]


@pytest.mark.parametrize(("now", "before", "tokens"), [(2, 4, 1), (2, 5, 0), (1, 4, 0), (1, 5, -1), (0, 3, -1)])
def test_growth_is_rounded_to_the_nearest_token(now: int, before: int, tokens: int) -> None:
    assert trend(now, before).tokens == tokens


WEDNESDAY = day_of(date_of(0).replace(year=2026, month=11, day=25))


def test_windows_end_with_their_day() -> None:
    week = ending(WEDNESDAY, "week")
    assert (date_of(week.first_day).isoformat(), date_of(week.last_day).isoformat()) == ("2026-11-19", "2026-11-25")
    assert ending(WEDNESDAY, "day").days == 1
    assert ending(WEDNESDAY, "month").days == 30
    assert ending(WEDNESDAY, "week", 90).days == 90
    past = week.before(3)
    assert (past.days, past.last_day) == (21, week.first_day - 1)


def test_bars_follow_the_calendar() -> None:
    weeks = bars(WEDNESDAY, "week", 3)
    assert [date_of(one.first_day).isoformat() for one in weeks] == ["2026-11-09", "2026-11-16", "2026-11-23"]
    assert weeks[-1].last_day == WEDNESDAY
    assert [one.days for one in weeks] == [7, 7, 3]
    assert [whole(one, "week") for one in weeks] == [True, True, False]
    months = bars(WEDNESDAY, "month", 3)
    assert [(date_of(one.first_day).isoformat(), one.days) for one in months] == [
        ("2026-09-01", 30),
        ("2026-10-01", 31),
        ("2026-11-01", 25),
    ]
    assert [one.days for one in bars(WEDNESDAY, "day", 2)] == [1, 1]


def test_bars_are_stacked_from_the_same_names() -> None:
    windows = (Window(first_day=1, last_day=2), Window(first_day=3, last_day=3))
    cells = [
        Sum(group=(str(day), name), output_tokens=tokens)
        for day, name, tokens in ((1, "a", 5), (2, "a", 6), (3, "b", 30), (1, "c", 1), (3, "d", 2), (9, "a", 99), (1, "z", 0))
    ]
    first, second = stack(cells, windows, names=2)
    assert [(one.name, one.tokens) for one in first.parts] == [("b", 0), ("a", 11), ("other", 1)]
    assert [(one.name, one.tokens) for one in second.parts] == [("b", 30), ("a", 0), ("other", 2)]
    assert (first.tokens, second.tokens) == (12, 32)
    assert [len(one.parts) for one in stack(cells, windows)] == [4, 4]
    assert NAMES == 9


@pytest.mark.parametrize(
    ("turns", "name"), [(1, "1"), (2, "2–9"), (9, "2–9"), (10, "10–49"), (49, "10–49"), (50, "50+"), (900, "50+")]
)
def test_turn_bands(turns: int, name: str) -> None:
    assert band_of(turns) == name


def test_what_a_session_costs_is_a_median_over_those_with_a_known_cost() -> None:
    def session(number: int, turns: int, nanos: int | None, app: str = "a") -> SessionCost:
        return SessionCost(session_id=f"s{number}", app=app, model="m", turns=turns, tokens=10, nanos=nanos)

    sessions = [
        session(1, 1, 10),
        session(2, 3, 100),
        session(3, 9, 300),
        session(4, 5, None),
        session(5, 60, None),
        session(6, 0, 7),
        session(7, 2, 5, app="b"),
    ]
    found = bands(sessions)
    assert [(one.app, one.turns, one.sessions, one.unpriced, one.median_nanos, one.tokens) for one in found] == [
        ("a", "1", 1, 0, 10, 10),
        ("a", "2–9", 3, 1, 200, 30),
        ("a", "50+", 1, 1, None, 10),
        ("b", "2–9", 1, 0, 5, 10),
    ]
