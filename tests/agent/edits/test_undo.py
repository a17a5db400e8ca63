"""Taking a change back by its diff: exactly, beside other changes, and never by guessing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.edits.changeset import Applied, Refused, unified
from tallystick_agent.edits.undo import take_back
from tallystick_agent.protocol.diffs import read_diff

LINE = st.text(alphabet="ab\r\f\u2028🎉-+@\\ ", max_size=4)


@st.composite
def texts(draw: st.DrawFn) -> str:
    return "\n".join(draw(st.lists(LINE, max_size=12))) + draw(st.sampled_from(["", "\n"]))


@given(before=texts(), after=texts())
def test_what_was_done_is_undone_to_the_byte(before: str, after: str) -> None:
    assert take_back(after, unified("a.py", before, after)) == Applied(text=before, notes=())


OLD = "".join(f"line {number}\n" for number in range(40))
NEW = OLD.replace("line 10\n", "new 10\n")
DIFF = unified("a.py", OLD, NEW)


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        ("# mine\n" + NEW, "# mine\n" + OLD),
        (NEW + "# mine\n", OLD + "# mine\n"),
        (NEW.replace("line 30\n", "mine\n"), OLD.replace("line 30\n", "mine\n")),
        (NEW.replace("line 11\n", "mine\n"), None),
        (NEW.replace("new 10\n", ""), None),
        (NEW + NEW, OLD + NEW),
        ("# mine\n" + NEW + NEW, None),
        ("", None),
    ],
)
def test_other_changes_stay_and_the_same_place_refuses(live: str, wanted: str | None) -> None:
    found = take_back(live, DIFF)
    assert (found.text if isinstance(found, Applied) else None) == wanted


@pytest.mark.parametrize("diff", ["@@ -1 +1 @@\n-a\n", "@@ -1 +1 @@\n-a\n+b\nx\n", "@@ what @@\n", "@@ -1 +1 @@\n*a\n"])
def test_a_diff_that_is_none_is_refused(diff: str) -> None:
    assert isinstance(take_back("b\n", diff), Refused)
    with pytest.raises(ValueError):
        read_diff(diff)
