"""The place of an answer in a document that changes, and what becomes of the answer where a person wrote into it."""

import pytest

from tallystick_server.lsp.chat_place import Place, begun, flat, grown, merged, moved, tidied
from tallystick_server.lsp.positions import Change

PLACE = Place(start=10, end=20)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (Change(start=0, end=2, text="abc"), (11, 21)),
        (Change(start=10, end=10, text="abc"), (13, 23)),
        (Change(start=20, end=20, text="abc"), (10, 20)),
        (Change(start=15, end=15, text="abc"), (10, 23)),
        (Change(start=25, end=30, text=""), (10, 20)),
        (Change(start=5, end=12, text="abc"), (8, 16)),
        (Change(start=18, end=25, text="abc"), (10, 18)),
        (Change(start=0, end=40, text="abc"), (3, 3)),
        (Change(start=10, end=20, text=""), (10, 10)),
    ],
)
def test_a_place_moves_with_the_text(change: Change, place: tuple[int, int]) -> None:
    after = moved(PLACE, change)
    assert (after.start, after.end) == place


def test_an_answer_grows_where_it_stands_and_keeps_an_empty_line_to_write_in() -> None:
    text, place = begun("## You\n\n```\nx", "## Tallystick\n")
    assert text == "## You\n\n```\nx\n```\n\n## Tallystick\n"
    text += "more of mine\n"
    text, place = grown(text, place, "## Tallystick\n", "## Tallystick\n\nHi\n")
    assert text.endswith("\n## Tallystick\n\nHi\nmore of mine\n")
    text, place = grown(text, place, "## Tallystick\n\nHi\n", "## Tallystick\n\nHi\n\n## You\n\n")
    assert text.endswith("\n\n## You\n\nmore of mine\n")
    assert text[place.start : place.end] == "## Tallystick\n\nHi\n\n## You"


def test_an_answer_that_was_written_into_goes_on_behind_that() -> None:
    text, place = begun("hi", "## Tallystick\n\nOne two\n")
    text = text.replace("One", "One (mine)")
    place = Place(start=place.start, end=place.end + len(" (mine)"))
    text, _ = grown(text + "below\n", place, "## Tallystick\n\nOne two\n", "## Tallystick\n\nOne two three\n")
    assert text == "hi\n\n## Tallystick\n\nOne (mine) two three\nbelow\n"


@pytest.mark.parametrize(
    ("base", "live", "wanted", "result"),
    [
        ("- a: waits\n", "- a: waits\n> mine\n", "- a: done\n\nand\n", "- a: done\n\nand\n> mine\n"),
        ("- a: waits\nb\n", "- a: wa<mine>its\nb\n", "- a: done\nb c\n", "- a: done wa<mine>its\nb c\n"),
        ("a b c", "a", "a b d", "a d"),
        ("a", "", "a b", " b"),
    ],
)
def test_two_changes_of_one_text_are_joined_by_words(base: str, live: str, wanted: str, result: str) -> None:
    assert merged(base, live, wanted) == result


def test_an_editor_that_trims_moves_no_place() -> None:
    before = "a  \n## T \n\nx  \n\n\n"
    place = Place(start=4, end=before.index("x") + 1)
    after = "a\n## T\n\nx\n"
    tidy = tidied(before, place, after)
    assert tidy is not None
    assert after[tidy.start : tidy.end] == "## T\n\nx"
    assert tidied(before, place, after + "y") is None
    assert flat(before) == flat(after)
