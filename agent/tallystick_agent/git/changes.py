"""What differs between HEAD and the files as they are now, the editor's unsaved texts included. Owns that comparison.

It is made from stored blobs and live bytes, without git's own diff: that would run the filters that a repository configures.
"""

import difflib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tallystick_agent.git.repo import Repo
from tallystick_agent.ports import CHAT_SUFFIX, Files
from tallystick_agent.protocol.errors import WorkspaceError

MOST_FILES: Final = 20_000
MOST_CHANGED: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    path: str
    diff: str


def changes(repo: Repo, files: Files) -> tuple[Change, ...]:
    """Changed, new and removed files with their diffs, by path. Blocks.

    A file that differs in its line ends alone is as it was: git may have been told to check it out like that.
    """
    hidden = repo.left_out()
    live = {path: stamp for path, stamp in files.stamps().items() if not stamp.startswith("!")}
    # A chat that was committed is not listed either, and not gone for that.
    tree = {path: blob for path, blob in repo.tree().items() if not path.endswith(CHAT_SUFFIX)}
    before = {path: blob for path, blob in tree.items() if path in live or path not in hidden}
    found: list[Change] = []
    paths = sorted({*before, *live})
    for path in paths[:MOST_FILES]:
        one = _change(repo, files, path, before, live)
        if one is None:
            continue
        if len(found) == MOST_CHANGED:
            found.append(Change(path="…", diff=f"(more than {MOST_CHANGED} files differ; the others are not shown)\n"))
            break
        found.append(one)
    if len(paths) > MOST_FILES:
        found.append(Change(path="…", diff=f"(the first {MOST_FILES:,} of {len(paths):,} files were compared)\n"))
    return tuple(found)


def staged(repo: Repo) -> tuple[Change, ...]:
    """What a commit would take now, by path: the index against HEAD. Blocks."""
    before, now = repo.tree(), repo.index()
    paths = _differing(before, now)
    found: list[Change] = []
    for path in paths[:MOST_CHANGED]:
        old = repo.blob(before[path]) if path in before else b""
        new = repo.blob(now[path]) if path in now else b""
        if old is None or new is None or b"\0" in new[:8_192] or b"\0" in old[:8_192]:
            found.append(Change(path=path, diff=f"--- a/{path}\n+++ b/{path}\n(binary or unreadable)\n"))
        else:
            found.append(Change(path=path, diff="".join(_diff(path, _lines(old), _lines(new), before, now))))
    if len(paths) > MOST_CHANGED:
        found.append(Change(path="…", diff=f"(more than {MOST_CHANGED} files are staged; the others are not shown)\n"))
    return tuple(found)


def any_staged(repo: Repo) -> bool:
    """Whether `staged` gives anything; no blob is read. Blocks."""
    return bool(_differing(repo.tree(), repo.index()))


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return sorted(path for path in {*before, *now} if before.get(path) != now.get(path))


def _change(repo: Repo, files: Files, path: str, before: Mapping[str, str], live: Mapping[str, str]) -> Change | None:
    """How a file differs; `None` where it does not, or where nothing can be claimed of it."""
    data = _load(files, path) if path in live else b""
    if path in live and path in before:
        if data is None and live[path].partition(":")[0] == repo.size(before[path]):
            # Too large to be read, or unreadable, and as long as it was.
            return None
        if data is not None and _same(data, before[path]):
            return None
    old = repo.blob(before[path]) if path in before else b""
    if data is None or old is None or b"\0" in data[:8_192] or b"\0" in old[:8_192]:
        return Change(path=path, diff=f"--- a/{path}\n+++ b/{path}\n(binary or unreadable)\n")
    lines, stored = _lines(data), _lines(old)
    if lines == stored and (path in before) == (path in live):
        return None
    return Change(path=path, diff="".join(_diff(path, stored, lines, before, live)))


def _diff(path: str, old: list[str], new: list[str], before: Mapping[str, str], live: Mapping[str, str]) -> Iterator[str]:
    yield f"--- a/{path}\n" if path in before else "--- /dev/null\n"
    yield f"+++ b/{path}\n" if path in live else "+++ /dev/null\n"
    for number, line in enumerate(difflib.unified_diff(old, new, n=3)):
        if number >= 2:
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(data: bytes) -> list[str]:
    """Lines with their ends, as git has them: of all that may end a line, the line feed alone does."""
    text = data.replace(b"\r\n", b"\n").decode("utf-8", "replace")
    lines = [f"{line}\n" for line in text.split("\n")]
    return [*lines[:-1], lines[-1][:-1]] if lines[-1] != "\n" else lines[:-1]


def _load(files: Files, path: str) -> bytes | None:
    try:
        return files.load(path)
    except WorkspaceError:
        return None


def _same(data: bytes, blob: str) -> bool:
    """Whether these bytes, or the same with line feeds alone, are what a blob holds."""
    return _name(data, blob) == blob or (b"\r\n" in data and _name(data.replace(b"\r\n", b"\n"), blob) == blob)


def _name(data: bytes, like: str) -> str:
    """The name that git gives to these bytes, by the same hash as `like`."""
    kind = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return kind(b"blob %d\0" % len(data) + data).hexdigest()
