"""A chat's turn with a tool call, a permission and an edit, cancelled at every single point at which it goes on.

After each: the session's log reads whole and says how the turn ended, every request that the provider saw has a row in the
ledger, the edited document holds all of the edit or nothing, and the next prompt in the same chat is answered.
"""

import asyncio
import contextlib
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from tests.support.cancel_at import Canceller, Way
from tests.support.scripted_provider import Reply, ScriptedProvider
from tests.support.sim_editor import Habits, SimEditor

from tallystick_agent.protocol.events import TurnFinished, TurnStarted
from tallystick_agent.sessions.event_log import read_readable
from tallystick_server.lsp.chat import Chats, Desk
from tallystick_server.lsp.documents import OpenDocuments
from tallystick_server.lsp.editor import Editor
from tallystick_server.lsp.marks import Marks
from tallystick_server.lsp.permissions import Questions
from tallystick_server.lsp.reported import Reports
from tallystick_server.lsp.sessions import Sessions

OLD, NEW = "x = 1\ny = 1\n", "x = 2\ny = 2\n"
EDIT = 'call edit {"path":"a%s.py","edits":[{"old":"x = 1","new":"x = 2"},{"old":"y = 1","new":"y = 2"}]}'
MOST = 2_000


def model(body: dict[str, Any], _: int) -> Reply:
    if not body:
        # The client left in the middle of its request.
        return Reply(lines="")
    asked = [str(one["content"]) for one in body["messages"] if one["role"] == "user"][-1]
    if "again" in asked:
        return Reply(lines="Fine.")
    number = asked.partition("file ")[2].split()[0]
    results = len(body["messages"]) - 1 - max(n for n, one in enumerate(body["messages"]) if one["role"] == "user")
    if results == 0:
        return Reply(lines=f'I look.\ncall read_file {{"path": "a{number}.py"}}')
    return Reply(lines=EDIT % number if results <= 2 else "Done.")


class Bench:
    """One server's parts on an editor in this process."""

    def __init__(self, root: Path, home: Path, provider: ScriptedProvider) -> None:
        self.root, self.home, self.provider = root, home, provider
        self.documents = OpenDocuments()
        self.at = SimEditor(self.documents, random.Random(1), Habits())
        self.at.answers[types.WINDOW_SHOW_MESSAGE_REQUEST] = lambda _: types.MessageActionItem(title="Allow once")
        self.editor = Editor(self.at, self.documents)
        self.sessions = Sessions(self.editor, self.documents, Reports(self.documents), "openai/scripted")
        self.sessions.set_roots((root.as_uri(),))
        self.questions = Questions(self.editor, self.documents, Marks(self.editor.publish), lambda: None)
        desk = Desk(editor=self.editor, documents=self.documents, sessions=self.sessions, questions=self.questions)
        self.chats = Chats(desk)

    async def send(self, uri: str) -> None:
        turn = self.chats.get(uri).start()
        assert turn is not None
        async with asyncio.timeout(30):
            await asyncio.wait({turn})
        await turn

    async def close(self) -> None:
        await self.sessions.close_all()
        await self.editor.close()
        await self.at.end()

    def rows(self) -> int:
        if not (self.home / "ledger.sqlite3").exists():
            return 0
        with contextlib.closing(sqlite3.connect(self.home / "ledger.sqlite3")) as file:
            return int(file.execute("SELECT count(*) FROM requests").fetchone()[0])

    async def cancelled_at(self, n: int, way: Way, canceller: Canceller) -> bool:
        """False once the turn ends before its `n`-th step."""
        code, chat = (self.root / f"a{n}.py").as_uri(), (self.root / f"talk{n}.tally.md").as_uri()
        (self.root / f"a{n}.py").write_text(OLD)
        self.at.open(code, OLD, "python")
        self.at.open(chat, f"## You\n\nmend file {n} please\n")
        canceller.arm(n, way)
        await self.send(chat)
        assert canceller.armed is not None
        reached = canceller.armed.reached
        text = self.at.texts[chat]
        self.at.type(chat, len(text), len(text), "again\n")
        await self.at.settled()
        await self.send(chat)
        await self.at.settled()
        assert self.at.texts[chat].rstrip().endswith("## You"), self.at.texts[chat]
        assert self.at.texts[chat].count("\nFine.\n") == 1, self.at.texts[chat]
        assert self.at.texts[code] in (OLD, NEW)
        assert self.rows() >= len(self.provider.requests)
        session = self.at.texts[chat].partition("session: ")[2].split()[0]
        self._check_log(session)
        for uri in (chat, code):
            self.documents.close(uri)
        self.chats.closed(chat)
        return reached

    def _check_log(self, session: str) -> None:
        [log] = (self.home / "sessions").rglob(f"{session}.jsonl")
        events, damage = read_readable(log)
        assert damage == ""
        bodies = [event.body for event in events]
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        turns = [type(body).__name__ for body in bodies if isinstance(body, TurnStarted | TurnFinished)]
        assert turns in (["TurnStarted", "TurnFinished"] * 2, ["TurnFinished", "TurnStarted", "TurnFinished"]), turns
        last = [body for body in bodies if isinstance(body, TurnFinished)][-1]
        assert last.stop == "end_turn"


@pytest.mark.slow
@pytest.mark.parametrize("way", ["waiting", "done"])
def test_a_turn_may_be_cancelled_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
    root, home = tmp_path / "work", tmp_path / "home"
    root.mkdir()

    async def run(provider: ScriptedProvider) -> int:
        canceller = Canceller("Session._turn")
        canceller.install()
        bench = Bench(root, home, provider)
        bench.at.begin()
        n = 1
        try:
            while n < MOST:
                try:
                    if not await bench.cancelled_at(n, way, canceller):
                        break
                except (AssertionError, TimeoutError) as error:
                    raise AssertionError(f"cancelled at {n} ({way}): {error}") from error
                n += 1
        finally:
            await bench.close()
        return n

    with ScriptedProvider(model) as provider:
        monkeypatch.setenv("TALLYSTICK_HOME", str(home))
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-123456")
        monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
        points = asyncio.run(run(provider))
    assert 10 < points < MOST
