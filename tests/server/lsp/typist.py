"""A person who types in a file, with a scripted llama.cpp server on its usual port, for the tests of completion."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.lsp_client import LspClient, started
from tests.support.scripted_provider import Reply, Script, ScriptedProvider

INLINE: dict[str, Any] = {"textDocument": {"inlineCompletion": {}}}
QUICK = "[completion]\ndebounce_ms = 0\nwarm = false\n"
MODELS = {"data": [{"id": "coder", "owned_by": "llamacpp"}]}
AUTOMATIC, INVOKED = 2, 1


@dataclass(slots=True)
class Typist:
    client: LspClient
    root: Path
    home: Path
    provider: ScriptedProvider

    def open(self, name: str, text: str, language: str = "python") -> str:
        """Opens a file with `|` at the cursor. Gives its URI."""
        uri = (self.root / name).as_uri()
        before, _, after = text.partition("|")
        self.client.open(uri, before + after, language)
        return uri

    def type(self, uri: str, at: int, text: str) -> int:
        """Gives the cursor after it."""
        self.client.replace(uri, at, at, text)
        return at + len(text)

    def begin(self, uri: str, at: int, kind: int = AUTOMATIC, **context: Any) -> "tuple[int, asyncio.Future[Any]]":
        text = self.client.documents[uri].text
        position = self.client._position(text, at)  # pyright: ignore[reportPrivateUsage]
        params = {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": kind, **context}}
        return self.client.start_request("textDocument/inlineCompletion", params)

    async def suggested(self, uri: str, at: int, kind: int = AUTOMATIC, **context: Any) -> list[dict[str, Any]]:
        async with asyncio.timeout(30):
            found: dict[str, Any] = await self.begin(uri, at, kind, **context)[1]
        items: list[dict[str, Any]] = found["items"]
        return items

    async def text(self, uri: str, at: int) -> str:
        """The text of the one suggestion; empty for none."""
        items = await self.suggested(uri, at)
        assert len(items) <= 1
        return items[0]["insertText"] if items else ""

    async def listed(self, uri: str, at: int) -> list[dict[str, Any]]:
        """Items of an ordinary completion."""
        position = self.client._position(self.client.documents[uri].text, at)  # pyright: ignore[reportPrivateUsage]
        params = {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1}}
        found: dict[str, Any] = await self.client.request("textDocument/completion", params)
        assert found["isIncomplete"] is True
        items: list[dict[str, Any]] = found["items"]
        return items

    def accepted(self, uri: str, item: dict[str, Any]) -> str:
        """The text of the document after the editor took the item."""
        edit = item.get("textEdit") or {"range": item["range"], "newText": item["insertText"]}
        text = self.client.documents[uri].text
        start, end = (self.client._offset(text, edit["range"][side]) for side in ("start", "end"))  # pyright: ignore[reportPrivateUsage]
        return f"{text[:start]}{edit['newText']}{text[end:]}"

    def books(self) -> list[dict[str, Any]]:
        """The rows of the ledger, each with its segments; none where there is no ledger."""
        if not (self.home / "ledger.sqlite3").exists():
            return []
        with contextlib.closing(sqlite3.connect(self.home / "ledger.sqlite3")) as file:
            file.row_factory = sqlite3.Row
            made = file.execute("SELECT count(*) FROM sqlite_master WHERE name = 'requests'").fetchone()[0]
            # Between its making and its first table a ledger has no rows.
            rows = [dict(row) for row in file.execute("SELECT * FROM requests ORDER BY id")] if made else []
            for row in rows:
                row["segments"] = json.loads(row["segments"])
                assert sum(row["segments"].values()) == row["input_tokens"] + row["output_tokens"]
        return rows


Scene = Callable[[Typist], Awaitable[None]]


@contextlib.asynccontextmanager
async def typist(
    tmp_path: Path, provider: ScriptedProvider, settings: str, encoding: str, capabilities: Any, environment: dict[str, str]
) -> AsyncGenerator[Typist, None]:
    root, home = tmp_path / "work", tmp_path / "home"
    root.mkdir(exist_ok=True)
    home.mkdir(exist_ok=True)
    (home / "settings.toml").write_text(settings)
    known = {"TALLYSTICK_HOME": str(home), "LLAMACPP_BASE_URL": provider.url, "OPENAI_BASE_URL": provider.url, **environment}
    async with started(known, encoding=encoding) as client:
        await client.initialize(root, capabilities)
        yield Typist(client, root, home, provider)


def write(
    tmp_path: Path,
    replies: "list[Reply | str] | Script",
    scene: Scene,
    *,
    settings: str = QUICK,
    encoding: str = "utf-16",
    capabilities: Any = INLINE,
    models: Any = MODELS,
    after: Callable[[Typist], None] | None = None,
    environment: dict[str, str] | None = None,
) -> None:
    """Plays a scene; `after` looks at what is left when the server has ended."""

    async def run(provider: ScriptedProvider) -> Typist:
        async with typist(tmp_path, provider, settings, encoding, capabilities, environment or {}) as person:
            await scene(person)
            assert await person.client.stop() == 0
        return person

    with ScriptedProvider(replies) as provider:
        provider.models_json = models
        person = asyncio.run(run(provider))
        if after is not None:
            after(person)
