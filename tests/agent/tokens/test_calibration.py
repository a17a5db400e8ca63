"""What reported usage teaches: the factor nears the truth in a few requests, and no odd report can break it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.tokens.calibration import Calibration


def learned(truth: float, requests: int, size: int = 1_000) -> Calibration:
    """After some requests whose estimate already used the factor, as the loop does."""
    calibration = Calibration()
    for _ in range(requests):
        calibration = calibration.observe(estimated=round(size * calibration.factor), reported=round(size * truth))
    return calibration


@pytest.mark.parametrize("truth", [0.6, 0.9, 1.0, 1.27, 1.62, 1.9])
def test_three_requests_bring_it_within_five_percent(truth: float) -> None:
    assert learned(truth, 3).factor == pytest.approx(truth, rel=0.05)
    assert learned(truth, 10).factor == pytest.approx(truth, rel=0.01)


@pytest.mark.parametrize(("estimated", "reported"), [(0, 100), (49, 500), (1_000, 0), (1_000, -5)])
def test_small_requests_and_missing_reports_teach_nothing(estimated: int, reported: int) -> None:
    assert Calibration().observe(estimated=estimated, reported=reported) == Calibration()


def test_one_odd_report_among_many_moves_it_less_than_half_the_way() -> None:
    before = learned(1.0, 5)
    after = before.observe(estimated=1_000, reported=1_500)
    assert 1.0 < after.factor < 1.25


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(-10, 10**6)), max_size=20))
def test_it_never_leaves_its_bounds(reports: list[tuple[int, int]]) -> None:
    calibration = Calibration()
    for estimated, reported in reports:
        calibration = calibration.observe(estimated=estimated, reported=reported)
        assert 0.5 <= calibration.factor <= 2.0
    assert calibration.observations <= len(reports)
