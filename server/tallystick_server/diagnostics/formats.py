"""What linters print, read into values: one reader a format. Pure; output that is no such format raises `ValueError`.

A reader gives the file as the linter named it; whether that is the file in question is the caller's to judge.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tallystick_agent.protocol.diagnostics import Severity
from tallystick_agent.settings import LinterFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Lines and columns from 1; `file` as it was printed."""

    file: str
    line: int
    column: int
    severity: Severity
    message: str
    code: str = ""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _RuffPlace(_Shape):
    row: int
    column: int


class _Ruff(_Shape):
    code: str | None = None
    filename: str
    location: _RuffPlace
    message: str
    severity: str = "error"


class _Eslint(_Shape):
    rule: str | None = Field(default=None, alias="ruleId")
    severity: int
    message: str
    line: int = 1
    column: int = 1


class _EslintFile(_Shape):
    path: str = Field(alias="filePath")
    messages: list[_Eslint]


class _Mypy(_Shape):
    file: str
    line: int
    column: int
    message: str
    code: str | None = None
    severity: str


class _Position(_Shape):
    line: int
    character: int


class _Range(_Shape):
    start: _Position


class _Pyright(_Shape):
    file: str
    severity: str
    message: str
    range: _Range = _Range(start=_Position(line=0, character=0))
    rule: str | None = None


class _PyrightReport(_Shape):
    remarks: list[_Pyright] = Field(alias="generalDiagnostics")


class _Span(_Shape):
    file: str = Field(alias="file_name")
    line: int = Field(alias="line_start")
    column: int = Field(alias="column_start")
    primary: bool = Field(alias="is_primary")


class _RustCode(_Shape):
    code: str


class _Rust(_Shape):
    message: str
    level: str
    code: _RustCode | None = None
    spans: list[_Span]


class _Cargo(_Shape):
    reason: str
    message: _Rust | None = None


class _Text(_Shape):
    text: str = ""


class _Artifact(_Shape):
    uri: str = ""


class _Region(_Shape):
    line: int = Field(default=1, alias="startLine")
    column: int = Field(default=1, alias="startColumn")


class _Physical(_Shape):
    artifact: _Artifact = Field(default=_Artifact(), alias="artifactLocation")
    region: _Region = _Region()


class _Location(_Shape):
    physical: _Physical = Field(default=_Physical(), alias="physicalLocation")


class _Result(_Shape):
    rule: str = Field(default="", alias="ruleId")
    level: str = "warning"
    message: _Text = _Text()
    locations: list[_Location] = Field(default_factory=lambda: [])


class _Run(_Shape):
    results: list[_Result] = Field(default_factory=lambda: [])


class _Sarif(_Shape):
    runs: list[_Run]


_SEVERITIES: Final[dict[str, Severity]] = {
    "error": "error",
    "fatal": "error",
    "fatal error": "error",
    "warning": "warning",
    "information": "information",
    "info": "information",
    "note": "information",
    "hint": "hint",
    "style": "hint",
    "help": "hint",
}
_GCC: Final = re.compile(
    r"^(?P<file>[^\n]+?):(?P<line>\d{1,7}):(?:(?P<column>\d{1,7}):)? ?"
    r"(?P<severity>fatal error|error|warning|note|info|style|hint): (?P<message>.*?)(?: \[(?P<code>[\w.,=/+-]+)\])?$",
    re.MULTILINE,
)
_TSC: Final = re.compile(
    r"^(?P<file>[^\n(]+)\((?P<line>\d{1,7}),(?P<column>\d{1,7})\): (?P<severity>error|warning) (?P<code>TS\d+): (?P<message>.*)$",
    re.MULTILINE,
)


def read_remarks(format: LinterFormat, output: str) -> tuple[Remark, ...]:
    """Raises `ValueError` for output that is cut or is something else."""
    return tuple(_READERS[format](output))


def _ruff(output: str) -> Iterator[Remark]:
    for one in TypeAdapter(list[_Ruff]).validate_json(output):
        # Ruff grades only in its preview; without a code it is a file that does not parse.
        yield Remark(
            file=one.filename,
            line=one.location.row,
            column=one.location.column,
            severity=_severity(one.severity),
            message=one.message,
            code=one.code or "",
        )


def _eslint(output: str) -> Iterator[Remark]:
    for file in TypeAdapter(list[_EslintFile]).validate_json(output):
        for one in file.messages:
            yield Remark(
                file=file.path,
                line=one.line,
                column=one.column,
                severity="error" if one.severity >= 2 else "warning",
                message=one.message,
                code=one.rule or "",
            )


def _mypy(output: str) -> Iterator[Remark]:
    for line in _lines(output):
        one = _Mypy.model_validate_json(line)
        yield Remark(
            file=one.file,
            line=one.line,
            column=one.column + 1,
            severity=_severity(one.severity),
            message=one.message,
            code=one.code or "",
        )


def _pyright(output: str) -> Iterator[Remark]:
    for one in _PyrightReport.model_validate_json(output).remarks:
        yield Remark(
            file=one.file,
            line=one.range.start.line + 1,
            column=one.range.start.character + 1,
            severity=_severity(one.severity),
            message=one.message,
            code=one.rule or "",
        )


def _cargo(output: str) -> Iterator[Remark]:
    for line in _lines(output):
        said = _Cargo.model_validate_json(line)
        one = said.message if said.reason == "compiler-message" else None
        for span in one.spans if one is not None else ():
            if one is not None and span.primary:
                yield Remark(
                    file=span.file,
                    line=span.line,
                    column=span.column,
                    severity=_severity(one.level),
                    message=one.message,
                    code=one.code.code if one.code is not None else "",
                )


def _sarif(output: str) -> Iterator[Remark]:
    for run in _Sarif.model_validate_json(output).runs:
        for one in run.results:
            for place in one.locations[:1]:
                region = place.physical.region
                yield Remark(
                    file=place.physical.artifact.uri,
                    line=region.line,
                    column=region.column,
                    severity=_severity(one.level),
                    message=one.message.text,
                    code=one.rule,
                )


def _gcc(output: str) -> Iterator[Remark]:
    return _matches(_GCC, output)


def _tsc(output: str) -> Iterator[Remark]:
    return _matches(_TSC, output)


def _matches(pattern: re.Pattern[str], output: str) -> Iterator[Remark]:
    for match in pattern.finditer(output.replace("\r\n", "\n")):
        parts: dict[str, Any] = match.groupdict()
        yield Remark(
            file=parts["file"],
            line=max(1, int(parts["line"])),
            column=max(1, int(parts["column"] or 1)),
            severity=_severity(parts["severity"]),
            message=parts["message"],
            code=parts["code"] or "",
        )


def _lines(output: str) -> Iterator[str]:
    """Lines of JSON; cargo and mypy print nothing else where standard error is apart."""
    return (line for line in output.splitlines() if line.startswith("{"))


def _severity(name: str) -> Severity:
    return _SEVERITIES.get(name, "error" if name.startswith("error") else "information")


_READERS: Final[dict[LinterFormat, Callable[[str], Iterator[Remark]]]] = {
    "cargo": _cargo,
    "eslint": _eslint,
    "gcc": _gcc,
    "mypy": _mypy,
    "pyright": _pyright,
    "ruff": _ruff,
    "sarif": _sarif,
    "tsc": _tsc,
}
