"""What differs from HEAD in a real repository, and that looking runs nothing which the repository configures."""

from pathlib import Path

import pytest
from tests.agent.context.code.workspaces import ENVIRONMENT, commit, git, write

from tallystick_agent.git.changes import MOST_CHANGED, Change, changes
from tallystick_agent.git.repo import Repo
from tallystick_agent.protocol.errors import WorkspaceError
from tallystick_server.local.disk import DiskWorkspace


def found(root: Path) -> dict[str, str]:
    """The diff of each changed path."""
    return {one.path: one.diff for one in changes(Repo(root, ENVIRONMENT), DiskWorkspace(root, ENVIRONMENT).now())}


def stored(root: Path, **files: bytes) -> Path:
    """A repository with a commit of these bytes; `__` stands for `/`, and `.txt` is added."""
    write(root, {f"{name.replace('__', '/')}.txt": data for name, data in files.items()})
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "First")
    return root


def test_modified_new_and_deleted_files(tmp_path: Path) -> None:
    stored(tmp_path, same=b"one\n", gone=b"one\ntwo\n", sub__edited=b"a\nb\nc\n")
    (tmp_path / "gone.txt").unlink()
    write(tmp_path, {"sub/edited.txt": "a\nB\nc\n", "sub/new.txt": "one\n", "staged.txt": "one\n"})
    git(tmp_path, "add", "staged.txt")
    assert found(tmp_path) == {
        "gone.txt": "--- a/gone.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n",
        "staged.txt": "--- /dev/null\n+++ b/staged.txt\n@@ -0,0 +1 @@\n+one\n",
        "sub/edited.txt": "--- a/sub/edited.txt\n+++ b/sub/edited.txt\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n",
        "sub/new.txt": "--- /dev/null\n+++ b/sub/new.txt\n@@ -0,0 +1 @@\n+one\n",
    }


def test_a_chat_is_no_change_though_it_was_committed(tmp_path: Path) -> None:
    write(tmp_path, {"talk.tally.md": "## You\n"})
    stored(tmp_path, same=b"one\n")
    assert found(tmp_path) == {}
    write(tmp_path, {"talk.tally.md": "## You\n\nhello\n", "new.tally.md": ""})
    assert found(tmp_path) == {}


@pytest.mark.parametrize(
    ("before", "after", "diff"),
    [
        (b"a\n", b"a\n", None),
        (b"a\n", b"a", "-a\n+a\n\\ No newline at end of file\n"),
        (b"a", b"a\n", "-a\n\\ No newline at end of file\n+a\n"),
        (b"a\n\n", b"a\n", " a\n-\n"),
        (b"a\n", b"", "-a\n"),
        (b"", b"a\n", "+a\n"),
        # Line ends alone are no change, and beside another change they are none either.
        (b"a\nb\n", b"a\r\nb\r\n", None),
        (b"a\r\nb\r\n", b"a\nb\n", None),
        (b"a\r\nb\r\n", b"a\r\nc\r\n", " a\n-b\n+c\n"),
        (b"a\nb\n", b"a\r\nc\r\n", " a\n-b\n+c\n"),
        # Only a line feed ends a line.
        ("a\u2028b\x0cc\n".encode(), "a\u2028B\x0cc\n".encode(), "-a\u2028b\x0cc\n+a\u2028B\x0cc\n"),
        (b"a\x0cb\n", b"ab\n", "-a\x0cb\n+ab\n"),
        # No UTF-8: what stayed is told as what stayed.
        (b"caf\xe9\nb\n", b"caf\xe9\nc\n", " caf\ufffd\n-b\n+c\n"),
    ],
)
def test_what_a_diff_says(tmp_path: Path, before: bytes, after: bytes, diff: str | None) -> None:
    write(stored(tmp_path, a=before), {"a.txt": after})
    told = found(tmp_path)
    if diff is None:
        assert told == {}
    else:
        head, _, hunk = told["a.txt"].partition("@@\n")
        assert head.startswith("--- a/a.txt\n+++ b/a.txt\n")
        assert hunk == diff


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"\0\1\2", b"\0\1\3"), (b"text\n", b"\0\1"), (b"\0\1", b"text\n"), (b"\0\1", None), (None, b"\0\1")],
)
def test_binary_files_are_named_alone(tmp_path: Path, before: bytes | None, after: bytes | None) -> None:
    stored(tmp_path, other=b"one\n", **({"a": before} if before is not None else {}))
    if after is None:
        (tmp_path / "a.txt").unlink()
    else:
        write(tmp_path, {"a.txt": after})
    assert found(tmp_path) == {"a.txt": "--- a/a.txt\n+++ b/a.txt\n(binary or unreadable)\n"}


def test_another_mode_is_no_change(tmp_path: Path) -> None:
    stored(tmp_path, a=b"one\n")
    (tmp_path / "a.txt").chmod(0o755)
    assert git(tmp_path, "status", "--short")
    assert found(tmp_path) == {}


@pytest.mark.parametrize(
    "name", ["grüße.txt", 'quo"te.txt', "a b.txt", "new\nline.txt", "caf\udce9.txt", "-n.txt", ":(top)a.txt"]
)
def test_odd_names(tmp_path: Path, name: str) -> None:
    stored(tmp_path, other=b"one\n")
    (tmp_path / name).write_text("a\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "Second")
    assert found(tmp_path) == {}
    (tmp_path / name).write_text("b\n")
    assert list(found(tmp_path)) == [name]


def test_a_repository_with_sha256(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    stored(tmp_path, same=b"one\n", a=b"one\n")
    write(tmp_path, {"a.txt": "two\n"})
    assert list(found(tmp_path)) == ["a.txt"]
    assert "-one\n+two\n" in found(tmp_path)["a.txt"]


def test_before_the_first_commit_every_file_is_new(tmp_path: Path) -> None:
    git(write(tmp_path, {"a.txt": "one\n", "empty.txt": ""}), "init", "-q")
    assert found(tmp_path) == {
        "a.txt": "--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1 @@\n+one\n",
        "empty.txt": "--- /dev/null\n+++ b/empty.txt\n",
    }


def test_a_part_of_a_repository_knows_its_own_files_alone(tmp_path: Path) -> None:
    stored(tmp_path, top=b"one\n", part__in=b"one\n", part__deep__in=b"one\n")
    write(tmp_path, {"top.txt": "two\n", "part/in.txt": "two\n", "part/deep/in.txt": "two\n"})
    assert list(found(tmp_path / "part")) == ["deep/in.txt", "in.txt"]


def test_links_submodules_and_ignored_files_are_left_out(tmp_path: Path) -> None:
    root = stored(tmp_path / "main", a=b"one\n")
    stored(tmp_path / "module", b=b"one\n")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "module"), "module")
    write(root, {".gitignore": "*.log\n", "noise.log": "one\n"})
    (root / "link").symlink_to("a.txt")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Second")
    write(root, {"module/b.txt": "two\n"})
    (root / "link").unlink()
    (root / "link").symlink_to("noise.log")
    assert found(root) == {}


def test_many_changes_are_cut(tmp_path: Path) -> None:
    git(write(tmp_path, {f"f{number:04}.txt": "one\n" for number in range(MOST_CHANGED + 50)}), "init", "-q")
    seen = found(tmp_path)
    assert list(seen) == [*(f"f{number:04}.txt" for number in range(MOST_CHANGED)), "…"]
    assert "the others are not shown" in str(seen["…"])


def test_the_editors_unsaved_text_counts_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    class Live:
        def stamps(self) -> dict[str, str]:
            return {"a.txt": "1", "b.txt": "1"}

        def load(self, path: str) -> bytes:
            if path == "b.txt":
                raise WorkspaceError("unreadable")
            return b"unsaved\n"

    stored(tmp_path, a=b"saved\n", b=b"saved\n")
    assert changes(Repo(tmp_path, ENVIRONMENT), Live()) == (
        Change(path="a.txt", diff="--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-saved\n+unsaved\n"),
        Change(path="b.txt", diff="--- a/b.txt\n+++ b/b.txt\n(binary or unreadable)\n"),
    )


def hostile(root: Path) -> Path:
    """A repository in which `git diff`, `git show` and `git status` run a program; gives the file that it makes."""
    canary = root.parent / "canary"
    hook = root.parent / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    hook.chmod(0o755)
    commit(root, "First", a="a = 1\n")
    write(root, {".gitattributes": "* filter=evil diff=evil text eol=crlf\n"})
    commit(root, "Second", a="a = 2\n")
    for key in ("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "diff.evil.command"):
        git(root, "config", key, str(hook))
    for key in ("diff.external", "core.fsmonitor", "core.pager"):
        git(root, "config", key, str(hook))
    canary.unlink(missing_ok=True)
    write(root, {"a.py": "a = 3\n"})
    return canary


def test_looking_runs_no_filter_and_no_driver(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    canary = hostile(root)
    assert list(found(root)) == ["a.py"]
    repo = Repo(root, ENVIRONMENT)
    assert "+a = 2" in (repo.show("HEAD", hidden=lambda path: False) or "")
    assert not canary.exists()


# --- Commits by name ---------------------------------------------------------------------------------------------------


def shown(root: Path, name: str) -> str | None:
    return Repo(root, ENVIRONMENT).show(name, hidden=lambda path: path.endswith("secret.py"))


def test_a_commit_is_shown_with_its_message_and_diff(tmp_path: Path) -> None:
    first = commit(tmp_path, "First\n\nWith a body: grüße.\n", a="a = 1\n")
    second = commit(tmp_path, "Second", a="a = 2\n")
    told = shown(tmp_path, first)
    assert told is not None
    assert told.startswith(f"commit {first}\n2")
    assert "\n\nFirst\n\nWith a body: grüße.\n" in told
    assert told.endswith("+++ b/a.py\n@@ -0,0 +1 @@\n+a = 1")
    for name in (second[:7], "HEAD", "HEAD~0", "master" if git(tmp_path, "branch", "--show-current") == "master" else "main"):
        assert "-a = 1\n+a = 2" in (shown(tmp_path, name) or "")


@pytest.mark.parametrize(
    "name",
    ["nothing", "--upload-pack=x", "--all", "-p", "", " ", "HEAD:a.py", "HEAD;x", "HEAD\n", "0" * 40, "HEAD^{tree}", ":/First"],
)
def test_what_is_no_commit(tmp_path: Path, name: str) -> None:
    commit(tmp_path, "First", a="a = 1\n")
    assert shown(tmp_path, name) is None


def test_merges_and_empty_commits_have_a_message_too(tmp_path: Path) -> None:
    commit(tmp_path, "Root", a="a = 1\n")
    git(tmp_path, "checkout", "-q", "-b", "side")
    commit(tmp_path, "Side", b="b = 1\n")
    git(tmp_path, "checkout", "-q", "-")
    commit(tmp_path, "Main", c="c = 1\n")
    git(tmp_path, "merge", "-q", "-m", "Merge side", "side")
    assert "Merge side" in (shown(tmp_path, "HEAD") or "")
    assert "Nothing" in (shown(tmp_path, commit(tmp_path, "Nothing")) or "")


def test_a_commit_tells_nothing_of_hidden_files_or_of_those_outside(tmp_path: Path) -> None:
    commit(tmp_path, "First", part__a="a = 1\n", part__secret="KEY\n", top="TOP\n")
    told = shown(tmp_path / "part", "HEAD") or ""
    assert "+++ b/a.py" in told
    assert "[secret.py changed too; it may hold secrets and is not shown.]" in told
    assert "KEY" not in told
    assert "TOP" not in told
