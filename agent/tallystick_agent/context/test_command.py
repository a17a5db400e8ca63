"""How a repository runs its tests. Owns the rules that find it; pure over the list of files and a few texts.

The command comes from the user's settings or from the repository's own files, never from the model.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

WANTED = ("package.json", "Makefile", "pyproject.toml")
"""Files whose text `find_test_command` wants to see, where they exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCommand:
    command: str
    language: str
    reason: str


def find_test_command(files: tuple[str, ...], texts: Mapping[str, str], *, python: str, has_pytest: bool) -> TestCommand | None:
    """`python` is the interpreter to name; `has_pytest` whether it can import pytest."""
    names = set(files)
    tests = [path for path in files if is_test(path)]
    python_tests = [path for path in tests if path.endswith(".py")]
    if python_tests:
        if has_pytest:
            command = f"{python} -m pytest -q --tb=short -p no:cacheprovider"
            return TestCommand(command=command, language="python", reason="Python tests, and pytest is installed")
        return TestCommand(command=_unittest(python, python_tests, names), language="python", reason="Python tests")
    if "package.json" in texts and _npm_script(texts["package.json"]):
        return TestCommand(command="npm test --silent", language="javascript", reason="package.json has a test script")
    if "Cargo.toml" in names:
        return TestCommand(command="cargo test --quiet", language="rust", reason="Cargo.toml")
    if "go.mod" in names:
        return TestCommand(command="go test ./...", language="go", reason="go.mod")
    if re.search(r"^test:", texts.get("Makefile", ""), re.MULTILINE):
        return TestCommand(command="make test", language="", reason="the Makefile has a test target")
    return None


def is_test(path: str) -> bool:
    """Whether a path is a test by the usual conventions; the agent's own repairs never touch one."""
    parts = path.split("/")
    name = parts[-1]
    stem = name.rsplit(".", 1)[0]
    return (
        any(part in ("tests", "test", "__tests__", "spec") for part in parts[:-1])
        or stem.startswith("test_")
        or stem.endswith(("_test", "_tests", ".test", ".spec"))
        or name == "conftest.py"
    )


def _unittest(python: str, tests: list[str], names: set[str]) -> str:
    """unittest does not look inside folders that are no packages, so each of those gets a run of its own."""
    folders = {path.rpartition("/")[0] for path in tests if path.rpartition("/")[2].startswith("test")}
    loose = [folder for folder in sorted(folders) if folder and not _is_package(folder, names)]
    runs = [shlex.quote(folder) for folder in loose]
    found = ["."] if folders - set(loose) or not loose else []
    return " && ".join(f"{python} -m unittest discover -s {folder} -t {folder}" for folder in [*found, *runs])


def _is_package(folder: str, names: set[str]) -> bool:
    parts = folder.split("/")
    return all(f"{'/'.join(parts[:depth])}/__init__.py" in names for depth in range(1, len(parts) + 1))


def _npm_script(text: str) -> bool:
    try:
        data = json.loads(text)
    except ValueError:
        return False
    scripts = cast(dict[str, Any], data).get("scripts") if isinstance(data, dict) else None
    script = cast(dict[str, Any], scripts).get("test") if isinstance(scripts, dict) else None
    return isinstance(script, str) and "no test specified" not in script
