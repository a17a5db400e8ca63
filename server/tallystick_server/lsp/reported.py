"""What the editor itself knows of its documents, as an extension reports it (`tallystick/diagnostics`). Owns the last reports.

LSP has no way to ask a client for the diagnostics of its other servers, so this is a notification of ours; docs/lsp.md has its
contract. An editor without our extension reports nothing and is never waited for.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote

from tallystick_agent.ports import Document
from tallystick_agent.protocol.diagnostics import Diagnostic
from tallystick_server.lsp.chat_document import is_chat
from tallystick_server.lsp.documents import OpenDocuments
from tallystick_server.lsp_client.diagnostic import diagnostics_of

MOST_DOCUMENTS: Final = 500
WAIT_S: Final = 3.0
"""Seconds for which a report about a new text is waited for."""
SETTLE_S: Final = 0.4
"""Seconds after a report in which a further one may follow: an editor's language servers answer one after the other."""
OWN: Final = "tallystick"
"""The source of the marks that we publish ourselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    version: int | None
    items: list[Any]
    at: float
    """When it came, on the clock of the loop."""


class Reports:
    def __init__(self, documents: OpenDocuments) -> None:
        self._documents = documents
        self._reports: dict[str, _Report] = {}
        self._waiting: set[asyncio.Future[None]] = set()

    def take(self, params: Any) -> bool:
        """Keeps a report in place of the one before it; false where it is misshapen."""
        fields = cast("dict[str, Any]", params) if isinstance(params, dict) else {}
        uri, version, given = fields.get("uri"), fields.get("version"), fields.get("diagnostics")
        if not isinstance(uri, str) or not isinstance(given, list) or not isinstance(version, int | None):
            return False
        items: list[Any] = given  # pyright: ignore[reportUnknownVariableType]
        known = self._reports.pop(unquote(uri), None)
        if known is not None and isinstance(version, int) and known.version is not None and version < known.version:
            # It was overtaken on its way.
            self._reports[unquote(uri)] = known
            return True
        self._reports[unquote(uri)] = _Report(version=version, items=items[:2_000], at=asyncio.get_running_loop().time())
        while len(self._reports) > MOST_DOCUMENTS:
            del self._reports[next(iter(self._reports))]
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        return True

    def forget(self, uri: str) -> None:
        self._reports.pop(unquote(uri), None)

    def source(self, root: Path) -> "EditorSource":
        return EditorSource(self, self._documents, root)

    def get(self, uri: str) -> _Report | None:
        return self._reports.get(unquote(uri))

    async def next(self) -> None:
        """Until some report comes."""
        news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(news)
        try:
            await news
        finally:
            self._waiting.discard(news)


class EditorSource:
    """Implements `diagnostics.sources.Source` for the documents of one root."""

    def __init__(self, reports: Reports, documents: OpenDocuments, root: Path) -> None:
        self._reports = reports
        self._documents = documents
        self._root = root

    @property
    def name(self) -> str:
        return "editor"

    def covers(self, path: str) -> bool:
        """Only what was reported before is waited for: an editor may have nothing that knows the language."""
        uri = self._uri(path)
        return uri is not None and self._reports.get(uri) is not None

    def watched(self) -> tuple[str, ...]:
        """Open documents of the root, chats left out, sorted."""
        inside = (one.path for one in self._documents.all() if one.path is not None and not is_chat(one.uri, one.language))
        return tuple(sorted(path.relative_to(self._root).as_posix() for path in inside if path.is_relative_to(self._root)))

    async def look(self, document: Document, timeout_s: float) -> tuple[Diagnostic, ...] | None:
        uri = self._uri(document.path)
        if uri is None or document.version is None:
            return None
        now = asyncio.get_running_loop().time
        until = now() + min(timeout_s * 0.9, WAIT_S + SETTLE_S)
        while (pause := min(until, self._settled(uri, document.version, until)) - now()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._reports.next()
        report = self._reports.get(uri)
        if report is None or not self._current(uri, document.version):
            return None
        found = diagnostics_of(report.items, document.path, "editor")
        return tuple(one for one in found if one.source != OWN)

    def _settled(self, uri: str, version: int, never: float) -> float:
        """When the last report counts as the whole of them, on the clock of the loop."""
        report = self._reports.get(uri)
        return report.at + SETTLE_S if report is not None and self._current(uri, version) else never

    def _current(self, uri: str, version: int) -> bool:
        """Whether the last report is about just this text."""
        report, document = self._reports.get(uri), self._documents.get(uri)
        return report is not None and report.version == version and document is not None and document.version == version

    def _uri(self, path: str) -> str | None:
        import os

        wanted = Path(os.path.realpath(self._root / path))
        return next((one.uri for one in self._documents.all() if one.path == wanted), None)
