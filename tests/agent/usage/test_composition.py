"""Reported tokens split over the segments that were sent: the parts always sum to the whole, exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.usage import Segment
from tallystick_agent.usage.composition import scale


def segments(**tokens: int) -> tuple[Segment, ...]:
    return tuple(Segment(name=name, tokens=count) for name, count in tokens.items())


def shares(parts: tuple[Segment, ...]) -> dict[str, int]:
    return {part.name: part.tokens for part in parts}


@pytest.mark.parametrize(
    ("given_parts", "total", "expected"),
    [
        (segments(system=50, prompt=50), 200, {"system": 100, "prompt": 100}),
        (segments(system=50, prompt=50), 100, {"system": 50, "prompt": 50}),
        (segments(a=1, b=1, c=1), 10, {"a": 4, "b": 3, "c": 3}),
        (segments(a=2, b=1), 2, {"a": 1, "b": 1}),
        (segments(a=999, b=1), 10, {"a": 10}),
        (segments(a=5, nothing=0), 7, {"a": 7}),
        (segments(), 7, {"unattributed": 7}),
        (segments(a=0), 7, {"unattributed": 7}),
        (segments(a=5), 0, {}),
        (segments(), 0, {}),
    ],
)
def test_a_split(given_parts: tuple[Segment, ...], total: int, expected: dict[str, int]) -> None:
    assert shares(scale(given_parts, total)) == expected


def test_equal_names_are_joined() -> None:
    assert scale((*segments(a=1), *segments(b=2), *segments(a=1)), 4) == segments(a=2, b=2)


PARTS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 10**6)), max_size=12)


@given(PARTS, st.integers(0, 10**7))
def test_the_parts_sum_to_the_whole_exactly(parts: list[tuple[str, int]], total: int) -> None:
    found = scale(tuple(Segment(name=name, tokens=count) for name, count in parts), total)
    assert sum(part.tokens for part in found) == total
    assert all(part.tokens > 0 for part in found)
    assert len(shares(found)) == len(found)


@given(PARTS, st.integers(0, 10**7))
def test_the_order_of_the_parts_changes_no_share(parts: list[tuple[str, int]], total: int) -> None:
    given_parts = tuple(Segment(name=name, tokens=count) for name, count in parts)
    mixed = tuple(sorted(given_parts, key=lambda part: (-part.tokens, part.name)))
    assert shares(scale(given_parts, total)) == shares(scale(mixed, total)) == shares(scale(given_parts[::-1], total))


@given(PARTS, st.integers(1, 10**7))
def test_no_share_is_further_from_its_exact_value_than_one_token(parts: list[tuple[str, int]], total: int) -> None:
    whole = sum(count for _, count in parts)
    found = shares(scale(tuple(Segment(name=name, tokens=count) for name, count in parts), total))
    for name in {name for name, _ in parts} if whole else set[str]():
        exact = sum(count for one, count in parts if one == name) * total / whole
        assert abs(found.get(name, 0) - exact) < 1
