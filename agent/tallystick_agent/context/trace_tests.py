"""A test run that notes which lines each test ran. Run by the repository's own Python as a script; standard library only.

    python trace_tests.py OUT unittest discover -s . -t .
    python trace_tests.py OUT pytest -q

Writes OUT as JSON: a list of {"test", "failed", "lines": {path: [line, …]}}, paths relative to the current folder. It
prints what the runner prints and exits as it exits. It owns no judgement: `context.suspects` reads the file.
"""

import json
import os
import sys
from typing import Any

RECORDS: list[dict[str, Any]] = []
ROOT = os.getcwd() + os.sep


def tracer(lines: dict[str, set[int]]) -> Any:
    def on_line(frame: Any, event: str, argument: Any) -> Any:
        if event == "line":
            lines[frame.f_code.co_filename].add(frame.f_lineno)
        return on_line

    def on_call(frame: Any, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(ROOT):
            return None
        lines.setdefault(name, set()).add(frame.f_code.co_firstlineno)
        return on_line

    return on_call


def record(test: str, failed: bool, lines: dict[str, set[int]]) -> None:
    found = {path[len(ROOT) :].replace(os.sep, "/"): sorted(numbers) for path, numbers in lines.items()}
    RECORDS.append({"test": test, "failed": failed, "lines": found})


def run_unittest(arguments: list[str]) -> None:
    import unittest

    original = unittest.TestCase.run

    def run(self: unittest.TestCase, result: Any = None) -> Any:
        lines: dict[str, set[int]] = {}
        before = len(result.failures) + len(result.errors) if result is not None else 0
        sys.settrace(tracer(lines))
        try:
            return original(self, result)
        finally:
            sys.settrace(None)
            after = len(result.failures) + len(result.errors) if result is not None else 0
            record(self.id(), after > before, lines)

    unittest.TestCase.run = run  # type: ignore[method-assign]
    unittest.main(module=None, argv=["python -m unittest", *arguments])


def run_pytest(arguments: list[str]) -> None:
    import pytest  # pyright: ignore[reportMissingImports]

    traced: dict[str, dict[str, set[int]]] = {}

    class Plugin:
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_call(self, item: Any) -> Any:
            lines: dict[str, set[int]] = {}
            traced[item.nodeid] = lines
            sys.settrace(tracer(lines))
            try:
                return (yield)  # pyright: ignore[reportUnknownVariableType]
            finally:
                sys.settrace(None)

        def pytest_runtest_logreport(self, report: Any) -> None:
            # The report is asked, not the hook: a unittest case keeps its failure to itself.
            if report.when == "call":
                record(report.nodeid, bool(report.failed), traced.pop(report.nodeid, {}))

    sys.exit(int(pytest.main(arguments, plugins=[Plugin()])))


def main() -> None:
    out, runner, *arguments = sys.argv[1:]
    sys.path[0] = os.getcwd()
    try:
        run_unittest(arguments) if runner == "unittest" else run_pytest(arguments)
    finally:
        with open(out, "w", encoding="utf-8") as file:
            json.dump(RECORDS, file)


if __name__ == "__main__":
    main()
