"""Listings as plain lines: aligned, whole names, one line a row where nobody looks."""

import pytest

from tallystick_server.cli.columns import columns, lay_out, note

HEAD = ("model", "window", "can")
ROWS = [("a/short", "1,000", "T"), ("a/much-longer-name", "20", "??")]
WIDE = ["model               window  can", "a/short              1,000  T", "a/much-longer-name      20  ??"]
LAID: dict[str, tuple[int | None, list[str]]] = {
    "no terminal": (None, WIDE),
    "a wide terminal": (80, WIDE),
    "just wide enough": (31, WIDE),
    "a name too long has a line of its own": (
        27,
        ["model           window  can", "a/short          1,000  T", "a/much-longer-name\n                    20  ??"],
    ),
    "a terminal too narrow for names": (
        20,
        ["model\n  window  can", "a/short\n   1,000  T", "a/much-longer-name\n      20  ??"],
    ),
}


@pytest.mark.parametrize("name", LAID)
def test_rows_are_aligned_and_never_broken(name: str) -> None:
    width, lines = LAID[name]
    assert lay_out(HEAD, ROWS, width=width, left=frozenset({2})) == lines


def test_a_listing_of_nothing_is_its_head() -> None:
    assert lay_out(HEAD, [], width=80) == ["model  window  can"]


WIDTHS = {"nothing": ("", 0), "ASCII": ("abc", 3), "wide": ("日本", 4), "an accent by itself": ("e\u0301", 1), "é": ("é", 1)}


@pytest.mark.parametrize(("text", "wide"), WIDTHS.values(), ids=WIDTHS)
def test_a_text_is_as_wide_as_a_terminal_shows_it(text: str, wide: int) -> None:
    assert columns(text) == wide


def test_a_note_is_broken_between_words_for_a_terminal_alone() -> None:
    assert note("one two three", width=10, indent="  ") == "  one two\n  three"
    assert note("one two three", width=None, indent="  ") == "  one two three"
