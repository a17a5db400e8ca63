"""When a request may go out under an account's limits: windows, UTC days, what is given back, and what the provider says."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.model_info import RateLimits
from tallystick_agent.providers.limits import (
    MARGIN_S,
    AccountUse,
    Exhausted,
    Slot,
    begin,
    blocked,
    current,
    give_back,
    room,
    take,
    told,
)

MINUTE = RateLimits(requests=3, window_s=60.0, account="a")
DAY = RateLimits(requests_per_day=5, account="a")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
NOTHING = AccountUse()


def taken(use: AccountUse, limits: RateLimits, *times: float) -> tuple[AccountUse, list[float]]:
    """The use after one request at each time, and when they may go."""
    slots: list[float] = []
    for now in times:
        use, got = take(use, limits, now)
        assert isinstance(got, Slot)
        slots.append(got.at)
    return use, slots


def test_the_first_ones_go_at_once_and_the_next_when_the_window_has_room() -> None:
    _, slots = taken(NOTHING, MINUTE, *[NOON] * 7)
    later, last = NOON + 60 + MARGIN_S, NOON + 2 * (60 + MARGIN_S)
    assert slots == [NOON] * 3 + [later] * 3 + [last]


def test_a_request_goes_at_once_when_the_window_has_room_again() -> None:
    again = NOON + 60 + MARGIN_S
    _, slots = taken(NOTHING, MINUTE, NOON, NOON + 10, NOON + 20, again, again + 4)
    assert slots == [NOON, NOON + 10, NOON + 20, again, NOON + 10 + 60 + MARGIN_S]


def test_without_limits_nothing_waits() -> None:
    _, slots = taken(NOTHING, RateLimits(account="a"), *[NOON] * 100)
    assert slots == [NOON] * 100


def test_the_day_is_over_when_its_requests_are_used_and_a_new_one_begins_at_midnight() -> None:
    use, _ = taken(NOTHING, DAY, *[NOON] * 5)
    same, got = take(use, DAY, NOON + 1)
    assert got == Exhausted(used=5, limit=5, until=MIDNIGHT)
    assert same == use
    assert "5 of 5" in room(use, DAY, NOON)
    assert room(use, DAY, MIDNIGHT) == ""
    after, slots = taken(use, DAY, MIDNIGHT)
    assert slots == [MIDNIGHT]
    assert (after.day, after.today) == ("2026-11-24", 1)


def test_who_was_told_before_midnight_to_go_after_it_counts_for_the_new_day() -> None:
    limits = RateLimits(requests=1, window_s=60.0, requests_per_day=5, account="a")
    use, slots = taken(NOTHING, limits, MIDNIGHT - 30, MIDNIGHT - 20)
    assert slots[1] > MIDNIGHT
    assert current(use, limits, MIDNIGHT).today == 1
    assert current(use, limits, slots[1] + 5).today == 1


def test_what_the_provider_says_of_the_day_is_believed_until_the_next_day() -> None:
    use = told(NOTHING, DAY, NOON, used=900, limit=1_000)
    assert room(use, DAY, NOON) == ""
    use, _ = taken(use, DAY, *[NOON] * 100)
    assert isinstance(take(use, DAY, NOON)[1], Exhausted)
    assert current(use, DAY, MIDNIGHT).daily_limit is None
    ours, _ = taken(NOTHING, DAY, *[NOON] * 3)
    assert told(ours, DAY, NOON, used=1, limit=50).today == 3


def test_nothing_goes_before_the_provider_allows_it() -> None:
    use = blocked(blocked(NOTHING, NOON + 30), NOON + 20)
    _, slots = taken(use, MINUTE, NOON, NOON + 31)
    assert slots == [NOON + 30, NOON + 31]


def test_what_was_given_back_is_free_again_and_nobody_who_waits_is_moved() -> None:
    use, slots = taken(NOTHING, MINUTE, *[NOON] * 5)
    use = give_back(use, Slot(at=slots[3]))
    assert (use.slots, use.today) == (tuple([NOON] * 3 + [slots[4]]), 4)
    assert give_back(use, Slot(at=1.0)) == use
    assert give_back(AccountUse(slots=(5.0,)), Slot(at=5.0)).today == 0


def test_slots_that_no_longer_count_are_forgotten() -> None:
    use, _ = taken(NOTHING, MINUTE, *[NOON + 61 * number for number in range(50)])
    assert len(use.slots) <= 2
    assert use.today == 50


STEPS = st.lists(st.tuples(st.sampled_from(["take", "take", "take", "give back"]), st.integers(0, 40)), max_size=60)


@given(steps=STEPS, requests=st.integers(1, 5), window=st.integers(1, 90))
def test_no_window_ever_holds_more_than_the_limit_and_the_order_is_that_of_asking(
    steps: list[tuple[str, int]], requests: int, window: int
) -> None:
    limits = RateLimits(requests=requests, window_s=float(window), account="a")
    use, now, sent = NOTHING, NOON, list[float]()
    for what, value in steps:
        if what == "take":
            now += value / 4
            use, got = take(use, limits, now)
            assert isinstance(got, Slot)
            assert got.at >= max([now, *sent])
            sent.append(got.at)
        else:
            waiting = [at for at in sent if at > now]
            if waiting:
                gone = waiting[value % len(waiting)]
                sent.remove(gone)
                use = give_back(use, Slot(at=gone))
    for start in sent:
        assert sum(start <= at <= start + window for at in sent) <= requests


@pytest.mark.parametrize("back", [1.0, 3_600.0])
def test_a_clock_that_was_set_back_only_makes_requests_wait(back: float) -> None:
    use, slots = taken(NOTHING, MINUTE, NOON, NOON - back)
    assert slots[1] >= slots[0]
    assert len(use.slots) == 2


LOAD = RateLimits(tokens=1_000, window_s=60.0, account="a")


@pytest.mark.parametrize(
    ("loads", "waits"),
    [
        ([400, 600], [0.0, 0.0]),
        ([400, 600, 1], [0.0, 0.0, 60 + MARGIN_S]),
        ([400, 600, 700], [0.0, 0.0, 60 + MARGIN_S]),
        ([5_000, 1], [0.0, 60 + MARGIN_S]),
        ([1, 5_000], [0.0, 60 + MARGIN_S]),
        ([700, 700, 700], [0.0, 60 + MARGIN_S, 2 * (60 + MARGIN_S)]),
        ([0] * 50, [0.0] * 50),
    ],
)
def test_tokens_of_a_window_are_shared_and_a_request_too_large_for_any_goes_alone(loads: list[int], waits: list[float]) -> None:
    use, slots = NOTHING, list[float]()
    for tokens in loads:
        use, got = take(use, LOAD, NOON, tokens)
        assert isinstance(got, Slot)
        slots.append(got.at - NOON)
    assert slots == pytest.approx(waits)


def test_tokens_are_counted_from_the_moment_of_sending_and_given_back_with_the_slot() -> None:
    use, first = take(NOTHING, LOAD, NOON, 800)
    assert isinstance(first, Slot)
    use, first, wait = begin(use, LOAD, first, NOON + 5)
    assert (wait, first.at) == (0.0, NOON + 5)
    use, second = take(use, LOAD, NOON + 5, 800)
    assert isinstance(second, Slot)
    assert second.at == NOON + 5 + 60 + MARGIN_S
    assert begin(use, LOAD, second, NOON + 30)[2] == pytest.approx(35 + MARGIN_S)
    assert give_back(use, second).loads == ((NOON + 5, 800),)
    assert give_back(give_back(use, second), first).loads == ()


@given(st.lists(st.tuples(st.floats(0, 50), st.integers(0, 1_500)), max_size=30))
def test_no_window_ever_holds_more_tokens_than_allowed_but_for_one_too_large(steps: list[tuple[float, int]]) -> None:
    use, now = NOTHING, NOON
    sent: list[tuple[float, int]] = []
    for step, tokens in steps:
        now += step
        use, got = take(use, LOAD, now, tokens)
        assert isinstance(got, Slot)
        sent.append((got.at, tokens))
    for at, _ in sent:
        held = [tokens for other, tokens in sent if at <= other < at + LOAD.window_s]
        assert sum(held) <= 1_000 or len([one for one in held if one]) == 1
