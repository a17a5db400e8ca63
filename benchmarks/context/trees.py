"""Repositories at the parents of fix commits, for the benchmarks of context. Owns checkouts, and reading the fixes.

A fix is a line of JSON: repo, parent, commit, query (the message without names that give the answer away), gold_files,
gold_symbols (path, line, def) and hunks (path, first, last). The data and the clones are handed in as paths: neither is part
of this project.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    repo: str
    parent: str
    commit: str
    date: str
    query: str
    files: tuple[str, ...]
    symbols: tuple[tuple[str, int, str], ...]
    """(path, line, the line's text)."""
    hunks: tuple[tuple[str, int, int], ...]


def read_fixes(data: Path, repos: frozenset[str] = frozenset()) -> list[Fix]:
    rows: list[dict[str, Any]] = [json.loads(line) for line in data.read_text("utf-8").splitlines() if line.strip()]
    fixes = [
        Fix(
            repo=row["repo"],
            parent=row["parent"],
            commit=row["commit"],
            date=row["date"],
            query=row["query"],
            files=tuple(row["gold_files"]),
            symbols=tuple((one["path"], one["line"], one["def"]) for one in row["gold_symbols"]),
            hunks=tuple((path, first, last) for path, first, last in row["hunks"]),
        )
        for row in rows
    ]
    return sorted((fix for fix in fixes if not repos or fix.repo in repos), key=lambda fix: (fix.repo, fix.date))


def by_repo(fixes: list[Fix]) -> Iterator[tuple[str, list[Fix]]]:
    for repo, some in groupby(fixes, key=lambda fix: fix.repo):
        yield repo, list(some)


def git(repo: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(repo), *arguments], capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode("utf-8", "replace")[:300])
    return done.stdout.decode("utf-8", "replace")


def check_out(repo: Path, commit: str) -> None:
    """The tree of a commit. A clone that lacks its largest blobs gets those paths dropped from the index."""
    try:
        git(repo, "checkout", "-q", "-f", commit)
        return
    except RuntimeError:
        git(repo, "update-ref", "--no-deref", "HEAD", commit)
        git(repo, "read-tree", "--reset", commit)
    command = ["git", "-C", str(repo), "checkout-index", "-f", "-a", "-u", "-q"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    for path in set(re.findall(r"(?:sha1 file of|for) '?(\S+?)'?(?: \(|$)", said, re.MULTILINE)):
        git(repo, "update-index", "--force-remove", path)
    git(repo, "clean", "-fdq")
