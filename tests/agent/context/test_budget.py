"""Arithmetic of the context window: what fits, and how much room is left for the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.context.budget import SMALLEST_REPLY, Room, room


@pytest.mark.parametrize(
    ("inputs", "window", "wanted", "model_output", "expected"),
    [
        (1_000, None, 4_000, None, Room(fits=True, output=4_000, over=0)),
        (10**9, None, 4_000, None, Room(fits=True, output=4_000, over=0)),
        (1_000, None, 4_000, 2_000, Room(fits=True, output=2_000, over=0)),
        (1_000, 200_000, 4_000, 8_000, Room(fits=True, output=4_000, over=0)),
        (5_000, 8_192, 4_000, None, Room(fits=True, output=8_192 - 5_508, over=0)),
        (7_200, 8_192, 4_000, None, Room(fits=True, output=8_192 - 7_928, over=0)),
        (7_300, 8_192, 4_000, None, Room(fits=False, output=SMALLEST_REPLY, over=102)),
        (9_000, 8_192, 4_000, None, Room(fits=False, output=SMALLEST_REPLY, over=SMALLEST_REPLY + 9_908 - 8_192)),
        (7_350, 8_192, 80, None, Room(fits=True, output=80, over=0)),
        (7_500, 8_192, 80, None, Room(fits=False, output=80, over=146)),
    ],
)
def test_room(inputs: int, window: int | None, wanted: int, model_output: int | None, expected: Room) -> None:
    assert room(input_tokens=inputs, window=window, wanted_output=wanted, model_output=model_output, band=0.1) == expected


SIZES = st.integers(0, 10**6)


@given(SIZES, st.integers(1, 10**6), st.integers(1, 10**5), st.none() | st.integers(1, 10**5), st.floats(0, 0.5))
def test_what_fits_fits_even_at_the_upper_end_of_the_error_band(
    inputs: int, window: int, wanted: int, model: int | None, band: float
) -> None:
    found = room(input_tokens=inputs, window=window, wanted_output=wanted, model_output=model, band=band)
    assert 0 < found.output <= wanted
    assert model is None or found.output <= model
    assert found.fits == (found.over == 0)
    if found.fits:
        assert int(inputs * (1 + band)) + found.output <= window


@given(SIZES, st.integers(1, 10**6), st.integers(1, 10**5))
def test_a_larger_window_never_gives_less(inputs: int, window: int, wanted: int) -> None:
    small = room(input_tokens=inputs, window=window, wanted_output=wanted, model_output=None, band=0.1)
    large = room(input_tokens=inputs, window=window + 1_000, wanted_output=wanted, model_output=None, band=0.1)
    assert large.fits >= small.fits
    assert not small.fits or large.output >= small.output
