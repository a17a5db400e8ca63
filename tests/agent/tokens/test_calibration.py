"""What reported usage teaches: the factor nears the truth in a few requests, no odd report can break it, and the band
narrows only for what was seen and as far as the reports agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.tokens.calibration import FLOOR, Calibration


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


@pytest.mark.parametrize(
    ("observations", "known", "expected"),
    [
        (0, 1.0, 0.3),
        (2, 1.0, 0.3),
        (3, 1.0, 0.246),
        (5, 1.0, 0.138),
        (7, 1.0, 0.03),
        (50, 1.0, 0.03),
        (50, 0.0, 0.3),
        (50, 0.5, 0.165),
    ],
)
def test_the_band_narrows_with_reports_that_agree_and_for_what_is_known(observations: int, known: float, expected: float) -> None:
    assert learned(1.0, observations).band(0.3, known=known) == pytest.approx(expected)


def test_a_report_that_disagrees_widens_the_band_at_once() -> None:
    calm = learned(1.0, 10)
    shaken = calm.observe(estimated=1_000, reported=1_100)
    assert calm.band(0.3, known=1.0) == pytest.approx(0.03)
    assert shaken.band(0.3, known=1.0) == pytest.approx(0.15)


def test_a_factor_below_one_lowers_the_count_but_not_the_upper_end_for_what_is_new() -> None:
    calibration = learned(0.8, 10)
    assert calibration.factor * (1 + calibration.band(0.3, known=0.0)) == pytest.approx(1.3)


@given(
    st.lists(st.tuples(st.integers(50, 10**6), st.integers(1, 10**6)), max_size=20),
    st.floats(0.02, 0.5),
    st.floats(0, 1),
)
def test_no_band_is_below_the_spread_or_the_floor_nor_above_what_is_unlearned(
    reports: list[tuple[int, int]], family: float, known: float
) -> None:
    calibration = Calibration()
    for estimated, reported in reports:
        before = calibration
        calibration = calibration.observe(estimated=estimated, reported=reported)
        if before.observations:
            assert calibration.spread >= abs(reported / estimated - 1) - 1e-9
    wide = calibration.band(family, known=0.0)
    band = calibration.band(family, known=known)
    assert min(wide, max(FLOOR, calibration.spread)) - 1e-9 <= band <= wide + 1e-9
    assert calibration.factor * (1 + wide) >= 1 + family - 1e-9
