"""What linters print, in each format that is read; and what is none of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.settings import LinterFormat
from tallystick_server.diagnostics.formats import read_remarks

RUFF = [
    {
        "cell": None,
        "code": "F821",
        "end_location": {"column": 6, "row": 1},
        "filename": "/w/a.py",
        "location": {"column": 5, "row": 1},
        "message": "Undefined name `y`",
        "severity": "error",
    },
    {"code": None, "filename": "/w/a.py", "location": {"column": 1, "row": 2}, "message": "SyntaxError: x"},
]
ESLINT = [
    {
        "filePath": "/w/a.js",
        "messages": [
            {"ruleId": "no-undef", "severity": 2, "message": "'y' is not defined.", "line": 1, "column": 5},
            {"ruleId": None, "severity": 1, "message": "File ignored."},
        ],
    }
]
PYRIGHT: dict[str, Any] = {
    "version": "1",
    "generalDiagnostics": [
        {
            "file": "/w/a.py",
            "severity": "error",
            "message": '"y" is not defined',
            "range": {"start": {"line": 0, "character": 4}, "end": {"line": 0, "character": 5}},
            "rule": "reportUndefinedVariable",
        },
        {"file": "/w/a.py", "severity": "information", "message": "no range"},
    ],
    "summary": {},
}
MYPY = [
    {"file": "a.py", "line": 3, "column": 4, "message": "bad", "hint": None, "code": "arg-type", "severity": "error"},
    {"file": "a.py", "line": 1, "column": 0, "message": "see", "hint": None, "code": None, "severity": "note"},
]
CARGO: list[dict[str, Any]] = [
    {"reason": "compiler-artifact", "target": {}},
    {
        "reason": "compiler-message",
        "message": {
            "message": "cannot find value `y`",
            "level": "error",
            "code": {"code": "E0425", "explanation": ""},
            "spans": [
                {"file_name": "src/main.rs", "line_start": 2, "column_start": 5, "is_primary": True},
                {"file_name": "src/main.rs", "line_start": 1, "column_start": 1, "is_primary": False},
            ],
        },
    },
]
SARIF: dict[str, Any] = {
    "version": "2.1.0",
    "runs": [
        {
            "results": [
                {
                    "ruleId": "R1",
                    "level": "error",
                    "message": {"text": "bad"},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": "file:///w/a%20b.c"}, "region": {"startLine": 7}}}
                    ],
                },
                {"message": {"text": "nowhere"}},
            ]
        }
    ],
}
GCC = """a.c: In function 'main':
a.c:3:5: error: 'y' undeclared (first use in this function)
    3 |     y = 1;
a.c:4:1: warning: unused variable 'z' [-Wunused-variable]
-:2:7: note: Double quote to prevent globbing [SC2086]
a.c:9: fatal error: no.h: No such file
C:\\w\\a.c:1:2: error: drive
"""
TSC = "src/a.ts(2,5): error TS2304: Cannot find name 'y'.\n  more of it\nFound 1 error.\n"
Row = tuple[str, int, int, str, str, str]
CASES: list[tuple[LinterFormat, str, list[Row]]] = [
    (
        "ruff",
        json.dumps(RUFF),
        [("/w/a.py", 1, 5, "error", "Undefined name `y`", "F821"), ("/w/a.py", 2, 1, "error", "SyntaxError: x", "")],
    ),
    (
        "eslint",
        json.dumps(ESLINT),
        [("/w/a.js", 1, 5, "error", "'y' is not defined.", "no-undef"), ("/w/a.js", 1, 1, "warning", "File ignored.", "")],
    ),
    (
        "pyright",
        json.dumps(PYRIGHT),
        [
            ("/w/a.py", 1, 5, "error", '"y" is not defined', "reportUndefinedVariable"),
            ("/w/a.py", 1, 1, "information", "no range", ""),
        ],
    ),
    (
        "mypy",
        "\n".join(map(json.dumps, MYPY)),
        [("a.py", 3, 5, "error", "bad", "arg-type"), ("a.py", 1, 1, "information", "see", "")],
    ),
    ("cargo", "\n".join(map(json.dumps, CARGO)), [("src/main.rs", 2, 5, "error", "cannot find value `y`", "E0425")]),
    ("sarif", json.dumps(SARIF), [("file:///w/a%20b.c", 7, 1, "error", "bad", "R1")]),
    (
        "gcc",
        GCC,
        [
            ("a.c", 3, 5, "error", "'y' undeclared (first use in this function)", ""),
            ("a.c", 4, 1, "warning", "unused variable 'z'", "-Wunused-variable"),
            ("-", 2, 7, "information", "Double quote to prevent globbing", "SC2086"),
            ("a.c", 9, 1, "error", "no.h: No such file", ""),
            ("C:\\w\\a.c", 1, 2, "error", "drive", ""),
        ],
    ),
    ("tsc", TSC, [("src/a.ts", 2, 5, "error", "Cannot find name 'y'.", "TS2304")]),
]


@pytest.mark.parametrize(("format", "output", "rows"), CASES, ids=[case[0] for case in CASES])
def test_each_format(format: LinterFormat, output: str, rows: list[Row]) -> None:
    found = read_remarks(format, output)
    assert [(one.file, one.line, one.column, one.severity, one.message, one.code) for one in found] == rows


FORMATS: list[LinterFormat] = [case[0] for case in CASES]


@given(st.sampled_from(CASES), st.data())
def test_what_is_cut_or_something_else_is_an_error_or_nothing(
    case: tuple[LinterFormat, str, list[Row]], data: st.DataObject
) -> None:
    format, output, rows = case
    cut = output[: data.draw(st.integers(0, len(output) - 1))]
    for text in (cut, data.draw(st.text()), "[1, {}]", "{}", "null"):
        try:
            found = read_remarks(format, text)
        except ValueError:
            continue
        assert len(found) <= max(len(rows), len(text) // 10)
