"""Sessions on the scripted provider in a few words, for the tests of context. Owns no assertion."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from tests.support.program import Program
from tests.support.scripted_provider import ScriptedProvider, Seen

from tallystick_agent.protocol.events import CompactionItem, EventBody, ItemFinished, Notice, TurnFinished, TurnStarted
from tallystick_agent.protocol.operations import Compact, Operation, Prompt, RestoreWindow, Undo
from tallystick_agent.sessions.event_log import read_log
from tallystick_agent.sessions.replay import SessionState, fold
from tallystick_server.compose import Application

MODEL = "openai/scripted"
B = TypeVar("B")


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What was seen of a session; `state` is what its log folds to, `live` what the session itself knew at its end."""

    bodies: tuple[EventBody, ...]
    state: SessionState
    home: Path
    session_id: str

    def of(self, kind: type[B]) -> list[B]:
        return [body for body in self.bodies if isinstance(body, kind)]

    @property
    def notices(self) -> list[str]:
        return [body.code for body in self.of(Notice)]

    @property
    def said(self) -> list[str]:
        """What the notices say."""
        return [body.message for body in self.of(Notice)]

    @property
    def stops(self) -> list[str]:
        return [body.stop for body in self.of(TurnFinished)]

    @property
    def compactions(self) -> list[CompactionItem]:
        return [body.item for body in self.of(ItemFinished) if isinstance(body.item, CompactionItem)]

    def shown(self, turn: int = -1) -> dict[str, str]:
        """What stood before a prompt, by name."""
        return {one.name: one.text for one in self.of(TurnStarted)[turn].shown}

    def forms(self, turn: int = -1) -> dict[str, str]:
        return {one.name: one.form for one in self.of(TurnStarted)[turn].shown}


def talk(
    folder: Path,
    provider: ScriptedProvider,
    steps: Sequence[str | Operation],
    *,
    settings: dict[str, Any] | None = None,
    model: str = MODEL,
    trusted: bool = False,
    yes: bool = True,
    resume: str | None = None,
) -> Talk:
    """Plays prompts and other operations one after the other, each to its end, in `folder/repo`."""

    async def run() -> Talk:
        program = Program(folder=folder, url=provider.url)
        overrides = {"network": {"backoff_s": 0, "max_attempts": 1}, **(settings or {})}
        app = Application.load(overrides, program.environment)
        if trusted:
            app.trust.add(program.repo)
        found = app.store.find(resume) if resume is not None else None
        session = await app.open(app.disk(program.repo), app="test", model=model, yes=yes, resume=found)
        events, seen = session.events(), list[EventBody]()
        for step in steps:
            operation = Prompt(text=step) if isinstance(step, str) else step
            await session.submit(operation)
            if not isinstance(operation, Prompt | Undo):
                continue
            async with asyncio.timeout(60):
                async for event in events:
                    seen.append(event.body)
                    if isinstance(event.body, TurnFinished):
                        break
        session_id = session.session_id
        await session.close()
        async for event in events:
            seen.append(event.body)
        state = fold(read_log(app.store.path(session_id)))
        await app.close()
        return Talk(bodies=tuple(seen), state=state, home=program.home, session_id=session_id)

    return asyncio.run(run())


def repo(folder: Path, **files: str) -> Program:
    """`folder/repo` with these files; `__` in a name stands for `/`, and `.py` is added."""
    program = Program(folder=folder)
    program.repo.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        program.write(f"{name.replace('__', '/')}.py", text)
    return program


def read(path: str, **more: int) -> str:
    """A line of a script that reads a file."""
    return f"call read_file {json.dumps({'path': path, **more})}"


def texts(request: Seen) -> list[str]:
    """The text of each message of a request, calls left out."""
    found: list[str] = []
    for message in request.body["messages"]:
        content = message["content"] or ""
        parts = cast(list[dict[str, Any]], content) if isinstance(content, list) else [{"type": "text", "text": content}]
        found.append("".join(part.get("text", "") for part in parts))
    return found


def grows(before: Seen, after: Seen) -> bool:
    """Whether a request starts with the one before."""
    first, second = before.body, after.body
    fixed = {name: value for name, value in first.items() if name not in ("messages", "max_tokens", "max_completion_tokens")}
    same = all(second.get(name) == value for name, value in fixed.items())
    return same and second["messages"][: len(first["messages"])] == first["messages"]


__all__ = ["MODEL", "Compact", "RestoreWindow", "Talk", "grows", "read", "repo", "talk", "texts"]
