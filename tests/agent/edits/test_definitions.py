"""Putting a model's version of a definition in the place of the old one: what it names is replaced, the rest stays."""

import ast

import pytest

from tallystick_agent.edits.definitions import definitions, merge

CART = '''"""A cart."""

RATE = 2


class Cart:
    """Holds items."""

    def __init__(self):
        self.items = []

    @property
    def count(self):
        return len(self.items)

    def total(self):
        return 0


def price(item):
    return item


async def load():
    return Cart()
'''


def merged(code: str, text: str = CART) -> str:
    """The one file after the merge; it must still be Python that compiles."""
    found = merge({"cart.py": text}, code)
    assert found is not None
    compile(found["cart.py"], "cart.py", "exec")
    return found["cart.py"]


def test_definitions_are_found_with_their_lines() -> None:
    found = {one.name: one for one in definitions(CART)}
    assert list(found) == ["Cart", "Cart.__init__", "Cart.count", "Cart.total", "price", "load"]
    lines = CART.split("\n")
    assert lines[found["Cart.count"].first - 1 : found["Cart.count"].last] == [
        "    @property",
        "    def count(self):",
        "        return len(self.items)",
    ]
    assert (found["Cart.count"].indent, found["Cart"].is_class, found["price"].is_class) == (4, True, False)
    assert lines[found["Cart.total"].body_first - 1] == "        return 0"


@pytest.mark.parametrize(
    ("body", "stub"),
    [
        ("pass", True),
        ("...", True),
        ('"""Doc."""', True),
        ('"""Doc."""\n    pass', True),
        ("raise NotImplementedError", True),
        ('"""Doc."""\n    raise NotImplementedError("later")', True),
        ("return 1", False),
        ("raise ValueError", False),
        ("x = 1\n    pass", False),
    ],
)
def test_what_is_a_stub(body: str, stub: bool) -> None:
    (found,) = definitions(f"def f():\n    {body}\n")
    assert found.is_stub == stub


@pytest.mark.parametrize("text", ["def f(:\n", "class\n", "x = '\n", "\0"])
def test_a_text_that_does_not_parse_has_no_definitions(text: str) -> None:
    assert definitions(text) == ()


def test_a_function_takes_the_place_of_the_old_one() -> None:
    assert merged("def price(item):\n    return item * RATE\n") == CART.replace("    return item\n", "    return item * RATE\n")


def test_an_async_function_too() -> None:
    assert merged("async def load():\n    return None") == CART.replace("    return Cart()\n", "    return None\n")


def test_a_method_without_its_class_finds_its_place() -> None:
    assert merged("def total(self):\n    return sum(self.items)") == CART.replace(
        "        return 0\n", "        return sum(self.items)\n"
    )


def test_a_method_that_came_indented_finds_its_place() -> None:
    assert merged("    def total(self):\n        return 5\n") == CART.replace("        return 0\n", "        return 5\n")


def test_a_class_with_some_methods_leaves_the_others() -> None:
    code = "class Cart:\n    def total(self):\n        return 5\n"
    assert merged(code) == CART.replace("        return 0\n", "        return 5\n")


def test_decorators_come_and_go_with_their_definition() -> None:
    changed = merged("class Cart:\n    @property\n    @cached\n    def count(self):\n        return 1\n")
    assert changed == CART.replace("    @property\n", "    @property\n    @cached\n").replace(
        "return len(self.items)", "return 1"
    )
    assert "@property" not in merged("def count(self):\n    return 1\n")


def test_a_class_of_fields_alone_is_replaced_whole() -> None:
    text = "class Point:\n    x: int\n    y: int\n\n\nz = 1\n"
    assert merged("class Point:\n    x: float\n    y: float\n", text) == text.replace(": int", ": float")


def test_a_new_helper_goes_to_the_end_of_the_file_that_was_changed() -> None:
    changed = merged("def helper():\n    return 1\n\n\ndef price(item):\n    return helper()\n")
    assert changed.endswith("    return Cart()\n\n\ndef helper():\n    return 1\n")
    assert "    return helper()\n" in changed


def test_a_new_method_in_a_class_with_a_known_one_is_added_to_the_class() -> None:
    code = "class Cart:\n    def total(self):\n        return self.sum()\n\n    def sum(self):\n        return 5\n"
    tree = ast.parse(merged(code))
    names = [
        one.name for node in tree.body if isinstance(node, ast.ClassDef) for one in node.body if isinstance(one, ast.FunctionDef)
    ]
    assert names == ["__init__", "count", "total", "sum"]


IMPORTING = "import re\n\n\ndef price(item):\n    return re.sub('a', 'b', item)\n"


def test_an_import_that_is_missing_is_added_after_the_docstring() -> None:
    changed = merged(IMPORTING)
    assert changed.count("import re\n") == 1
    assert changed.startswith('"""A cart."""\n')
    assert changed.index("import re") < changed.index("RATE")


def test_an_import_that_is_there_is_not_added_again() -> None:
    text = "import re\n\n\ndef price(item):\n    return item\n"
    assert merged(IMPORTING, text) == IMPORTING


def test_an_import_whose_name_begins_another_is_missing() -> None:
    text = "import requests\n\n\ndef price(item):\n    return item\n"
    assert "import re\n" in merged(IMPORTING, text)


@pytest.mark.parametrize("head", ["from __future__ import annotations\n", '"""Doc."""\n\nfrom __future__ import annotations\n'])
def test_an_import_is_added_below_those_from_the_future(head: str) -> None:
    changed = merged(IMPORTING, f"{head}\n\ndef price(item):\n    return item\n")
    assert changed.startswith(head)
    assert "import re\n" in changed


def test_the_first_line_for_the_system_stays_the_first() -> None:
    head = "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n"
    assert merged(IMPORTING, f"{head}\n\ndef price(item):\n    return item\n").startswith(head)


def test_text_inside_a_string_is_not_moved() -> None:
    text = 'class Page:\n    def html(self):\n        return ""\n\n    def other(self):\n        return 1\n'
    code = 'class Page:\n    def html(self):\n        return """<b>\nat the margin\n</b>"""\n'
    changed = merged(code, text)
    space: dict[str, type] = {}
    exec(compile(changed, "page.py", "exec"), space)
    assert space["Page"]().html() == "<b>\nat the margin\n</b>"


def test_text_inside_a_string_is_not_moved_by_a_method_without_its_class() -> None:
    text = 'class Page:\n    def html(self):\n        return ""\n'
    changed = merged('def html(self):\n    return """<b>\nat the margin\n</b>"""\n', text)
    space: dict[str, type] = {}
    exec(compile(changed, "page.py", "exec"), space)
    assert space["Page"]().html() == "<b>\nat the margin\n</b>"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "Just words.",
        "def price(item:\n    return",
        "x = 1\n",
        "import re\n",
        "def nobody_knows():\n    return 1\n",
        "def price(item):\n    return item\n",
        "\0",
    ],
)
def test_what_has_no_place_or_changes_nothing(code: str) -> None:
    assert merge({"cart.py": CART}, code) is None


def test_a_name_in_two_files_has_no_one_place() -> None:
    one = "def price(item):\n    return item\n"
    assert merge({"a.py": one, "b.py": one}, "def price(item):\n    return 1\n") is None


def test_definitions_in_two_files_both_find_their_place_and_the_given_texts_stay() -> None:
    files = {"a.py": "def one():\n    return 0\n", "b.py": "def two():\n    return 0\n", "c.py": "x = 1\n"}
    before = dict(files)
    assert merge(files, "def one():\n    return 1\n\n\ndef two():\n    return 2\n") == {
        "a.py": "def one():\n    return 1\n",
        "b.py": "def two():\n    return 2\n",
        "c.py": "x = 1\n",
    }
    assert files == before


def test_a_file_that_does_not_parse_is_left_out() -> None:
    assert merge({"bad.py": "def price(:\n", "cart.py": CART}, "def price(item):\n    return 9\n") == {
        "bad.py": "def price(:\n",
        "cart.py": CART.replace("    return item\n", "    return 9\n"),
    }
