"""`/undo`: the last turn's changes go back, what the user changed meanwhile stays, and the model is told."""

import json
from pathlib import Path

from tests.agent.loop.conversation import repo, talk, texts
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.protocol.events import FilesChanged, ItemFinished, ToolCallItem
from tallystick_agent.protocol.operations import Undo

OLD = "".join(f"x{number} = {number}\n" for number in range(30))


def edit(path: str, old: str, new: str) -> str:
    return f"call edit {json.dumps({'path': path, 'edits': [{'old': old, 'new': new}]})}"


def write(path: str, text: str) -> str:
    return f"call write_file {json.dumps({'path': path, 'content': text})}"


def test_a_turn_goes_back_whole_and_the_model_is_told(tmp_path: Path) -> None:
    program = repo(tmp_path, a=OLD)
    script = [edit("a.py", "x1 = 1\n", "x1 = 11\n"), edit("a.py", "x20 = 20\n", ""), write("b.py", "new = 1\n"), "Done.", "Yes."]
    with ScriptedProvider([*script]) as provider:
        seen = talk(tmp_path, provider, ["change it", "/undo", "what now?"])
    assert (program.repo / "a.py").read_text() == OLD
    assert not (program.repo / "b.py").exists()
    assert seen.stops == ["end_turn"] * 3
    back = seen.of(FilesChanged)[-1]
    assert back.undoes is not None
    assert [change.path for change in back.changes] == ["a.py", "b.py"]
    assert (back.changes[1].after, seen.state.done) == ("", ())
    assert "The user took back your last changes of a.py, b.py." in "".join(texts(provider.requests[-1]))
    calls = [body.item for body in seen.of(ItemFinished) if isinstance(body.item, ToolCallItem) and body.item.name == "undo"]
    assert [(call.status, call.title, call.by) for call in calls] == [("ok", "undo a.py, b.py", "engine")]


def test_turns_go_back_one_after_the_other(tmp_path: Path) -> None:
    program = repo(tmp_path, a=OLD)
    script = [edit("a.py", "x1 = 1\n", "x1 = 2\n"), "Done.", edit("a.py", "x1 = 2\n", "x1 = 3\n"), "Done."]
    with ScriptedProvider([*script]) as provider:
        first = talk(tmp_path, provider, ["one", "two", "/undo"])
        assert "x1 = 2\n" in (program.repo / "a.py").read_text()
        second = talk(tmp_path, provider, ["/undo", "/undo"], resume=first.session_id)
    assert (program.repo / "a.py").read_text() == OLD
    assert second.said == ["There is no change of this session to undo."]


def test_what_the_user_wrote_elsewhere_stays(tmp_path: Path) -> None:
    program = repo(tmp_path, a=OLD)
    with ScriptedProvider([edit("a.py", "x1 = 1\n", "x1 = 2\n"), "Done."]) as provider:
        first = talk(tmp_path, provider, ["one"])
        path = program.repo / "a.py"
        path.write_text("# mine\n" + path.read_text() + "# and mine\n")
        talk(tmp_path, provider, ["/undo"], resume=first.session_id)
    assert (program.repo / "a.py").read_text() == f"# mine\n{OLD}# and mine\n"


def test_where_the_user_changed_the_same_place_nothing_goes_back(tmp_path: Path) -> None:
    program = repo(tmp_path, a=OLD, c="c = 1\n")
    script = [edit("a.py", "x1 = 1\n", "x1 = 2\n"), edit("c.py", "c = 1\n", "c = 2\n"), write("n.py", "n\n"), "Done."]
    with ScriptedProvider([*script]) as provider:
        first = talk(tmp_path, provider, ["one"])
        (program.repo / "a.py").write_text(OLD.replace("x1 = 1\n", "x1 = 'mine'\n"))
        refused = talk(tmp_path, provider, ["/undo"], resume=first.session_id)
        assert refused.said == ["Nothing was undone: a.py: it was changed since at the same place."]
        assert (program.repo / "c.py").read_text() == "c = 2\n"
        (program.repo / "a.py").write_text(OLD)
        (program.repo / "n.py").write_text("n and mine\n")
        refused = talk(tmp_path, provider, ["/undo"], resume=first.session_id)
        assert refused.said == ["Nothing was undone: n.py was created then, and has changed since."]
        (program.repo / "n.py").unlink()
        talk(tmp_path, provider, ["/undo"], resume=first.session_id)
    assert (program.repo / "c.py").read_text() == "c = 1\n"
    assert (program.repo / "a.py").read_text() == OLD


def test_undo_is_an_operation_too_and_asks_no_model(tmp_path: Path) -> None:
    repo(tmp_path, a=OLD)
    with ScriptedProvider([]) as provider:
        seen = talk(tmp_path, provider, [Undo()])
    assert provider.requests == []
    assert "There is no change of this session to undo." in seen.said
