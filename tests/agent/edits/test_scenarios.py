"""The edit tool on whole folders: every `tests/scenarios/edits/NNN_name` says what a model sends and what must be there after.

`edit.json` holds `path`, `edits` and, where the edit must be refused, a part of the reason. The folder `expected` is the
whole tree afterwards; a refused edit leaves the tree as it was, byte for byte.
"""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tallystick_agent.protocol.errors import WorkspaceError
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.settings import Settings
from tallystick_agent.tools.base import Outcome, OutputStore, ToolContext, ToolProblem
from tallystick_agent.tools.edit import Edit
from tallystick_server.local.disk import DiskWorkspace
from tallystick_server.local.terminal import LocalTerminal

SCENARIOS = sorted(path for path in (Path(__file__).parents[2] / "scenarios" / "edits").iterdir() if path.is_dir())


async def nobody(call_id: CallId, question: str, options: tuple[str, ...]) -> str:
    return ""


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def context(root: Path, kept: Path) -> ToolContext:
    environment = {"PATH": "/usr/bin:/bin"}
    return ToolContext(
        workspace=DiskWorkspace(root, environment),
        terminal=LocalTerminal(environment),
        settings=Settings(),
        outputs=OutputStore(kept),
        ask=nobody,
        on_output=lambda call_id, text: None,
    )


async def edit(raw: str, context: ToolContext) -> str:
    """The reason why the edit was refused; empty where it was made."""
    try:
        prepared = await Edit().prepare(raw, CallId("call_1"), context)
        outcome = await prepared.execute()
    except ToolProblem as problem:
        return str(problem)
    except WorkspaceError as error:
        return error.message
    return outcome.text if outcome.status == "error" else ""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_a_scenario_ends_as_it_says(scenario: Path, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    shutil.copytree(scenario / "input", root)
    asked: dict[str, Any] = json.loads((scenario / "edit.json").read_text("utf-8"))
    expected = scenario / "expected" if (scenario / "expected").exists() else scenario / "input"
    raw = json.dumps({"path": asked["path"], "edits": asked["edits"]})

    reason = asyncio.run(edit(raw, context(root, tmp_path / "kept")))

    assert tree(root) == tree(expected)
    assert (asked.get("refused", "") in reason) if "refused" in asked else reason == ""


def test_every_scenario_says_how_it_ends() -> None:
    for scenario in SCENARIOS:
        asked = json.loads((scenario / "edit.json").read_text("utf-8"))
        assert (scenario / "expected").exists() != ("refused" in asked), scenario.name


def test_what_is_shown_before_the_edit_is_what_is_written(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "a.py").write_text("a = 1\nb = 2\n")
    tools = context(root, tmp_path / "kept")
    raw = json.dumps({"path": "a.py", "edits": [{"old": "b = 2", "new": "b = 3"}]})
    prepared = asyncio.run(Edit().prepare(raw, CallId("call_1"), tools))

    assert prepared.detail == "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n+b = 3\n"
    assert prepared.action.effect == "edit"
    assert prepared.action.paths == ("a.py",)
    assert (root / "a.py").read_text() == "a = 1\nb = 2\n"


def test_a_file_that_changed_after_the_edit_was_shown_is_not_written(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "a.py").write_text("a = 1\n")
    tools = context(root, tmp_path / "kept")
    raw = json.dumps({"path": "a.py", "edits": [{"old": "a = 1", "new": "a = 2"}]})
    prepared = asyncio.run(Edit().prepare(raw, CallId("call_1"), tools))
    (root / "a.py").write_text("a = 5\n")

    async def execute() -> Outcome:
        return await prepared.execute()

    outcome = asyncio.run(execute())

    assert outcome.status == "error"
    assert "changed since it was read" in outcome.text
    assert (root / "a.py").read_text() == "a = 5\n"


@pytest.mark.parametrize(
    "raw",
    [
        '{"path": "a.py", "edits": [{"old": "a", "new": "b"}',
        '{"path": "a.py"}',
        '{"path": "a.py", "edits": [{"old": "a", "new": 1}]}',
        '{"path": "a.py", "edits": [{"old": "a"}]}',
        '{"path": "a.py", "edits": [{"old": "a", "new": "b"}], "force": true}',
        '{"path": "a.py", "edits": [{"old": "a", "new": "\\ud83d"}]}',
        "[]",
    ],
)
def test_a_call_that_is_cut_or_of_the_wrong_shape_is_never_mended(raw: str, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "a.py").write_text("a = 1\n")

    assert "The call was not run" in asyncio.run(edit(raw, context(root, tmp_path / "kept")))
    assert (root / "a.py").read_text() == "a = 1\n"
