"""One language server for one root: its life, the texts that it was told, and what it says of them.

Owns the order open or change → diagnostics. A server is asked where it can be (`textDocument/diagnostic`); else the answer is
what it publishes for the version that it was told, or after it where it names no version.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote

from tallystick_agent import __version__
from tallystick_agent.ports import Document
from tallystick_agent.protocol.diagnostics import Diagnostic
from tallystick_server.lsp_client.diagnostic import diagnostics_of
from tallystick_server.lsp_client.languages import language_id
from tallystick_server.lsp_client.wire import ServerRefused, Wire

MOST_OPEN: Final = 20
SETTLE_S: Final = 0.3
"""Seconds in which a server may add to a report: many send what parses first and what does not fit later."""
CAPABILITIES: Final[dict[str, Any]] = {
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": {
        "synchronization": {"dynamicRegistration": False},
        "publishDiagnostics": {"versionSupport": True, "relatedInformation": False},
        "diagnostic": {"dynamicRegistration": False, "relatedDocumentSupport": False},
    },
    "workspace": {"configuration": True, "workspaceFolders": True},
    "window": {"workDoneProgress": False},
}


@dataclass(slots=True)
class _Told:
    """A document as the server has it. `reported` grows with every report that is about the present text."""

    path: str
    digest: str
    version: int = 1
    reported: int = 0
    report: tuple[Diagnostic, ...] = ()
    news: asyncio.Event = field(default_factory=asyncio.Event)


class LanguageServer:
    def __init__(self, name: str, root: Path, language: str, settings: Mapping[str, Any]) -> None:
        self.name = name
        self._root = root
        self._language = language
        self._settings = settings
        self._wire: Wire | None = None
        self._pulls = False
        self._told: dict[str, _Told] = {}
        """By URI, the longest unused first."""
        self._turn = asyncio.Lock()

    @property
    def alive(self) -> bool:
        return self._wire is not None and self._wire.alive

    async def start(self, command: tuple[str, ...], environment: Mapping[str, str]) -> None:
        """Raises `OSError`, `ServerGone` and `ServerRefused`."""
        self._wire = await Wire.start(command, self._root, environment, self._notified, self._asked)
        folder = {"uri": self._root.as_uri(), "name": self._root.name}
        result = await self._wire.request(
            "initialize",
            {
                "processId": os.getpid(),
                "clientInfo": {"name": "Tallystick", "version": __version__},
                "rootUri": folder["uri"],
                "workspaceFolders": [folder],
                "capabilities": CAPABILITIES,
                "initializationOptions": dict(self._settings),
            },
        )
        given = cast("dict[str, Any]", result).get("capabilities") if isinstance(result, dict) else None
        offered = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        self._pulls = bool(offered.get("diagnosticProvider"))
        await self._wire.notify("initialized", {})
        if self._settings:
            await self._wire.notify("workspace/didChangeConfiguration", {"settings": dict(self._settings)})

    async def look(self, document: Document) -> tuple[Diagnostic, ...]:
        """Waits for as long as the caller lets it. Raises `ServerGone`."""
        async with self._turn:
            told = await self._tell(document)
            if self._pulls:
                try:
                    return await self._pull(told)
                except ServerRefused:
                    # It may be busy with its start, or not have meant it; what it publishes counts then.
                    pass
            return await self._published(told)

    async def close(self) -> None:
        if self._wire is not None:
            await self._wire.close()

    def kill(self) -> None:
        if self._wire is not None:
            self._wire.kill()

    async def _tell(self, document: Document) -> _Told:
        assert self._wire is not None
        uri = (self._root / document.path).as_uri()
        told = self._told.pop(uri, None)
        if told is None:
            told = _Told(document.path, document.digest)
            self._told[uri] = told
            language = self._language or language_id(document.path)
            item = {"uri": uri, "languageId": language, "version": 1, "text": document.text}
            await self._wire.notify("textDocument/didOpen", {"textDocument": item})
            while len(self._told) > MOST_OPEN:
                oldest = next(iter(self._told))
                del self._told[oldest]
                await self._wire.notify("textDocument/didClose", {"textDocument": {"uri": oldest}})
            return told
        self._told[uri] = told
        if told.digest != document.digest:
            told.version, told.digest, told.reported = told.version + 1, document.digest, 0
            change = {"textDocument": {"uri": uri, "version": told.version}, "contentChanges": [{"text": document.text}]}
            await self._wire.notify("textDocument/didChange", change)
        return told

    async def _pull(self, told: _Told) -> tuple[Diagnostic, ...]:
        assert self._wire is not None
        uri = (self._root / told.path).as_uri()
        result = await self._wire.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
        report = cast("dict[str, Any]", result) if isinstance(result, dict) else {}
        if report.get("kind") != "full":
            # We name no earlier result, so there is nothing that could be unchanged.
            raise ServerRefused
        return diagnostics_of(report.get("items"), told.path, self.name)

    async def _published(self, told: _Told) -> tuple[Diagnostic, ...]:
        while not told.reported:
            await self._news(told)
        seen = 0
        while told.reported > seen:
            seen = told.reported
            try:
                async with asyncio.timeout(SETTLE_S):
                    await self._news(told)
            except TimeoutError:
                break
        return told.report

    async def _news(self, told: _Told) -> None:
        assert self._wire is not None
        told.news.clear()
        await self._wire.until_gone(told.news.wait())

    def _notified(self, method: str, params: Any) -> None:
        if method != "textDocument/publishDiagnostics" or not isinstance(params, dict):
            return
        given = cast("dict[str, Any]", params)
        told = self._at(given.get("uri"))
        version = given.get("version")
        if told is None or (isinstance(version, int) and version != told.version):
            return
        told.report = diagnostics_of(given.get("diagnostics"), told.path, self.name)
        told.reported += 1
        told.news.set()

    def _at(self, uri: Any) -> _Told | None:
        """Servers write a URI in their own way, such as with another escape."""
        if not isinstance(uri, str):
            return None
        return self._told.get(uri) or next((one for key, one in self._told.items() if unquote(key) == unquote(uri)), None)

    def _asked(self, method: str, params: Any) -> Any:
        """What a server asks of its client. Raises `KeyError` for what we do not do."""
        match method:
            case "workspace/configuration":
                items: Any = cast("dict[str, Any]", params).get("items") if isinstance(params, dict) else None
                return [self._section(item) for item in items[:100]] if isinstance(items, list) else []  # pyright: ignore[reportUnknownVariableType]
            case "workspace/workspaceFolders":
                return [{"uri": self._root.as_uri(), "name": self._root.name}]
            case "workspace/applyEdit":
                return {"applied": False}
            case "client/registerCapability" | "client/unregisterCapability" | "window/workDoneProgress/create":
                return None
            case "window/showMessageRequest" | "workspace/diagnostic/refresh":
                return None
            case _:
                raise KeyError(method)

    def _section(self, item: Any) -> Any:
        found: Any = self._settings
        name = cast("dict[str, Any]", item).get("section") if isinstance(item, dict) else None
        for part in name.split(".") if isinstance(name, str) and name else ():
            found = cast("dict[str, Any]", found).get(part) if isinstance(found, dict) else None
        return found
