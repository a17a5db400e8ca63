"""A session's log: what was appended is read back, a torn end is cut, damage is named, and a full disk leaves no half line."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.sessions.events import event, numbered, opened, prompt, said

from tallystick_agent.protocol.codec import event_to_line
from tallystick_agent.protocol.errors import SessionError, StorageError
from tallystick_agent.protocol.events import Event, Notice
from tallystick_agent.sessions.event_log import EventLog, read_log, read_readable

EVENTS = numbered(opened(), prompt("fix it"), said("Done."))
ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions" / "s-1.jsonl"


def written(path: Path, events: list[Event]) -> None:
    log = EventLog(path)
    for one in events:
        log.append(one)
    log.sync()
    log.close()


def test_what_was_appended_is_read_back(path: Path) -> None:
    written(path, EVENTS)
    assert read_log(path) == EVENTS
    assert path.read_bytes() == b"".join(event_to_line(one) for one in EVENTS)


def test_an_event_can_be_read_by_others_as_soon_as_append_returns(path: Path) -> None:
    log = EventLog(path)
    for number, one in enumerate(EVENTS, 1):
        log.append(one)
        assert read_log(path) == EVENTS[:number]
    log.close()


def test_a_log_that_is_opened_again_goes_on(path: Path) -> None:
    written(path, EVENTS[:2])
    written(path, EVENTS[2:])
    assert read_log(path) == EVENTS


def test_only_the_user_can_read_it(path: Path) -> None:
    written(path, EVENTS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


WHOLE = b"".join(event_to_line(one) for one in EVENTS)


@given(st.integers(0, len(WHOLE)))
def test_wherever_a_crash_tears_the_log_the_whole_lines_stay(tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    path = tmp_path_factory.mktemp("log") / "s-1.jsonl"
    path.write_bytes(WHOLE[:size])
    whole = WHOLE[:size].count(b"\n")

    assert read_log(path) == EVENTS[:whole]
    EventLog(path).close()
    assert path.read_bytes() == b"".join(event_to_line(one) for one in EVENTS[:whole])


def test_a_torn_line_longer_than_a_block_is_cut_too(path: Path) -> None:
    written(path, EVENTS)
    whole = path.read_bytes()
    with open(path, "ab") as file:
        file.write(b'{"v":1,"text":"' + b"x" * 200_000)
    EventLog(path).close()
    assert path.read_bytes() == whole


def test_a_log_of_one_torn_line_becomes_empty(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"v":1,' + b"x" * 200_000)
    EventLog(path).close()
    assert path.read_bytes() == b""


Damage = Callable[[list[bytes]], list[bytes]]
DAMAGES: list[tuple[Damage, str]] = [
    (lambda lines: [lines[0], b"garbage\n", lines[2]], "line 2 is not an event of this version"),
    (lambda lines: [lines[0], lines[1][:20] + b"\n", lines[2]], "line 2 is not an event of this version"),
    (lambda lines: [b"\0" * 40 + b"\n", *lines], "line 1 is not an event of this version"),
    (lambda lines: [lines[0], b"\n", *lines[1:]], "line 2 is not an event of this version"),
    (lambda lines: [lines[0], lines[2]], "line 2 has the number 3"),
    (lambda lines: [lines[0], lines[1], lines[1], lines[2]], "line 3 has the number 2"),
    (lambda lines: [lines[0], lines[1].replace(b'"v":1', b'"v":2'), lines[2]], "line 2 is not an event of this version"),
    (
        lambda lines: [lines[0], lines[1].replace(b"turn_started", b"turn_dreamt"), lines[2]],
        "line 2 is not an event of this version",
    ),
    (lambda lines: [lines[0], b"\xff\xfe\n", lines[2]], "line 2 is not an event of this version"),
    (lambda lines: [lines[0], b"[" * 100_000 + b"\n", lines[2]], "line 2 is not an event of this version"),
]


@pytest.mark.parametrize(("damage", "problem"), DAMAGES)
def test_damage_in_the_middle_is_named_with_its_line_and_the_way_out(path: Path, damage: Damage, problem: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(damage([event_to_line(one) for one in EVENTS])))
    before = path.read_bytes()

    with pytest.raises(SessionError) as damaged:
        read_log(path)
    assert problem in damaged.value.message
    assert "tallystick doctor --repair s-1" in damaged.value.remedy
    assert damaged.value.code == "session_corrupt"
    assert path.read_bytes() == before
    assert read_readable(path)[0] == EVENTS[: len(read_readable(path)[0])]


def test_a_log_that_is_not_there(path: Path) -> None:
    with pytest.raises(SessionError) as missing:
        read_log(path)
    assert missing.value.code == "session_missing"


def test_one_process_writes_at_a_time(path: Path) -> None:
    log = EventLog(path)
    with pytest.raises(SessionError) as busy:
        EventLog(path)
    assert busy.value.code == "session_busy"
    log.append(EVENTS[0])
    log.close()
    log.close()
    EventLog(path).close()
    assert read_log(path) == EVENTS[:1]


def test_another_process_is_kept_out_too(path: Path) -> None:
    log = EventLog(path)
    code = "import pathlib, sys; from tallystick_agent.sessions.event_log import EventLog; EventLog(pathlib.Path(sys.argv[1]))"
    child = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert "open in another process" in child.stderr
    log.close()
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0


FULL = """
import resource, sys
from pathlib import Path
from tallystick_agent.protocol.errors import StorageError
from tallystick_agent.protocol.events import Notice
from tallystick_agent.sessions.event_log import EventLog, read_log
from tests.agent.sessions.events import event

path = Path(sys.argv[1])
log = EventLog(path)
log.append(event(1, Notice(level="info", code="a", message="fits")))
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, resource.RLIM_INFINITY))
try:
    log.append(event(2, Notice(level="info", code="a", message="x" * 1_000)))
    sys.exit("it was written")
except StorageError as error:
    assert error.remedy
assert len(read_log(path)) == 1
assert path.read_bytes().endswith(b"\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append(event(2, Notice(level="info", code="a", message="there is room again")))
log.close()
assert len(read_log(path)) == 2
"""


def test_a_full_disk_is_a_storage_error_and_leaves_no_half_line(path: Path) -> None:
    child = subprocess.run([sys.executable, "-c", FULL, str(path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr


def test_a_place_that_cannot_be_written_is_a_storage_error_and_keeps_no_lock(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        EventLog(tmp_path / "file" / "s-1.jsonl")
    (tmp_path / "s-2.jsonl").mkdir()
    with pytest.raises(StorageError):
        EventLog(tmp_path / "s-2.jsonl")
    (tmp_path / "s-2.jsonl").rmdir()
    EventLog(tmp_path / "s-2.jsonl").close()


def test_any_file_name_survives_the_log(path: Path) -> None:
    odd = event(1, Notice(level="info", code="a", message="caf\udce9 \ud800 grüße 😀 \u2028 \0"))
    written(path, [odd])
    assert read_log(path) == [odd]
    assert path.read_bytes().count(b"\n") == 1
