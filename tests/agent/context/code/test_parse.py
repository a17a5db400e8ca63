"""Definitions in whole and broken texts, and which endings belong to which language."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.context.code.languages import BY_NAME, LANGUAGES, language_of
from tallystick_agent.context.code.parse import LONGEST_NAME, definitions, parse


def found(name: str, text: str) -> list[tuple[str, int, int]]:
    return [(one.name, one.first, one.last) for one in definitions(text.encode(), BY_NAME[name])]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.py", "python"),
        ("a/b.PYI", "python"),
        ("a.min.js", "javascript"),
        ("a.tsx", "tsx"),
        ("a.mts", "typescript"),
        ("a.h", "c"),
        ("a.hpp", "cpp"),
        ("Rakefile.rake", "ruby"),
        ("build.gradle.kts", "kotlin"),
        ("README.md", None),
        ("Makefile", None),
        ("", None),
        ("v1.2/c", None),
        ("my.go/README", None),
        ("a.py/b", None),
        ("a.", None),
        ("py", None),
    ],
)
def test_the_ending_of_the_file_name_says_the_language(path: str, name: str | None) -> None:
    language = language_of(path)
    assert (language.name if language else None) == name


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("python", "def f(:\n    pass\n\n\ndef g():\n    pass\n", "g"),
        ("python", "def f():\n    x = (1,\n\ndef g():\n    pass\n", "f"),
        ("javascript", "function f() {\n  return {{{;\n}\n\nfunction g() {\n}\n", "g"),
        ("go", "package a\n\nfunc f( {\n}\n\nfunc g() {\n}\n", "g"),
        ("rust", "fn f() { let x = ; }\n\nfn g() {}\n", "g"),
        ("java", "class A {\n  void f() { int x = ; }\n  void g() { }\n}\n", "g"),
        ("c", "int f(void) { return ]; }\n\nint g(void) { return 0; }\n", "g"),
        ("ruby", "def f\n  x = [1,\nend\n\ndef g\nend\n", "g"),
    ],
)
def test_a_text_with_errors_gives_the_definitions_around_them(name: str, text: str, expected: str) -> None:
    assert expected in [one for one, _, _ in found(name, text)]


def test_annotations_and_decorators_stand_above_a_definition() -> None:
    """The first line is the one that a reader looks for; what stands above it is the definition's too."""
    text = "@One(\n    1,\n)\n// why\n@Two\npublic class A {\n    @Override\n    void f() {}\n    @Test void g() {}\n}\n"
    rows = [(one.name, one.lead, one.first, one.last) for one in definitions(text.encode(), BY_NAME["java"])]
    assert rows == [("A", 1, 6, 10), ("f", 7, 8, 8), ("g", 9, 9, 9)]
    decorated = b"@one(\n    1,\n)\n@two\ndef f(): ...\n"
    assert [(one.lead, one.first) for one in definitions(decorated, BY_NAME["python"])] == [(1, 5)]


def test_of_definitions_on_the_same_lines_one_is_kept_and_the_outer_one_comes_first() -> None:
    assert found("javascript", "class A { m() {} }\n") == [("A", 1, 1)]
    assert found("python", "class A:\n    class B:\n        def f(self): ...\n") == [("A", 1, 3), ("B", 2, 3), ("f", 3, 3)]


def test_go_types_in_a_group_and_c_names_inside_declarators() -> None:
    assert found("go", "package a\n\ntype (\n\tA struct{}\n\tB int\n)\n") == [("A", 4, 4), ("B", 5, 5)]
    assert found("c", "static char **names(int n)\n{\n}\n") == [("names", 1, 3)]
    assert found("c", "typedef void (*handler)(int);\n") == [("handler", 1, 1)]


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("data", [b"", b"\n", b"\0", b"\xff\xfe\x00", b"\r\n\r\n", b"(" * 5_000, b"}" * 5_000])
def test_what_is_no_code_gives_no_definition_and_no_failure(name: str, data: bytes) -> None:
    assert definitions(data, BY_NAME[name]) == ()


@pytest.mark.parametrize("name", BY_NAME)
@given(data=st.text(st.sampled_from(list("def class fn(){};=<>:@#/*'\"\n ax1")), max_size=80))
def test_lines_are_always_inside_the_text_and_in_order(name: str, data: str) -> None:
    rows = definitions(data.encode(), BY_NAME[name])
    lines = data.count("\n") + 1
    assert all(1 <= one.lead <= one.first <= one.last <= lines for one in rows)
    assert list(rows) == sorted(rows, key=lambda one: (one.first, -one.last))
    assert len({(one.first, one.last) for one in rows}) == len(rows)


def test_a_long_name_is_cut_and_deep_nesting_is_no_trouble() -> None:
    assert found("python", f"def {'f' * 500}(): ...\n") == [("f" * LONGEST_NAME, 1, 1)]
    deep = "\n".join(f"{' ' * at}def f{at}():" for at in range(400)) + f"\n{' ' * 400}pass\n"
    assert len(found("python", deep)) == 400


def test_a_tree_that_is_handed_in_is_used() -> None:
    tree = parse(b"def f(): ...\n", BY_NAME["python"])
    assert [one.name for one in definitions(b"", BY_NAME["python"], tree)] == ["f"]


def test_importing_the_package_imports_no_grammar() -> None:
    script = (
        "import sys, pkgutil, importlib, tallystick_agent.context.code as package\n"
        "for module in pkgutil.iter_modules(package.__path__):\n"
        "    importlib.import_module(f'{package.__name__}.{module.name}')\n"
        "print(sorted(name for name in sys.modules if name.startswith(('tree_sitter', 'numpy', 'tiktoken', 'git.'))))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_grammar_is_of_its_own_package() -> None:
    assert all(language.module.startswith("tree_sitter_") for language in LANGUAGES)
