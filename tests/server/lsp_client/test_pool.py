"""The pool of language servers: real ones, and one that misbehaves in every way that we could think of."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tallystick_agent.ports import Document
from tallystick_agent.protocol.diagnostics import Diagnostic
from tallystick_agent.protocol.digest import digest
from tallystick_agent.settings import LanguageServerSettings
from tallystick_server.diagnostics.sources import Sources
from tallystick_server.lsp_client import language_server
from tallystick_server.lsp_client import pool as pools
from tallystick_server.lsp_client.pool import ServerPool, ServerSource

ODD = Path(__file__).parents[2] / "support" / "odd_language_server.py"


def text_of(text: str, path: str = "a.py") -> Document:
    return Document(path=path, text=text, digest=digest(text))


@contextlib.asynccontextmanager
async def running() -> AsyncGenerator[ServerPool, None]:
    pool = ServerPool({"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")})
    try:
        yield pool
    finally:
        await pool.close()


def odd(pool: ServerPool, root: Path, mode: str, log: Path | None = None, **more: Any) -> ServerSource:
    command = (sys.executable, "-I", str(ODD), mode, *([str(log)] if log else []))
    settings = LanguageServerSettings(command=command, globs=("*.py",), **more)
    return pool.source("odd", settings, sys.executable, root)


async def look(source: ServerSource, text: str, timeout_s: float = 20.0, path: str = "a.py") -> tuple[Diagnostic, ...] | None:
    """As the port asks: bounded, and `None` where there was no answer."""
    return (await Sources((source,)).look(text_of(text, path), timeout_s)).get("odd")


def play(scene: Callable[[ServerPool], Awaitable[None]]) -> None:
    async def run() -> None:
        async with running() as pool:
            await scene(pool)

    asyncio.run(run())


def lines(found: tuple[Diagnostic, ...] | None) -> list[int]:
    assert found is not None
    return [one.line for one in found]


@pytest.mark.parametrize("mode", ["plain", "unversioned", "late", "misshapen", "stubborn"])
def test_the_answer_is_about_the_text_that_was_asked_about(tmp_path: Path, mode: str) -> None:
    async def scene(pool: ServerPool) -> None:
        source = odd(pool, tmp_path, mode)
        assert lines(await look(source, "ok\nbad\n")) == [2]
        assert lines(await look(source, "bad\nok\nbad\n")) == [1, 3]
        assert lines(await look(source, "ok\n")) == []
        assert lines(await look(source, "ok\n")) == [], "the same text again"

    play(scene)


def test_it_is_answered_what_it_asks(tmp_path: Path) -> None:
    async def scene(pool: ServerPool) -> None:
        assert lines(await look(odd(pool, tmp_path, "ask", settings={"odd": {"level": "high"}}), "x")) == [1]

    play(scene)


@pytest.mark.parametrize("mode", ["garbage", "huge", "crash", "refuse", "die", "flood"])
def test_whatever_it_does_wrong_ends_it_alone_and_it_is_not_started_for_ever(tmp_path: Path, mode: str) -> None:
    async def scene(pool: ServerPool) -> None:
        log = tmp_path / "starts"
        source = odd(pool, tmp_path, mode, log)
        for _ in range(6):
            assert await look(source, "bad") is None
        assert log.read_text().count("start") == pools.MOST_STARTS
        # Another server for the same root is none the worse for it.
        settings = LanguageServerSettings(command=("x", "-I", str(ODD), "plain"), globs=("*.py",))
        other = pool.source("good", settings, sys.executable, tmp_path)
        assert lines(await other.look(text_of("bad"), 20)) == [1]

    play(scene)


@pytest.mark.parametrize("mode", ["hang", "silent"])
def test_one_that_says_nothing_is_not_waited_for(tmp_path: Path, mode: str) -> None:
    async def scene(pool: ServerPool) -> None:
        assert await look(odd(pool, tmp_path, mode), "bad", timeout_s=0.3) is None

    play(scene)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    async def scene(pool: ServerPool) -> None:
        settings = LanguageServerSettings(command=("none",), globs=("*.py",))
        assert await look(pool.source("odd", settings, str(tmp_path / "none"), tmp_path), "bad") is None

    play(scene)


def test_servers_end_when_they_are_idle_and_start_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "LOOK_S", 0.02)

    async def scene(pool: ServerPool) -> None:
        log = tmp_path / "starts"
        source = odd(pool, tmp_path, "plain", log, idle_s=0.05)
        for number in range(1, 6):
            assert lines(await look(source, "bad")) == [1]
            assert log.read_text().count("start") == number
            async with asyncio.timeout(20):
                while pool.alive:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)

    play(scene)


def test_no_more_than_a_few_run_at_once_and_few_documents_are_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language_server, "MOST_OPEN", 2)

    async def scene(pool: ServerPool) -> None:
        for number in range(pools.MOST_SERVERS + 2):
            root = tmp_path / str(number)
            root.mkdir()
            assert lines(await look(odd(pool, root, "plain"), "bad")) == [1]
            assert pool.alive <= pools.MOST_SERVERS
        source = odd(pool, tmp_path / "0", "plain")
        for path in ("a.py", "b c.py", "é.py", "a.py"):
            assert lines(await look(source, "bad\nbad", path=path)) == [1, 2]

    play(scene)


def test_closing_ends_them_all(tmp_path: Path) -> None:
    log = tmp_path / "starts"

    async def run() -> None:
        async with running() as pool:
            assert lines(await look(odd(pool, tmp_path, "stubborn", log), "bad")) == [1]
            hanging = odd(pool, tmp_path / "..", "hang", log)
            assert await look(hanging, "bad", timeout_s=0.5) is None
            assert pool.alive == 2

    asyncio.run(run())
    pids = [int(line.split()[1]) for line in log.read_text().splitlines()]
    assert len(pids) == 2
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


# --- Real ones ---------------------------------------------------------------------------------------------------------


def test_ruff(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    program = need_tool("ruff", "pip install ruff")

    async def scene(pool: ServerPool) -> None:
        settings = LanguageServerSettings(command=("ruff", "server"), globs=("*.py",))
        sources = Sources((pool.source("ruff", settings, program, tmp_path),))
        found = (await sources.look(text_of("print(unknown)\n"), 30))["ruff"]
        assert [(one.line, one.column, one.code, one.source, one.severity) for one in found] == [(1, 7, "F821", "Ruff", "error")]
        assert (await sources.look(text_of("print(1)\n"), 30))["ruff"] == ()

    play(scene)


def test_pyright(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    program = need_tool("pyright-langserver", "pip install pyright")

    async def scene(pool: ServerPool) -> None:
        settings = LanguageServerSettings(command=("pyright-langserver", "--stdio"), globs=("*.py",))
        sources = Sources((pool.source("pyright", settings, program, tmp_path),))
        text = "def f(x: int) -> int:\n    return x\n\n\nf('old')\n"
        found = (await sources.look(text_of(text), 60))["pyright"]
        assert [(one.line, one.code, one.severity) for one in found] == [(5, "reportArgumentType", "error")]
        found = (await sources.look(text_of(f"{text}f(None)\n"), 60))["pyright"]
        assert lines(found) == [5, 6]
        assert (await sources.look(text_of("x: int = 1\n"), 60))["pyright"] == ()

    play(scene)
