"""Whole turns with real ruff behind the edits: the model reads of the error that it made, and of no other."""

import asyncio
import json
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agent.loop.conversation import MODEL, Talk, repo, talk, texts
from tests.agent.loop.test_undo import edit, write
from tests.support.program import Program
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.protocol.events import FilesChanged, ItemFinished, ToolCallItem, TurnFinished
from tallystick_agent.protocol.operations import Cancel, Prompt
from tallystick_server.compose import Application

RUFF: dict[str, Any] = {"linters": {"ruff": {}}, "diagnostics": {"timeout_s": 30}}
OLD = "x = 1\nprint(missing)\n"


@pytest.fixture(autouse=True)
def ruff(need_tool: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(Path(need_tool("ruff", "pip install ruff")).parent)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def results(seen: Talk) -> list[str]:
    return [body.item.output for body in seen.of(ItemFinished) if isinstance(body.item, ToolCallItem)]


def play(tmp_path: Path, script: list[str], settings: dict[str, Any], **options: Any) -> Talk:
    replies: list[Reply | str] = [*script, "Done."]
    with ScriptedProvider(replies) as provider:
        seen = talk(tmp_path, provider, ["do it"], settings=settings, **options)
        assert seen.stops == ["end_turn"], seen.said
        sent = "".join(texts(provider.requests[-1]))
        assert all(result in sent for result in results(seen)), "the model reads what the log holds"
    return seen


def test_exactly_the_new_error_is_told(tmp_path: Path) -> None:
    repo(tmp_path, a=OLD)
    script = [edit("a.py", "x = 1", "y = 0\nx = unknown"), edit("a.py", "y = 0", "y = 5\n"), edit("a.py", "unknown", "y")]
    made, kept, mended = results(play(tmp_path, script, RUFF))
    assert made == "Changed a.py (+2 -1).\nThe edit made 1 new error:\na.py:2:5: error: Undefined name `unknown` (ruff F821)"
    assert kept == "Changed a.py (+2 -1)."
    assert mended == "Changed a.py (+1 -1)."


def test_a_new_file_and_one_that_does_not_parse(tmp_path: Path) -> None:
    repo(tmp_path, a=OLD)
    new, broken = results(play(tmp_path, [write("b.py", "print(nothing)\n"), edit("a.py", "x = 1", "x = (")], RUFF))
    assert new.endswith("b.py:1:7: error: Undefined name `nothing` (ruff F821)")
    assert broken.splitlines()[1].startswith("The edit made ")
    assert "missing" not in broken


def test_many_errors_are_told_in_part(tmp_path: Path) -> None:
    repo(tmp_path, a="x = 1\n")
    settings = {**RUFF, "diagnostics": {"timeout_s": 30, "most": 2}}
    (said,) = results(play(tmp_path, [edit("a.py", "x = 1", "\n".join(f"print(n{n})" for n in range(9)))], settings))
    assert said.splitlines()[1] == "The edit made 9 new errors:"
    assert said.splitlines()[-1] == "[7 more]"
    assert len(said.splitlines()) == 5


@pytest.mark.parametrize(
    "settings", [{}, {**RUFF, "diagnostics": {"timeout_s": 0}}, {"linters": {"ruff": {"command": ["nowhere"]}}}]
)
def test_nothing_is_said_where_nothing_checks(tmp_path: Path, settings: dict[str, Any]) -> None:
    repo(tmp_path, a=OLD)
    assert results(play(tmp_path, [edit("a.py", "x = 1", "x = unknown")], settings)) == ["Changed a.py (+1 -1)."]


def script_of(folder: Path, name: str, body: str) -> str:
    """A linter of the test's own."""
    path = folder / name
    path.write_text(f"#!{sys.executable} -I\n{body}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def linter(command: str, **more: Any) -> dict[str, Any]:
    return {"command": [command, "{path}"], "globs": ["*.py"], "format": "gcc", "trusted_only": False, **more}


def test_a_linter_that_hangs_holds_no_turn_and_does_not_live_on(tmp_path: Path) -> None:
    repo(tmp_path, a=OLD)
    mark = tmp_path / "pid"
    body = f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    slow = linter(script_of(tmp_path, "slow", body))
    settings = {"linters": {"slow": slow, "ruff": {}}, "diagnostics": {"timeout_s": 6}}
    (said,) = results(play(tmp_path, [edit("a.py", "x = 1", "x = unknown")], settings))
    assert "1 new error" in said
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_a_linter_that_is_always_late_is_left_alone(tmp_path: Path) -> None:
    repo(tmp_path, a="x = 0\n")
    mark = tmp_path / "starts"
    slow = linter(script_of(tmp_path, "slow", f"import time\nopen({str(mark)!r}, 'a').write('x')\ntime.sleep(600)\n"))
    script = [edit("a.py", f"x = {n}", f"x = {n + 1}") for n in range(5)]
    play(tmp_path, script, {"linters": {"slow": slow}, "diagnostics": {"timeout_s": 1}})
    assert mark.read_text() == "xxx"


def test_a_language_server_of_our_own(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    need_tool("pyright-langserver", "pip install pyright")
    repo(tmp_path, a="def f(x: int) -> int:\n    return x\n\n\nf('old')\n")
    server = {"command": ["pyright-langserver", "--stdio"], "globs": ["*.py"]}
    settings = {"language_servers": {"pyright": server}, "diagnostics": {"timeout_s": 120}}
    script = [edit("a.py", "f('old')", "f('old')\nf(None)"), write("b.py", "from a import f, g\n")]
    first, second = results(play(tmp_path, script, settings, trusted=True))
    assert first.startswith("Changed a.py (+1 -0).\nThe edit made 1 new error:\na.py:6:3: error: Argument of type")
    assert first.endswith("(Pyright reportArgumentType)")
    assert "b.py:1:18: error: " in second


def test_cancelling_ends_the_linter_and_the_edit_can_be_undone(tmp_path: Path) -> None:
    program = repo(tmp_path, a=OLD)
    mark = tmp_path / "pids"
    body = (
        "import os, sys, time\n"
        f"open({str(mark)!r}, 'a').write(str(os.getpid()) + '\\n')\n"
        "time.sleep(600 if 'unknown' in open(sys.argv[1]).read() else 0)\n"
    )
    slow = linter(script_of(tmp_path, "slow", body))

    async def run(provider: ScriptedProvider) -> list[Any]:
        settings = {"linters": {"slow": slow}, "diagnostics": {"timeout_s": 600}}
        app = Application.load(settings, Program(folder=tmp_path, url=provider.url).environment)
        session = await app.open(app.disk(program.repo), app="test", model=MODEL, yes=True)
        events, seen = session.events(), list[Any]()
        await session.submit(Prompt(text="do it"))
        async with asyncio.timeout(30):
            while not mark.exists() or len(mark.read_text().split()) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            await session.submit(Cancel())
            async for event in events:
                seen.append(event.body)
                if isinstance(event.body, TurnFinished):
                    break
        await session.close()
        await app.close()
        return seen

    with ScriptedProvider([edit("a.py", "x = 1", "x = unknown"), "Done."]) as provider:
        seen = asyncio.run(run(provider))
    assert seen[-1].stop == "cancelled"
    assert [body.changes[0].path for body in seen if isinstance(body, FilesChanged)] == ["a.py"]
    (item,) = [body.item for body in seen if isinstance(body, ItemFinished) and isinstance(body.item, ToolCallItem)]
    assert (item.status, item.output) == ("ok", "Changed a.py (+1 -1).")
    for pid in mark.read_text().split():
        until = time.monotonic() + 10
        while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
            time.sleep(0.02)
        assert not Path(f"/proc/{pid}").exists()


def test_a_folder_that_is_not_trusted_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its configuration loads a plugin, its folder holds programs by the linters' names, and its ruff rules are its own."""
    program = repo(tmp_path, a=OLD)
    ran = tmp_path / "ran"
    program.write("plugin.py", f"open({str(ran)!r}, 'w')\ndef plugin(version): raise SystemExit\n")
    program.write("mypy.ini", "[mypy]\nplugins = plugin.py\n")
    program.write("ruff.toml", "[lint]\nignore = ['F821']\n")
    trap = program.write("bin/pyright", f"#!/bin/sh\ntouch {ran}\n")
    trap.chmod(0o755)
    settings = {**RUFF, "linters": {"ruff": {}, "mypy": {}, "pyright": {}, "mine": linter("pyright")}}
    settings["language_servers"] = {"mine": {"command": ["pyright"], "globs": ["*.py"]}}
    monkeypatch.setenv("PATH", f"{trap.parent}{os.pathsep}{os.environ['PATH']}")
    (said,) = results(play(tmp_path, [edit("a.py", "x = 1", "x = unknown")], settings))
    assert "Undefined name `unknown`" in said
    assert not ran.exists()
    trusting = results(play(tmp_path, [edit("a.py", "x = unknown", "x = other")], RUFF, trusted=True))
    assert trusting == ["Changed a.py (+1 -1)."], "its own rules hold once it is trusted"
    play(tmp_path, [edit("a.py", "x = other", "x = more")], settings, trusted=True)
    assert ran.exists(), "the traps work"


def test_mypy_reads_the_text_and_not_the_file(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    need_tool("mypy", "pip install mypy")
    repo(tmp_path, a="def f(x: int) -> int:\n    return x\n\n\nf('old')\n")
    settings: dict[str, Any] = {"linters": {"mypy": {}}, "diagnostics": {"timeout_s": 60}}
    (said,) = results(play(tmp_path, [edit("a.py", "f('old')", "f('old')\nf(None)")], settings, trusted=True))
    assert said.splitlines()[1:] == [
        "The edit made 1 new error:",
        'a.py:6:3: error: Argument 1 to "f" has incompatible type "None"; expected "int" (mypy arg-type)',
    ]
    assert not (tmp_path / "repo" / ".mypy_cache").exists()


def test_pyright_as_a_linter(tmp_path: Path, need_tool: Callable[[str, str], str]) -> None:
    need_tool("pyright", "pip install pyright")
    repo(tmp_path, a=OLD)
    settings: dict[str, Any] = {"linters": {"pyright": {}}, "diagnostics": {"timeout_s": 120}}
    (said,) = results(play(tmp_path, [edit("a.py", "x = 1", "x = unknown")], settings, trusted=True))
    assert said.endswith('a.py:1:5: error: "unknown" is not defined (pyright reportUndefinedVariable)')
    assert "missing" not in said


def test_diagnostics_in_a_prompt(tmp_path: Path) -> None:
    repo(tmp_path, a=OLD, b="y = 1\n")
    with ScriptedProvider(["One.", "Two.", "Three."]) as provider:
        seen = talk(tmp_path, provider, ["mend @diagnostics of @a.py", "and @b.py @diagnostics", "@diagnostics"], settings=RUFF)
    assert seen.shown(0)["diagnostics"] == "Diagnostics now:\na.py:2:7: error: Undefined name `missing` (ruff F821)"
    assert seen.shown(1)["diagnostics"] == "The checkers find nothing wrong now."
    assert seen.said == ["@diagnostics: nothing checks the files that are open, named with @ or changed."]


def test_the_program_and_its_doctor(tmp_path: Path) -> None:
    with ScriptedProvider([edit("a.py", "x = 1", "x = unknown"), "Done."]) as provider:
        program = Program(folder=tmp_path, url=provider.url)
        program.write("a.py", OLD)
        assert program.environment
        (program.home / "settings.toml").write_text("[linters.ruff]\n[linters.mypy]\n[linters.odd]\n", "utf-8")
        done = program.task("do it", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        assert "Undefined name `unknown`" in done.stdout
        assert "missing" not in "".join(json.loads(line)["item"]["output"] for line in done.stdout.splitlines() if "F821" in line)
        doctor = program.run("doctor").stdout
    assert "✓ linter ruff: /" in doctor
    assert "tallystick trust" in next(line for line in doctor.splitlines() if "linter mypy" in line)
    assert "✗ linter odd: not found. linters.odd has no `command`" in doctor
