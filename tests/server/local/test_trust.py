"""Folders that the user trusts: what a file says, what lies below them, and links that lead there or away."""

import json
import os
from pathlib import Path

import pytest

from tallystick_agent.protocol.errors import StorageError
from tallystick_server.local.trust import TrustedFolders


@pytest.fixture
def trust(tmp_path: Path) -> TrustedFolders:
    return TrustedFolders(tmp_path / "home" / "trusted.json")


def test_trust_holds_for_a_folder_and_what_is_below_it(tmp_path: Path, trust: TrustedFolders) -> None:
    (tmp_path / "a" / "below").mkdir(parents=True)
    assert trust.folders() == ()
    assert not trust.holds(tmp_path / "a")
    assert trust.add(tmp_path / "a") == str(tmp_path / "a")
    assert trust.holds(tmp_path / "a")
    assert trust.holds(tmp_path / "a" / "below")
    assert trust.holds(tmp_path / "a" / "not there yet")
    assert trust.holds(tmp_path / "b" / ".." / "a")
    assert not trust.holds(tmp_path)
    assert not trust.holds(tmp_path / "ab")
    assert not trust.holds(tmp_path / "a" / ".." / "b")


def test_a_folder_is_kept_once_and_in_order(tmp_path: Path, trust: TrustedFolders) -> None:
    for name in ("b", "a", "b"):
        trust.add(tmp_path / name)
    assert trust.folders() == (str(tmp_path / "a"), str(tmp_path / "b"))


def test_what_is_removed_is_trusted_no_longer(tmp_path: Path, trust: TrustedFolders) -> None:
    trust.add(tmp_path / "a")
    assert not trust.remove(tmp_path / "a" / "below"), "it is not trusted by itself"
    assert trust.holds(tmp_path / "a" / "below")
    assert trust.remove(tmp_path / "a")
    assert not trust.remove(tmp_path / "a")
    assert trust.folders() == ()


def test_a_link_borrows_no_trust_and_gives_none_away(tmp_path: Path, trust: TrustedFolders) -> None:
    for name in ("trusted", "other"):
        (tmp_path / name).mkdir()
    trust.add(tmp_path / "trusted")
    (tmp_path / "to_trusted").symlink_to("trusted")
    (tmp_path / "trusted" / "to_other").symlink_to("../other")
    assert trust.holds(tmp_path / "to_trusted"), "it is that folder"
    assert not trust.holds(tmp_path / "trusted" / "to_other"), "what it leads to is not trusted"
    (tmp_path / "link").symlink_to("other")
    trust.add(tmp_path / "link")
    assert trust.holds(tmp_path / "other")
    (tmp_path / "link").unlink()
    (tmp_path / "link").mkdir()
    assert not trust.holds(tmp_path / "link"), "what took the link's place is another folder"


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "7", '"/"', '{"/": true}', "[7, null, {}]", '[""]', '["."]', '["relative"]', '["~"]', "[" * 100_000, "\0"],
    ids=lambda text: str(text)[:12],
)
def test_a_file_that_is_no_list_of_folders_trusts_nothing(tmp_path: Path, trust: TrustedFolders, text: str) -> None:
    path = tmp_path / "home" / "trusted.json"
    path.parent.mkdir()
    path.write_text(text, "utf-8")
    assert not trust.holds(tmp_path)
    assert not trust.holds(Path("/"))
    assert not trust.holds(Path())


@pytest.mark.parametrize("data", [b"\xff\xfe", '["/"]'.encode("utf-16"), b'["\xe9"]'])
def test_so_does_one_that_is_no_text(tmp_path: Path, trust: TrustedFolders, data: bytes) -> None:
    path = tmp_path / "home" / "trusted.json"
    path.parent.mkdir()
    path.write_bytes(data)
    assert not trust.holds(tmp_path)


def test_so_does_a_folder_in_its_place_which_cannot_be_written_either(tmp_path: Path, trust: TrustedFolders) -> None:
    (tmp_path / "home" / "trusted.json").mkdir(parents=True)
    assert not trust.holds(tmp_path)
    with pytest.raises(StorageError, match="cannot be written"):
        trust.add(tmp_path)
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["trusted.json"]


def test_names_of_any_kind_are_kept(tmp_path: Path, trust: TrustedFolders) -> None:
    for name in ('quo"te', "grüße", "new\nline", "caf\udce9", " "):
        folder = tmp_path / name
        folder.mkdir()
        trust.add(folder)
        assert trust.holds(folder)
    assert len(json.loads((tmp_path / "home" / "trusted.json").read_text("utf-8"))) == 5
    assert os.stat(tmp_path / "home").st_mode & 0o077 == 0
