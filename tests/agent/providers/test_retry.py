"""Whether and when a failed request is tried again."""

import pytest

from tallystick_agent.protocol.errors import ContextOverflow, ProviderError
from tallystick_agent.providers.retry import pause_before_next
from tallystick_agent.settings import NetworkSettings

SETTINGS = NetworkSettings(max_attempts=5, backoff_s=0.5, max_retry_after_s=120.0)


def failed(*, retryable: bool = True, retry_after_s: float | None = None) -> ProviderError:
    return ProviderError("it failed", retryable=retryable, retry_after_s=retry_after_s)


@pytest.mark.parametrize(("attempt", "pause"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, None), (6, None)])
def test_the_pause_doubles_until_the_attempts_are_used_up(attempt: int, pause: float | None) -> None:
    assert pause_before_next(failed(), attempt=attempt, settings=SETTINGS) == pause


def test_the_pause_never_grows_over_eight_seconds() -> None:
    many = NetworkSettings(max_attempts=50)
    assert pause_before_next(failed(), attempt=40, settings=many) == 8.0


@pytest.mark.parametrize(
    ("wish", "pause"), [(0.0, 0.0), (3.5, 3.5), (120.0, 120.0), (120.1, None), (86_400.0, None), (float("inf"), None)]
)
def test_the_providers_wish_wins_and_one_that_is_too_long_ends_it(wish: float, pause: float | None) -> None:
    assert pause_before_next(failed(retry_after_s=wish), attempt=1, settings=SETTINGS) == pause


def test_what_cannot_succeed_is_not_tried_again() -> None:
    assert pause_before_next(failed(retryable=False), attempt=1, settings=SETTINGS) is None
    assert pause_before_next(failed(retryable=False, retry_after_s=1.0), attempt=1, settings=SETTINGS) is None
    assert pause_before_next(ContextOverflow("too long"), attempt=1, settings=SETTINGS) is None


def test_one_attempt_means_no_second() -> None:
    assert pause_before_next(failed(), attempt=1, settings=NetworkSettings(max_attempts=1)) is None
    assert pause_before_next(failed(retry_after_s=0.0), attempt=1, settings=NetworkSettings(max_attempts=1)) is None
