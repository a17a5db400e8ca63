"""Which lines are most likely wrong, from what passing and failing tests ran. Owns the ranking; pure.

The score is Ochiai's (a line run by failing tests and by few others is suspect), plus a little for forms that carry most
small bugs: comparisons, arithmetic, slices, numbers, defaults.
"""

import ast
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tallystick_agent.context.test_command import is_test


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    path: str
    line: int
    """From 1."""
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One test's trace."""

    test: str
    failed: bool
    lines: Mapping[str, tuple[int, ...]]


def read_trace(text: str) -> tuple[Run, ...]:
    """The runs in a trace file; none where it is not one."""
    try:
        data = json.loads(text)
        return tuple(map(_run, cast(list[dict[str, Any]], data))) if isinstance(data, list) else ()
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        # The project under test can write to this file too, so it may hold anything.
        return ()


def _run(one: dict[str, Any]) -> Run:
    lines = {str(path): tuple(int(n) for n in numbers) for path, numbers in one["lines"].items()}
    return Run(test=str(one["test"]), failed=bool(one["failed"]), lines=lines)


def rank(runs: tuple[Run, ...], texts: Mapping[str, str]) -> tuple[Suspect, ...]:
    """Lines of `texts` that a failing test ran, most suspect first. Test files are never suspects."""
    failing = [run for run in runs if run.failed]
    passing = [run for run in runs if not run.failed]
    found: list[Suspect] = []
    for path, text in texts.items():
        if is_test(path):
            continue
        weights = statement_weights(text)
        bad = [set(run.lines.get(path, ())) for run in failing]
        good = [set(run.lines.get(path, ())) for run in passing]
        for line in {line for lines in bad for line in lines}:
            if line not in weights:
                continue
            hits = sum(line in lines for lines in bad)
            others = sum(line in lines for lines in good)
            score = hits / math.sqrt(len(failing) * (hits + others))
            found.append(Suspect(path=path, line=line, score=score + weights[line]))
    return tuple(sorted(found, key=lambda one: (-one.score, one.path, one.line)))


_FORMS: tuple[tuple[re.Pattern[str], float], ...] = (
    (re.compile(r"[<>]=?|[!=]=|\bnot\b|\band\b|\bor\b|\bin\b"), 0.12),
    (re.compile(r"[-+*/%]|//"), 0.10),
    (re.compile(r"\[[^\]]*:[^\]]*\]|\brange\(|\bsorted\(|\bmin\(|\bmax\("), 0.10),
    (re.compile(r"\b\d+\b"), 0.04),
    (re.compile(r"^\s*return\b"), 0.05),
    (re.compile(r"=\s*(?:\[\]|\{\}|list\(\)|dict\(\)|set\(\))\s*[,)]"), 0.5),
)
_NEVER = re.compile(r"^\s*(?:else:|try:|finally:|pass$|break$|continue$|\)|\]|\}|@|class |import |from |raise |\"\"\")")


def statement_weights(text: str) -> dict[int, float]:
    """Lines that can be wrong by themselves, from 1, with what their form adds; docstrings and comments are left out."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return {}
    documented: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documented.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    weights: dict[int, float] = {}
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if not bare or bare.startswith("#") or number in documented or _NEVER.match(line):
            continue
        weight = sum(extra for form, extra in _FORMS if form.search(bare))
        weights[number] = weight - 0.3 if bare.startswith(("def ", "async def ")) else weight
    return weights
