"""A project's rules in the first prompt: how much of them there is where a window is small."""

from pathlib import Path

from tests.agent.loop.conversation import repo, talk, texts
from tests.support.scripted_provider import ScriptedProvider

LONG = "".join(f"Rule {number}: name a thing after what it is for, and nothing else.\n" for number in range(200))
SMALL = {"endpoints": {"openai/scripted": {"window_tokens": 8_000}}}


def test_rules_come_first_and_once_a_session(tmp_path: Path) -> None:
    repo(tmp_path, a="x = 1\n").write("AGENTS.md", "Answer in verse.\n")
    with ScriptedProvider(["A rose.", "A nose."]) as provider:
        seen = talk(tmp_path, provider, ["see @a.py", "and now?"], trusted=True)
        sent = texts(provider.requests[-1])
    assert list(seen.shown(0)) == ["rules:AGENTS.md", "files", "file:a.py"]
    assert list(seen.shown(1)) == []
    assert sent[1].startswith(
        '<rules from="AGENTS.md">\nRules of this project, from its owner:\nAnswer in verse.\n</rules>\n\nFiles'
    )


def test_long_rules_leave_room_in_a_small_window_for_what_the_prompt_names(tmp_path: Path) -> None:
    repo(tmp_path, a="x = 1\n").write("AGENTS.md", LONG)
    with ScriptedProvider(["Yes."]) as provider:
        seen = talk(tmp_path, provider, ["see @a.py"], trusted=True, settings=SMALL)
    assert seen.stops == ["end_turn"]
    assert list(seen.shown()) == ["rules:AGENTS.md", "files", "file:a.py"]
    assert seen.forms()["rules:AGENTS.md"] == "excerpt"
    assert seen.shown()["rules:AGENTS.md"].endswith("\n[AGENTS.md goes on; read_file shows the rest.]\n</rules>")


def test_in_a_large_window_they_are_whole(tmp_path: Path) -> None:
    repo(tmp_path).write("AGENTS.md", LONG)
    with ScriptedProvider(["Yes."]) as provider:
        seen = talk(tmp_path, provider, ["hello"], trusted=True)
    assert seen.forms()["rules:AGENTS.md"] == "whole"
    assert "Rule 199" in seen.shown()["rules:AGENTS.md"]
