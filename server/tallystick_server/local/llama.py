"""Starting and ending the model that runs on this machine. Owns the child process and the number of its threads."""

import asyncio
import contextlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tallystick_agent.protocol.errors import ConfigurationError

READY_S = 120.0


def idle_threads(environment: Mapping[str, str]) -> int:
    """Threads for the model: the cores that are idle now, 1 in CI. Two threads on one free core are several times slower."""
    if environment.get("CI"):
        return 1
    cores = os.cpu_count() or 1
    try:
        load = os.getloadavg()[0]
    except OSError:
        load = 0.0
    return max(1, min(cores, round(cores - load)))


class LlamaServer:
    """One server for the life of the process that needs it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._url = ""
        self._mutex = asyncio.Lock()

    async def start(self, model: Path, alias: str, *, threads: int, window: int) -> str:
        """The base URL, starting the server at the first call. Raises `ConfigurationError`."""
        async with self._mutex:
            if self._process is not None and self._process.returncode is None:
                return self._url
            if importlib.util.find_spec("xllamacpp") is None:
                raise ConfigurationError(
                    "The local model needs the package xllamacpp.",
                    code="no_model",
                    remedy="Install it: pip install 'tallystick[local]'",
                )
            self._log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with await asyncio.to_thread(open, self._log, "wb") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-I", "-m", "tallystick_server.local.llama_serve",
                    str(model), alias, str(threads), str(window),
                    stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
                )  # fmt: skip
            self._url = await self._ready(self._process)
            return self._url

    async def _ready(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(READY_S):
                while line := (await process.stdout.readline()).decode("utf-8", "replace"):
                    if line.startswith("ready "):
                        return line.split()[1]
        except TimeoutError:
            pass
        await self.stop()
        raise ConfigurationError(
            "The local model did not start.",
            code="no_model",
            remedy=f"Its log is {self._log}; `tallystick models pull` checks the file.",
        )

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                await process.wait()
                return
        process.kill()
        await process.wait()
