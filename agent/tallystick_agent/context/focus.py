"""From a failing test to the code it is about. Owns that reading; pure over texts."""

import ast
import re
import textwrap
from collections.abc import Mapping

from tallystick_agent.context.suspects import Suspect
from tallystick_agent.context.test_command import is_test
from tallystick_agent.context.test_report import Failure
from tallystick_agent.edits.definitions import definitions

MOST_TEST_LINES = 16
MOST_TEST_TEXT = 1_500
MOST_FILE_LINES = 220
"""Longer files are not shown whole to a small model."""


def test_source(failure: Failure, texts: Mapping[str, str]) -> tuple[str, str]:
    """(path, source) of the failing test function, bounded; empty where it is not found."""
    for path, text in texts.items():
        if not is_test(path):
            continue
        for one in definitions(text):
            if not one.is_class and one.name.rpartition(".")[2] == failure.test:
                lines = text.split("\n")[one.first - 1 : one.last]
                return path, textwrap.dedent("\n".join(lines[:MOST_TEST_LINES]))
    return "", ""


def all_tests(path: str, texts: Mapping[str, str]) -> str:
    """What the tests of a file assert, one statement a line, without their wrapping; bounded."""
    try:
        tree = ast.parse(texts.get(path, ""))
    except (SyntaxError, ValueError):
        return ""
    lines: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            lines.extend(_plain(statement) for statement in node.body)
    text = ""
    for line in lines:
        if len(text) + len(line) > MOST_TEST_TEXT:
            break
        text += f"{line}\n"
    return text.rstrip()


def _plain(statement: ast.stmt) -> str:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="assertEqual"), args=[left, right])):
            return f"assert {ast.unparse(left)} == {ast.unparse(right)}"
        case _:
            return ast.unparse(statement)


def focus(failure: Failure, test: str, texts: Mapping[str, str], suspects: tuple[Suspect, ...]) -> tuple[str, ...]:
    """Source files that the failure is about, most relevant first: where suspects are, then what the test names."""
    scores: dict[str, float] = {}
    words = set(re.findall(r"\w+", test)) | set(re.findall(r"\w+", failure.error))
    framed = {path for path, _ in failure.frames}
    for path, text in texts.items():
        if is_test(path) or not path.endswith(".py") or text.count("\n") > MOST_FILE_LINES:
            continue
        named = sum(one.name.rpartition(".")[2] in words for one in definitions(text))
        suspect = max((one.score for one in suspects if one.path == path), default=0.0)
        traced = any(frame.endswith(f"/{path}") or frame == path for frame in framed)
        stubs = any(one.is_stub and one.name.rpartition(".")[2] in words for one in definitions(text))
        score = named + 2 * suspect + 2 * traced + 5 * stubs
        if score > 0:
            scores[path] = score
    return tuple(sorted(scores, key=lambda path: (-scores[path], path)))
