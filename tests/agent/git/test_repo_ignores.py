"""Which paths git ignores, asked one at a time."""

import os
import subprocess
from pathlib import Path

import pytest

from tallystick_agent.git.repo import Repo


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("a.py", False),
        ("not/there/yet.py", False),
        ("build/a.py", True),
        ("x.log", True),
        ("sub/x.log", True),
        ("kept.log", False),
        ("tracked.log", False),
        (":odd name\n.log", True),
        (".git/config", True),
        ("sub/.git/config", True),
    ],
)
def test_what_is_ignored(tmp_path: Path, path: str, ignored: bool) -> None:
    for command in (["init", "-q"], ["add", "-f", "tracked.log", ".gitignore"]):
        (tmp_path / ".gitignore").write_text("build/\n*.log\n!kept.log\n")
        (tmp_path / "tracked.log").write_text("")
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert Repo(tmp_path, os.environ).ignores(path) == ignored


def test_a_folder_below_the_top(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("/sub/a.py\n")
    (tmp_path / "sub").mkdir()
    assert Repo(tmp_path / "sub", os.environ).ignores("a.py")
    assert not Repo(tmp_path / "sub", os.environ).ignores("b.py")


def test_without_a_repository_nothing_is_ignored(tmp_path: Path) -> None:
    assert not Repo(tmp_path, os.environ).ignores("a.log")
    assert not Repo(tmp_path, {"PATH": "/nonexistent"}).ignores("a.log")
