"""What must still hold once a window was condensed: rules, pointers, handles, and the order of calls and results."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.agent.loop.conversation import MODEL, read, repo, talk, texts
from tests.support.program import Program
from tests.support.scripted_provider import ScriptedProvider, Seen

from tallystick_agent.protocol.events import Event, ItemStarted, Notice, RequestPlanned, TurnFinished
from tallystick_agent.protocol.operations import Compact, Prompt, RestoreWindow
from tallystick_server.compose import Application

LONG = "".join(f"value_{n} = {n}\n" for n in range(300))
RULE = "Use British spelling."


def shapes(request: Seen) -> list[str]:
    """The roles of a request, calls and results by their ids."""
    found: list[str] = []
    for message in request.body["messages"]:
        calls: list[dict[str, Any]] = message.get("tool_calls") or []
        found.append(f"{message['role']} {message.get('tool_call_id') or ','.join(call['id'] for call in calls)}".strip())
    return found


def test_the_id_of_a_call_never_comes_again(tmp_path: Path) -> None:
    """A provider that numbers each reply's calls from 0 must not make a pointer or a handle mean another call."""
    repo(tmp_path, a=LONG, b=LONG.replace("value", "other"))
    script = [read("a.py"), "Read.", read("b.py"), "Read.", read("a.py"), "Read."]
    with ScriptedProvider([*script]) as provider:
        seen = talk(tmp_path, provider, ["read a.py", "/compact", "read b.py", "/compact", "read a.py"])
    assert "value_7 = 7" in texts(provider.requests[-1])[-1]
    handles = sorted((seen.home / "outputs" / seen.session_id).glob("*.txt"))
    kept = {path.stem: path.read_text("utf-8") for path in handles}
    assert all(("value_7" in text) is (name == "call_0") for name, text in kept.items())


def test_the_rules_of_the_project_stay(tmp_path: Path) -> None:
    program = repo(tmp_path, a=LONG, sub__b=LONG)
    program.write("AGENTS.md", f"{RULE}\n")
    program.write("sub/AGENTS.md", "Keep b small.\n")
    script = [read("a.py"), "Read.", read("sub/b.py"), "Read.", "Yes.", "Yes."]
    with ScriptedProvider([*script]) as provider:
        talk(tmp_path, provider, ["read a.py", "/compact", "read sub/b.py", "/compact", "sure?"], trusted=True)
    last = "\n".join(texts(provider.requests[-1]))
    assert last.count(RULE) == 1
    assert last.count("Keep b small.") == 1
    assert "value_7" not in last


def test_rules_are_read_once_the_folder_is_trusted(tmp_path: Path) -> None:
    program = repo(tmp_path, a="x = 1\n")
    program.write("AGENTS.md", f"{RULE}\n")
    with ScriptedProvider(["Hi.", "Hi.", "Hi."]) as provider:
        first = talk(tmp_path, provider, ["one"])
        talk(tmp_path, provider, ["two", "three"], trusted=True, resume=first.session_id)
    counts = ["\n".join(texts(request)).count(RULE) for request in provider.requests]
    assert counts == [0, 1, 1]


def test_a_call_that_a_crash_cut_short_is_settled_before_the_window_is_condensed(tmp_path: Path) -> None:
    repo(tmp_path, a=LONG)
    write = json.dumps({"path": "c.py", "content": LONG * 3})
    with ScriptedProvider([read("a.py"), f"call write_file {write}", "Written.", "Yes."]) as provider:
        first = talk(tmp_path, provider, ["read a.py and write c.py"])
        log = first.home / "sessions" / f"{first.session_id}.jsonl"
        lines = log.read_text("utf-8").splitlines(keepends=True)
        cut = next(at for at, line in enumerate(lines) if '"item_started"' in line and '"write_file"' in line)
        log.write_text("".join(lines[: cut + 1]), "utf-8")
        seen = talk(tmp_path, provider, ["/compact", "and now?"], resume=first.session_id)
    assert seen.stops == ["end_turn", "end_turn"]
    roles = shapes(provider.requests[-1])
    called: set[str] = set()
    for role in roles:
        name, _, ids = role.partition(" ")
        if name == "assistant":
            called |= set(ids.split(","))
        elif name == "tool":
            assert ids in called, roles


def test_what_was_sent_before_is_nothing_after_a_compaction(tmp_path: Path) -> None:
    repo(tmp_path, a=LONG)
    with ScriptedProvider([read("a.py"), "Read.", "One.", "Two."]) as provider:
        seen = talk(tmp_path, provider, ["read a.py", "/compact", "one", "two"])
    planned = seen.of(RequestPlanned)
    fixed = sum(one.tokens for one in planned[2].segments if one.name == "system" or one.name.startswith("tool:"))
    assert planned[2].repeated_tokens < fixed * 1.1
    assert planned[3].repeated_tokens > planned[2].input_tokens * 0.9
    assert planned[1].repeated_tokens > planned[0].input_tokens * 0.9


def test_a_file_stays_with_the_model_after_it_was_edited(tmp_path: Path) -> None:
    """Two edits after one read: the text is not taken away between them, whatever a cache would save."""
    repo(tmp_path, a=LONG)
    edits = [json.dumps({"path": "a.py", "edits": [{"old": f"value_{n} = {n}\n", "new": f"value_{n} = 0\n"}]}) for n in (7, 8)]
    price = {"endpoints": {"openai/scripted": {"price": {"input": 3, "output": 15, "cache_read": "0.3"}}}}
    with ScriptedProvider([read("a.py"), *(f"call edit {edit}" for edit in edits), "Done."]) as provider:
        seen = talk(tmp_path, provider, ["set value_7 and value_8 to 0"], settings=price)
    assert seen.compactions == []
    assert "value_299" in "\n".join(texts(provider.requests[-1]))


def test_no_window_is_brought_back_while_a_turn_runs(tmp_path: Path) -> None:
    repo(tmp_path, a=LONG)
    script = [read("a.py"), "Read.", 'call run_command {"command": "sleep 1"}', "Slept."]

    async def run(provider: ScriptedProvider) -> tuple[list[str], list[str]]:
        program = Program(folder=tmp_path, url=provider.url)
        app = Application.load({"network": {"max_attempts": 1}}, program.environment)
        session = await app.open(app.disk(program.repo), app="test", model=MODEL, yes=True)
        events = session.events()
        notices, roles = list[str](), list[str]()
        for operation in (Prompt(text="read a.py"), Compact(), Prompt(text="sleep")):
            await session.submit(operation)
            async for event in events if isinstance(operation, Prompt) else _none():
                if isinstance(event.body, Notice):
                    notices.append(event.body.code)
                if isinstance(event.body, ItemStarted) and getattr(event.body.item, "name", "") == "run_command":
                    await session.submit(RestoreWindow())
                if isinstance(event.body, TurnFinished):
                    break
        await session.close()
        await app.close()
        roles = shapes(provider.requests[-1])
        return notices, roles

    with ScriptedProvider([*script]) as provider:
        notices, roles = asyncio.run(run(provider))
    assert notices == ["busy"]
    results = [role for role in roles if role.startswith("tool ")]
    assert len(results) == len(set(results)), roles


async def _none() -> AsyncIterator[Event]:
    return
    yield
