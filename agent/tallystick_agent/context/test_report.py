"""What a test run said. Owns reading the output of pytest and unittest into failures; pure.

The output of other runners gives no failures, only its tail.
"""

import re
from dataclasses import dataclass

MOST_LINES = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failing test: its function, its class where it has one, where the trace went, and the error itself."""

    test: str
    file: str
    frames: tuple[tuple[str, int], ...]
    """(path as printed, line), outermost first."""
    error: str
    """The asserted line and the error's own lines, bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    passed: bool
    ran: int | None
    failures: tuple[Failure, ...]
    tail: str


def read_report(output: str, *, exit_code: int | None) -> TestReport:
    failures = _pytest(output) or _unittest(output)
    ran = None
    if found := re.search(r"^Ran (\d+) tests? in", output, re.MULTILINE):
        ran = int(found[1])
    elif counts := re.findall(r"(\d+) (?:passed|failed|errors?)\b", output):
        ran = sum(int(count) for count in counts)
    # A runner that found no test has proven nothing: unittest on 3.11 exits 0 for it.
    return TestReport(
        passed=exit_code == 0 and ran != 0,
        ran=ran,
        failures=failures,
        tail="\n".join(output.splitlines()[-MOST_LINES:]),
    )


_UNITTEST = re.compile(r"^(?:FAIL|ERROR): (\S+) \(([^)\s]*)\)[^\n]*\n(.*?)(?=^={20,}$|^-{20,}\nRan )", re.MULTILINE | re.DOTALL)
_FRAME = re.compile(r'^\s+File "([^"]+)", line (\d+), in (\S+)\n', re.MULTILINE)


def _unittest(output: str) -> tuple[Failure, ...]:
    failures: list[Failure] = []
    for test, _, block in _UNITTEST.findall(output):
        frames = [(path, int(line)) for path, line, _ in _FRAME.findall(block)]
        last = list(_FRAME.finditer(block))
        error = block[last[-1].end() :] if last else block
        failures.append(Failure(test=test, file=frames[0][0] if frames else "", frames=tuple(frames), error=_bounded(error)))
    return tuple(failures)


_SECTION = re.compile(
    r"^_{3,} (?:ERROR collecting |ERROR at (?:setup|teardown) of )?([^\n]+?) _{3,}$\n(.*?)(?=^_{3,} |^=+ )",
    re.MULTILINE | re.DOTALL,
)
_PLACE = re.compile(r"^(\S[^\n:]*\.py):(\d+): ", re.MULTILINE)


def _pytest(output: str) -> tuple[Failure, ...]:
    failures: list[Failure] = []
    for name, block in _SECTION.findall(output):
        frames = [(path, int(line)) for path, line in _PLACE.findall(block)]
        errors = [line[1:].strip() for line in block.splitlines() if line.startswith("E ")]
        asserted = [line for line in block.splitlines() if line.startswith("    ") and not line.startswith("E")]
        text = "\n".join([*(line.strip() for line in asserted[-1:]), *errors])
        file = frames[0][0] if frames else name if name.endswith(".py") else ""
        # Parameters go first: `test_rate[1.5]` has a dot that parts no class from its function.
        test = name.split("[")[0].rpartition(".")[2]
        failures.append(Failure(test=test, file=file, frames=tuple(frames), error=_bounded(text)))
    return tuple(failures)


def _bounded(text: str) -> str:
    lines = [line.strip()[:300] for line in text.strip().splitlines() if line.strip(" ^~")]
    return "\n".join(lines[:MOST_LINES])
