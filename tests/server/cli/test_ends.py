"""Ends that a document cannot play: interrupts, a full disk, folders that cannot be used. Never a traceback."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.protocol.errors import StorageError
from tallystick_server.cli.exit_codes import ExitCode, of_error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_with_130_and_a_whole_log(tmp_path: Path, number: signal.Signals) -> None:
    with ScriptedProvider([Reply(hang=True)]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        command = program.command("run", "hello", "--repo", str(program.repo), "--model", "openai/scripted", "--json")
        with subprocess.Popen(command, env=program.environment, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            kinds: list[str] = []
            for line in child.stdout:
                kinds.append(json.loads(line)["kind"])
                if kinds[-1] == "request_started":
                    assert provider.arrived.wait(20)
                    child.send_signal(number)
        assert child.returncode == 130
        assert kinds[-2:] == ["request_finished", "turn_finished"], "the request that was stopped is booked"
        assert provider.closed_early.wait(5), "the provider is not kept waiting"
    assert json.loads(program.run("sessions", "--json").stdout)["unfinished"] is False


def test_a_running_command_dies_with_the_interrupt(tmp_path: Path) -> None:
    marker = tmp_path / "alive"
    with ScriptedProvider([f'call run_command {{"command": "sleep 3 && touch {marker}"}}']) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        command = program.command("run", "wait", "--repo", str(program.repo), "--model", "openai/scripted", "--json", "--yes")
        with subprocess.Popen(command, env=program.environment, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for line in child.stdout:
                event = json.loads(line)
                if event["kind"] == "item_started" and event["item"]["kind"] == "tool_call":
                    child.send_signal(signal.SIGINT)
        assert child.returncode == 130
    assert not subprocess.run(["pgrep", "-f", str(marker)], capture_output=True, text=True, check=False).stdout
    assert not marker.exists()


@pytest.mark.parametrize("limit", [1_000, 6_000, 20_000, 60_000])
def test_a_full_disk(tmp_path: Path, limit: int) -> None:
    """No file may grow beyond a few kilobytes: the run says so, ends with 1, and the user's file is whole."""

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    big = "y = 2\n" * 12_000
    call = f'call write_file {{"path": "a.py", "content": {json.dumps(big)}}}'
    with ScriptedProvider([call, "Done."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("a.py", "x = 1\n")
        command = [*program.command("run", "grow", "--repo", str(program.repo), "--model", "openai/scripted", "--yes")]
        done = subprocess.run(
            command, env=program.environment, capture_output=True, text=True, preexec_fn=full, timeout=60, check=False
        )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "too large" in (done.stdout + done.stderr).lower() or "full" in (done.stdout + done.stderr).lower()
    assert (program.repo / "a.py").read_text("utf-8") == "x = 1\n"
    assert sorted(path.name for path in program.repo.iterdir()) == ["a.py"]


def test_a_storage_error_is_an_internal_end() -> None:
    assert of_error(StorageError("full")) is ExitCode.INTERNAL


def test_an_empty_repository_and_one_without_git(tmp_path: Path) -> None:
    with ScriptedProvider(["call list_files {}", "Nothing is here."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        done = program.task("what is here?", "--json")
        assert done.returncode == 0
        assert "The workspace has no files." in done.stdout


def test_git_is_missing(tmp_path: Path) -> None:
    """Without git the files are listed by walking the folder."""
    with ScriptedProvider(["call list_files {}", "One file."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("a.py", "x = 1\n")
        environment = {**program.environment, "PATH": str(Path(sys.executable).parent)}
        command = program.command("run", "what is here?", "--repo", str(program.repo), "--model", "openai/scripted", "--json")
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "a.py" in done.stdout


def test_a_file_as_repository(tmp_path: Path) -> None:
    program = Program(folder=tmp_path)
    (tmp_path / "file").write_text("", "utf-8")
    done = program.run("run", "hello", "--repo", str(tmp_path / "file"))
    assert done.returncode == 2
    assert "is not a folder" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    with ScriptedProvider(['call read_file {"path": "a.py"}', "It cannot be read."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("a.py", "x = 1\n")
        (program.repo / "a.py").chmod(0)
        done = program.task("read a.py", "--json")
        assert done.returncode == 0
        assert "cannot be read" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("run",), ("run", ""), ("run", "x", "--max-cost", "-1"), ("run", "x", "--max-tokens", "0"), ("nonsense",)]
)
def test_bad_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = Program(folder=tmp_path).run(*arguments)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_of_a_repository_runs_before_it_is_allowed(tmp_path: Path) -> None:
    """An interpreter, a git configuration and a sitecustomize of the repository are looked at, and not run."""
    canary = tmp_path / "canary"
    with ScriptedProvider(["I only looked."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("test_a.py", f"open({str(canary)!r}, 'w')\n")
        program.write("sitecustomize.py", f"open({str(canary)!r}, 'w')\n")
        program.write(".venv/bin/python", f"#!/bin/sh\ntouch {canary}\n").chmod(0o755)
        for arguments in (["init", "-q"], ["config", "core.fsmonitor", f"touch {canary}"], ["config", "core.hooksPath", "hooks"]):
            subprocess.run(["git", *arguments], cwd=program.repo, check=True)
        done = program.task("look around", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert not canary.exists()
