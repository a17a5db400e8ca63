"""Which files of a folder the model may know of: with git what git does not ignore, without it all but the usual clutter."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from tallystick_server.local.disk import DiskWorkspace

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def listed(root: Path) -> tuple[str, ...]:
    return asyncio.run(DiskWorkspace(root, ENVIRONMENT).files())


def git(root: Path, *arguments: str) -> None:
    environment = {
        **ENVIRONMENT,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    subprocess.run(["git", *arguments], cwd=root, env=environment, check=True, capture_output=True)


def files(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("text\n")
    return root


def test_an_empty_folder(tmp_path: Path) -> None:
    assert listed(tmp_path) == ()


def test_without_git_the_usual_clutter_is_left_out(tmp_path: Path) -> None:
    files(tmp_path, "b.py", "a/c.py", "a/d/e.py", ".hidden", "node_modules/x/y.js", "a/__pycache__/c.pyc", ".venv/lib/z.py")
    assert listed(tmp_path) == (".hidden", "a/c.py", "a/d/e.py", "b.py")


def test_a_link_in_a_circle_is_walked_once(tmp_path: Path) -> None:
    files(tmp_path, "a/b.py")
    (tmp_path / "a" / "loop").symlink_to("..")
    assert [path for path in listed(tmp_path) if path.endswith(".py")] == ["a/b.py"]


def test_with_git_tracked_and_new_files_are_listed_and_ignored_or_deleted_ones_are_not(tmp_path: Path) -> None:
    files(tmp_path, "kept.py", "gone.py", "sub/new.py", "build.log", "secret/key.txt", "tracked.log")
    (tmp_path / ".gitignore").write_text("*.log\nsecret/\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "kept.py", "gone.py", ".gitignore")
    git(tmp_path, "add", "-f", "tracked.log")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "gone.py").unlink()
    assert listed(tmp_path) == (".gitignore", "kept.py", "sub/new.py", "tracked.log")


@pytest.mark.parametrize("stored", [True, False])
def test_chats_are_listed_nowhere_and_read_by_their_names(tmp_path: Path, stored: bool) -> None:
    files(tmp_path, "a.py", ".tally/x.tally.md", "notes.md", "talk.tally.md")
    if stored:
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", "talk.tally.md")
    workspace = DiskWorkspace(tmp_path, ENVIRONMENT)
    assert listed(tmp_path) == ("a.py", "notes.md")
    assert sorted(workspace.now().stamps()) == ["a.py", "notes.md"]
    assert asyncio.run(workspace.read("talk.tally.md")).text == "text\n"


def test_a_part_of_a_repository_is_listed_by_its_own_paths(tmp_path: Path) -> None:
    files(tmp_path, "top.py", "part/a.py", "part/deep/b.py")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    assert listed(tmp_path / "part") == ("a.py", "deep/b.py")


def test_odd_names_survive_git(tmp_path: Path) -> None:
    names = ("a b.txt", "grüße.txt", 'quote".txt', "tab\tname.txt", "new\nline.txt")
    files(tmp_path, *names)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    assert listed(tmp_path) == tuple(sorted(names))


def test_a_name_that_is_no_unicode_survives_git(tmp_path: Path) -> None:
    files(tmp_path, "caf\udce9.txt", "a.txt")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    assert listed(tmp_path) == ("a.txt", "caf\udce9.txt")


def test_a_project_that_an_outer_repository_ignores_is_still_a_project(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    git(tmp_path, "init", "-q")
    project = files(tmp_path / "projects" / "mine", "a.py", "b.py")
    assert listed(project) == ("a.py", "b.py")


def test_a_submodule_is_not_listed_as_a_file(tmp_path: Path) -> None:
    inner = files(tmp_path / "outer" / "inner", "a.py")
    git(inner, "init", "-q")
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "inner")
    outer = files(tmp_path / "outer", "top.py")
    git(outer, "init", "-q")
    git(outer, "add", "top.py", "inner")
    assert all((outer / path).is_file() for path in listed(outer))
    assert "top.py" in listed(outer)


@pytest.mark.parametrize("key", ["core.fsmonitor", "core.hooksPath", "core.sshCommand", "core.pager", "diff.external"])
def test_listing_runs_nothing_that_the_repository_configures(tmp_path: Path, key: str) -> None:
    root = files(tmp_path / "workspace", "a.py")
    hook = tmp_path / "hook.sh"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/canary\n")
    hook.chmod(0o755)
    git(root, "init", "-q")
    git(root, "config", key, str(hook))
    assert "a.py" in listed(root)
    assert not (tmp_path / "canary").exists()


def test_a_damaged_repository_is_listed_as_a_folder(tmp_path: Path) -> None:
    files(tmp_path, "a.py", ".git/HEAD")
    assert listed(tmp_path) == ("a.py",)
