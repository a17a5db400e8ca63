"""The gate behind an edit: what checkers say before and after it, and only what is new goes to the model.

Owns the time that this may take and what is remembered meanwhile. What no checker could say in time is not told, so an edit
is never blamed for what may have been there before it.
"""

import time
from dataclasses import dataclass, field
from typing import Final

from tallystick_agent.ports import Diagnostics, Document, Workspace
from tallystick_agent.protocol.diagnostics import Reports
from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.settings import DiagnosticsSettings
from tallystick_agent.tools.new_errors import Edit, new_errors, told

MOST_KEPT: Final = 64
MOST_TEXT: Final = 1_000_000
"""Characters of a file that is still checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """How files were when an edit began, and how many seconds are left for the look at what it made of them."""

    texts: dict[str, str]
    reports: dict[str, Reports]
    """Of those that were there: a new file has no errors before it is written."""
    left_s: float


@dataclass(slots=True, kw_only=True)
class ErrorGate:
    """One session's."""

    diagnostics: Diagnostics
    workspace: Workspace
    settings: DiagnosticsSettings
    _known: dict[tuple[str, str], Reports] = field(default_factory=lambda: {})
    """By path and digest of the text. Of one turn: another file's change may alter what is said of this one."""

    def begin_turn(self) -> None:
        self._known.clear()

    async def before(self, paths: tuple[str, ...]) -> Before | None:
        """To be asked right before a change. `None` where nothing checks these files."""
        paths = tuple(path for path in paths if self.diagnostics.covers(path))
        if not paths or self.settings.timeout_s <= 0:
            return None
        until = time.monotonic() + self.settings.timeout_s
        texts: dict[str, str] = {}
        reports: dict[str, Reports] = {}
        for path in paths:
            document = await self._read(path)
            if document is not None:
                texts[path] = document.text
                # Half of the time is kept for the look that must come after it.
                reports[path] = await self._look(document, (until - time.monotonic()) / 2)
            elif not (self.workspace.root / path).exists():
                texts[path] = ""
        return Before(texts=texts, reports=reports, left_s=until - time.monotonic())

    async def after(self, before: Before | None) -> str:
        """What to tell the model of the change; empty where it made no error."""
        if before is None:
            return ""
        until = time.monotonic() + before.left_s
        parts: list[str] = []
        for path, text in before.texts.items():
            document = await self._read(path)
            if document is None or document.text == text:
                continue
            earlier = before.reports.get(path)
            if earlier == {}:
                # Nobody could say how it was. The look is taken all the same: the next edit begins where this one ends.
                await self._look(document, until - time.monotonic())
                continue
            now = await self._look(document, until - time.monotonic())
            if earlier is None:
                earlier = dict.fromkeys(now, ())
            new = new_errors(earlier, now, Edit(before=text, after=document.text), warnings=self.settings.warnings)
            parts += [told(new, self.settings.most)] if new else []
        return "\n".join(parts)

    async def _read(self, path: str) -> Document | None:
        try:
            document = await self.workspace.read(path)
        except TallystickError:
            return None
        return document if len(document.text) <= MOST_TEXT else None

    async def _look(self, document: Document, timeout_s: float) -> Reports:
        key = document.path, document.digest
        if key in self._known or timeout_s <= 0:
            return self._known.get(key, {})
        begun = time.monotonic()
        found = await self.diagnostics.look(document, timeout_s)
        # Where the time was up, a checker may be missing that knows by now.
        if found and time.monotonic() - begun < timeout_s:
            while len(self._known) >= MOST_KEPT:
                del self._known[next(iter(self._known))]
            self._known[key] = found
        return found
