"""Finding the one place that an edit means: properties that hold for any text, and the ladder's rungs in a table."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tallystick_agent.edits.changeset import Applied, Refused, Replacement, apply_all, unified
from tallystick_agent.edits.match import Match, Mismatch, find

WORDS = st.lists(
    st.sampled_from(
        ["a", "b = 1", "  c", "\td  ", "", "}", "x  y", "é😀", "$1 \\1", "\x0c", "z\r", "a\x0cb", "b\u2028a", "a\rb"]
    ),
    min_size=1,
    max_size=8,
)
LINES = WORDS.map(lambda words: "\n".join(words) + "\n")
ANY = st.text(st.sampled_from("ab \n\t\r{}é😀\x0c\u2028"), max_size=30)


def apply(text: str, *pairs: tuple[str, str]) -> Applied | Refused:
    return apply_all(text, tuple(Replacement(old=old, new=new) for old, new in pairs))


@given(ANY, ANY, ANY, ANY)
def test_a_unique_exact_place_is_replaced_as_str_replace_does(before: str, old: str, after: str, new: str) -> None:
    text = before + old + after
    assume(old.strip() and sum(text.startswith(old, at) for at in range(len(text))) == 1 and old != new)
    assert apply(text, (old, new)) == Applied(text=text.replace(old, new), notes=())


@given(LINES, ANY, ANY)
def test_bytes_outside_the_matched_lines_are_never_touched(text: str, old: str, new: str) -> None:
    found = find(text, old, new)
    if isinstance(found, Mismatch):
        return
    done = apply(text, (old, new))
    if isinstance(done, Applied):
        assert done.text == text[: found.start] + found.replacement + text[found.end :]
        assert done.text.startswith(text[: found.start])
        assert done.text.endswith(text[found.end :])


@given(LINES, ANY, ANY)
@example("a\x0cb\n", "a ", "x")
@example("a\rb\n", "b\t", "x")
@example("a\u2028b\n", "a ", "x")
def test_on_every_rung_whole_lines_or_the_exact_text_are_matched(text: str, old: str, new: str) -> None:
    found = find(text, old, new)
    if isinstance(found, Match):
        if found.rung == "exact":
            assert text[found.start : found.end] == old
        else:
            assert found.start == 0 or text[found.start - 1] == "\n"
            assert found.end == len(text) or text[found.end - 1] == "\n"
            assert "".join(text[found.start : found.end].split()) == "".join(old.split())


@given(LINES, st.lists(st.tuples(ANY, ANY), min_size=1, max_size=3))
def test_a_list_of_edits_is_applied_whole_or_not_at_all(text: str, pairs: list[tuple[str, str]]) -> None:
    done = apply(text, *pairs)
    alone = [find(text, old, new) for old, new in pairs]
    if isinstance(done, Applied):
        assert all(isinstance(one, Match) for one in alone)
        assert done.text != text
    else:
        assert done.reason


@given(LINES)
def test_an_edit_that_says_what_is_there_changes_nothing(text: str) -> None:
    assume(text.strip())
    done = apply(text, (text, text))
    assert isinstance(done, Refused)


@given(
    st.lists(st.sampled_from(["one", "two", "three", "four"]), unique=True, min_size=2, max_size=4), st.permutations([0, 1, 2, 3])
)
def test_the_order_of_the_edits_does_not_matter(words: list[str], order: list[int]) -> None:
    text = "\n".join(words) + "\n"
    pairs = [(word, word.upper()) for word in words]
    mixed = [pairs[at] for at in order if at < len(pairs)]
    assert apply(text, *mixed) == apply(text, *pairs) == Applied(text=text.upper(), notes=())


@pytest.mark.parametrize(
    ("text", "old", "rung", "matched"),
    [
        ("a = 1\n", "a = 1", "exact", "a = 1"),
        ("a = 1  \nb\n", "a = 1\nb", "trimmed", "a = 1  \nb\n"),
        ("    a\n        b\n", "a\n    b", "reindented", "    a\n        b\n"),
        ("\ta\n\t\tb\n", "    a\n    \tb", "reindented", "\ta\n\t\tb\n"),
        ("a  =  1\nb\n", "a = 1", "whitespace", "a  =  1\n"),
        ("a\nb", "a \nb", "trimmed", "a\nb"),
    ],
)
def test_the_strictest_rung_that_matches_is_taken(text: str, old: str, rung: str, matched: str) -> None:
    found = find(text, old, "new")
    assert isinstance(found, Match)
    assert (found.rung, text[found.start : found.end]) == (rung, matched)


def test_what_matched_loosely_is_noted_for_the_model() -> None:
    done = apply("    a\n        b\nc\n", ("a\n    b", "a\n    x"), ("c", "d"))
    assert done == Applied(text="    a\n        x\nd\n", notes=("Edit 1 of 2: matched after fitting the indentation.",))


def test_a_lower_rung_is_not_tried_where_a_higher_one_is_ambiguous() -> None:
    found = find("a \na\t\n  a\n", "a   ", "b")
    assert isinstance(found, Mismatch)
    assert "2 places (lines 1, 2)" in found.reason


def test_the_nearest_block_is_named_by_the_lines_that_an_editor_shows() -> None:
    text = "first\n\x0csecond\nthird_function(argument)\nfourth\n"
    found = find(text, "third_function(arguments)", "x")
    assert isinstance(found, Mismatch)
    assert "    3| third_function(argument)\n" in found.reason


def test_a_very_long_file_is_refused_without_a_search_for_the_nearest_block() -> None:
    found = find("some line of code\n" * 30_000, "some line of codes", "x")
    assert isinstance(found, Mismatch)
    assert "was not found" in found.reason


@pytest.mark.parametrize(
    ("before", "after", "diff"),
    [
        ("a\nb\n", "a\nc\n", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"),
        ("", "a\n", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"),
        ("a\n", "", "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"),
        ("a", "b", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"),
        ("a\n", "a", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n"),
        ("a\x0cb\nc\n", "a\x0cb\nd\n", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\x0cb\n-c\n+d\n"),
        ("same\n", "same\n", ""),
    ],
)
def test_the_diff_is_one_that_patch_reads(before: str, after: str, diff: str) -> None:
    assert unified("x", before, after) == diff
