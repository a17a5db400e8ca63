"""Hard budgets as limits of a request: tables of who is under which, periods to the millisecond, and what the user is told."""

from datetime import UTC, datetime

import pytest

from tallystick_agent.loop.gate import Spent
from tallystick_agent.loop.hard_budgets import forbid, narrowed, warnings
from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.usage import Budget, flat
from tallystick_agent.settings import Settings
from tallystick_agent.usage.budgets import Asking, HardBudget, Per, limits_of, period
from tallystick_agent.usage.limits import Limit, LimitReached, Standing, allowance, share
from tallystick_server.budget_view import hard_budgets

CENT = 10_000_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def asking(**names: str) -> Asking:
    who = Attribution(
        door="gateway", app=names.get("app", "cline.bot"), key=names.get("key", "desk"), user=names.get("user", "ana")
    )
    model, session, task = names.get("model", "x/y"), names.get("session", "s-1"), names.get("task", "t-1")
    return Asking(who=who, model=model, session_id=session, task=task, time_ms=ms("2026-11-25T12:00:00"))


@pytest.mark.parametrize(
    ("budget", "kind", "name"),
    [
        ({"per": "day"}, "all", ""),
        ({"per": "month", "app": "cline.bot"}, "app", "cline.bot"),
        ({"per": "month", "app": "*"}, "app", "cline.bot"),
        ({"per": "month", "app": "other.example"}, None, ""),
        ({"per": "week", "key": "desk"}, "key", "desk"),
        ({"per": "week", "model": "x/y"}, "model", "x/y"),
        ({"per": "week", "model": "x"}, None, ""),
        ({"per": "day", "user": "*"}, "user", "ana"),
        ({"per": "session"}, "session", "s-1"),
        ({"per": "task"}, "task", "t-1"),
        ({"per": "task", "app": "cline.bot", "model": "x/y"}, "task", "t-1"),
        ({"per": "task", "app": "cline.bot", "model": "z"}, None, ""),
        ({"per": "request"}, "request", ""),
        ({"per": "request", "app": "*", "key": "desk"}, "request", ""),
        ({"per": "request", "key": "other"}, None, ""),
    ],
)
def test_who_is_under_a_budget(budget: dict[str, str], kind: str | None, name: str) -> None:
    settings = Settings.model_validate({"budgets": {"b": {**budget, "max_tokens": 5}}})
    found = limits_of(hard_budgets(settings), asking())
    assert [(one.kind, one.name, one.max_tokens, one.budget) for one in found] == ([(kind, name, 5, "b")] if kind else [])


def test_who_has_no_name_is_under_no_budget_for_names() -> None:
    nobody = asking(app="", key="", user="", session="", task="")
    per: tuple[Per, ...] = ("session", "task")
    budgets = [HardBudget(name=one, per=one, max_tokens=1) for one in per]
    budgets += [HardBudget(name="b", per="day", app="*"), HardBudget(name="c", per="day", key="*")]
    assert limits_of(budgets, nobody) == []
    assert len(limits_of([HardBudget(name="b", per="day", max_tokens=1)], nobody)) == 1


@pytest.mark.parametrize(
    ("per", "time", "first", "last", "ends"),
    [
        ("day", "2026-11-25T00:00:00", "2026-11-25", "2026-11-25", "2026-11-26 00:00 UTC"),
        ("day", "2026-11-25T23:59:59.999", "2026-11-25", "2026-11-25", "2026-11-26 00:00 UTC"),
        ("week", "2026-11-25T12:00:00", "2026-11-23", "2026-11-29", "2026-11-30 00:00 UTC"),
        ("week", "2026-11-23T00:00:00", "2026-11-23", "2026-11-29", "2026-11-30 00:00 UTC"),
        ("month", "2026-11-30T23:59:59", "2026-11-01", "2026-11-30", "2026-12-01 00:00 UTC"),
        ("month", "2026-12-31T12:00:00", "2026-12-01", "2026-12-31", "2027-01-01 00:00 UTC"),
        ("month", "2028-02-29T12:00:00", "2028-02-01", "2028-02-29", "2028-03-01 00:00 UTC"),
    ],
)
def test_periods_are_utcs(per: Per, time: str, first: str, last: str, ends: str) -> None:
    days = tuple(ms(f"{one}T00:00:00") // 86_400_000 for one in (first, last))
    assert period(per, ms(time)) == (*days, ends)


@pytest.mark.parametrize(
    "wrong", [{"per": "day"}, {"per": "day", "app": "a", "key": "b", "max_tokens": 5}, {"per": "year", "max_tokens": 5}]
)
def test_a_budget_that_cannot_be_counted_is_no_setting(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Settings.model_validate({"budgets": {"b": wrong}})


TEAM = Limit(
    kind="app", name="cline.bot", budget="team", per="day", ends="2026-11-26 00:00 UTC", max_nanos=500 * CENT, warn_at=0.8
)  # fmt: skip


def test_what_is_left_narrows_the_turn() -> None:
    now = Standing(nanos=400 * CENT, open_nanos=40 * CENT, tokens=500, open_tokens=100, requests=3, open_requests=1)
    tokens = Limit(kind="all", max_tokens=1_000, max_requests=10)
    found = narrowed(Budget(max_cost_nanos=1_000 * CENT), Spent(nanos=7, tokens=50, requests=2), [(TEAM, now), (tokens, now)])
    assert (found.max_cost_nanos, found.max_tokens, found.max_requests) == (60 * CENT + 7, 450, 8)
    tight = Budget(max_cost_nanos=3, max_tokens=4, max_requests=1)
    assert narrowed(tight, Spent(), [(TEAM, now), (tokens, now)]) == tight
    assert narrowed(Budget(), Spent(nanos=9), [(TEAM, Standing(nanos=600 * CENT))]).max_cost_nanos == 9


def test_a_request_that_cannot_be_paid_for_is_refused_in_words() -> None:
    now = Standing(nanos=490 * CENT, open_nanos=9 * CENT)
    with pytest.raises(LimitReached) as refused:
        forbid([(TEAM, now)], input_tokens=10_000, output_tokens=8_000, price=flat(2, 10))
    assert refused.value.message == (
        "Stopped before spending more: budget “team” for app cline.bot allows $5.00 a day."
        " $4.9000 are spent and $0.0900 reserved."
    )
    assert refused.value.remedy == "Raise budgets.team in settings.toml, or wait until 2026-11-26 00:00 UTC."
    forbid([(TEAM, Standing(nanos=400 * CENT))], input_tokens=10_000, output_tokens=8_000, price=flat(2, 10))
    with pytest.raises(LimitReached) as unpriced:
        forbid([(TEAM, Standing())], input_tokens=1, output_tokens=1, price=None)
    assert unpriced.value.code == "price_unknown"


def test_a_warning_in_words() -> None:
    limit = Limit(kind="all", budget="b", per="month", max_tokens=1_000, max_requests=10)
    [notice] = warnings([(limit, Standing(tokens=700, open_tokens=150, requests=2))])
    assert (notice.level, notice.code) == ("warning", "budget_near")
    assert notice.message == (
        "Budget “b” is 85% gone. 700 tokens are used and 150 reserved; 2 requests were made and 0 are under way."
    )
    assert allowance(limit) == "1,000 tokens and 10 requests a month"


def test_the_tightest_number_is_the_share() -> None:
    limit = Limit(kind="all", max_nanos=100, max_tokens=1_000, max_requests=10)
    assert share(limit, Standing(nanos=10, tokens=100, requests=9)) == 0.9
    assert share(Limit(kind="all", max_nanos=0), Standing()) == 1.0
    assert share(Limit(kind="all"), Standing(nanos=5)) == 0.0
