"""The one owner of GitPython. Owns four questions: which files a repository has, where its HEAD and its work tree are, and
what commits changed.

Only index-reading plumbing is called; no model-made text ever becomes an argument.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from tallystick_agent.git.environment import hardened


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """`commit` is empty where there is none yet."""

    branch: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitChange:
    """Paths are relative to the work tree's folder that was asked, with `/`."""

    sha: str
    message: str
    files: tuple[str, ...]


_MARK, _SEPARATOR = "\x01", "\x02"
"""No message of a sane commit has them, and one that does only spoils its own row."""

_MOST_PATH = 4_096


class Repo:
    """A work tree's repository, or the fact that there is none (`found` is False)."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = hardened(environment)
        # GitPython cannot even be imported where there is no git.
        self._git = shutil.which("git", path=environment.get("PATH"))
        self._found: bool | None = None

    @property
    def found(self) -> bool:
        """Asked on first use: most commands never need to know."""
        if self._found is None:
            self._found = self._ask("rev-parse", "--is-inside-work-tree") == "true"
        return self._found

    def files(self) -> tuple[str, ...]:
        """Tracked and untracked files that are not ignored, relative to the root, sorted."""
        listed = self._ask("ls-files", "-co", "--exclude-standard", "--deduplicate", "-z", "--", ".")
        return tuple(sorted(path for path in (listed or "").split("\0") if path))

    def ignores(self, path: str) -> bool:
        """Whether an untracked `path`, relative to the root, is ignored; git's own files are. False where git cannot say."""
        if ".git" in path.split("/"):
            return True
        return self._ask("check-ignore", "-q", "-z", "--stdin", given=f"./{path}\0") is not None

    def head(self) -> Head:
        return Head(
            branch=self._ask("symbolic-ref", "--short", "-q", "HEAD") or "",
            commit=self._ask("rev-parse", "--verify", "-q", "HEAD^{commit}") or "",
        )

    def tree(self) -> dict[str, str]:
        """The paths of HEAD below this folder, and the blob of each; links and submodules are left out."""
        listed = self._ask("ls-tree", "-r", "-z", "HEAD", "--", ".") or ""
        found: dict[str, str] = {}
        for row in listed.split("\0"):
            kind, _, path = row.partition("\t")
            if kind.startswith("100"):
                found[path] = kind.split()[2]
        return found

    def index(self) -> dict[str, str]:
        """The paths below this folder as they are staged, and the blob of each; links, submodules and conflicts are left out."""
        listed = self._ask("ls-files", "-s", "-z", "--", ".") or ""
        found: dict[str, str] = {}
        for row in listed.split("\0"):
            kind, _, path = row.partition("\t")
            if kind.startswith("100") and kind.endswith(" 0"):
                found[path] = kind.split()[1]
        return found

    def left_out(self) -> frozenset[str]:
        """Tracked paths that a sparse checkout leaves out of the work tree: that they are missing is no change."""
        listed = self._ask("ls-files", "-t", "-z", "--", ".") or ""
        return frozenset(row[2:] for row in listed.split("\0") if row.startswith("S "))

    def size(self, blob: str) -> str:
        """Bytes of a blob, as digits; empty where it is gone."""
        return self._ask("cat-file", "-s", blob) or "" if re.fullmatch(r"[0-9a-f]{40,64}", blob) else ""

    def blob(self, name: str) -> bytes | None:
        """The bytes of a blob as they are stored: no filter and no driver runs. `None` where it is gone."""
        if not re.fullmatch(r"[0-9a-f]{40,64}", name):
            return None
        return self._bytes("cat-file", "blob", name)

    def show(self, commit: str, *, hidden: Callable[[str], bool]) -> str | None:
        """A commit's message and diff; `None` where that is no commit. `commit`: a name as a person writes it.

        Paths are relative to this folder, and what is outside is left out, as is what changed in files that are `hidden`.
        """
        if not re.fullmatch(r"[0-9A-Za-z_][0-9A-Za-z_./^~@{}-]{0,200}", commit):
            return None
        name = self._ask("rev-parse", "--verify", "-q", "--end-of-options", f"{commit}^{{commit}}")
        if not name:
            return None
        how = ("--root", "--no-renames", "--no-textconv", "--no-ext-diff", "--relative", "-O/dev/null")
        listed = self._ask("diff-tree", "-r", "-m", "-z", "--name-only", "--no-commit-id", *how, name) or ""
        left = sorted({path for path in listed.split("\0") if path and hidden(path)})
        told = self._ask(
            "diff-tree", "-p", "--cc", "--always", "--no-color", "--encoding=UTF-8", "--format=commit %H%n%aI%n%n%B", *how, name,
            "--", ".", *(f":(exclude,literal){path}" for path in left),
        )  # fmt: skip
        notes = [f"[{path} changed too; it may hold secrets and is not shown.]" for path in left]
        return "\n".join([told, *notes]) if told else None

    def prefix(self) -> str:
        """The folder that was asked, below the work tree's top, with `/` at its end; empty for the top itself."""
        return self._ask("rev-parse", "--show-prefix") or ""

    def work_tree(self) -> Path | None:
        """The work tree whose git folder was asked: `.git`, or what a linked work tree or a submodule has in its place.

        `None` where the tree does not own the folder: what the files of a git folder claim is not believed by itself.
        """
        claimed = self._claimed_tree()
        if claimed is None or not claimed.is_dir():
            return None
        tree = Path(os.path.realpath(claimed))
        owned = Repo(tree, self._environment)._ask("rev-parse", "--absolute-git-dir")
        return tree if owned and os.path.realpath(owned) == os.path.realpath(self._root) else None

    def _claimed_tree(self) -> Path | None:
        linked = self._root / "gitdir"
        if linked.is_file():
            with linked.open("rb") as file:
                named = os.fsdecode(file.read(_MOST_PATH).rstrip(b"\r\n"))
            return (self._root / named).parent if named else None
        for name in ("config.worktree", "config"):
            settings = str(self._root.absolute() / name)
            if told := self._ask("config", "--file", settings, "--no-includes", "--get", "core.worktree"):
                return self._root / told
        return self._root.parent if self._root.name == ".git" else None

    def commits(self, most: int) -> tuple[str, ...]:
        """The newest commits that HEAD comes from, merges left out, newest first."""
        return tuple((self._ask("rev-list", "--no-merges", f"--max-count={most}", "HEAD", "--") or "").split())

    def changes(self, commits: Sequence[str]) -> tuple[CommitChange, ...]:
        """Message and changed paths of each commit, renames as two paths. Plumbing alone, so no driver or pager runs."""
        if not commits:
            return ()
        shown = self._ask(
            "diff-tree", "--stdin", "-r", "-z", "--root", "--no-renames", "--name-only", "--no-textconv", "--no-ext-diff",
            "--relative", "--always", "--encoding=UTF-8", f"--format={_MARK}%H{_SEPARATOR}%B{_SEPARATOR}",
            given="".join(f"{sha}\n" for sha in commits),
        )  # fmt: skip
        asked = frozenset(commits)
        found: list[CommitChange] = []
        for block in (shown or "").split(_MARK)[1:]:
            sha, _, rest = block.partition(_SEPARATOR)
            if sha not in asked:
                # A mark inside a message: nothing after it is believed.
                continue
            message, _, names = rest.partition(_SEPARATOR)
            files = tuple(name for name in names.strip("\0\n").split("\0") if name)
            found.append(CommitChange(sha=sha, message=message.strip(), files=files))
        return tuple(found)

    def _ask(self, *arguments: str, given: str | None = None) -> str | None:
        """Git's answer without its last line end, or `None` where git is missing or says no."""
        answer = self._bytes(*arguments, given=given)
        return None if answer is None else os.fsdecode(answer.removesuffix(b"\n"))

    def _bytes(self, *arguments: str, given: str | None = None) -> bytes | None:
        # GitPython would ask in this process's own folder where that one cannot be entered.
        if self._git is None or not os.access(self._root, os.X_OK):
            return None
        from git.cmd import Git
        from git.exc import GitCommandError, GitCommandNotFound

        source = _given(given)
        try:
            answer = Git(str(self._root)).execute(
                [self._git, "--no-pager", *arguments],
                env=self._environment,
                istream=source,
                strip_newline_in_stdout=False,
                stdout_as_string=False,
                with_extended_output=False,
            )
        except (GitCommandError, GitCommandNotFound):
            return None
        finally:
            if source is not None:
                source.close()
        return answer


def _given(text: str | None) -> BinaryIO | None:
    """Text for a child's standard input. A file, since a pipe that is not read while it is written can block for ever."""
    if text is None:
        return None
    source = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 (the caller closes it)
    source.write(text.encode())
    source.seek(0)
    return source
