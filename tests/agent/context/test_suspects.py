"""Which lines are most likely wrong: a real trace of passing and failing tests, ranked."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from tests.agent.context.projects import PYTEST, UNITTEST, project, run

from tallystick_agent.context.suspects import Run, rank, read_trace, statement_weights

SHOP = '''
"""A shop."""


def discount(price, percent):
    """The price after a discount."""
    if percent > 100:
        raise ValueError("too much")
    share = percent / 10
    return price - price * share


def tax(price):
    rate = 0.2
    return price * rate


def label(name):
    words = name.split()
    return " ".join(word.title() for word in words)
'''
TESTS = """
import unittest
from shop import discount, label, tax

class ShopTest(unittest.TestCase):
    def test_discount(self):
        self.assertEqual(discount(100, 50), 50)

    def test_small_discount(self):
        self.assertEqual(discount(200, 10), 180)

    def test_too_much(self):
        with self.assertRaises(ValueError):
            discount(100, 101)

    def test_tax(self):
        self.assertAlmostEqual(tax(10), 2)

    def test_label(self):
        self.assertEqual(label("red shoe"), "Red Shoe")
"""
BUG = 1 + SHOP.lstrip("\n").splitlines().index("    share = percent / 10")
SCRIPT = str(files("tallystick_agent.context").joinpath("trace_tests.py"))


def traced(folder: Path, *runner: str) -> tuple[Run, ...]:
    out = folder.parent / "trace.json"
    plain = run(folder, *runner)
    code, output = run(folder, SCRIPT, str(out), *runner[1:])
    assert code == plain[0] != 0, output
    assert ("FAILED" in output) == ("FAILED" in plain[1])
    return read_trace(out.read_text())


@pytest.mark.parametrize("runner", [UNITTEST, PYTEST], ids=["unittest", "pytest"])
def test_the_wrong_line_is_among_the_first_five(runner: tuple[str, ...], tmp_path: Path) -> None:
    folder = project(tmp_path / "project", shop=SHOP, test_shop=TESTS)
    runs = traced(folder, *runner)
    assert sorted(one.failed for one in runs) == [False, False, False, True, True]

    suspects = rank(runs, {path.name: path.read_text() for path in folder.glob("*.py")})

    assert ("shop.py", BUG) in [(one.path, one.line) for one in suspects[:5]]
    assert {one.path for one in suspects} == {"shop.py"}
    assert all(SHOP.lstrip("\n").splitlines()[one.line - 1].strip() for one in suspects)


def run_of(failed: bool, *lines: int) -> Run:
    return Run(test="t", failed=failed, lines={"a.py": lines})


CODE = "def f(x):\n    y = x\n    z = y\n    return z\n"


def test_a_line_that_only_failing_tests_run_comes_before_one_that_all_run() -> None:
    ranked = rank((run_of(True, 2, 3), run_of(False, 2)), {"a.py": CODE})
    assert [one.line for one in ranked] == [3, 2]


def test_lines_that_no_failing_test_runs_are_no_suspects() -> None:
    assert rank((run_of(False, 2, 3),), {"a.py": CODE}) == ()
    assert rank((), {"a.py": CODE}) == ()
    assert [one.line for one in rank((run_of(True, 2),), {"a.py": CODE})] == [2]


def test_test_files_are_never_suspects() -> None:
    assert rank((Run(test="t", failed=True, lines={"test_a.py": (2,)}),), {"test_a.py": CODE}) == ()


def test_a_file_that_does_not_parse_has_no_suspects() -> None:
    assert rank((run_of(True, 1, 2),), {"a.py": "def f(:\n    pass\n"}) == ()


def test_docstrings_comments_and_empty_lines_cannot_be_wrong() -> None:
    text = '"""Doc\nof two lines."""\n\n# a comment\nx = 1  # one\n\ndef f():\n    """Doc."""\n    return x\n'
    assert set(statement_weights(text)) == {5, 7, 9}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "{}",
        "null",
        "[1]",
        "[{}]",
        '[{"test": "t", "failed": true}]',
        '[{"test": "t", "failed": true, "lines": {"a.py": ["x"]}}]',
    ],
)
def test_what_is_no_trace_gives_no_runs(text: str) -> None:
    assert read_trace(text) == ()


def test_a_trace_as_the_script_writes_it() -> None:
    text = json.dumps([{"test": "t", "failed": True, "lines": {"a.py": [1, 2]}}])
    assert read_trace(text) == (Run(test="t", failed=True, lines={"a.py": (1, 2)}),)
