"""Offsets, positions and the smallest change, with characters beyond the basic plane in all three encodings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_server.lsp.positions import Encoding, landed, position_at, smallest_change
from tallystick_server.lsp.text import Text

ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
texts = st.text(alphabet=st.sampled_from("ab\n\réß€🎉\x0c\u2028"), max_size=30)
encodings = st.sampled_from(ENCODINGS)


@pytest.mark.parametrize(("encoding", "character"), [("utf-8", 9), ("utf-16", 4), ("utf-32", 3)])
def test_a_place_after_astral_text(encoding: Encoding, character: int) -> None:
    """ß, €, 🎉 take 2 + 3 + 4 bytes, 1 + 1 + 2 UTF-16 units, 3 code points."""
    text = "first\nß€🎉x\n"
    offset = text.index("x")
    assert position_at(text, offset, encoding) == (1, character)
    assert Text.of(text).offset(1, character, encoding) == offset


@pytest.mark.parametrize(
    ("text", "line", "character", "offset"),
    [
        ("ab\ncd", 0, 9, 2),
        ("ab\ncd", 1, 9, 5),
        ("ab\ncd", 7, 0, 5),
        ("ab\r\ncd", 0, 9, 2),
        ("ab\r\ncd", 1, 1, 5),
        ("ab\rcd", 1, 0, 3),
        ("a\x0cb\u2028c\nd", 1, 0, 6),
        ("", 0, 0, 0),
        ("a\n", 1, 0, 2),
        ("a\r\n", 1, 0, 3),
        ("🎉", 0, 1, 0),
    ],
)
def test_places_at_and_beyond_the_ends(text: str, line: int, character: int, offset: int) -> None:
    assert Text.of(text).offset(line, character, "utf-16") == offset


@given(texts, encodings, st.data())
def test_positions_and_offsets_are_inverse(text: str, encoding: Encoding, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] == "\r\n":
        return
    assert Text.of(text).offset(*position_at(text, offset, encoding), encoding) == offset


@given(texts, texts)
def test_the_smallest_change_makes_the_new_text(old: str, new: str) -> None:
    change = smallest_change(old, new)
    if change is None:
        assert old == new
        return
    assert old[: change.start] + change.text + old[change.end :] == new
    assert old[change.start - 1 : change.start + 1] != "\r\n" or change.start == 0
    assert old[change.end - 1 : change.end + 1] != "\r\n" or change.end == 0


def test_text_at_the_end_goes_before_the_last_line_break() -> None:
    change = smallest_change("a\n", "a\nb\n")
    assert change is not None
    assert (change.start, change.end, change.text) == (1, 1, "\nb")


def test_a_change_in_a_long_text_is_small() -> None:
    lines = [f"line {number} 🎉" for number in range(5_000)]
    old = "\n".join(lines)
    change = smallest_change(old, old.replace("line 2500 ", "LINE 2500 "))
    assert change is not None
    assert (change.end - change.start, change.text) == (4, "LINE")


@pytest.mark.parametrize(
    ("live", "there"),
    [
        ("a\nB\nc\nd\n", True),
        ("a\nB\nc\nd", True),
        ("a\nB\nc\nd\n\n", True),
        ("typed\na\nB\nc\nd\n", True),
        ("a\nB\nc\nd typed\n", True),
        ("a\nb\nc\nd\n", False),
        ("a\nb\nc\nd typed\n", False),
        ("a\nB typed\nc\nd\n", False),
        ("", False),
    ],
)
def test_whether_an_edit_landed(live: str, there: bool) -> None:
    assert landed("a\nb\nc\nd\n", "a\nB\nc\nd\n", live) is there


def test_a_deletion_that_was_refused_did_not_land() -> None:
    assert not landed("a\nb\nc\n", "a\nc\n", "a\nb\nc typed\n")
    assert landed("a\nb\nc\n", "a\nc\n", "a\nc typed\n")
