"""What cannot be meant is refused before anything is done: exit code 2, and a sentence that names the option."""

import pytest

from tallystick_server.cli.main import cli

REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "empty model of a run": (("run", "x", "--model", ""), "--model is empty."),
    "blank model of a run": (("run", "x", "--model", "  "), "--model is empty."),
    "empty model of a resume": (("resume", "s-1", "--model", ""), "--model is empty."),
    "empty fallback": (("run", "x", "--fallback", "a/b", "--fallback", ""), "--fallback is empty."),
    "empty model of the editor's server": (("lsp", "--model", ""), "--model is empty."),
    "empty model of a route": (("route", ""), "MODEL is empty."),
    "a limit of words": (("run", "x", "--max-cost", "abc"), "abc is no amount of US dollars"),
    "a negative limit": (("run", "x", "--max-cost", "-1"), "0 or more"),
    "a limit that is no number": (("run", "x", "--max-cost", "nan"), "0 or more"),
    "a limit without end": (("run", "x", "--max-cost", "inf"), "0 or more"),
    "a limit that no ledger can hold": (("run", "x", "--max-cost", "1e99"), "at most 1,000,000,000"),
    "a price of words": (("models", "--max-input", "abc"), "abc is no amount of US dollars"),
    "a negative price": (("models", "--max-output", "-0.1"), "0 or more"),
    "no window": (("models", "--min-window", "0"), "'--min-window'"),
    "a negative window": (("models", "--min-window", "-1"), "'--min-window'"),
    "no input": (("route", "a/b", "--input", "0"), "'--input'"),
    "negative output": (("route", "a/b", "--output", "-5"), "'--output'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, says = REFUSED[name]
    assert cli([*arguments]) == 2
    seen = capsys.readouterr()
    assert says in seen.err
    assert "bug" not in seen.err
    assert seen.out == ""
