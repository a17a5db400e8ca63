"""What differs between HEAD and the files as they are now, the editor's unsaved texts included. Owns that comparison.

It is made from stored blobs and live bytes, without git's own diff: that would run the filters that a repository configures.
"""

import difflib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tallystick_agent.git.repo import Repo
from tallystick_agent.ports import Files
from tallystick_agent.protocol.errors import WorkspaceError

MOST_FILES: Final = 20_000
MOST_CHANGED: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    path: str
    diff: str


def changes(repo: Repo, files: Files) -> tuple[Change, ...]:
    """Changed, new and removed files with their diffs, by path. Blocks."""
    before = repo.tree()
    live = files.stamps()
    found: list[Change] = []
    for path in sorted({*before, *live})[:MOST_FILES]:
        if len(found) >= MOST_CHANGED:
            break
        data = _load(files, path) if path in live else b""
        if path in before and data is not None and path in live and _blob(data, before[path]) == before[path]:
            continue
        old = repo.blob(before[path]) if path in before else ""
        if data is None or old is None or b"\0" in data[:8_192]:
            found.append(Change(path=path, diff=f"--- a/{path}\n+++ b/{path}\n(binary or unreadable)\n"))
            continue
        text = data.decode("utf-8", "replace").removesuffix("\n")
        if text != old.removesuffix("\n") or (path in before) != (path in live):
            found.append(Change(path=path, diff="".join(_diff(path, old, text, before, live))))
    return tuple(found)


def _diff(path: str, old: str, new: str, before: Mapping[str, str], live: Mapping[str, str]) -> Iterator[str]:
    yield f"--- a/{path}\n" if path in before else "--- /dev/null\n"
    yield f"+++ b/{path}\n" if path in live else "+++ /dev/null\n"
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=3, lineterm="")
    for number, line in enumerate(lines):
        if number >= 2:
            yield f"{line}\n"


def _load(files: Files, path: str) -> bytes | None:
    try:
        return files.load(path)
    except WorkspaceError:
        return None


def _blob(data: bytes, like: str) -> str:
    """The name that git gives to these bytes, by the same hash as `like`."""
    kind = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return kind(b"blob %d\0" % len(data) + data).hexdigest()
