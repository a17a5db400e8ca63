"""Hunks of what the agent changed: parsed, followed through edits of others, joined, undone. Tables and properties."""

import difflib
from collections.abc import Iterator
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick_agent.protocol.digest import digest
from tallystick_server.lsp.hunks import Hunk, Landing, Trail, advance, compose, parse_diff, undo, without


def keys() -> Iterator[str]:
    return (f"h{number}" for number in count(1))


def unified(before: str, after: str) -> str:
    """As the engine writes a change into its event."""

    def cut(text: str) -> list[str]:
        lines = text.split("\n")
        return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])

    diff = difflib.unified_diff(cut(before), cut(after), "a/x" if before else "/dev/null", "b/x" if after else "/dev/null")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in diff)


def landed(before: str, after: str, trail: Trail | None = None) -> Trail:
    """The trail after one more change of the agent's, as it stands in the event."""
    known = trail or Trail()
    landing = Landing(hunks=parse_diff(unified(before, after), "edit x", keys()), digest=digest(after))
    return Trail(base=known.base, hunks=known.hunks, pending=(*known.pending, landing))


def undone(trail: Trail, live: str) -> str:
    now = advance(trail, live.split("\n"))
    return "\n".join(undo(live.split("\n"), now.hunks))


def shape(trail: Trail, live: str) -> list[tuple[int, tuple[str, ...], tuple[str, ...]]]:
    return [(hunk.line, hunk.old, hunk.new) for hunk in advance(trail, live.split("\n")).hunks]


TEN = "".join(f"line {number}\n" for number in range(10))


@pytest.mark.parametrize(
    ("before", "after", "hunks"),
    [
        ("a\nb\nc\n", "a\nB\nc\n", [(1, ("b",), ("B",))]),
        ("", "new\n", [(0, (), ("new",))]),
        ("", "new", [(0, ("",), ("new",))]),
        ("old\n", "", [(0, ("old",), ())]),
        ("a\n", "a", [(0, ("a", ""), ("a",))]),
        ("a", "a\n", [(0, ("a",), ("a", ""))]),
        ("a\nb", "a\nc", [(1, ("b",), ("c",))]),
        ("-- x\n", "++ y\n", [(0, ("-- x",), ("++ y",))]),
        (TEN, TEN.replace("line 1\n", "").replace("line 4\n", "line 4\nmore\n"), [(1, ("line 1",), ()), (4, (), ("more",))]),
        (
            TEN,
            TEN.replace("line 0\n", "zero\n").replace("line 9", "nine"),
            [(0, ("line 0",), ("zero",)), (9, ("line 9",), ("nine",))],
        ),
    ],
)
def test_a_diff_as_hunks(before: str, after: str, hunks: list[object]) -> None:
    trail = landed(before, after)
    assert [(one.line, one.old, one.new) for one in trail.pending[0].hunks] == hunks
    assert undone(trail, after) == before


def test_what_is_no_diff_has_no_hunks() -> None:
    assert parse_diff("(binary or unreadable)\n", "edit", keys()) == ()
    assert parse_diff("", "edit", keys()) == ()
    assert parse_diff("@@ -1,9 +1,9 @@\n-cut", "edit", keys()) == (), "half a diff is none"


def test_edits_of_the_person_elsewhere_move_a_hunk() -> None:
    after = TEN.replace("line 5", "five")
    trail = landed(TEN, after)
    live = "top\n" + after.replace("line 2\n", "") + "end\n"
    assert shape(trail, live) == [(5, ("line 5",), ("five",))]
    assert undone(trail, live) == live.replace("five", "line 5")
    known = advance(landed(TEN, after), after.split("\n"))
    assert shape(known, live) == [(5, ("line 5",), ("five",))]


def test_a_hunk_that_the_person_rewrote_is_theirs() -> None:
    after = TEN.replace("line 5", "return x")
    known = advance(landed(TEN, after), after.split("\n"))
    elsewhere = after.replace("line 8", "return x")
    assert [hunk.line for hunk in advance(known, elsewhere.split("\n")).hunks] == [5]
    rewritten = elsewhere.replace("return x", "return y", 1)
    assert advance(advance(known, elsewhere.split("\n")), rewritten.split("\n")).hunks == ()


def test_equal_lines_are_told_apart_by_their_neighbours() -> None:
    before = "a\npass\nb\npass\nc\n"
    after = "a\npass\nb\nadded\npass\nc\n"
    live = "added\nx\n" + after
    assert shape(landed(before, after), live) == [(5, (), ("added",))]


def test_what_is_not_certain_is_dropped() -> None:
    trail = landed("a\n}\nb\n", "a\n}\n}\nb\n")
    assert shape(trail, "x\n}\ny\n}\n") == []
    deletion = landed(TEN, TEN.replace("line 5\n", ""))
    assert shape(deletion, TEN.replace("line 5\n", "")) == [(5, ("line 5",), ())]
    assert shape(deletion, TEN) == []


def test_an_editor_that_adds_a_last_line_break() -> None:
    assert undone(landed("x = 1", "x = 2"), "x = 2\n") == "x = 1\n"


def test_later_changes_of_the_agent_join_those_they_touch() -> None:
    one = TEN.replace("line 5", "five")
    two = one.replace("five\n", "five\nand a half\n").replace("line 8", "eight")
    trail = advance(landed(TEN, one), one.split("\n"))
    trail = advance(landed(one, two, trail), two.split("\n"))
    assert [(hunk.line, hunk.old, hunk.new) for hunk in trail.hunks] == [
        (5, ("line 5",), ("five", "and a half")),
        (9, ("line 8",), ("eight",)),
    ]
    back = two.replace("five\nand a half\n", "line 5\n")
    trail = advance(landed(two, back, trail), back.split("\n"))
    assert [hunk.new for hunk in trail.hunks] == [("eight",)]


def test_changes_of_a_file_that_was_not_open() -> None:
    one = TEN.replace("line 5", "five")
    two = one.replace("five", "FIVE").replace("line 1\n", "")
    trail = landed(one, two, landed(TEN, one))
    assert shape(trail, two) == [(1, ("line 1",), ()), (4, ("line 5",), ("FIVE",))]
    assert undone(trail, two) == TEN


def test_keeping_and_undoing_one_of_several() -> None:
    after = TEN.replace("line 1\n", "").replace("line 5", "five\nsix").replace("line 8", "eight")
    hunks = advance(landed(TEN, after), after.split("\n")).hunks
    left = without(hunks, hunks[:1], undone=True)
    assert [hunk.line for hunk in left] == [5, 9]
    assert [hunk.line for hunk in without(hunks, hunks[:1], undone=False)] == [4, 8]


LINES = st.lists(st.sampled_from(["", "a", "b", "}", "return x", "unique one", "é🎉"]), max_size=12)
TEXTS = LINES.map("\n".join)


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(TEXTS, min_size=2, max_size=5))
def test_undoing_all_gives_the_old_text(texts: list[str]) -> None:
    """Any number of changes by the agent, seen one by one or all at once: taken back, the first text stands."""
    seen, late = Trail(), Trail()
    for before, after in pairwise(texts):
        seen = advance(landed(before, after, seen), after.split("\n"))
        late = landed(before, after, late)
    assert undone(seen, texts[-1]) == texts[0]
    assert undone(late, texts[-1]) == texts[0]
    now = advance(seen, texts[-1].split("\n"))
    assert all(one.end <= two.line for one, two in pairwise(now.hunks))


def _numbered(count_: int) -> list[str]:
    return [f"line {number}" for number in range(count_)]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_what_the_person_wrote_elsewhere_survives(data: st.DataObject) -> None:
    """The agent changes some lines, the person others; undoing every hunk leaves exactly the person's changes."""
    size = data.draw(st.integers(8, 30))
    base = _numbered(size)
    agent = data.draw(st.sets(st.integers(0, size - 1), max_size=4))
    person = data.draw(st.sets(st.integers(0, size - 1), max_size=4)) - {at + off for at in agent for off in (-1, 0, 1)}
    kind = {at: data.draw(st.sampled_from(["change", "delete", "add"])) for at in agent | person}

    def text(who: set[int]) -> list[str]:
        lines: list[str] = []
        for at, line in enumerate(base):
            name = "agent" if at in agent else "person"
            if at not in who:
                lines.append(line)
            elif kind[at] == "change":
                lines.append(f"{name} {at}")
            elif kind[at] == "add":
                lines += [line, f"{name} {at}", f"{name} {at} more"]
        return lines or [""]

    after = text(agent)
    trail = advance(landed("\n".join(base), "\n".join(after)), after)
    live = text(agent | person)
    hunks = advance(trail, live).hunks
    wanted = text(person)
    if len(hunks) == len(trail.hunks):
        assert undo(live, hunks) == wanted
    else:
        # Beside a deletion that the person's own edit touches nothing is certain; what is left must still be right.
        assert len(hunks) < len(trail.hunks)
        assert set(wanted) <= {*undo(live, hunks), *base}


@settings(max_examples=200, deadline=None)
@given(before=TEXTS, after=TEXTS, data=st.data())
def test_hunks_are_independent(before: str, after: str, data: st.DataObject) -> None:
    """Undoing some now and the rest later is undoing all."""
    lines = after.split("\n")
    hunks = advance(landed(before, after), lines).hunks
    some = [hunk for hunk in hunks if data.draw(st.booleans())]
    rest = without(hunks, some, undone=True)
    assert "\n".join(undo(undo(lines, some), rest)) == before


def test_composing_nothing() -> None:
    hunk = Hunk(key="h1", title="", line=3, old=("a",), new=("b",))
    assert compose((hunk,), ()) == (hunk,)
    assert compose((), (hunk,)) == (hunk,)
