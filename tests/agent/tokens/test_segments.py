"""Counts of pieces add up to the count of the whole, whatever the text is; and so they do after edits."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick_agent.tokens import segments as module
from tallystick_agent.tokens.encodings import o200k
from tallystick_agent.tokens.segments import CountedText, SegmentCounter, segments

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted(
    path
    for folder, endings in (("agent", "py"), ("server", "py"), ("tests/scenarios/turns", "md"), ("docs", "md"))
    for path in (ROOT / folder).rglob(f"*.{endings}")
)[::4]

BLANKS = [" ", "    ", "\t", "\n", "\n\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u2028", "\u3000"]
NASTY = [*BLANKS, "/", "//", ".", "{", "'s", "a", "Total", "9", "1234", "é", "e\u0301", "😀", "变", "\u200b", "\0", "@@", "#"]
TEXTS = st.lists(st.sampled_from(NASTY), max_size=16).map("".join)


def whole(text: str) -> int:
    return len(o200k().encode_ordinary(text))


COUNTER = SegmentCounter(whole)


@settings(max_examples=1_500)
@given(TEXTS)
def test_the_sum_of_the_pieces_is_the_whole(text: str) -> None:
    assert COUNTER.text(text) == whole(text)


@settings(max_examples=500)
@given(st.lists(st.sampled_from([*BLANKS, "x", "/"]), max_size=24).map("".join))
def test_it_is_also_where_nearly_all_is_blank(text: str) -> None:
    assert COUNTER.text(text) == whole(text)


@given(st.text())
def test_it_is_for_any_text_at_all(text: str) -> None:
    assert COUNTER.text(text) == whole(text)
    assert "".join(segments(text)) == text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_is_for_real_files(path: Path) -> None:
    text = path.read_text("utf-8")
    assert COUNTER.text(text) == whole(text)
    assert COUNTER.text(text.replace("\n", "\r\n")) == whole(text.replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\nb\n", ["a\n", "b\n"]),
        ("a\n\n\nb", ["a\n\n\n", "b"]),
        ("a\n  b", ["a\n", "  b"]),
        ("a\n// b", ["a\n// b"]),
        ("a\n /b", ["a\n", " /b"]),
        ("\n\na", ["\n\n", "a"]),
        ("a\r\nb", ["a\r\n", "b"]),
    ],
)
def test_a_text_is_cut_before_lines_that_begin_safely(text: str, pieces: list[str]) -> None:
    assert segments(text) == pieces


EDITS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), TEXTS), max_size=8)


@settings(max_examples=300)
@given(TEXTS, EDITS)
def test_a_text_under_edits_has_its_exact_count(start: str, edits: list[tuple[float, float, str]]) -> None:
    text = CountedText(start, COUNTER)
    assert text.tokens == whole(start)
    for one, other, new in edits:
        first, last = sorted((round(one * text.segments), round(other * text.segments)))
        pieces = segments(text.text())
        expected = "".join([*pieces[:first], new, *pieces[last:]])
        assert text.replace(first, last, new) == whole(expected) == text.tokens
        assert text.text() == expected
        assert "".join(segments(expected)) == expected


def test_a_segment_is_counted_once_and_a_long_one_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def count(text: str) -> int:
        asked.append(text)
        return len(text)

    monkeypatch.setattr(module, "MOST_KNOWN", 2)
    counter = SegmentCounter(count)
    assert [counter.text("a\nb\n"), counter.text("b\na\n")] == [4, 4]
    assert asked == ["a\n", "b\n"]
    counter.text("c\n")
    assert counter.text("a\n") == 2
    assert asked == ["a\n", "b\n", "c\n", "a\n"]
    long = "x" * (module.LONGEST_KEPT + 1)
    counter.text(long)
    counter.text(long)
    assert asked[-2:] == [long, long]
