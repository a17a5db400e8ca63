"""Files and functions stay small: a cap that is only hoped for does not hold."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_CAP, TEST_CAP, FUNCTION_CAP, MEDIAN = 500, 800, 80, 120
BANNED_NAMES = ("util", "utils", "helper", "helpers", "manager", "misc", "common")


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def length(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_source_files() -> None:
    lengths = {path: length(path) for path in python_files("agent", "server")}
    assert not {str(path) for path, lines in lengths.items() if lines > FILE_CAP}
    assert statistics.median(lengths.values()) <= MEDIAN


def test_test_files() -> None:
    assert not [str(path) for path in python_files("tests", "scripts", "benchmarks", "demo") if length(path) > TEST_CAP]


def test_functions() -> None:
    long: list[str] = []
    for path in python_files("agent", "server", "tests"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_CAP
            ):
                long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert not long


def test_every_module_says_what_it_owns() -> None:
    silent = [str(path) for path in python_files("agent", "server") if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert not silent


def test_public_functions_of_the_agent_are_annotated_and_named_well() -> None:
    assert not [str(path) for path in python_files("agent", "server", "tests") if path.stem in BANNED_NAMES]
