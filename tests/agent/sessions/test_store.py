"""The folder of sessions: listing, finding by the start of a name, and repair that throws nothing away."""

import os
from pathlib import Path

import pytest
from tests.agent.sessions.events import numbered, opened, prompt, said

from tallystick_agent.protocol.codec import event_to_line
from tallystick_agent.protocol.errors import SessionError
from tallystick_agent.protocol.events import Event, TurnFinished
from tallystick_agent.protocol.usage import Cost, Usage
from tallystick_agent.sessions.event_log import read_log
from tallystick_agent.sessions.store import SessionStore

DONE = TurnFinished(stop="end_turn", usage=Usage(), cost=Cost(), requests=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sessions"
    folder.mkdir()
    return folder


def keep(folder: Path, name: str, events: list[Event], *, age: int = 0) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_bytes(b"".join(event_to_line(one) for one in events))
    path.chmod(0o600)
    os.utime(path, (1_000_000 - age, 1_000_000 - age))
    return path


def test_the_list_is_read_from_the_logs_newest_first(folder: Path) -> None:
    keep(
        folder,
        "s-old",
        numbered(opened("/w"), prompt("first task\nwith details"), said("a"), DONE, prompt("more"), DONE),
        age=100,
    )
    keep(folder, "s-new", numbered(opened("/other"), prompt("second task")))
    new, old = SessionStore(folder).list()

    assert (old.session_id, old.workspace, old.title, old.turns, old.unfinished, old.damaged) == (
        "s-old",
        "/w",
        "first task",
        2,
        False,
        False,
    )
    assert (old.started, old.updated) == ("2026-11-23T12:00:01.000Z", "2026-11-23T12:00:06.000Z")
    assert (new.session_id, new.turns, new.unfinished) == ("s-new", 1, True)
    assert [one.session_id for one in SessionStore(folder).list("/w")] == ["s-old"]


def test_a_turn_that_goes_on_is_counted_once(folder: Path) -> None:
    keep(folder, "s-1", numbered(opened(), prompt("task"), prompt("task", continued=True), DONE))
    (one,) = SessionStore(folder).list()
    assert (one.turns, one.unfinished) == (1, False)


def test_there_may_be_no_folder_and_no_session(tmp_path: Path) -> None:
    assert SessionStore(tmp_path / "none").list() == []


def test_a_session_with_no_prompt_yet_is_listed(folder: Path) -> None:
    keep(folder, "s-1", numbered(opened()))
    (one,) = SessionStore(folder).list()
    assert (one.title, one.turns, one.unfinished) == ("", 0, False)


@pytest.mark.parametrize(
    "content", [b"", b"garbage\n", b"\xff\xfe\0\n", b"[1]\n", b"null\n", b"42\n", b'{"v":1}\n', b"no newline", b"\n\n"]
)
def test_one_file_that_is_no_log_does_not_hide_the_others(folder: Path, content: bytes) -> None:
    keep(folder, "s-good", numbered(opened(), prompt("task")))
    (folder / "s-bad.jsonl").write_bytes(content)
    (folder / "s-folder.jsonl").mkdir()
    assert "s-good" in [one.session_id for one in SessionStore(folder).list()]


def test_damage_shows_in_the_list(folder: Path) -> None:
    path = keep(folder, "s-1", numbered(opened(), prompt("task"), DONE))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"garbage\n" + lines[2])
    (one,) = SessionStore(folder).list()
    assert one.damaged


@pytest.mark.parametrize(("prefix", "found"), [("s-abc", "s-abc"), ("s-abcd", "s-abcd"), ("s-x", "s-xyz"), ("s-xyz", "s-xyz")])
def test_the_start_of_a_name_finds_it_and_a_whole_name_wins(folder: Path, prefix: str, found: str) -> None:
    for name in ("s-abc", "s-abcd", "s-xyz"):
        keep(folder, name, numbered(opened()))
    assert SessionStore(folder).find(prefix) == found


@pytest.mark.parametrize(
    "prefix", ["s-", "s-q", "", "*", "s-?bc", "../secret", "s-abc/../s-xyz", "s-abc.jsonl", "[s]-abc", "s abc"]
)
def test_what_names_none_or_several_or_is_no_name(folder: Path, prefix: str) -> None:
    for name in ("s-abc", "s-abcd", "s-xyz"):
        keep(folder, name, numbered(opened()))
    with pytest.raises(SessionError) as missing:
        SessionStore(folder).find(prefix)
    assert missing.value.code == "session_missing"
    assert missing.value.remedy


def test_repair_keeps_the_readable_events_and_the_damaged_file(folder: Path) -> None:
    events = numbered(opened(), prompt("task"), said("a"), DONE)
    path = keep(folder, "s-1", events)
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:2], b"garbage\n", *lines[3:]])
    path.write_bytes(damaged)

    kept, beside = SessionStore(folder).repair("s-1")

    assert kept == 2
    assert read_log(path) == events[:2]
    assert beside != path
    assert beside.read_bytes() == damaged
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.session_id for one in SessionStore(folder).list()] == ["s-1"]


def test_a_second_repair_keeps_the_first_damaged_file_too(folder: Path) -> None:
    events = numbered(opened(), prompt("task"))
    path = keep(folder, "s-1", events)
    places: set[Path] = set()
    for text in (b"one\n", b"two\n", b"three\n"):
        path.write_bytes(event_to_line(events[0]) + text)
        places.add(SessionStore(folder).repair("s-1")[1])
    assert sorted(place.read_bytes().splitlines()[-1] for place in places) == [b"one", b"three", b"two"]


def test_a_whole_log_is_left_alone(folder: Path) -> None:
    path = keep(folder, "s-1", numbered(opened(), prompt("task")))
    before = path.read_bytes()
    assert SessionStore(folder).repair("s-1") == (2, path)
    assert path.read_bytes() == before
    assert [one.name for one in folder.iterdir()] == ["s-1.jsonl"]


def test_a_session_that_is_not_there_cannot_be_repaired(folder: Path) -> None:
    with pytest.raises(SessionError) as missing:
        SessionStore(folder).repair("s-1")
    assert missing.value.code == "session_missing"
