"""What of an answer is shown: one statement or one block, and nothing that stands there already."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.context.gap.suggestion import Suggestion, enough, place_of, suggestion
from tallystick_agent.protocol.chat import Finish


class Case(NamedTuple):
    name: str
    at: str
    """The text, with `|` at the cursor."""
    answer: str
    shown: str
    finish: Finish = "stop"
    replaces_rest: bool = False


CASES = [
    Case("rest of a line", "def f(a):\n    ret|\n", "urn a\n", "urn a"),
    Case("block below a header", "def f(a):|\n", "\n    b = a\n    return b\n\n\ndef g():\n", "\n    b = a\n    return b"),
    Case("dedent below the block", "def f():\n    |\n\nx = 1\n", "y = 2\n    return y\nz = 3\n", "y = 2\n    return y"),
    Case("nested block", "if a:\n    |\n", "if b:\n        c()\n    d()\ne()\n", "if b:\n        c()\n    d()"),
    Case("tabs", "func f() {\n\t|\n}\n", "x := 1\n\treturn x\n}\n", "x := 1\n\treturn x"),
    Case("closers belong to what they close", "x = f(|\n", "\n    a,\n    b,\n)\ny = 1\n", "\n    a,\n    b,\n)"),
    Case("branches too", "if (a) {|\n", "\n    b();\n} else {\n    c();\n}\nd();\n", "\n    b();\n} else {\n    c();\n}"),
    Case("one statement", "import o|\n", "s\nimport re\nimport sys\n", "s"),
    Case("one definition", "import os\n\n|", "def f():\n    return 1\n\n\ndef g():\n    return 2\n", "def f():\n    return 1"),
    Case("rows of the same block", "|", "a = 1\nb = 2\n", "a = 1\nb = 2"),
    Case("two blank lines end it", "|", "a = 1\n\n\nb = 2\n", "a = 1"),
    Case("next line below is not repeated", "def f():\n    |\n    return b\n", "b = 2\n    return b\n", "b = 2"),
    Case("bracket is there already", "f(|)\n", "a, b)\n", "a, b"),
    Case("rest with a colon", "def f(|):\n    pass\n", "a, b):\n    return\n", "a, b"),
    Case("the answer has the rest inside", "f(|)\n", "a)[0]\n", "a)[0]", replaces_rest=True),
    Case("in the middle of a line only the line", "x = | + 1\n", "2\ny = 3\n", "2"),
    Case("in the middle of a line nothing of the next", "x = | + 1\n", "\ny = 3\n", ""),
    Case("a cut last line is left out", "def f():\n    |\n", "a = 1\n    b = some_na", "a = 1", "length"),
    Case("a cut only line is shown", "def f():\n    |\n", "a = some_na", "a = some_na", "length"),
    Case("nothing but blanks is nothing", "x = 1\n|", "\n\n   \n", ""),
    Case("line ends of another system", "def f():\n    |\n", "a = 1\r\n    b = 2\r\n", "a = 1\n    b = 2"),
    Case("words after a fence", "def f():\n    |\n", "return 1\n```\nThis returns 1.\n", "return 1"),
    Case("nothing but words", "x = 1\n|", "```\nIt is 1.\n", ""),
    Case("a fence where there are some", "# A\n\n```\na\n```\n\n|", "```\nb\n```\n", "```\nb\n```"),
    Case("one bracket too many", "print(add(|))\n", "a, b)\n", "a, b"),
    Case("a bracket of its own", "print(add(|))\n", "f(a)\n", "f(a)"),
    Case("the next line is no answer", "for a in f(|):\n    print(a)\n", "    print(a)\n", ""),
    Case("nor below", "class A:\n    |\n\n    def b(self):\n        pass\n", "def b(self):\n        return 1\n", ""),
    Case("astral", "s = '|\n", "🎉é'\n", "🎉é'"),
]
CHAT = [
    Case("fence", "def f():\n    |\n", "```python\nreturn 1\n```", "return 1"),
    Case("fence and words", "def f():\n    |\n", "Here it is:\n\n```\nreturn 1\n```\nIt returns 1.", "return 1"),
    Case("open fence", "def f():\n    |\n", "```python\nreturn 1", "return 1"),
    Case("echo of the line", "def f(a):\n    return |\n", "    return a + 1", "a + 1"),
    Case("echo of the line's words", "def f(a):\n    return |\n", "return a + 1", "a + 1"),
    Case("echo of lines", "def f(a):\n    return |\n", "def f(a):\n    return a + 1", "a + 1"),
    Case("echo of the indentation", "def f():\n    |\n", "    a = 1\n    return a", "a = 1\n    return a"),
    Case("echo of the rest", "print(|)\n", "'hello')", "'hello'"),
    Case("nothing", "x = 1|\n", "", ""),
    Case("no indentation", "func f() {\n\t|\n}\n", "if a {\n\treturn a\n}\nreturn b", "if a {\n\t\treturn a\n\t}\n\treturn b"),
    Case("no indentation in a row", "def f():\n    |\n", "a = 1\nreturn a", "a = 1\n    return a"),
    Case(
        "right indentation", "def f():\n    |\n", "if a:\n        return a\n    return b", "if a:\n        return a\n    return b"
    ),
    Case("a block below its header", "function f() {|\n", "    return 1;\n}", "\n    return 1;\n}"),
    Case("our own marks", "def f():\n    return 1\n|", "<after>x = f()\n</after>", "x = f()"),
    Case("a new statement after a number", "x = 1|\n", "print(x)", ""),
]


def shown(case: Case, *, chat: bool) -> Suggestion:
    before, after = case.at.split("|")
    return suggestion(case.answer, place_of(before, after), finish=case.finish, chat=chat)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_answer(case: Case) -> None:
    assert shown(case, chat=False) == Suggestion(text=case.shown, replaces_rest=case.replaces_rest)


@pytest.mark.parametrize("case", CHAT, ids=[case.name for case in CHAT])
def test_an_answer_of_a_chat_model(case: Case) -> None:
    assert shown(case, chat=True) == Suggestion(text=case.shown, replaces_rest=case.replaces_rest)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_comes_after_enough_would_not_be_shown(case: Case) -> None:
    """At every length at which the stream is ended, the shown text is that of the whole answer."""
    if case.finish == "length":
        return
    before, after = case.at.split("|")
    place = place_of(before, after)
    answer = case.answer.replace("\r\n", "\n")
    for end in range(len(answer) + 1):
        if enough(answer[:end], place):
            assert suggestion(answer[:end], place).text == case.shown


def test_nothing_belongs_before_a_statement() -> None:
    assert place_of("def f():\n", "    return a\n").taken
    assert place_of("x = f(\n    ", "y)\n").taken
    assert not place_of("x = f(\n    ", ")\n").taken
    assert not place_of("x = f(", "y)\n").taken
    assert not place_of("def f():\n    ", "\n    return a\n").taken


def test_it_ends_early() -> None:
    place = place_of("def f(a):", "\n")
    answer = "\n    return a\n\n\ndef g():\n    pass\n"
    first = next(end for end in range(len(answer)) if enough(answer[:end], place))
    assert answer[:first] == "\n    return a\n\n\n"
    assert enough("b)\n", place_of("f(", ")\n"))


@given(before=st.text(max_size=60), after=st.text(max_size=60), answer=st.text(max_size=80), chat=st.booleans())
def test_any_text_gives_a_suggestion(before: str, after: str, answer: str, chat: bool) -> None:
    place = place_of(before, after)
    enough(answer, place)
    found = suggestion(answer, place, chat=chat)
    assert not place.one_line or "\n" not in found.text
    assert found.text == found.text.rstrip() or place.one_line
