"""How a repository runs its tests: a table of file lists and the command that is found."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tallystick_agent.context.test_command import find_test_command, is_test

PYTEST = "python3 -m pytest -q --tb=short -p no:cacheprovider"


def found(*files: str, texts: dict[str, str] | None = None, has_pytest: bool = False) -> str | None:
    command = find_test_command(files, texts or {}, python="python3", has_pytest=has_pytest)
    return command.command if command else None


@pytest.mark.parametrize(
    ("files", "texts", "has_pytest", "command"),
    [
        ((), {}, True, None),
        (("README.md", "src/a.py"), {}, True, None),
        (("tests/test_a.py",), {}, True, PYTEST),
        (("test_a.py", "a.py"), {}, True, PYTEST),
        (("src/a_test.py",), {}, True, PYTEST),
        (("test_a.py", "a.py"), {}, False, "python3 -m unittest discover -s . -t ."),
        (("tests/__init__.py", "tests/test_a.py"), {}, False, "python3 -m unittest discover -s . -t ."),
        (("tests/test_a.py",), {}, False, "python3 -m unittest discover -s tests -t tests"),
        (("package.json", "a.js"), {"package.json": '{"scripts": {"test": "jest"}}'}, True, "npm test --silent"),
        (
            ("package.json",),
            {"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'},
            True,
            None,
        ),
        (("package.json",), {"package.json": "{broken"}, True, None),
        (("package.json",), {"package.json": "[]"}, True, None),
        (("package.json",), {"package.json": '{"scripts": {"test": 1}}'}, True, None),
        (("Cargo.toml", "src/lib.rs"), {}, True, "cargo test --quiet"),
        (("go.mod", "a.go", "a_test.go"), {}, True, "go test ./..."),
        (("Makefile",), {"Makefile": "all:\n\tcc a.c\n\ntest: all\n\t./a\n"}, True, "make test"),
        (("Makefile",), {"Makefile": "all: test\n\tcc a.c\nlatest:\n"}, True, None),
        (("tests/test_a.py", "Makefile", "package.json"), {"Makefile": "test:\n", "package.json": "{}"}, True, PYTEST),
    ],
)
def test_the_command(files: tuple[str, ...], texts: dict[str, str], has_pytest: bool, command: str | None) -> None:
    assert found(*files, texts=texts, has_pytest=has_pytest) == command


@pytest.mark.parametrize(
    "files",
    [
        ("tests/test_a.py",),
        ("tests/__init__.py", "tests/test_a.py"),
        ("test_a.py",),
        ("one/test_a.py", "two/test_b.py"),
        ("pkg/__init__.py", "pkg/tests/__init__.py", "pkg/tests/test_a.py"),
        ("my tests/test_a.py",),
        ("a; touch made; echo/test_a.py",),
        ("tests/__init__.py", "tests/test_a.py", "more/test_b.py"),
    ],
)
def test_the_unittest_command_finds_every_test(files: tuple[str, ...], tmp_path: Path) -> None:
    body = "import unittest\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        pass\n"
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("" if name.endswith("__init__.py") else body)
    command = find_test_command(files, {}, python=shlex.quote(sys.executable), has_pytest=False)
    assert command is not None
    run = subprocess.run(["/bin/sh", "-c", command.command], cwd=tmp_path, capture_output=True, text=True, check=False)
    tests = sum(name.rpartition("/")[2].startswith("test_") for name in files)
    assert not (tmp_path / "made").exists()
    assert sum(int(line.split()[1]) for line in run.stderr.splitlines() if line.startswith("Ran ")) == tests, run.stderr


@pytest.mark.parametrize(
    "path",
    [
        "tests/a.py",
        "test_a.py",
        "src/a_test.go",
        "src/__tests__/a.js",
        "a.test.ts",
        "b.spec.js",
        "spec/a.rb",
        "conftest.py",
        "pkg/tests/data.json",
    ],
)
def test_what_is_a_test(path: str) -> None:
    assert is_test(path)


@pytest.mark.parametrize(
    "path", ["a.py", "testing.py", "src/contest.py", "latest/a.py", "attest.py", "src/test", "tests.md", "protest_a.py"]
)
def test_what_is_none(path: str) -> None:
    assert not is_test(path)
