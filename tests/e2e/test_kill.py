"""kill -9 at every event boundary of a task, before and after the write: the log stays a prefix-closed history, no file is
half written, nothing is run twice unasked, and `resume` reaches the same end.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.sessions.event_log import read_readable

ROOT = Path(__file__).resolve().parents[2]
WHOLE = {"a.py": "x = 2\ny = 1\n", "made.txt": "made\n", "count.txt": "one line\n"}


def model(body: dict[str, Any], index: int) -> Reply:
    """A careful model: it does each step, and repeats one only when its result says that it did not happen."""
    done = {"edit": False, "run_command": False, "write_file": False}
    for message in body["messages"]:
        if message["role"] != "tool":
            continue
        text, name = message["content"], message["tool_call_id"].split("-")[0]
        if "Changed a.py" in text or ("change is in the file" in text and name.startswith("edit")):
            done["edit"] = True
        if "Exit code 0" in text or "outcome is unknown" in text:
            done["run_command"] = True
        if "Created made.txt" in text or ("change is in the file" in text and name.startswith("write")):
            done["write_file"] = True
    if not done["edit"]:
        return call("edit", {"path": "a.py", "edits": [{"old": "x = 1", "new": "x = 2"}]})
    if not done["run_command"]:
        return call("run_command", {"command": "echo 'one line' >> count.txt"})
    if not done["write_file"]:
        return call("write_file", {"path": "made.txt", "content": "made\n"})
    return Reply(lines="All is done.")


def call(name: str, arguments: dict[str, Any]) -> Reply:
    return Reply(lines=f"call {name} {json.dumps(arguments)}", call_id=name)


def play(
    provider: ScriptedProvider, folder: Path, arguments: list[str], crash: tuple[int, str] | None
) -> "subprocess.CompletedProcess[str]":
    start = [str(ROOT / "tests/support/crash_child.py"), str(crash[0]), crash[1]] if crash else ["-I", "-m", "tallystick_server"]
    environment = {
        "PATH": os.environ["PATH"],
        "TALLYSTICK_HOME": str(folder / "home"),
        "OPENAI_API_KEY": "sk-scripted-0000",
        "OPENAI_BASE_URL": provider.url,
    }
    command = [
        sys.executable,
        *start,
        *arguments,
        "--yes",
        "--json",
        "--model",
        "openai/scripted",
        "--repo",
        str(folder / "repo"),
    ]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted((folder / "repo").iterdir())}


def crash_and_resume(folder: Path, at: int, when: str) -> bool:
    """Plays the task with a kill at one boundary, then resumes; False once the task ends before the boundary."""
    (folder / "home").mkdir(parents=True, mode=0o700)
    (folder / "repo").mkdir()
    (folder / "repo" / "a.py").write_text("x = 1\ny = 1\n", "utf-8")
    with ScriptedProvider(model) as provider:
        first = play(provider, folder, ["run", "do the task"], (at, when))
        if first.returncode == 0:
            assert files(folder) == WHOLE
            return False
        assert first.returncode == -signal.SIGKILL, first.stderr
        logs = list((folder / "home" / "sessions").glob("*.jsonl"))
        events, problem = read_readable(logs[0])
        assert not problem, "the log is a history without a gap"
        shown = [json.loads(line)["seq"] for line in first.stdout.splitlines()]
        assert shown == list(range(1, len(shown) + 1))
        assert len(events) >= len(shown), "no event that a host saw is lost"
        found = files(folder)
        assert found["a.py"] in ("x = 1\ny = 1\n", WHOLE["a.py"]), "no file is half written"
        assert found.get("made.txt", "made\n") == "made\n"
        assert set(found) <= set(WHOLE), "no temporary file is left"
        begun = any(event.body.kind == "turn_started" for event in events)
        resumed = play(provider, folder, ["resume", logs[0].stem, *([] if begun and _open(events) else ["do the task"])], None)
        assert resumed.returncode == 0, resumed.stdout + resumed.stderr
        ran = [request for request in provider.requests if request.body["messages"][-1]["role"] == "tool"]
        assert ran
    ended = files(folder)
    unknown = any("outcome is unknown" in json.dumps(request.body) for request in provider.requests)
    # A command whose outcome is unknown was told to the model, which chose not to repeat it: it ran once or not at all.
    expected = (
        WHOLE if "count.txt" in ended or not unknown else {name: text for name, text in WHOLE.items() if name != "count.txt"}
    )
    assert ended == expected
    return True


def _open(events: list[Any]) -> bool:
    return (
        next((event.body.kind for event in reversed(events) if event.body.kind in ("turn_started", "turn_finished")), "")
        == "turn_started"
    )


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("lane", range(4))
def test_every_boundary(tmp_path: Path, when: str, lane: int) -> None:
    """Four lanes share the boundaries, so that they run side by side; each goes on until the task ends."""
    at = 2 + lane
    while crash_and_resume(tmp_path / f"{when}{at}", at, when):
        at += 4
        assert at < 400
    assert at > 20, "the task has boundaries enough to be a test"
