"""How well endpoints serve: means that forget, percentiles of five minutes, and the breaker."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.errors import Code
from tallystick_agent.providers.health import (
    LONGEST_OPEN_S,
    OPEN_S,
    OUTAGE_S,
    RECENT,
    RECENT_S,
    SPEED_HALF_S,
    SUCCESS_HALF_S,
    TRIP_AT,
    UNSEEN,
    Breaker,
    EndpointHealth,
    HealthBoard,
    Outcome,
    Rolling,
)

OK = Outcome(ok=True)
OUTAGE = Outcome(ok=False, code="provider_unavailable")


def after(*outcomes: Outcome, at: float = 0.0, health: EndpointHealth = UNSEEN) -> EndpointHealth:
    for outcome in outcomes:
        health = health.after(outcome, at)
    return health


def test_before_anything_was_seen_nothing_is_claimed() -> None:
    assert (UNSEEN.success.mean, UNSEEN.first_token.mean, UNSEEN.throughput.mean, UNSEEN.tool_faults.mean) == (None,) * 4
    assert (UNSEEN.latency_at(50, 0.0), UNSEEN.speed_at(50, 0.0)) == (None, None)
    assert UNSEEN.stable(-1e9)
    assert UNSEEN.breaker.state(0.0) == "closed"


@pytest.mark.parametrize(("half_lives", "mean"), [(0, 1 / 2), (1, 2 / 3), (2, 4 / 5), (30, 1.0)])
def test_what_was_seen_weighs_half_as_much_after_each_half_life(half_lives: int, mean: float) -> None:
    found = Rolling(half_s=60.0).seen(0.0, 0.0).seen(1.0, 60.0 * half_lives).mean
    assert found == pytest.approx(mean)


@pytest.mark.parametrize(("half_lives", "estimate"), [(0, 1 / 2), (1, 2 / 3), (30, 1.0)])
def test_beside_what_is_usual_an_old_failure_is_forgotten(half_lives: int, estimate: float) -> None:
    failed = Rolling(half_s=60.0).seen(0.0, 0.0)
    assert failed.toward(1.0, 60.0 * half_lives) == pytest.approx(estimate)
    assert Rolling(half_s=60.0).toward(0.05, 5.0) == 0.05


def test_what_is_told_late_does_not_turn_the_clock_back() -> None:
    """The attempts of other processes are told after our own may have been."""
    late = Rolling(half_s=60.0).seen(1.0, 600.0).seen(0.0, 0.0)
    assert late.at == 600.0
    assert after(OUTAGE, at=5.0, health=after(OUTAGE, at=600.0)).last_outage == 600.0
    assert Rolling(half_s=60.0).seen(1.0, -500.0).at == -500.0


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1e6)), min_size=1, max_size=20))
def test_a_mean_stays_within_what_was_seen(sightings: list[tuple[float, float]]) -> None:
    rolling, now = Rolling(half_s=SUCCESS_HALF_S), 0.0
    for value, pause in sightings:
        now += pause
        rolling = rolling.seen(value, now)
    values = [value for value, _ in sightings]
    assert rolling.mean is not None
    assert min(values) - 1e-9 <= rolling.mean <= max(values) + 1e-9


@pytest.mark.parametrize(
    ("code", "counts"),
    [
        ("provider_unavailable", True),
        ("provider_timeout", True),
        ("provider_stream_cut", True),
        ("provider_failed", True),
        ("provider_rate_limited", False),
        ("provider_auth", False),
        ("provider_rejected", False),
        ("provider_content_filter", False),
        ("context_cannot_fit", False),
        ("bad_settings", False),
    ],
)
def test_only_failures_of_the_endpoints_own_count_against_it(code: Code, counts: bool) -> None:
    found = after(*[Outcome(ok=False, code=code)] * TRIP_AT, at=10.0)
    assert (found.success.mean == 0.0) == counts
    assert found.stable(10.0) != counts
    assert (found.breaker.state(10.0) == "open") == counts


def test_an_endpoint_is_unstable_for_thirty_seconds_after_a_failure() -> None:
    found = after(OUTAGE, at=100.0)
    assert not found.stable(100.0 + OUTAGE_S - 0.1)
    assert found.stable(100.0 + OUTAGE_S)


# Measures.


def test_speeds_and_tool_calls_are_measured_where_they_are_told() -> None:
    found = after(Outcome(ok=True, first_token_s=0.5, tokens_per_s=80.0, calls=4, faulty_calls=1), OK)
    assert (found.first_token.mean, found.throughput.mean) == (0.5, 80.0)
    assert found.tool_faults.mean == pytest.approx(0.25)
    assert found.success.mean == 1.0
    assert found.first_token.half_s == found.throughput.half_s == SPEED_HALF_S


@pytest.mark.parametrize(("percentile", "latency", "speed"), [(50, 5.0, 6.0), (75, 8.0, 3.0), (90, 9.0, 1.0), (99, 10.0, 1.0)])
def test_percentiles_say_what_that_share_of_attempts_kept_to(percentile: int, latency: float, speed: float) -> None:
    found = UNSEEN
    for value in (3, 1, 10, 2, 9, 4, 8, 5, 7, 6):
        found = found.after(Outcome(ok=True, first_token_s=float(value), tokens_per_s=float(value)), 0.0)
    assert found.latency_at(percentile, 0.0) == latency
    assert found.speed_at(percentile, 0.0) is not None
    reached = sum(value >= (found.speed_at(percentile, 0.0) or 0) for value in range(1, 11))
    assert reached >= percentile / 10
    assert found.speed_at(percentile, 0.0) == pytest.approx(speed, abs=1.0)


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=RECENT), st.sampled_from([50, 75, 90, 99]))
def test_a_percentile_is_the_least_value_that_enough_attempts_stayed_within(waits: list[int], percentile: int) -> None:
    found = UNSEEN
    for wait in waits:
        found = found.after(Outcome(ok=True, first_token_s=float(wait)), 0.0)
    share = Fraction(percentile, 100) * len(waits)
    exact = min(value for value in waits if sum(one <= value for one in waits) >= share)
    assert found.latency_at(percentile, 0.0) == exact


def test_only_the_last_five_minutes_and_fifty_attempts_are_kept_for_percentiles() -> None:
    old = after(Outcome(ok=True, first_token_s=9.0), at=0.0)
    assert old.latency_at(50, RECENT_S) == 9.0
    assert old.latency_at(50, RECENT_S + 1) is None
    many = UNSEEN
    for number in range(RECENT + 25):
        many = many.after(Outcome(ok=True, first_token_s=float(number), tokens_per_s=1.0), 0.0)
    assert (len(many.latencies), len(many.speeds)) == (RECENT, RECENT)
    assert many.latencies[0] == (0.0, 25.0)


# The breaker.


def trips(*steps: tuple[bool, float]) -> Breaker:
    breaker = Breaker()
    for ok, now in steps:
        breaker = breaker.after(ok=ok, outage=not ok, now=now)
    return breaker


def test_three_failures_in_a_row_open_it_and_a_success_between_does_not() -> None:
    assert trips((False, 0), (False, 1), (False, 2)).state(2) == "open"
    assert trips((False, 0), (False, 1), (True, 2), (False, 3), (False, 4)).state(4) == "closed"


def test_after_the_pause_one_attempt_decides() -> None:
    opened = trips((False, 0), (False, 0), (False, 0))
    assert opened.state(OPEN_S - 0.1) == "open"
    assert opened.state(OPEN_S) == "half_open"
    assert opened.after(ok=True, outage=False, now=OPEN_S) == Breaker()
    again = opened.after(ok=False, outage=True, now=OPEN_S)
    assert again.state(OPEN_S + 2 * OPEN_S - 0.1) == "open"
    assert again.state(OPEN_S + 2 * OPEN_S) == "half_open"
    assert opened.after(ok=False, outage=False, now=OPEN_S) == opened


def test_attempts_that_were_under_way_when_it_opened_do_not_lengthen_the_pause() -> None:
    """Thirty sessions fail together, and it is one outage."""
    together = trips(*[(False, 10.0)] * 30)
    assert together.until == 10.0 + OPEN_S
    assert together.failures == 30


def test_the_pause_never_grows_over_five_minutes() -> None:
    breaker = trips((False, 0), (False, 0), (False, 0))
    for _ in range(1_200):
        now = breaker.until
        breaker = breaker.after(ok=False, outage=True, now=now)
        assert breaker.until - now <= LONGEST_OPEN_S
    assert math.isfinite(breaker.until)


def test_the_board_hands_out_what_does_not_change_any_more() -> None:
    board = HealthBoard()
    board.seen("a/m", OUTAGE, 0.0)
    before = board.snapshot()
    board.seen("a/m", OK, 1.0)
    board.seen("b/m", OK, 1.0)
    assert list(before) == ["a/m"]
    assert before["a/m"].breaker.failures == 1
    assert board.snapshot()["a/m"].breaker.failures == 0
