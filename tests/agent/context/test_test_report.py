"""What a test run said: the real output of unittest and pytest, read into failures."""

from pathlib import Path

import pytest
from tests.agent.context.projects import PYTEST, UNITTEST, project, run

from tallystick_agent.context import test_report as reports
from tallystick_agent.context.test_report import Failure, read_report

CART = """
def total(prices):
    return sum(prices) + 1


def head(prices):
    return prices[0]
"""
CLASSES = """
import unittest
from cart import head, total

class CartTest(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)

    def test_head(self):
        '''Says what it is about.'''
        self.assertEqual(head([]), 1)

    def test_fine(self):
        self.assertEqual(head([1]), 1)

    def test_parts(self):
        for number in (1, 2):
            with self.subTest(number=number):
                self.assertEqual(total([number]), number)
"""
FUNCTIONS = """
import pytest
from cart import head, total

def test_total():
    assert total([1, 2]) == 3

class TestHead:
    def test_head(self):
        print("captured words")
        assert head([]) == 1

@pytest.mark.parametrize("rate", [1.5, 2.5])
def test_rate(rate):
    assert total([rate]) == rate

@pytest.fixture
def broken():
    raise RuntimeError("no fixture")

def test_fixture(broken):
    assert broken

def test_fine():
    pass
"""


def named(report: reports.TestReport) -> dict[str, Failure]:
    return {failure.test: failure for failure in report.failures}


def read(folder: Path, *command: str) -> reports.TestReport:
    code, output = run(folder, *command)
    return read_report(output, exit_code=code)


def test_unittest(tmp_path: Path) -> None:
    report = read(project(tmp_path, cart=CART, test_cart=CLASSES), *UNITTEST)
    assert (report.passed, report.ran) == (False, 4)
    failures = named(report)
    assert set(failures) == {"test_total", "test_head", "test_parts"}
    assert "AssertionError: 4 != 3" in failures["test_total"].error
    assert "IndexError" in failures["test_head"].error
    assert failures["test_head"].file.endswith("test_cart.py")
    assert [(Path(path).name, line) for path, line in failures["test_head"].frames] == [("test_cart.py", 10), ("cart.py", 6)]


def test_pytest(tmp_path: Path) -> None:
    report = read(project(tmp_path, cart=CART, test_cart=FUNCTIONS), *PYTEST)
    assert (report.passed, report.ran) == (False, 6)
    failures = named(report)
    assert "assert 4 == 3" in failures["test_total"].error
    assert "IndexError" in failures["test_head"].error
    assert (failures["test_head"].file, failures["test_head"].frames) == ("test_cart.py", (("test_cart.py", 10), ("cart.py", 6)))
    assert "captured words" not in failures["test_head"].error


def test_pytest_names_the_function_behind_parameters_and_fixtures(tmp_path: Path) -> None:
    failures = named(read(project(tmp_path, cart=CART, test_cart=FUNCTIONS), *PYTEST))
    assert set(failures) == {"test_total", "test_head", "test_rate", "test_fixture"}


@pytest.mark.parametrize("command", [UNITTEST, PYTEST], ids=["unittest", "pytest"])
def test_all_is_well(command: tuple[str, ...], tmp_path: Path) -> None:
    fine = "import unittest\n\nclass T(unittest.TestCase):\n    def test_fine(self):\n        pass\n"
    report = read(project(tmp_path, test_fine=fine), *command)
    assert (report.passed, report.ran, report.failures) == (True, 1, ())


@pytest.mark.parametrize("command", [UNITTEST, PYTEST], ids=["unittest", "pytest"])
def test_a_run_without_a_test_has_proven_nothing(command: tuple[str, ...], tmp_path: Path) -> None:
    report = read(project(tmp_path, cart=CART), *command)
    assert not report.passed
    assert report.failures == ()


@pytest.mark.parametrize("command", [UNITTEST, PYTEST], ids=["unittest", "pytest"])
def test_a_module_that_cannot_be_imported_is_a_failure(command: tuple[str, ...], tmp_path: Path) -> None:
    report = read(project(tmp_path, cart="def total(:\n", test_cart="from cart import total\n\ndef test_it(): pass\n"), *command)
    assert not report.passed
    assert len(report.failures) == 1
    assert "SyntaxError" in report.failures[0].error


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("", 0),
        ("make: *** [test] Error 1\n", 2),
        ("ok  \tpkg\t0.01s\n", 0),
        ("no tests ran in 0.01s", 5),
        ("Ran 0 tests in 0.000s\n\nOK\n", 0),
        ("FAIL: x\n" * 500, 1),
    ],
)
def test_other_output_gives_its_tail_and_no_failures(output: str, code: int) -> None:
    report = read_report(output, exit_code=code)
    assert report.failures == ()
    assert len(report.tail.splitlines()) <= 14
    assert report.passed == (code == 0 and "Ran 0" not in output)


def test_a_run_that_was_ended_has_not_passed() -> None:
    assert not read_report("Ran 3 tests in 0.1s\n\nOK\n", exit_code=None).passed


def test_errors_are_bounded(tmp_path: Path) -> None:
    long = "def test_long():\n    assert list(range(5000)) == [str(n) * 500 for n in range(50)], 'x\\n' * 500\n"
    for failure in read(project(tmp_path, test_long=long), *PYTEST).failures:
        assert len(failure.error.splitlines()) <= 14
        assert all(len(line) <= 300 for line in failure.error.splitlines())
