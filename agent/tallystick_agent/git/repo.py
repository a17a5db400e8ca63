"""The one owner of GitPython. Owns two questions: which files a repository has, and where its HEAD is.

Only index-reading plumbing is called; no model-made text ever becomes an argument.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tallystick_agent.git.environment import hardened


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """`commit` is empty where there is none yet."""

    branch: str
    commit: str


class Repo:
    """A work tree's repository, or the fact that there is none (`found` is False)."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = hardened(environment)
        # GitPython cannot even be imported where there is no git.
        self._git = shutil.which("git", path=environment.get("PATH"))
        self.found = self._ask("rev-parse", "--is-inside-work-tree") == "true"

    def files(self) -> tuple[str, ...]:
        """Tracked and untracked files that are not ignored, relative to the root, sorted."""
        listed = self._ask("ls-files", "-co", "--exclude-standard", "--deduplicate", "-z", "--", ".")
        return tuple(sorted(path for path in (listed or "").split("\0") if path))

    def head(self) -> Head:
        return Head(
            branch=self._ask("symbolic-ref", "--short", "-q", "HEAD") or "",
            commit=self._ask("rev-parse", "--verify", "-q", "HEAD^{commit}") or "",
        )

    def _ask(self, *arguments: str) -> str | None:
        """Git's answer, or `None` where git is missing or says no."""
        if self._git is None:
            return None
        from git.cmd import Git
        from git.exc import GitCommandError, GitCommandNotFound

        try:
            answer = Git(str(self._root)).execute(
                [self._git, "--no-pager", *arguments],
                env=self._environment,
                strip_newline_in_stdout=True,
                stdout_as_string=True,
                with_extended_output=False,
            )
        except (GitCommandError, GitCommandNotFound):
            return None
        return str(answer)
