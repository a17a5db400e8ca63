"""Commands as child processes: how they end, what they may see, and that nothing of them stays behind."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tallystick_agent.ports import CommandResult
from tallystick_server.local.terminal import LocalTerminal, child_environment

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/tmp",
    "OPENROUTER_API_KEY": "sk-secret",
    "AWS_SECRET_ACCESS_KEY": "x",
    "SSH_AUTH_SOCK": "/s",
}


async def started(
    command: str | tuple[str, ...],
    cwd: Path,
    *,
    timeout_s: float = 20,
    output_bytes: int = 10_000,
    on_output: Callable[[str], None] | None = None,
) -> CommandResult:
    return await LocalTerminal(ENVIRONMENT).run(
        command, cwd=cwd, timeout_s=timeout_s, output_bytes=output_bytes, on_output=on_output
    )


def run(command: str | tuple[str, ...], cwd: Path, *, timeout_s: float = 20, output_bytes: int = 10_000) -> CommandResult:
    return asyncio.run(started(command, cwd, timeout_s=timeout_s, output_bytes=output_bytes))


def alive(pid: int) -> bool:
    """Whether a process still runs; a dead one that nobody has collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def dies(pid: int) -> bool:
    """Whether it is gone within five seconds: a killed process needs a moment to end."""
    until = time.monotonic() + 5
    while alive(pid) and time.monotonic() < until:
        os.sched_yield()
    return not alive(pid)


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [
        ("true", 0, ""),
        ("false", 1, ""),
        ("exit 42", 42, ""),
        ("echo out; echo err >&2", 0, "out\nerr\n"),
        ("printf 'a\\0b\\377'", 0, "a\0b\N{REPLACEMENT CHARACTER}"),
        ("no_such_program_anywhere", 127, None),
        (("echo", "a b", "$HOME", "; ls"), 0, "a b $HOME ; ls\n"),
        (("/no/such/program",), 127, None),
    ],
)
def test_how_a_command_ends(tmp_path: Path, command: str | tuple[str, ...], code: int, output: str | None) -> None:
    result = run(command, tmp_path)
    assert (result.exit_code, result.ended_by, result.signal) == (code, "exit", None)
    assert result.output == output if output is not None else result.output


def test_it_runs_in_the_given_folder(tmp_path: Path) -> None:
    assert run("pwd -P", tmp_path).output.strip() == os.path.realpath(tmp_path)


def test_a_command_that_a_signal_ended(tmp_path: Path) -> None:
    result = run("kill -SEGV $$", tmp_path)
    assert (result.exit_code, result.ended_by, result.signal) == (None, "signal", 11)


def test_a_folder_that_is_gone_is_an_answer_and_no_crash(tmp_path: Path) -> None:
    assert run("true", tmp_path / "none").exit_code == 127


def test_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    began = time.monotonic()
    result = run("sleep 60 & echo $! > child; echo started; wait", tmp_path, timeout_s=0.5)
    assert (result.exit_code, result.ended_by) == (None, "timeout")
    assert result.output == "started\n"
    assert time.monotonic() - began < 10
    assert dies(int((tmp_path / "child").read_text()))


def test_a_command_that_ignores_the_polite_signal_is_ended_too(tmp_path: Path) -> None:
    result = run("trap '' TERM; echo $$ > self; while true; do sleep 0.05; done", tmp_path, timeout_s=0.3)
    assert result.ended_by == "timeout"
    assert dies(int((tmp_path / "self").read_text()))


def test_a_child_left_in_the_background_neither_hangs_the_call_nor_lives_on(tmp_path: Path) -> None:
    began = time.monotonic()
    result = run("sleep 60 & echo $! > child; sleep 0.3; echo done", tmp_path, timeout_s=5)
    assert (result.exit_code, result.output) == (0, "done\n")
    assert time.monotonic() - began < 4
    assert dies(int((tmp_path / "child").read_text()))


def test_output_of_any_length_is_bounded_to_head_and_tail(tmp_path: Path) -> None:
    script = "import sys\nfor n in range(400000): sys.stdout.write(f'line {n}\\n')"
    result = run((sys.executable, "-c", script), tmp_path, output_bytes=3_000)
    assert result.total_bytes > 4_000_000
    assert len(result.output.encode()) < 3_200
    assert result.output.startswith("line 0\n")
    assert result.output.endswith("line 399999\n")
    assert "bytes left out" in result.output


def test_output_within_the_bound_is_whole(tmp_path: Path) -> None:
    for size in (0, 1, 999, 1_000, 1_001, 2_999, 3_000):
        result = run(("head", "-c", str(size), "/dev/zero"), tmp_path, output_bytes=3_000)
        assert (len(result.output), result.total_bytes) == (size, size)
    assert "1 bytes left out" in run(("head", "-c", "3001", "/dev/zero"), tmp_path, output_bytes=3_000).output


def test_no_key_reaches_a_command(tmp_path: Path) -> None:
    output = run("env", tmp_path).output
    for secret in ("sk-secret", "API_KEY", "AWS_", "SSH_AUTH_SOCK"):
        assert secret not in output
    names = {line.partition("=")[0] for line in output.splitlines()}
    assert {"PATH", "HOME", "PAGER", "TERM"} <= names


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY",
        "GITHUB_TOKEN",
        "LD_PRELOAD",
        "PYTHONPATH",
        "BASH_ENV",
        "ENV",
        "GIT_DIR",
        "GIT_SSH_COMMAND",
        "PS4",
        "PROMPT_COMMAND",
    ],
)
def test_what_carries_secrets_or_code_is_not_handed_on(name: str) -> None:
    assert name not in child_environment({name: "x", "PATH": "/bin"})


def test_what_programs_need_is_handed_on_and_nothing_waits_for_a_person() -> None:
    made = child_environment({"PATH": "/bin", "LC_ALL": "C.UTF-8", "TERM": "xterm", "PAGER": "less"})
    assert (made["PATH"], made["LC_ALL"], made["TERM"], made["PAGER"], made["GIT_TERMINAL_PROMPT"]) == (
        "/bin",
        "C.UTF-8",
        "dumb",
        "cat",
        "0",
    )


def test_there_is_no_input_and_no_terminal(tmp_path: Path) -> None:
    assert run("cat; echo end", tmp_path).output == "end\n"
    assert (
        run("test -t 0 || test -t 1 || echo none; (: < /dev/tty) 2>/dev/null || echo 'no tty'", tmp_path).output
        == "none\nno tty\n"
    )


def test_cancelling_ends_the_whole_group(tmp_path: Path) -> None:
    async def cancelled() -> None:
        began = asyncio.Event()
        command = "sleep 60 & echo $! > child; echo $$ > self; echo started; wait"
        task = asyncio.create_task(started(command, tmp_path, on_output=lambda text: began.set()))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert dies(int((tmp_path / "self").read_text()))
    assert dies(int((tmp_path / "child").read_text()))


def test_output_is_told_while_it_comes(tmp_path: Path) -> None:
    async def told() -> list[str]:
        pieces: list[str] = []

        def on_output(text: str) -> None:
            pieces.append(text)
            (tmp_path / "go").touch()

        command = "echo first; until test -e go; do sleep 0.01; done; echo second"
        await started(command, tmp_path, on_output=on_output)
        return pieces

    assert asyncio.run(told()) == ["first\n", "second\n"]


def test_a_character_that_is_cut_between_two_pieces_is_told_whole(tmp_path: Path) -> None:
    async def told() -> str:
        pieces: list[str] = []

        def on_output(text: str) -> None:
            pieces.append(text)
            (tmp_path / "go").touch()

        command = "printf 'a\\303'; until test -e go; do sleep 0.01; done; printf '\\274\\n'"
        await started(command, tmp_path, on_output=on_output, timeout_s=3)
        return "".join(pieces)

    assert asyncio.run(told()) == "aü\n"
