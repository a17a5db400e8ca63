"""The files of a folder as they are now: stamps that change whenever a file does, and reading that says why it cannot."""

import os
import time
from pathlib import Path

import pytest

from tallystick_agent.protocol.errors import WorkspaceError
from tallystick_server.local.disk import MOST_BYTES, RACY_NS, DiskFiles, DiskWorkspace

OLD_NS = 1_600_000_000 * 10**9


def files_of(root: Path) -> DiskFiles:
    return DiskWorkspace(root, {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}).now()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.py"
    path.write_text("a = 1\n")
    return path


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if everything had been written long ago."""
    later = time.time_ns() + 10 * RACY_NS
    monkeypatch.setattr("tallystick_server.local.disk.time.time_ns", lambda: later)


@pytest.mark.usefixtures("calm")
def test_a_file_that_stays_has_the_same_stamp(file: Path) -> None:
    assert files_of(file.parent).stamps() == files_of(file.parent).stamps() != {}


def test_a_file_that_was_just_written_never_has_the_same_stamp(file: Path) -> None:
    """It may be written again within one tick of the clock that dates files."""
    assert files_of(file.parent).stamps() != files_of(file.parent).stamps()


@pytest.mark.usefixtures("calm")
def test_every_change_gives_another_stamp(file: Path) -> None:
    seen = [files_of(file.parent).stamps()["a.py"]]

    def now() -> str:
        seen.append(files_of(file.parent).stamps()["a.py"])
        return seen[-1]

    def tick() -> None:
        """Until the file system's clock has moved on."""
        before = file.stat().st_ctime_ns
        while file.stat().st_ctime_ns == before:
            os.utime(file)

    os.utime(file, ns=(OLD_NS, OLD_NS))
    assert now() != seen[-2]
    tick()
    file.write_text("a = 2\n")
    os.utime(file, ns=(OLD_NS, OLD_NS))
    assert file.stat().st_mtime_ns == OLD_NS
    assert now() not in seen[:-1]
    tick()
    file.chmod(0o600)
    os.utime(file, ns=(OLD_NS, OLD_NS))
    assert now() not in seen[:-1]
    other = file.with_name("b.py")
    other.write_text("a = 3\n")
    other.rename(file)
    assert now() not in seen[:-1]


def test_only_regular_files_are_listed(file: Path) -> None:
    root = file.parent
    (root / "folder").mkdir()
    (root / "link.py").symlink_to("a.py")
    (root / "broken.py").symlink_to("none")
    (root / "self.py").symlink_to("self.py")
    os.mkfifo(root / "pipe.py")
    assert set(files_of(root).stamps()) == {"a.py"}


def test_a_file_that_vanishes_while_all_are_listed_is_left_out(file: Path) -> None:
    assert set(DiskFiles(file.parent, lambda: ("a.py", "gone.py", "a\0b")).stamps()) == {"a.py"}


@pytest.mark.parametrize("data", [b"", b"a\0b", b"\xff\xfe", b"a\r\n" * 1_000_000], ids=["empty", "nul", "no text", "long"])
def test_what_is_read_is_what_is_there(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    assert files_of(file.parent).load("a.py") == data


def test_what_cannot_be_read_says_why(file: Path) -> None:
    root = file.parent
    (root / "folder").mkdir()
    (root / "link.py").symlink_to("a.py")
    (root / "up").symlink_to("..")
    os.mkfifo(root / "pipe.py")
    with open(root / "large.py", "wb") as large:
        large.truncate(MOST_BYTES + 1)
    for path, reason in {
        "gone.py": "vanished",
        "folder": "not a regular file",
        "pipe.py": "not a regular file",
        "link.py": "unreadable",
        f"up/{root.name}/a.py": "unreadable",
        "a.py/below": "unreadable",
        "large.py": "bytes",
        "x" * 300: "unreadable",
    }.items():
        with pytest.raises(WorkspaceError, match=reason):
            files_of(root).load(path)


def test_a_file_without_an_end_is_not_read_for_ever(tmp_path: Path) -> None:
    """It has no size before it is read, as one that grows all the time."""
    if not Path("/proc/self/pagemap").exists():
        pytest.skip("only Linux has such a file")
    with pytest.raises(WorkspaceError, match=r"grows while it is read|unreadable"):
        DiskFiles(Path("/proc/self"), lambda: ()).load("pagemap")
