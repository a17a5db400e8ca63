"""What raises a file or a definition above others that say the same: where it is, what the user is at, what is named."""

from pathlib import Path

import pytest
from tests.agent.context.code.workspaces import Place, write

from tallystick_agent.context.code.file_kinds import asks_for_tests, beside_the_code
from tallystick_agent.protocol.code import Hints

SAME = "def convert(amount):\n    return euro\n\n\ndef other(amount):\n    return euro\n"


def same(root: Path, *paths: str) -> Place:
    """Files that differ in nothing but their paths."""
    return Place(write(root, dict.fromkeys(paths, SAME)))


def test_equal_files_are_in_the_order_of_their_paths(tmp_path: Path) -> None:
    assert same(tmp_path, "c.py", "a.py", "b.py").order("convert euros") == ["a.py", "b.py", "c.py"]


@pytest.mark.parametrize("path", ["tests/a.py", "pkg/a_test.py", "docs/a.py", "examples/a.py", "src/FooTest.java", "a.spec.ts"])
def test_what_stands_beside_the_code_comes_after_it(tmp_path: Path, path: str) -> None:
    place = Place(write(tmp_path, {path: "def convert(amount): return euro\n", "zz/z.py": "def convert(amount): return euro\n"}))
    assert place.order("Amounts are not converted to euros")[0] == "zz/z.py"


def test_unless_tests_are_what_it_is_about(tmp_path: Path) -> None:
    place = same(tmp_path, "tests/convert.py", "zz/convert.py")
    assert place.order("Amounts are not converted")[0] == "zz/convert.py"
    assert place.order("Add a test that amounts are converted")[0] == "tests/convert.py"


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("Write tests for the cart", True),
        ("please fix the flaky test of totals", True),
        ("Add a missing unit test\n\nfor the cart", True),
        ("The cart is wrong\nAdd a test", False),
        ("Make the tests pass", False),
        ("Testing shows that totals are wrong", False),
        ("", False),
    ],
)
def test_a_task_about_tests_says_so_in_its_first_words(question: str, asks: bool) -> None:
    assert asks_for_tests(question) == asks


@pytest.mark.parametrize(
    ("path", "beside"),
    [
        ("src/cart.py", False),
        ("tests/cart.py", True),
        ("src/Tests/cart.py", True),
        ("test_cart.py", True),
        ("cart_test.go", True),
        ("cart.test.ts", True),
        ("src/contest.py", False),
        ("latest/cart.py", False),
        ("conftest.py", True),
        ("setup.py", True),
        (".github/workflows/a.yml", True),
    ],
)
def test_paths_beside_the_code(path: str, beside: bool) -> None:
    assert beside_the_code(path) == beside


@pytest.mark.parametrize(
    "hints",
    [
        Hints(open=frozenset(["lib/b.py"])),
        Hints(changed=frozenset(["lib/b.py", "gone.py"])),
        Hints(open=frozenset(["lib/a.py", "lib/b.py"]), changed=frozenset(["lib/b.py"])),
        Hints(marked=frozenset([("lib/b.py", 2)])),
    ],
    ids=["open", "changed", "both", "marked"],
)
def test_what_the_user_is_at_comes_first(tmp_path: Path, hints: Hints) -> None:
    place = same(tmp_path, "lib/a.py", "lib/b.py")
    assert place.order("convert euros")[0] == "lib/a.py"
    assert place.order("convert euros", hints)[0] == "lib/b.py"
    assert place.definitions("convert euros", hints)[0][0] == "lib/b.py"


def test_a_diagnostic_raises_the_definition_around_it(tmp_path: Path) -> None:
    place = same(tmp_path, "lib/a.py")
    assert place.definitions("wrong euros")[0][:2] == ("lib/a.py", 1)
    marked = Hints(marked=frozenset([("lib/a.py", 6), ("lib/a.py", 999), ("gone.py", 1)]))
    assert place.definitions("wrong euros", marked)[0][:2] == ("lib/a.py", 5)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("convert euros, see lib/b.py", "lib/b.py"),
        ("convert euros (lib/b.py:12)", "lib/b.py"),
        ('File "/home/me/project/lib/b.py", line 3, convert euros', "lib/b.py"),
        ("convert euros, see mylib/b.py", "lib/a.py"),
        ("convert euros, see lib/b.pyx", "lib/a.py"),
        ("convert euros, see lib", "lib/a.py"),
    ],
)
def test_a_path_that_is_named_raises_its_file(tmp_path: Path, question: str, first: str) -> None:
    place = same(tmp_path, "lib/a.py", "lib/b.py")
    assert place.order(question)[0] == first


def test_a_definition_that_is_named_comes_first(tmp_path: Path) -> None:
    text = "def load_file(path):\n    return path\n\n\ndef reader(path):\n    return load_file(load_file(path))\n"
    place = Place(write(tmp_path, {"a.py": text, "b.py": "x = 1\n" * 20}))
    assert place.definitions("`load_file` fails")[0][:2] == ("a.py", 1)


def test_the_first_line_says_most(tmp_path: Path) -> None:
    place = Place(write(tmp_path, {"a.py": "def zebra(): ...\n", "b.py": "def lion(): ...\n"}))
    assert place.order("The zebra is wrong\n\nAs a lion was")[0] == "a.py"
    assert place.order("The lion is wrong\n\nAs a zebra was")[0] == "b.py"


@pytest.mark.parametrize("question", ["", "the of and", "\x00", "😀" * 50, "x" * 10_000, "zzz qqq", "a/b/c " * 2_000])
def test_any_question_has_an_answer(tmp_path: Path, question: str) -> None:
    place = same(tmp_path, "lib/a.py", "lib/b.py")
    assert sorted(place.order(question)) == ["lib/a.py", "lib/b.py"]
