"""The program at a terminal: a pseudo-terminal that reads what a person would see and types what they would. For tests."""

import os
import pty
import signal
import subprocess
import time
from dataclasses import dataclass

from tests.support.program import Program

LONGEST_S = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was shown, and how it ended."""

    text: str
    code: int


def run_at_terminal(
    program: Program, arguments: list[str], *, wait_for: str, then: "str | signal.Signals | None", columns: int | None = None
) -> Seen:
    """Runs `tallystick ARGUMENTS`; once `wait_for` was shown, types a line, sends a signal, or does nothing."""
    ours, theirs = pty.openpty()
    environment = {**program.environment, "TERM": "xterm"}
    if columns is not None:
        environment["COLUMNS"] = str(columns)
    child = subprocess.Popen(
        program.command(*arguments), env=environment, stdin=theirs, stdout=theirs, stderr=theirs, cwd=program.folder
    )
    os.close(theirs)
    data, acted, deadline = b"", False, time.monotonic() + LONGEST_S
    try:
        while time.monotonic() < deadline:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            data += piece
            if not acted and wait_for.encode() in data:
                acted = True
                if isinstance(then, signal.Signals):
                    child.send_signal(then)
                elif then is not None:
                    os.write(ours, then.encode())
        return Seen(text=data.decode("utf-8", "replace"), code=child.wait(5))
    finally:
        child.kill()
        child.wait()
        os.close(ours)
