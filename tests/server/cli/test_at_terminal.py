"""What a person at a terminal meets: prompts that can be left, words that cannot draw, an answer printed once."""

import json
import signal
import tempfile
from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.pty_run import run_at_terminal
from tests.support.scripted_provider import ScriptedProvider

TOUCH = 'call run_command {"command": "touch made"}'
ASK = "lways in this session"


def arguments(program: Program, *more: str) -> list[str]:
    return ["run", "go", "--repo", str(program.repo), "--model", "openai/scripted", *more]


@pytest.mark.parametrize(("typed", "code", "made"), [("y\n", 0, True), ("YES\n", 0, True), ("\n", 0, False), ("no\n", 0, False)])
def test_a_permission_is_asked_and_the_answer_counts(tmp_path: Path, typed: str, code: int, made: bool) -> None:
    with ScriptedProvider([TOUCH, "Done."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        seen = run_at_terminal(program, arguments(program), wait_for=ASK, then=typed)
    assert seen.code == code, seen.text
    assert (program.repo / "made").exists() is made


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_that_waits_for_an_answer(tmp_path: Path, number: signal.Signals) -> None:
    with ScriptedProvider([TOUCH]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        seen = run_at_terminal(program, arguments(program), wait_for=ASK, then=number)
    assert seen.code == 130, seen.text
    assert not (program.repo / "made").exists()


def test_a_time_limit_ends_a_run_that_waits_for_an_answer(tmp_path: Path) -> None:
    with ScriptedProvider([TOUCH]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        seen = run_at_terminal(program, arguments(program, "--timeout", "2"), wait_for=ASK, then=None)
    assert seen.code == 5, seen.text


def test_a_command_cannot_redraw_its_own_permission(tmp_path: Path) -> None:
    """A command with control characters is refused before anybody is asked."""
    command = json.dumps({"command": "touch evil\x1b[2K\x1b[G? run_command: ls"})
    with ScriptedProvider([f"call run_command {command}", "I see."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        seen = run_at_terminal(program, arguments(program), wait_for="I see.", then=None)
    assert ASK not in seen.text
    assert not (program.repo / "evil").exists()


def test_words_of_a_model_do_not_draw(tmp_path: Path) -> None:
    with ScriptedProvider(["before\x1b[2J\x1b]0;title\x07\u202eafter"]) as provider:
        done = Program(folder=tmp_path, url=provider.url).task("say it")
    assert "before␛[2J␛]0;title␇\\u202eafter" in done.stdout


def test_an_answer_after_reasoning_is_printed_once(tmp_path: Path) -> None:
    with ScriptedProvider(["reasoning I think so.\nThe answer."]) as provider:
        done = Program(folder=tmp_path, url=provider.url).task("say it")
    assert done.stdout.count("The answer.") == 1


def test_folders_with_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    with ScriptedProvider(["Hello."]) as provider, tempfile.TemporaryDirectory(prefix="a[") as short:
        folder = Path(short) / "y]"
        folder.mkdir()
        program = Program(folder=tmp_path, url=provider.url)
        assert program.run("run", "hello", "--repo", str(folder), "--model", "openai/scripted").returncode == 0
    for command in (("sessions",), ("usage", "--by", "workspace")):
        done = program.run(*command)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("a[") == 1


def test_a_terminal_without_unicode_gets_question_marks(tmp_path: Path) -> None:
    with ScriptedProvider(["call list_files {}", "Hello ✓."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        environment = {**program.environment, "PYTHONIOENCODING": "ascii"}
        # -I ignores PYTHONIOENCODING, so the locale says it.
        environment |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        done = program.execute([*program.command(*arguments(program))], environment)
    assert done.returncode == 0, done.stderr
