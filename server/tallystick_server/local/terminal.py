"""Commands as child processes. Owns their environment, their end, and the bound on what they print.

A command has no terminal and no input, runs in a process group of its own, and nothing of the group outlives the call.
"""

import asyncio
import codecs
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Literal

from tallystick_agent.ports import CommandResult

GRACE_S = 2.0
"""Seconds between asking a group to end and ending it."""
_KEPT = frozenset(
    (
        "PATH HOME USER LOGNAME SHELL LANG TZ TMPDIR VIRTUAL_ENV JAVA_HOME GOPATH GOROOT CARGO_HOME RUSTUP_HOME"
        " NVM_DIR PYENV_ROOT SystemRoot"
    ).split()
)
_SET = {
    "TERM": "dumb",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "EDITOR": "true",
    "GIT_EDITOR": "true",
    "GIT_TERMINAL_PROMPT": "0",
    "NO_COLOR": "1",
    # A changed source of equal size within one second would be run from its stale byte code.
    "PYTHONDONTWRITEBYTECODE": "1",
}


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Listed variables only: no key ever reaches a command."""
    kept = {name: value for name, value in environment.items() if name in _KEPT or name.startswith("LC_")}
    return {**kept, **_SET}


class LocalTerminal:
    """Implements the `Terminal` port."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = child_environment(environment)
        self._shell = shutil.which("bash") or "/bin/sh"

    async def run(
        self,
        command: str | tuple[str, ...],
        *,
        cwd: Path,
        timeout_s: float,
        output_bytes: int,
        on_output: Callable[[str], None] | None = None,
        text: str | None = None,
        errors: bool = True,
    ) -> CommandResult:
        words = (self._shell, "-c", command) if isinstance(command, str) else command
        kept = _Kept(output_bytes)
        # The pipe is ours and not asyncio's: on Python 3.11 its `wait` returns only when every holder has closed the
        # pipe, so a command that leaves something running would seem to run until its time is over.
        ours, theirs = os.pipe()
        # A file and no pipe: a command that does not read must not keep us writing.
        given = _input(text) if text is not None else None
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                cwd=cwd,
                env=self._environment,
                stdin=given if given is not None else asyncio.subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs if errors else asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            os.close(ours)
            return CommandResult(exit_code=127, output=f"{words[0]}: {error.strerror}", total_bytes=0)
        finally:
            os.close(theirs)
            if given is not None:
                given.close()
        reader = asyncio.create_task(self._read(ours, kept, on_output))
        ended_by: Literal["exit", "timeout", "signal", "cancel"] = "exit"
        try:
            async with asyncio.timeout(timeout_s):
                await process.wait()
        except TimeoutError:
            ended_by = "timeout"
        finally:
            await asyncio.shield(self._end(process, reader))
        code = process.returncode
        if ended_by == "exit" and code is not None and code < 0:
            ended_by = "signal"
        return CommandResult(
            exit_code=code if ended_by == "exit" else None,
            output=kept.text(),
            total_bytes=kept.total,
            ended_by=ended_by,
            signal=-code if ended_by == "signal" and code is not None else None,
        )

    async def _read(self, descriptor: int, kept: "_Kept", on_output: Callable[[str], None] | None) -> None:
        stream = asyncio.StreamReader()
        pipe = os.fdopen(descriptor, "rb", buffering=0)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
        # A character may be cut between two reads.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            while chunk := await stream.read(65_536):
                kept.add(chunk)
                text = decoder.decode(chunk)
                if on_output is not None and text and kept.total <= 200_000:
                    on_output(text)
        finally:
            transport.close()

    async def _end(self, process: asyncio.subprocess.Process, reader: "asyncio.Task[None]") -> None:
        """Ends the whole group, and stops reading even where something that left the group still holds the pipe."""
        if process.returncode is None:
            _signal(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await process.wait()
        else:
            await asyncio.wait({reader}, timeout=0.3)
        _signal(process.pid, signal.SIGKILL)
        await process.wait()
        await asyncio.wait({reader}, timeout=0.2)
        reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reader


def _input(text: str) -> IO[bytes]:
    """An unnamed file with the text, at its beginning."""
    import tempfile

    file = tempfile.TemporaryFile()  # noqa: SIM115
    file.write(text.encode("utf-8", "replace"))
    file.seek(0)
    return file


class _Kept:
    """Head and tail of a stream of any length, in bounded memory."""

    def __init__(self, limit: int) -> None:
        self._head_size = limit // 3
        self._tail_size = limit - self._head_size
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, chunk: bytes) -> None:
        self.total += len(chunk)
        room = self._head_size - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk
        if len(self._tail) > 2 * self._tail_size:
            del self._tail[: -self._tail_size]

    def text(self) -> str:
        tail = bytes(self._tail[-self._tail_size :])
        left_out = self.total - len(self._head) - len(tail)
        middle = f"\n… [{left_out} bytes left out] …\n".encode() if left_out > 0 else b""
        return (bytes(self._head) + middle + tail).decode("utf-8", "replace")


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
