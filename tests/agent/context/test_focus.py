"""From a failing test to the code it is about."""

import pytest

from tallystick_agent.context.focus import MOST_FILE_LINES, MOST_TEST_LINES, all_tests, focus
from tallystick_agent.context.focus import test_source as source_of
from tallystick_agent.context.suspects import Suspect
from tallystick_agent.context.test_report import Failure

TEXTS = {
    "shop/cart.py": "class Cart:\n    def total(self):\n        return 1\n",
    "shop/price.py": "def price():\n    return 2\n",
    "shop/other.py": "def other():\n    return 3\n",
    "README.md": "Cart total price",
    "tests/test_cart.py": (
        "import unittest\n\n\nclass CartTest(unittest.TestCase):\n"
        "    def test_total(self):\n        self.assertEqual(Cart().total(), 3)\n\n"
        "    def test_more(self):\n        assert True\n"
    ),
}


def failure(test: str = "test_total", error: str = "", *frames: tuple[str, int]) -> Failure:
    return Failure(test=test, file="tests/test_cart.py", frames=frames, error=error)


def test_the_source_of_the_failing_test_is_found_and_dedented() -> None:
    path, source = source_of(failure(), TEXTS)
    assert path == "tests/test_cart.py"
    assert source == "def test_total(self):\n    self.assertEqual(Cart().total(), 3)"


@pytest.mark.parametrize("test", ["test_nothing", "total", "CartTest", ""])
def test_a_test_that_is_not_there_gives_nothing(test: str) -> None:
    assert source_of(failure(test), TEXTS) == ("", "")


def test_a_long_test_is_bounded() -> None:
    long = {"test_a.py": "def test_long():\n" + "    x = 1\n" * 100}
    assert len(source_of(failure("test_long"), long)[1].splitlines()) == MOST_TEST_LINES


def test_what_the_tests_assert_in_short() -> None:
    assert all_tests("tests/test_cart.py", TEXTS) == "assert Cart().total() == 3\nassert True"
    assert all_tests("none.py", TEXTS) == ""
    assert all_tests("a.py", {"a.py": "def test_("}) == ""
    assert len(all_tests("a.py", {"a.py": "def test_a():\n" + "    assert 1 == 1\n" * 500})) <= 1_500


def test_the_file_that_the_test_names_comes_in_view() -> None:
    assert focus(failure(), "self.assertEqual(Cart().total(), 3)", TEXTS, ()) == ("shop/cart.py",)


def test_a_suspect_line_a_frame_and_a_name_each_bring_a_file() -> None:
    found = focus(
        failure("test_total", "price is wrong", ("/work/shop/other.py", 2)),
        "Cart().total()",
        TEXTS,
        (Suspect(path="shop/cart.py", line=3, score=1.0),),
    )
    assert found == ("shop/cart.py", "shop/other.py", "shop/price.py")


def test_a_stub_that_the_test_names_comes_first() -> None:
    texts = {**TEXTS, "shop/new.py": "def total():\n    raise NotImplementedError\n"}
    assert focus(failure(), "total() == 3", texts, (Suspect(path="shop/cart.py", line=3, score=1.0),))[0] == "shop/new.py"


def test_tests_other_languages_and_very_long_files_stay_out() -> None:
    texts = {**TEXTS, "shop/long.py": "def total():\n    pass\n" + "\n" * (MOST_FILE_LINES + 1)}
    assert focus(failure(), "Cart().total() unittest CartTest", texts, ()) == ("shop/cart.py",)


def test_what_nothing_points_to_is_not_shown() -> None:
    assert focus(failure("test_x"), "assert unrelated", TEXTS, ()) == ()
