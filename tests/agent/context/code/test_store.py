"""The index on disk: shared, and never the reason for a failure, whatever happened to its file."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tallystick_agent.context.code.store import VERSION, IndexStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "index.sqlite3"


def works(store: IndexStore) -> bool:
    """Everything can be kept and asked for."""
    store.keep([(b"key", b"data")], day=1)
    store.keep_stamps("/root", [("a.py", "stamp", b"key")], ["gone.py"])
    store.keep_commits([("sha", "commit")])
    store.touch("/root", day=2)
    return (
        store.records([b"key", b"none"]) == {b"key": b"data"}
        and store.stamps("/root") == {"a.py": ("stamp", b"key")}
        and store.commits(["sha", "none"]) == {"sha": "commit"}
        and store.shrink(10**9) == 0
    )


def test_what_is_kept_is_there_for_the_next_one(path: Path) -> None:
    store = IndexStore(path)
    assert works(store)
    assert store.kept
    store.close()
    again = IndexStore(path)
    assert again.records([b"key"]) == {b"key": b"data"}
    assert again.stamps("/other") == {}
    assert again.stamps("/root") == {"a.py": ("stamp", b"key")}


def test_without_a_path_it_lives_in_memory() -> None:
    store = IndexStore(None)
    assert works(store)
    assert not store.kept


def test_many_keys_are_asked_for_in_parts(path: Path) -> None:
    store = IndexStore(path)
    rows = [(number.to_bytes(4, "big"), b"x") for number in range(1_700)]
    store.keep(rows, day=1)
    store.keep_commits([(str(number), "x") for number in range(1_700)])
    assert len(store.records([key for key, _ in rows])) == len(store.commits([str(n) for n in range(1_700)])) == 1_700
    assert (store.records([]), store.commits([])) == ({}, {})


def test_two_at_once_see_what_the_other_keeps(path: Path) -> None:
    one, two = IndexStore(path), IndexStore(path)
    one.keep([(b"a", b"1")], day=1)
    two.keep([(b"b", b"2")], day=1)
    assert one.records([b"a", b"b"]) == two.records([b"a", b"b"]) == {b"a": b"1", b"b": b"2"}


def test_processes_that_make_it_at_the_same_moment_share_it(path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom tallystick_agent.context.code.store import IndexStore\n"
        "print(flush=True)\nsys.stdin.readline()\n"
        "store = IndexStore(Path(sys.argv[1]))\nstore.keep([(sys.argv[2].encode(), b'x')], day=1)\nprint(store.kept)\n"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-I", "-c", script, str(path), str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for number in range(5)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    assert [child.communicate()[0].strip() for child in children] == ["True"] * 5
    assert len(IndexStore(path).records([str(number).encode() for number in range(5)])) == 5
    assert not path.with_name(f"{path.name}.damaged").exists()


def random_bytes(path: Path) -> None:
    path.write_bytes(os.urandom(10_000))


def another_program(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (a)")
    db.close()


def another_program_with_our_number(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.executescript(f"CREATE TABLE theirs (a); PRAGMA user_version = {VERSION}")
    db.close()


def another_version(path: Path) -> None:
    IndexStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()


def cut_short(path: Path) -> None:
    store = IndexStore(path)
    store.keep([(bytes([n]), os.urandom(4_000)) for n in range(50)], day=1)
    store.close()
    path.write_bytes(path.read_bytes()[:6_000])


@pytest.mark.parametrize("make", [random_bytes, another_program, another_program_with_our_number, another_version, cut_short])
def test_a_file_that_is_no_index_of_ours_is_put_aside(path: Path, make: Callable[[Path], None]) -> None:
    path.parent.mkdir()
    make(path)
    assert works(IndexStore(path))
    again = IndexStore(path)
    again.records([b"key"])
    assert again.kept
    assert works(again)


def test_what_is_put_aside_is_not_lost(path: Path) -> None:
    path.parent.mkdir()
    another_program(path)
    IndexStore(path).close()
    with sqlite3.connect(path.with_name(f"{path.name}.damaged")) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    db.close()


def test_an_empty_file_becomes_an_index(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    store = IndexStore(path)
    assert works(store)
    assert store.kept


def is_a_folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def is_below_a_file(path: Path) -> Path:
    path.parent.write_text("a file")
    return path


def cannot_be_made(path: Path) -> Path:
    return Path("/proc/self/index.sqlite3")


def has_no_space(path: Path) -> Path:
    path.parent.mkdir()
    path.symlink_to("/dev/full")
    return path


def has_too_long_a_name(path: Path) -> Path:
    return path.with_name("x" * 300)


@pytest.mark.parametrize("place", [is_a_folder, is_below_a_file, cannot_be_made, has_no_space, has_too_long_a_name])
def test_where_no_file_can_be_it_lives_in_memory(path: Path, place: Callable[[Path], Path]) -> None:
    store = IndexStore(place(path))
    assert works(store)
    assert not store.kept


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_in_a_folder_that_is_read_only_it_lives_in_memory(path: Path) -> None:
    path.parent.mkdir(mode=0o500)
    assert works(IndexStore(path))


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path, None, None]:
    """A file system of 256 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can only be made by root, where mounting is allowed")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def test_on_a_disk_that_becomes_full_it_goes_on_in_memory_and_the_file_stays(small_disk: Path) -> None:
    store = IndexStore(small_disk / "index.sqlite3")
    store.keep([(b"first", b"x")], day=1)
    store.keep([(b"key", os.urandom(1_000_000))], day=1)
    assert not store.kept
    assert works(store)
    store.close()
    assert IndexStore(small_disk / "index.sqlite3").records([b"first"]) == {b"first": b"x"}


def test_a_database_that_may_not_grow_is_as_a_full_disk(path: Path) -> None:
    """The same error as a full disk's, wherever the tests run."""
    store = IndexStore(path)
    store.keep([(b"first", b"x")], day=1)
    store._db.execute("PRAGMA max_page_count = 8")  # pyright: ignore[reportPrivateUsage]
    store.keep([(b"big", os.urandom(100_000))], day=1)
    assert not store.kept
    assert works(store)
    assert IndexStore(path).records([b"first"]) == {b"first": b"x"}


def test_damage_that_shows_later_is_put_aside_too(path: Path) -> None:
    store = IndexStore(path)
    store.keep([(bytes([n]), os.urandom(4_000)) for n in range(50)], day=1)
    store.close()
    data = bytearray(path.read_bytes())
    data[4_096 * 4 :] = os.urandom(len(data) - 4_096 * 4)
    path.write_bytes(data)
    store = IndexStore(path)
    for n in range(50):
        store.records([bytes([n])])
    assert works(store)
    assert not store.kept
    assert works(IndexStore(path))


def test_after_it_was_closed_it_keeps_nothing_and_leaves_the_file_alone(path: Path) -> None:
    """A refresh in another thread may still be running when the program ends."""
    store = IndexStore(path)
    store.keep([(b"key", b"data")], day=1)
    store.close()
    store.keep([(b"late", b"data")], day=1)
    assert (store.records([b"key"]), store.stamps("/root"), store.shrink(0)) == ({}, {}, 0)
    store.close()
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert IndexStore(path).records([b"key", b"late"]) == {b"key": b"data"}


@pytest.mark.parametrize("name", ["caf\udce9.py", "grüße.py", "a'b.py", "😀", "new\nline"])
def test_any_name_may_be_kept(path: Path, name: str) -> None:
    store = IndexStore(path)
    store.keep_stamps(f"/{name}", [(name, "stamp", b"key")], [])
    store.touch(f"/{name}", day=9)
    assert [key for _, key in store.stamps(f"/{name}").values()] == [b"key"]
    store.keep_stamps(f"/{name}", [], [name])
    assert store.stamps(f"/{name}") == {}
    assert store.kept


def test_what_was_unused_for_longest_is_dropped_first(path: Path) -> None:
    store = IndexStore(path)
    store.keep([(b"old", bytes(40_000)), (b"used", bytes(40_000))], day=1)
    store.keep([(b"new", bytes(40_000))], day=20)
    store.keep_stamps("/root", [("a.py", "stamp", b"used")], [])
    store.touch("/root", day=30)
    assert store.shrink(100_000) == 1
    assert set(store.records([b"old", b"used", b"new"])) == {b"used", b"new"}
    assert store.shrink(50_000) == 1
    assert set(store.records([b"old", b"used", b"new"])) == {b"used"}
    assert store.shrink(50_000) == 0
