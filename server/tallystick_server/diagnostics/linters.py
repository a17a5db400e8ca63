"""A linter as a source: finds its program, runs it on the text as it is now, and reads what it printed.

The program comes from the user's settings and the user's PATH. One that lies in the workspace runs only where that is trusted.
"""

import asyncio
import fnmatch
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tallystick_agent.ports import Document, Terminal
from tallystick_agent.protocol.diagnostics import Diagnostic
from tallystick_server.diagnostics.presets import Linter

OUTPUT_BYTES: Final = 4 * 1024 * 1024
_NAMELESS: Final = frozenset(("", "-", "<stdin>", "<text>", "stdin"))


def program(name: str, environment: Mapping[str, str], root: Path, *, trusted: bool) -> str | None:
    """Where a program is; `None` where it is not, or where it lies in a folder that is not trusted."""
    found = shutil.which(name, path=environment.get("PATH", os.defpath))
    if found is None or trusted:
        return found
    real = Path(os.path.realpath(found))
    inside = real.is_relative_to(os.path.realpath(root)) or Path(os.path.abspath(found)).is_relative_to(root)
    # What the PATH finds from the present folder may be anybody's.
    return found if os.path.isabs(found) and not inside else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinterSource:
    """Implements `Source`. `cache` is a folder of ours that the linter may write in."""

    linter: Linter
    program: str
    root: Path
    terminal: Terminal
    trusted: bool
    cache: Path

    @property
    def name(self) -> str:
        return self.linter.name

    def covers(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        return any(fnmatch.fnmatchcase(path if "/" in glob else name, glob) for glob in self.linter.globs)

    async def look(self, document: Document, timeout_s: float) -> tuple[Diagnostic, ...] | None:
        words = self.linter.command
        if any("{copy}" in word for word in words):
            with tempfile.TemporaryDirectory(prefix="tallystick-") as folder:
                copy = Path(folder) / Path(document.path).name
                copy.write_text(document.text, "utf-8", "replace", newline="")
                return await self._run(document, timeout_s, str(copy))
        if not self.linter.stdin and not await asyncio.to_thread(self._saved, document):
            # It would judge the text that is on the disk and not the one that is asked about.
            return None
        return await self._run(document, timeout_s, "")

    async def _run(self, document: Document, timeout_s: float, copy: str) -> tuple[Diagnostic, ...] | None:
        path = str(self.root / document.path)
        self.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        places = {"{path}": path, "{root}": str(self.root), "{copy}": copy, "{cache}": str(self.cache)}
        words = [_filled(word, places) for word in self.linter.command[1:]]
        if not self.trusted and self.linter.isolated:
            # Behind the subcommand, which takes them.
            words[1:1] = self.linter.isolated
        result = await self.terminal.run(
            (self.program, *words),
            cwd=self.root,
            timeout_s=timeout_s,
            output_bytes=OUTPUT_BYTES,
            text=document.text if self.linter.stdin else None,
            # gcc and its like print what they find there.
            errors=self.linter.format == "gcc",
        )
        if result.ended_by != "exit" or result.total_bytes > OUTPUT_BYTES:
            return None
        return await asyncio.to_thread(self._read, document, result.output, result.exit_code or 0, copy)

    def _read(self, document: Document, output: str, exit_code: int, copy: str) -> tuple[Diagnostic, ...] | None:
        from tallystick_server.diagnostics.formats import read_remarks

        try:
            remarks = read_remarks(self.linter.format, output)
        except ValueError:
            return None
        if not remarks and exit_code not in (0, 1):
            # It did not find nothing: it failed.
            return None
        return tuple(
            Diagnostic(
                path=document.path,
                line=one.line,
                column=one.column,
                severity=one.severity,
                message=one.message,
                source=self.name,
                code=one.code,
            )
            for one in remarks
            if self._is(one.file, document.path, copy)
        )

    def _is(self, file: str, path: str, copy: str) -> bool:
        if file in _NAMELESS:
            return True
        parts = urlsplit(file)
        file = unquote(parts.path) if parts.scheme == "file" else file
        real = os.path.realpath(self.root / file)
        return real == os.path.realpath(self.root / path) or (copy != "" and real == os.path.realpath(copy))

    def _saved(self, document: Document) -> bool:
        try:
            data = (self.root / document.path).read_bytes()
        except OSError:
            return False
        text = data.decode("utf-8-sig", "surrogateescape")
        return document.text in (text, text.replace("\r\n", "\n"))


def _filled(word: str, places: Mapping[str, str]) -> str:
    """Placeholders in one pass: a path that holds one is not filled again."""
    import re

    return re.sub(r"\{(?:path|root|copy|cache)\}", lambda match: places[match[0]], word)
