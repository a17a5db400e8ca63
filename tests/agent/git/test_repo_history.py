"""Commits of a real repository: which, with what message and paths; and that asking runs nothing that it configures."""

from pathlib import Path

import pytest
from tests.agent.context.code.workspaces import ENVIRONMENT, commit, git, write

from tallystick_agent.git.repo import CommitChange, Repo


def repo(root: Path) -> Repo:
    return Repo(root, ENVIRONMENT)


def changes(root: Path) -> list[tuple[str, tuple[str, ...]]]:
    asked = repo(root)
    return [(one.message, one.files) for one in asked.changes(asked.commits(100))]


def test_commits_come_newest_first_with_their_message_and_paths(tmp_path: Path) -> None:
    first = commit(tmp_path, "First\n\nWith a body.\n", a="a = 1\n", sub__b="b = 1\n")
    second = commit(tmp_path, "Second", a="a = 2\n")
    assert repo(tmp_path).commits(10) == (second, first)
    assert repo(tmp_path).commits(1) == (second,)
    assert repo(tmp_path).changes((second, first)) == (
        CommitChange(sha=second, message="Second", files=("a.py",)),
        CommitChange(sha=first, message="First\n\nWith a body.", files=("a.py", "sub/b.py")),
    )


def test_merges_are_left_out_and_what_they_join_is_not(tmp_path: Path) -> None:
    commit(tmp_path, "Root", a="a = 1\n")
    git(tmp_path, "checkout", "-q", "-b", "side")
    commit(tmp_path, "Side", b="b = 1\n")
    git(tmp_path, "checkout", "-q", "-")
    commit(tmp_path, "Main", c="c = 1\n")
    git(tmp_path, "merge", "-q", "-m", "Merge side", "side")
    assert sorted(changes(tmp_path)) == [("Main", ("c.py",)), ("Root", ("a.py",)), ("Side", ("b.py",))]


def test_a_rename_is_two_paths_and_a_deletion_is_one(tmp_path: Path) -> None:
    commit(tmp_path, "Add", old="a = 1\n" * 20, gone="")
    git(tmp_path, "mv", "old.py", "new.py")
    commit(tmp_path, "Rename")
    (tmp_path / "gone.py").unlink()
    commit(tmp_path, "Delete")
    assert changes(tmp_path)[:2] == [("Delete", ("gone.py",)), ("Rename", ("new.py", "old.py"))]


@pytest.mark.parametrize(
    "name", ["grüße.py", 'quo"te.py', "a b.py", "tab\tname.py", "new\nline.py", "caf\udce9.py", "back\\slash.py"]
)
def test_odd_paths_are_told_as_they_are(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a = 1\n")
    commit(tmp_path, "Add")
    assert changes(tmp_path) == [("Add", (name,))]


@pytest.mark.parametrize(
    ("message", "told"),
    [("", ""), ("Grüße 😀", "Grüße 😀"), ("a\n\n\n\nb  \n", "a\n\n\n\nb"), ("a\0b", "a"), ("-n --help", "-n --help")],
)
def test_messages(tmp_path: Path, message: str, told: str) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, {"a.py": "a = 1\n"})
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "--allow-empty-message", "--cleanup=verbatim", "-F", "-", given=message.partition("\0")[0])
    assert changes(tmp_path) == [(told, ("a.py",))]


def test_a_message_with_our_marks_speaks_for_no_other_commit(tmp_path: Path) -> None:
    commit(tmp_path, "Before", a="a = 1\n")
    victim = "0" * 39 + "1"
    commit(tmp_path, f"Innocent\x01{victim}\x02Forged\x02\nforged.py", b="b = 1\n")
    commit(tmp_path, "After\x02x.py", c="c = 1\n")
    found = repo(tmp_path).changes(repo(tmp_path).commits(10))
    assert [one.message for one in found] == ["After", "Innocent", "Before"]
    assert victim not in [one.sha for one in found]
    assert found[2].files == ("a.py",)


def test_a_part_of_a_repository_has_its_own_paths(tmp_path: Path) -> None:
    commit(tmp_path, "Both", top="a = 1\n", part__in="b = 1\n")
    commit(tmp_path, "Top", top="a = 2\n")
    assert changes(tmp_path / "part") == [("Top", ()), ("Both", ("in.py",))]
    assert (repo(tmp_path).prefix(), repo(tmp_path / "part").prefix()) == ("", "part/")


def test_where_there_is_nothing_to_tell(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q")
    for root in (tmp_path, tmp_path / "empty", tmp_path / "none"):
        assert (repo(root).commits(10), repo(root).changes(()), repo(root).changes(("0" * 40,))) == ((), (), ())
        assert repo(root).head().commit == ""
    without = Repo(tmp_path / "empty", {"PATH": "/nonexistent"})
    assert (without.found, without.commits(10), without.prefix()) == (False, (), "")


def test_a_shallow_clone_tells_what_it_has(tmp_path: Path) -> None:
    for n in range(4):
        commit(tmp_path / "origin", f"Commit {n}", **{f"f{n}": "a = 1\n"})
    git(tmp_path, "clone", "-q", "--depth", "2", (tmp_path / "origin").as_uri(), "clone")
    assert [message for message, _ in changes(tmp_path / "clone")] == ["Commit 3", "Commit 2"]


def test_an_odd_encoding_of_messages_is_no_trouble(tmp_path: Path) -> None:
    commit(tmp_path, "Größe", a="a = 1\n")
    git(tmp_path, "config", "i18n.logOutputEncoding", "UTF-16")
    assert changes(tmp_path) == [("Größe", ("a.py",))]


HOSTILE = {
    "diff.external": "{hook}",
    "core.fsmonitor": "{hook}",
    "core.pager": "{hook}",
    "core.sshCommand": "{hook}",
    "log.showSignature": "true",
    "gpg.program": "{hook}",
    "core.hooksPath": "{hooks}",
    "diff.evil.textconv": "{hook}",
    "diff.evil.command": "{hook}",
    "filter.evil.clean": "{hook}",
    "filter.evil.smudge": "{hook}",
    "diff.orderFile": "/nonexistent",
    "diff.renames": "copies",
    "alias.diff-tree": "!{hook}",
    "interactive.diffFilter": "{hook}",
}


@pytest.mark.parametrize("key", HOSTILE)
def test_asking_runs_nothing_that_the_repository_configures(tmp_path: Path, key: str) -> None:
    root = tmp_path / "workspace"
    commit(root, "First", a="a = 1\n")
    (root / ".gitattributes").write_text("* diff=evil filter=evil\n")
    commit(root, "Second", a="a = 2\n")
    hooks = write(tmp_path / "hooks", {})
    hooks.mkdir()
    for name in ("hook", "post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/canary\ncat\n")
        (hooks / name).chmod(0o755)
    git(root, "config", key, HOSTILE[key].format(hook=hooks / "hook", hooks=hooks))
    asked = repo(root)
    assert asked.found
    assert asked.prefix() == ""
    assert len(asked.files()) == 2
    assert asked.head().commit
    shown = asked.changes(asked.commits(10))
    assert [one.message for one in shown] in (["Second", "First"], [])
    assert not (tmp_path / "canary").exists()


def test_objects_that_are_missing_are_fetched_from_nowhere(tmp_path: Path) -> None:
    """A partial clone would run its transport for them."""
    root = tmp_path / "workspace"
    first = commit(root, "First", a="a = 1\n")
    second = commit(root, "Second", a="a = 2\n")
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/canary\n")
    hook.chmod(0o755)
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": f"ext::{hook}",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": str(hook),
        "protocol.ext.allow": "always",
    }.items():
        git(root, "config", name, value)
    (root / ".git" / "objects" / first[:2] / first[2:]).unlink()
    asked = repo(root)
    assert asked.changes(asked.commits(10)) == ()
    assert asked.changes((first,)) == ()
    assert [one.message for one in asked.changes((second,))] in ([], ["Second"])
    assert not (tmp_path / "canary").exists()
