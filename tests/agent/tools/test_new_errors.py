"""Which remarks an edit made: a table of moved, changed and doubled ones, and what holds for all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.diagnostics import Diagnostic, Severity
from tallystick_agent.tools.new_errors import Edit, listed, new_errors, new_ones, shown, told


def at(line: int, message: str = "undefined x", *, source: str = "ruff", severity: Severity = "error") -> Diagnostic:
    return Diagnostic(path="a.py", line=line, column=1, severity=severity, message=message, source=source, code="F821")


TEXT = "one\nuse x\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("before", "after", "text", "new"),
    [
        pytest.param([at(2)], [at(2)], TEXT, [], id="nothing changed"),
        pytest.param([at(2)], [at(4)], f"a\nb\n{TEXT}", [], id="moved down by lines above"),
        pytest.param([at(2)], [at(1)], "use x\ntwo\nthree\n", [], id="moved up"),
        pytest.param([at(2)], [], TEXT, [], id="mended"),
        pytest.param([at(2)], [at(2)], f"a\n{TEXT}", [], id="said again unchanged by a tool that looks when a file is saved"),
        pytest.param([], [at(3)], TEXT, [at(3)], id="made"),
        pytest.param([at(2)], [at(2), at(3)], TEXT.replace("two", "use x too"), [at(3)], id="one more of the same kind"),
        pytest.param([at(2)], [at(2)], TEXT.replace("use x", "use x and y"), [], id="its line was rewritten"),
        pytest.param([at(2)], [at(4)], "one\ntwo\nthree\nuse x\n", [], id="its line was moved"),
        pytest.param([at(2)], [at(3)], TEXT.replace("use x", "a\n  use x"), [], id="indented and pushed down"),
        pytest.param([at(2)], [at(2, "undefined y")], TEXT.replace("use x", "use y"), [at(2, "undefined y")], id="another"),
        pytest.param([at(2, source="mypy")], [at(2)], TEXT, [at(2)], id="of another checker"),
        pytest.param([at(2)], [at(4)], TEXT, [at(4)], id="elsewhere while its own line stayed"),
        pytest.param(
            [at(3, "redefinition of x from line 1")],
            [at(5, "redefinition of x from line 3")],
            f"a\nb\n{TEXT}",
            [],
            id="names a line that moved too",
        ),
        pytest.param([at(2)], [at(2)], "", [], id="beyond the end"),
        pytest.param([at(99)], [at(99)], TEXT, [], id="a line that is not there"),
    ],
)
def test_table(before: list[Diagnostic], after: list[Diagnostic], text: str, new: list[Diagnostic]) -> None:
    edit = Edit(before=TEXT, after=text) if text else Edit(before="one\nuse x", after="one")
    assert list(new_ones(before, after, edit)) == new


LINES = st.lists(st.sampled_from(["a", "b", "", "c = 1", "  d"]), max_size=12)
MARKS = st.lists(st.builds(at, st.integers(1, 14), st.sampled_from(["m", "n"])), max_size=10)


@given(LINES, MARKS, st.data())
def test_fewer_of_the_same_are_nothing_new(lines: list[str], marks: list[Diagnostic], data: st.DataObject) -> None:
    left = data.draw(st.lists(st.sampled_from(marks), unique_by=id, max_size=len(marks))) if marks else []
    text = "\n".join(lines)
    assert new_ones(marks, left, Edit(before=text, after=text)) == ()


@given(LINES, LINES, MARKS, st.integers(0, 12))
def test_lines_put_in_before_make_nothing_new(lines: list[str], more: list[str], marks: list[Diagnostic], place: int) -> None:
    """Every remark goes down with its line, whatever words the lines have."""
    place = min(place, len(lines))
    marks = [one for one in marks if one.line <= len(lines)]
    grown = [*lines[:place], *more, *lines[place:]]
    moved = [at(one.line + (len(more) if one.line > place else 0), one.message) for one in marks]
    new = new_ones(marks, moved, Edit(before="\n".join(lines), after="\n".join(grown)))
    # Equal lines side by side leave more than one way to tell which were put in.
    if len(set(lines)) == len(lines) and not set(lines) & set(more):
        assert new == ()
    assert set(new) <= set(moved)


@given(LINES, LINES, MARKS, MARKS)
def test_each_old_one_stands_for_one_at_most(
    one: list[str], two: list[str], before: list[Diagnostic], after: list[Diagnostic]
) -> None:
    new = new_ones(before, after, Edit(before="\n".join(one), after="\n".join(two)))
    assert max(0, len(after) - len(before)) <= len(new) <= len(after)


def test_only_sources_that_could_say_something_both_times_count() -> None:
    edit = Edit(before="x", after="y")
    assert new_errors({}, {"ruff": (at(1),)}, edit, warnings=True) == ()
    assert new_errors({"ruff": ()}, {}, edit, warnings=True) == ()
    assert new_errors({"ruff": ()}, {"ruff": (at(1),)}, edit, warnings=False) == (at(1),)
    assert new_errors({"ruff": ()}, {"ruff": (at(1, severity="warning"),)}, edit, warnings=False) == ()


def test_what_two_sources_say_alike_is_told_once() -> None:
    edit = Edit(before="x", after="y")
    found = new_errors({"editor": (), "ruff": ()}, {"ruff": (at(1),), "editor": (at(1, source="Ruff"),)}, edit, warnings=False)
    assert len(found) == 1


def test_words() -> None:
    assert told((), 5) == ""
    both = told((at(1), at(2, severity="warning")), 1)
    assert both == "The edit made 1 new error and 1 new warning:\na.py:1:1: error: undefined x (ruff F821)\n[1 more]"
    assert told((at(1), at(2)), 5).startswith("The edit made 2 new errors:\n")
    assert listed((), 3) == ""
    long = shown(at(1, "line one\nline two \x1b[31mred\x07 " + "x" * 1_000))
    assert "line one line two red" in long
    assert "\x1b" not in long
    assert len(long) < 400
