"""What is tried after a failure: the next endpoint, the same one after a pause, or nothing more."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.errors import Code, ContextOverflow, ProviderError
from tallystick_agent.protocol.model_info import Endpoint, RateLimits
from tallystick_agent.providers.fallback import Failed, TryNext, after_failure
from tallystick_agent.settings import NetworkSettings

SETTINGS = NetworkSettings(max_attempts=3, backoff_s=0.5, max_retry_after_s=60.0)


def endpoint(slug: str, window: int | None = None, **more: Any) -> Endpoint:
    provider = slug.partition("/")[0]
    limits = RateLimits(account=provider)
    base = Endpoint(slug=slug, provider=provider, model="m", base_url="http://127.0.0.1/v1", key_name=f"{provider}_KEY")
    return replace(base, **{"window_tokens": window, "limits": limits, **more})


def failure(code: Code = "provider_unavailable", *, retryable: bool = True, **more: Any) -> ProviderError:
    return ProviderError("it failed", code=code, retryable=retryable, **more)


def next_after(
    order: tuple[Endpoint, ...], *failed: tuple[int, ProviderError, float], now: float = 0.0, refusals_may_move: bool = False
) -> TryNext | None:
    """What follows failures, each as its place in the order, the error, and when it was."""
    told = tuple(Failed(place=place, error=error, at=at) for place, error, at in failed)
    return after_failure(order, told, SETTINGS, now=now, refusals_may_move=refusals_may_move)


A, A2, B, C = endpoint("a/m"), endpoint("a/n"), endpoint("b/m"), endpoint("c/m")
AUTH = failure("provider_auth", retryable=False, account=True)
REJECTED = failure("provider_rejected", retryable=False)


@pytest.mark.parametrize(
    ("order", "error", "place"),
    [
        ((A, B), failure(), 1),
        ((A, B), failure(retry_after_s=30.0), 1),
        ((A, B), REJECTED, 1),
        ((A, B), AUTH, 1),
        ((A, A2), REJECTED, 1),
        ((A, A2), failure("provider_rate_limited"), 1),
        ((A, A2, B), AUTH, 2),
        ((A, A2), AUTH, None),
        ((A,), AUTH, None),
        ((A,), REJECTED, None),
        ((A, B), failure("bad_settings", retryable=False), None),
        ((A, B), failure("provider_content_filter", retryable=False), None),
    ],
)
def test_the_next_endpoint_is_tried_at_once_where_it_may_do_better(
    order: tuple[Endpoint, ...], error: ProviderError, place: int | None
) -> None:
    expected = TryNext(place=place, pause_s=0.0) if place is not None else None
    assert next_after(order, (0, error, 0.0)) == expected


def test_what_a_filter_refused_moves_only_where_that_is_allowed() -> None:
    refused = failure("provider_content_filter", retryable=False)
    assert next_after((A, B), (0, refused, 0.0)) is None
    assert next_after((A, B), (0, refused, 0.0), refusals_may_move=True) == TryNext(place=1, pause_s=0.0)
    assert next_after((A, B), (0, refused, 0.0), (1, refused, 0.0), refusals_may_move=True) is None


def test_the_limit_of_the_free_models_does_not_keep_from_the_paid_ones() -> None:
    free = endpoint("a/m:free", limits=RateLimits(account="a:free"))
    used_up = failure("provider_rate_limited", retryable=False, account=True)
    assert next_after((free, A), (0, used_up, 0.0)) == TryNext(place=1, pause_s=0.0)
    other_free = endpoint("a/n:free", limits=RateLimits(account="a:free"))
    assert next_after((free, other_free), (0, used_up, 0.0)) is None
    assert next_after((free, A), (0, AUTH, 0.0)) is None


def test_another_key_of_the_same_provider_is_another_account() -> None:
    assert next_after((A, replace(A2, key_name="OTHER_KEY")), (0, AUTH, 0.0)) == TryNext(place=1, pause_s=0.0)


@pytest.mark.parametrize(
    ("windows", "told", "place"),
    [
        ((8_000, 8_000, 32_000), {}, 2),
        ((8_000, 8_001), {}, 1),
        ((8_000, None), {}, None),
        ((None, 32_000), {}, None),
        ((None, 32_000), {"limit_tokens": 16_000}, 1),
        ((8_000, 16_000, 32_000), {"prompt_tokens": 20_000, "limit_tokens": 8_000}, 2),
        ((8_000, 16_000), {"prompt_tokens": 16_000}, None),
        ((32_000, 8_000), {}, None),
    ],
)
def test_too_long_a_request_goes_only_to_a_window_that_is_known_to_be_larger(
    windows: tuple[int | None, ...], told: dict[str, int], place: int | None
) -> None:
    order = tuple(endpoint(f"p{number}/m", window) for number, window in enumerate(windows))
    found = next_after(order, (0, ContextOverflow("too long", **told), 0.0))
    assert (found.place if found else None) == place


def test_when_all_were_tried_the_one_that_is_ready_first_is_tried_again() -> None:
    found = next_after((A, B), (0, failure(retry_after_s=30.0), 100.0), (1, failure(retry_after_s=5.0), 101.0), now=102.0)
    assert found == TryNext(place=1, pause_s=4.0)
    late = next_after((A, B), (0, failure(retry_after_s=30.0), 100.0), (1, failure(retry_after_s=40.0), 101.0), now=102.0)
    assert late == TryNext(place=0, pause_s=28.0)


def test_a_wish_that_is_over_already_is_no_pause() -> None:
    assert next_after((A,), (0, failure(retry_after_s=5.0), 0.0), now=50.0) == TryNext(place=0, pause_s=0.0)


def test_an_endpoint_that_asks_for_too_long_a_wait_is_not_waited_for() -> None:
    assert next_after((A,), (0, failure(retry_after_s=61.0), 0.0)) is None
    found = next_after((A, B), (0, failure(retry_after_s=61.0), 0.0), (1, failure(), 0.0))
    assert found == TryNext(place=1, pause_s=0.5)


def test_an_account_with_a_wait_is_waited_for_and_not_asked_elsewhere_before() -> None:
    limited = failure("provider_rate_limited", account=True, retry_after_s=2.0)
    assert next_after((A, A2), (0, limited, 0.0)) == TryNext(place=0, pause_s=2.0)


def test_an_account_that_proved_bad_is_not_tried_again_at_an_endpoint_that_only_failed() -> None:
    assert next_after((A, A2), (0, failure(), 0.0), (1, AUTH, 0.0)) is None
    found = next_after((A, A2, B), (0, failure(), 0.0), (1, AUTH, 0.0), (2, failure(), 0.0))
    assert found == TryNext(place=2, pause_s=0.5)


def test_a_window_that_proved_too_small_is_not_tried_again_at_an_endpoint_that_only_failed() -> None:
    small, large = endpoint("a/m", 8_000), endpoint("b/m", 32_000)
    assert next_after((small, large), (0, failure(), 0.0), (1, ContextOverflow("too long"), 0.0)) is None


def test_one_endpoint_has_as_many_attempts_as_the_settings_allow() -> None:
    failed: list[tuple[int, ProviderError, float]] = []
    pauses: list[float] = []
    while True:
        failed.append((0, failure(), 0.0))
        found = next_after((A,), *failed)
        if found is None:
            break
        pauses.append(found.pause_s)
    assert len(failed) == SETTINGS.max_attempts
    assert pauses == [0.5, 1.0]


CODES: tuple[Code, ...] = (
    "provider_unavailable",
    "provider_rate_limited",
    "provider_auth",
    "provider_content_filter",
    "bad_settings",
)
ERRORS = st.one_of(
    st.builds(
        failure,
        st.sampled_from(CODES),
        retryable=st.booleans(),
        account=st.booleans(),
        retry_after_s=st.sampled_from([None, 0.0, 3.0, 61.0]),
    ),
    st.builds(ContextOverflow, st.just("too long"), prompt_tokens=st.sampled_from([None, 9_000])),
)
ORDERS = st.lists(
    st.builds(endpoint, st.sampled_from(["a/m", "a/n", "b/m", "c/m"]), st.sampled_from([None, 8_000, 16_000])),
    min_size=1,
    max_size=6,
).map(tuple)


@given(order=ORDERS, most=st.integers(1, 6), moves=st.booleans(), data=st.data())
def test_whatever_fails_it_ends_and_every_pause_can_be_waited_for(
    order: tuple[Endpoint, ...], most: int, moves: bool, data: st.DataObject
) -> None:
    settings, now, place = NetworkSettings(max_attempts=most, max_retry_after_s=60.0), 0.0, 0
    failed: list[Failed] = []
    while True:
        failed.append(Failed(place=place, error=data.draw(ERRORS), at=now))
        assert len(failed) <= most + len(order) - 1
        found = after_failure(order, tuple(failed), settings, now=now, refusals_may_move=moves)
        if found is None:
            break
        assert 0 <= found.place < len(order)
        assert 0.0 <= found.pause_s <= 60.0
        now, place = now + found.pause_s, found.place
    assert all(sum(one.place == place for one in failed) <= most for place in range(len(order)))
