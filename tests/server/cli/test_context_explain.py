"""`tallystick context --explain`: where a session's tokens went, for people and for programs."""

import json
from pathlib import Path

from tests.agent.loop.conversation import read, repo, talk
from tests.support.program import Program
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.protocol.events import RequestFinished, RequestPlanned
from tallystick_agent.sessions.event_log import read_log
from tallystick_agent.sessions.explain import explain


def session(folder: Path) -> tuple[Program, str]:
    """Two turns: one reads a file that the prompt names, one only answers."""
    repo(folder, cart="def total(items):\n    return sum(items)\n")
    (folder / "repo/AGENTS.md").write_text("Use British spelling.\n", "utf-8")
    with ScriptedProvider([read("cart.py"), "It adds them.", "Really."]) as provider:
        seen = talk(folder, provider, ["what does @cart.py do?", "really?"], trusted=True)
    return Program(folder=folder), seen.session_id


def test_parts_sum_to_what_was_reported(tmp_path: Path) -> None:
    program, session_id = session(tmp_path)
    found = explain(read_log(program.home / "sessions" / f"{session_id}.jsonl"))
    assert [turn.requests for turn in found.turns] == [2, 1]
    for one in found.requests:
        use = one.finished.usage
        assert sum(part.reported for part in one.parts) == use.input_tokens + use.output_tokens
        assert one.planned is not None
        assert sum(part.planned for part in one.parts) == one.planned.input_tokens
    for turn in found.turns:
        assert sum(part.tokens for part in turn.parts) == turn.usage.total_tokens
    names = {part.name for part in found.requests[1].parts}
    assert {"system", "tool:read_file", "rules:AGENTS.md", "files", "file:cart.py", "prompt", "output:text"} <= names
    assert [one.name for one in found.turns[0].shown] == ["rules:AGENTS.md", "files", "file:cart.py"]


def test_what_was_sent_before_is_told_from_what_is_new(tmp_path: Path) -> None:
    program, session_id = session(tmp_path)
    events = list(read_log(program.home / "sessions" / f"{session_id}.jsonl"))
    planned = [event.body for event in events if isinstance(event.body, RequestPlanned)]
    # By the second request a factor was learned from the first one's report.
    assert planned[0].repeated_tokens == 0
    assert 0.9 < planned[1].repeated_tokens / planned[0].input_tokens < 1.2
    assert planned[1].repeated_tokens < planned[1].input_tokens
    parts = {part.name: part for part in explain(events).requests[1].parts}
    assert abs(parts["system"].before - parts["system"].planned) <= 1
    assert parts["tool_call"].before == 0
    finished = [event.body for event in events if isinstance(event.body, RequestFinished)]
    assert [one.purpose for one in finished] == ["chat"] * 3


def test_a_person_sees_turns_parts_and_the_outlook(tmp_path: Path) -> None:
    program, session_id = session(tmp_path)
    done = program.run("context", "--explain", session_id[:12])
    assert done.returncode == 0, done.stderr
    for words in ("By turn", "what does @cart.py do?", "rules:AGENTS.md", "file:cart.py", "input", "grows by about"):
        assert words in done.stdout, words


def test_a_program_gets_lines_of_json(tmp_path: Path) -> None:
    program, session_id = session(tmp_path)
    rows = [json.loads(line) for line in program.run("context", "--explain", session_id, "--json").stdout.splitlines()]
    assert [row["turn"] for row in rows if "requests" in row] == [1, 2]
    assert [row["request"] for row in rows if "request" in row] == [1, 2, 3]
    assert rows[0]["context"][0] == {"name": "rules:AGENTS.md", "form": "whole", "reason": "whole"}


def test_a_session_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = Program(folder=tmp_path).run("context", "--explain", "s-none")
    assert done.returncode != 0
    assert "There is no session s-none" in done.stderr
