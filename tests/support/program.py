"""The real program as a child process, with its state in a temporary folder. Owns the environment that tests give it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`home` and `repo` are made below `folder`."""

    folder: Path
    url: str = "http://127.0.0.1:9/v1"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def repo(self) -> Path:
        return self.folder / "repo"

    @property
    def environment(self) -> dict[str, str]:
        self.home.mkdir(exist_ok=True, mode=0o700)
        self.repo.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TALLYSTICK_HOME": str(self.home),
            "OPENAI_API_KEY": "sk-scripted-0000",
            "OPENAI_BASE_URL": self.url,
            "LANG": "C.UTF-8",
            "COLUMNS": "120",
        }

    def write(self, path: str, text: str) -> Path:
        """A file of the repository."""
        target = self.repo / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        return target

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-I", "-m", "tallystick_server", *arguments]

    def run(self, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Runs to the end, without a terminal."""
        return self.execute(self.command(*arguments), self.environment, **options)

    def execute(self, command: list[str], environment: dict[str, str], **options: Any) -> "subprocess.CompletedProcess[str]":
        """Runs a command in an environment of the test's own."""
        return subprocess.run(
            command,
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
            **options,
        )

    def task(self, prompt: str, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """`tallystick run` in the repository, on the scripted model."""
        return self.run("run", prompt, "--repo", str(self.repo), "--model", "openai/scripted", *arguments, **options)
