"""Plan mode reads and changes nothing; the tools that are advertised are those of the mode."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.agent.loop.conversation import repo, talk, texts
from tests.support.scripted_provider import ScriptedProvider, Seen

from tallystick_agent.protocol.events import TurnStarted
from tallystick_agent.protocol.operations import Operation, Prompt, Rename, SetBudget, SetMode
from tallystick_agent.protocol.usage import Budget
from tallystick_server.compose import Application

READING = {"read_file", "list_files", "search", "find_code", "ask_user", "update_plan"}


def tools(request: Seen) -> set[str]:
    found: list[dict[str, Any]] = request.body.get("tools") or []
    return {one["function"]["name"] for one in found}


@pytest.mark.parametrize("steps", [["/plan mend it"], ["/plan", "mend it"], [SetMode(mode="plan"), "mend it"]])
def test_plan_mode(tmp_path: Path, steps: list[str | Operation]) -> None:
    program = repo(tmp_path, a="x = 1\n")
    change = f"call edit {json.dumps({'path': 'a.py', 'edits': [{'old': 'x', 'new': 'y'}]})}"
    with ScriptedProvider([change, "Here is my plan.", "Done."]) as provider:
        seen = talk(tmp_path, provider, [*steps, "/act now do it"])
    first, second, third = provider.requests
    assert tools(first) == READING
    assert "You are planning" in texts(first)[-1]
    assert texts(first)[-1].endswith("mend it")
    assert "There is no tool `edit`" in texts(second)[-1]
    assert tools(third) >= {"edit", "write_file", "run_command"}
    assert "You may change files" in texts(third)[-1]
    assert (program.repo / "a.py").read_text() == "x = 1\n"
    assert [turn.mode for turn in seen.of(TurnStarted)][-2:] == ["plan", "act"]


def test_the_mode_outlives_the_process_and_a_turn_of_words_does_not(tmp_path: Path) -> None:
    repo(tmp_path, a="x = 1\n")
    with ScriptedProvider(["Planned.", "Words.", "Planned again."]) as provider:
        first = talk(tmp_path, provider, ["/plan it", Prompt(text="in a word?", mode="answer")])
        assert tools(provider.requests[1]) == set()
        talk(tmp_path, provider, [SetMode(mode="plan"), "again"], resume=first.session_id)
    assert tools(provider.requests[2]) == READING


def test_limits_and_the_title_of_a_session(tmp_path: Path) -> None:
    repo(tmp_path, a="x = 1\n")
    with ScriptedProvider(["One."]) as provider:
        budget = SetBudget(budget=Budget(max_requests=7))
        seen = talk(tmp_path, provider, [budget, Rename(title="  the\n x  "), "hello"])
    assert seen.of(TurnStarted)[0].budget.max_requests == 7
    assert seen.state.title == "the x"
    app = Application.load({}, {"TALLYSTICK_HOME": str(seen.home)})
    assert [one.title for one in app.store.list()] == ["the x"]
