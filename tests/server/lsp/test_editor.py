"""What we ask of the editor: one refresh at a time, and no edit without a version where those with one are known."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from lsprotocol import types
from tests.support.fast_loop import run_fast
from tests.support.sim_editor import Habits, SimEditor

from tallystick_server.lsp.documents import OpenDocuments
from tallystick_server.lsp.editor import Editor

URI = "file:///a.py"


def play(scene: Callable[[SimEditor, Editor], Awaitable[None]], habits: Habits | None = None) -> None:
    async def run() -> None:
        documents = OpenDocuments()
        at = SimEditor(documents, random.Random(1), habits or Habits())
        editor = Editor(at, documents)
        refresh = types.CodeLensWorkspaceClientCapabilities(refresh_support=True)
        workspace = types.WorkspaceClientCapabilities(code_lens=refresh)
        capabilities = types.ClientCapabilities(workspace=workspace)
        editor.introduce(types.InitializeParams(capabilities=capabilities), "utf-16")
        at.open(URI, "x = 1\n", "python")
        at.begin()
        await scene(at, editor)
        await editor.close()
        await at.end()

    run_fast(run())


def test_one_refresh_is_under_way_and_one_more_follows() -> None:
    asked: list[asyncio.Future[None]] = []

    async def scene(at: SimEditor, editor: Editor) -> None:
        def answer(_: Any) -> "asyncio.Future[None]":
            asked.append(asyncio.get_running_loop().create_future())
            return asked[-1]

        at.answers[types.WORKSPACE_CODE_LENS_REFRESH] = answer
        for _ in range(50):
            editor.refresh_lenses()
            await asyncio.sleep(0)
        await asyncio.sleep(1)
        assert len(asked) == 1
        asked[0].set_result(None)
        await asyncio.sleep(1)
        assert len(asked) == 2
        asked[1].set_result(None)
        await asyncio.sleep(1)
        assert len(asked) == 2
        editor.refresh_lenses()
        await asyncio.sleep(1)
        assert len(asked) == 3

    play(scene)


def test_an_editor_that_took_a_version_gets_no_edit_without_one() -> None:
    """It may hold text that it has not told us of, and would put the edit in the wrong place."""

    async def scene(at: SimEditor, editor: Editor) -> None:
        known = at.documents.get(URI)
        assert known is not None
        assert await editor.apply(((known, "x = 2\n"),))
        await at.settled()
        known = at.documents.get(URI)
        assert known is not None
        at.before_edit = lambda: at.type(URI, 0, 0, "# mine\n", late=True)
        assert not await editor.apply(((known, "x = 3\n"),))
        assert at.texts[URI] == "# mine\nx = 2\n"

    play(scene, Habits(late=0.0))
