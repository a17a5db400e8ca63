"""The files of a folder: what is read comes back byte for byte, and a write happens whole or not at all."""

import asyncio
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick_agent.ports import Document, FileWrite
from tallystick_agent.protocol.digest import digest
from tallystick_agent.protocol.errors import PathRefused, StaleDocument, WorkspaceError
from tallystick_server.local.disk import MOST_BYTES, DiskWorkspace, decode, encode

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    return root


def read(root: Path, path: str) -> Document:
    return asyncio.run(DiskWorkspace(root, ENVIRONMENT).read(path))


def write(root: Path, *writes: FileWrite) -> None:
    asyncio.run(DiskWorkspace(root, ENVIRONMENT).write(writes))


def new(path: str, text: str) -> FileWrite:
    return FileWrite(path=path, text=text, base_digest="")


def changed(document: Document, text: str) -> FileWrite:
    return FileWrite(path=document.path, text=text, base_digest=document.digest, newline=document.newline, bom=document.bom)


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


PIECES = st.sampled_from(
    [b"a", b"\n", b"\r\n", b"\r", b"\xef\xbb\xbf", "grüße😀".encode(), b"\xff", b"\xc3", b"\xed\xa0\x80", b"\t", b"\x0c"]
)
BYTES = st.lists(PIECES, max_size=12).map(b"".join).filter(lambda data: not data.startswith((b"\xff\xfe", b"\xfe\xff")))


@given(BYTES)
def test_what_is_read_is_written_back_byte_for_byte(data: bytes) -> None:
    document = decode("a.txt", data)
    assert encode(changed(document, document.text)) == data


@given(BYTES)
def test_a_file_with_windows_line_ends_throughout_shows_plain_ones(data: bytes) -> None:
    document = decode("a.txt", data)
    uniform = data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r") > 0
    assert document.newline == ("\r\n" if uniform else "\n")
    assert not uniform or "\r" not in document.text
    assert document.digest == digest(document.text)


@settings(max_examples=25, deadline=None)
@given(data=BYTES)
def test_the_same_holds_on_the_disk(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    root = tmp_path_factory.mktemp("workspace")
    (root / "a.txt").write_bytes(data)
    document = read(root, "a.txt")
    write(root, changed(document, document.text + "z\n"))
    write(root, changed(read(root, "a.txt"), document.text))
    assert (root / "a.txt").read_bytes() == data


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o664])
def test_the_mode_is_kept(root: Path, mode: int) -> None:
    (root / "run.sh").write_text("a\n")
    (root / "run.sh").chmod(mode)
    write(root, changed(read(root, "run.sh"), "b\n"))
    assert stat.S_IMODE((root / "run.sh").stat().st_mode) == mode
    assert tree(root) == {"run.sh": b"b\n"}


def test_a_new_file_comes_with_its_folders(root: Path) -> None:
    write(root, new("deep/er/a.txt", "a\n"))
    assert tree(root) == {"deep/er/a.txt": b"a\n"}


def test_a_file_that_changed_since_it_was_read_is_not_written(root: Path) -> None:
    (root / "a.txt").write_text("one\n")
    document = read(root, "a.txt")
    (root / "a.txt").write_text("two\n")
    with pytest.raises(StaleDocument):
        write(root, changed(document, "three\n"))
    assert tree(root) == {"a.txt": b"two\n"}


def test_a_new_file_that_is_there_already_and_an_old_one_that_is_gone(root: Path) -> None:
    (root / "a.txt").write_text("one\n")
    document = read(root, "a.txt")
    with pytest.raises(StaleDocument):
        write(root, new("a.txt", "two\n"))
    (root / "a.txt").unlink()
    with pytest.raises(StaleDocument):
        write(root, changed(document, "two\n"))
    assert tree(root) == {}


def test_of_two_files_where_one_is_stale_none_is_written(root: Path) -> None:
    (root / "a.txt").write_text("a\n")
    (root / "b.txt").write_text("b\n")
    one, two = read(root, "a.txt"), read(root, "b.txt")
    (root / "b.txt").write_text("changed\n")
    with pytest.raises(StaleDocument):
        write(root, changed(one, "A\n"), changed(two, "B\n"))
    assert tree(root) == {"a.txt": b"a\n", "b.txt": b"changed\n"}


@pytest.mark.parametrize("impossible", ["b.txt/below", "folder", "x" * 300, "../outside.txt", "\0"])
def test_of_two_files_where_one_cannot_be_written_none_is(root: Path, impossible: str) -> None:
    (root / "a.txt").write_text("a\n")
    (root / "b.txt").write_text("b\n")
    (root / "folder").mkdir()
    with pytest.raises(WorkspaceError):
        write(root, changed(read(root, "a.txt"), "A\n"), new(impossible, "x\n"))
    assert tree(root) == {"a.txt": b"a\n", "b.txt": b"b\n"}


def test_text_that_is_no_unicode_is_a_workspace_error_and_the_old_file_stays(root: Path) -> None:
    (root / "a.txt").write_text("a\n")
    with pytest.raises(WorkspaceError):
        write(root, changed(read(root, "a.txt"), "half a character: \ud83d\n"))
    assert tree(root) == {"a.txt": b"a\n"}


def test_a_link_is_followed_inside_and_refused_outside(root: Path) -> None:
    (root.parent / "secret").write_text("secret\n")
    (root / "a.txt").write_text("a\n")
    (root / "inside").symlink_to("a.txt")
    (root / "outside").symlink_to(root.parent / "secret")
    (root / "up").symlink_to(root.parent)
    write(root, changed(read(root, "inside"), "A\n"))
    assert (root / "a.txt").read_text() == "A\n"
    assert (root / "inside").is_symlink()
    for path in ("outside", "up/secret"):
        with pytest.raises(PathRefused):
            read(root, path)
        with pytest.raises(PathRefused):
            write(root, new(path, "mine\n"))
    assert (root.parent / "secret").read_text() == "secret\n"


def test_a_hard_link_to_a_file_outside_is_parted_by_the_write(root: Path) -> None:
    (root.parent / "outside").write_text("theirs\n")
    os.link(root.parent / "outside", root / "a.txt")
    write(root, changed(read(root, "a.txt"), "mine\n"))
    assert (root.parent / "outside").read_text() == "theirs\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a\0b", "binary"),
        ("text".encode("utf-16"), "UTF-16"),
        ("text".encode("utf-16-be"), "binary"),
        (b"\xfe\xff\0t", "UTF-16"),
    ],
)
def test_what_is_no_text_is_refused(root: Path, data: bytes, reason: str) -> None:
    (root / "a").write_bytes(data)
    with pytest.raises(WorkspaceError, match=reason):
        read(root, "a")
    with pytest.raises(WorkspaceError):
        write(root, new("a", "text\n"))
    assert (root / "a").read_bytes() == data


def test_folders_pipes_and_missing_files_are_refused_at_once(root: Path) -> None:
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")
    for path, reason in (
        ("folder", "is a folder"),
        (".", "is a folder"),
        ("pipe", "not a regular file"),
        ("none", "There is no file"),
    ):
        with pytest.raises(WorkspaceError, match=reason):
            read(root, path)


def test_a_file_that_is_too_large_is_refused_with_another_way(root: Path) -> None:
    with open(root / "large.txt", "wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(WorkspaceError) as refused:
        read(root, "large.txt")
    assert "search" in refused.value.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(root: Path) -> None:
    (root / "a.txt").write_text("a\n")
    (root / "a.txt").chmod(0)
    with pytest.raises(WorkspaceError, match="cannot be read"):
        read(root, "a.txt")


@pytest.mark.parametrize(
    "name", ["a b.txt", "grüße.txt", "gru\u0308\u00dfe.txt", "😀.txt", "a\tb.txt", "-rf", "$HOME", "caf\udce9.txt", "ab:c.txt"]
)
def test_odd_names_are_listed_read_and_written(root: Path, name: str) -> None:
    (root / name).write_text("a\n")
    (listed,) = asyncio.run(DiskWorkspace(root, ENVIRONMENT).files())
    write(root, changed(read(root, listed), "b\n"))
    assert [(path.name, path.read_text()) for path in root.iterdir()] == [(name, "b\n")]


def test_what_is_written_is_gone_from_the_old_listing(root: Path) -> None:
    async def listings() -> tuple[tuple[str, ...], tuple[str, ...]]:
        workspace = DiskWorkspace(root, ENVIRONMENT)
        before = await workspace.files()
        await workspace.write((new("a.txt", "a\n"),))
        return before, await workspace.files()

    assert asyncio.run(listings()) == ((), ("a.txt",))


def test_a_write_with_another_line_end_keeps_the_files_own(root: Path) -> None:
    (root / "a.txt").write_bytes(b"a\r\nb\r\n")
    document = read(root, "a.txt")
    write(root, replace(changed(document, document.text), text="a\r\nc\nd\n"))
    assert (root / "a.txt").read_bytes() == b"a\r\nc\r\nd\r\n"
