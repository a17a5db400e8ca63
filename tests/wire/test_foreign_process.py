"""The servers that tests start end surely: with their context, and with a test process that is killed."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import foreign_process
from tests.support.foreign_process import ROOT, TIE, foreign_python, served

CHILD = f"""{TIE}
import socket
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("up", flush=True)
line.recv(1)
"""
"""Holds a connection as long as it lives; its end is the end of the connection."""
PARENT = """
import sys
from tests.support.foreign_process import served
with served([sys.executable, "-c", sys.argv[1], sys.argv[2]], lambda out: "up" in out):
    print("up", flush=True)
    sys.stdin.read()
"""


def ended(line: socket.socket) -> bool:
    line.settimeout(20)
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_server_ends_with_its_context() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with served([sys.executable, "-c", CHILD, str(listener.getsockname()[1])], lambda out: "up" in out):
            line, _ = listener.accept()
        with line:
            assert ended(line)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_server_ends_when_the_process_of_its_tests_is_killed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        command = [sys.executable, "-c", PARENT, CHILD, str(listener.getsockname()[1])]
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            assert parent.stdout.readline() == b"up\n"
            parent.send_signal(signal.SIGKILL)
            line, _ = listener.accept()
            with line:
                assert ended(line)


def test_a_server_that_ends_at_once_says_why() -> None:
    with (
        pytest.raises(AssertionError, match="no such model"),
        served([sys.executable, "-c", "raise SystemExit('no such model')"], lambda _: False),
    ):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("ci", "outcome"),
    [("true", pytest.fail.Exception), ("", pytest.skip.Exception)],
    ids=["fails in CI", "skips elsewhere"],
)
def test_a_missing_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[Exception]) -> None:
    monkeypatch.setattr(foreign_process, "ROOT", tmp_path)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match=r"\.venv-llama is missing\. Run `make foreign`"):
        foreign_python("llama")
