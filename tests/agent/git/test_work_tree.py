"""The work tree that a git folder belongs to, in real repositories."""

from pathlib import Path

from tests.agent.context.code.workspaces import ENVIRONMENT, commit, git

from tallystick_agent.git.changes import any_staged
from tallystick_agent.git.repo import Repo


def tree(folder: Path) -> Path | None:
    return Repo(folder, ENVIRONMENT).work_tree()


def test_a_git_folder_and_what_is_none(tmp_path: Path) -> None:
    commit(tmp_path, "First", a="x = 0\n")
    assert tree(tmp_path / ".git") == tmp_path
    assert tree(tmp_path) is None
    assert tree(tmp_path / ".git" / "objects") is None
    assert tree(tmp_path / "missing" / ".git") is None
    (tmp_path / "sub" / ".git").mkdir(parents=True)
    assert tree(tmp_path / "sub" / ".git") is None, "the repository around it is another one"


def test_a_link_to_a_git_folder(tmp_path: Path) -> None:
    commit(tmp_path / "work", "First", a="x = 0\n")
    (tmp_path / "work" / ".git").rename(tmp_path / "elsewhere")
    (tmp_path / "work" / ".git").symlink_to(tmp_path / "elsewhere")
    assert tree(tmp_path / "work" / ".git") == tmp_path / "work"


def test_a_tree_that_does_not_own_the_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        commit(tmp_path / name, "First", a="x = 0\n")
    git(tmp_path / "one", "config", "core.worktree", str(tmp_path / "two"))
    assert tree(tmp_path / "one" / ".git") is None
    (tmp_path / "two" / ".git" / "gitdir").write_text("\0\n")
    assert tree(tmp_path / "two" / ".git") is None


def test_whether_anything_is_staged(tmp_path: Path) -> None:
    assert not any_staged(Repo(tmp_path, ENVIRONMENT))
    commit(tmp_path, "First", a="x = 0\n")
    (tmp_path / "a.py").unlink()
    assert not any_staged(Repo(tmp_path, ENVIRONMENT))
    git(tmp_path, "add", "-A")
    assert any_staged(Repo(tmp_path, ENVIRONMENT))
