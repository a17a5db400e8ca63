"""What of a file is read for a gap: within both budgets, and from a place that does not slide with the cursor."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.context.gap.window import opening, window

FILE = "".join(f"def add_{number}(a, b):\n    return a + b + {number}\n\n\n" for number in range(400))


def words(text: str) -> int:
    """A token for each four characters, as code has."""
    return -(-len(text) // 4)


def prefix_at(cursor: int, text: str = FILE, budget: int = 256) -> str:
    return window(text[:cursor], text[cursor:], words, prefix_tokens=budget, suffix_tokens=16).prefix


def test_a_short_file_is_read_from_its_start() -> None:
    found = window("a = 1\n", "\nb = 2\n", words, prefix_tokens=64, suffix_tokens=16)
    assert (found.prefix, found.suffix) == ("a = 1\n", "\nb = 2\n")


def test_the_beginning_moves_in_large_steps() -> None:
    """Typing through a file of 400 functions reads the text before the cursor anew once in hundreds of keys."""
    starts = [cursor - len(prefix_at(cursor)) for cursor in range(len(FILE))]
    moves = sum(one != other for one, other in pairwise(starts))
    assert moves <= len(FILE) // (2 * 256)
    assert all(one <= other for one, other in pairwise(starts))
    assert {FILE[start - 1 : start] for start in starts if start} == {"\n"}


def test_what_is_typed_at_the_cursor_does_not_move_the_beginning() -> None:
    cursor = len(FILE) // 2
    before = FILE[:cursor]
    first = window(before, "", words, prefix_tokens=256, suffix_tokens=0).prefix
    for typed in ("x", "x = ", "x = 1\n"):
        assert window(before + typed, "", words, prefix_tokens=256, suffix_tokens=0).prefix in (
            first + typed,
            prefix_at(cursor + len(typed), before + typed),
        )


@given(cursor=st.integers(0, len(FILE)), budget=st.integers(16, 600), suffix=st.integers(0, 80))
def test_both_budgets_hold_and_both_texts_touch_the_cursor(cursor: int, budget: int, suffix: int) -> None:
    before, after = FILE[:cursor], FILE[cursor:]
    found = window(before, after, words, prefix_tokens=budget, suffix_tokens=suffix)
    assert before.endswith(found.prefix)
    assert after.startswith(found.suffix)
    assert words(found.prefix) <= budget
    assert words(found.suffix) <= suffix
    assert bool(found.prefix) == bool(before)


def test_a_line_without_end_is_cut_by_characters() -> None:
    long = "x" * 100_000
    found = window(f"a\n{long}", long, words, prefix_tokens=64, suffix_tokens=8)
    assert (len(found.prefix), len(found.suffix)) == (64, 8)
    assert len(window(f"{long}\n", "", words, prefix_tokens=64, suffix_tokens=8).prefix) == 64


def test_the_opening_is_what_every_early_cursor_has_before_it() -> None:
    first = opening(FILE, words, prefix_tokens=256)
    assert FILE.startswith(first)
    assert 128 < words(first) <= 256
    for cursor in (10, 200, len(first)):
        assert first.startswith(prefix_at(cursor))
