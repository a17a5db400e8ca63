"""A copy of the workspace where candidates are tried. Owns the folder: made, written, and always removed.

It holds the editor's unsaved text where a file is open, so tests run on what the user sees; the user's own files change
only when a candidate has passed.
"""

import os
import shutil
from pathlib import Path

from tallystick_agent.ports import Workspace
from tallystick_agent.protocol.errors import StorageError, WorkspaceError

MOST_FILES = 3_000
MOST_BYTES = 64 * 1024 * 1024
_LINKED = (".venv", "venv", "node_modules")


class Scratch:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    async def create(cls, folder: Path, workspace: Workspace) -> "Scratch | None":
        """`None` where the workspace is too large to copy. Raises `StorageError`."""
        files = await workspace.files()
        if len(files) > MOST_FILES:
            return None
        scratch, total = cls(folder), 0
        try:
            folder.mkdir(parents=True, mode=0o700)
            for path in files:
                source = workspace.root / path
                if source.is_symlink() or (source.exists() and not source.is_file()):
                    continue
                total += source.stat().st_size if source.exists() else 0
                if total > MOST_BYTES:
                    scratch.remove()
                    return None
                await scratch._copy(path, source, workspace)
            for name in _LINKED:
                if (workspace.root / name).is_dir() and not (folder / name).exists():
                    (folder / name).symlink_to(workspace.root / name)
        except OSError as error:
            scratch.remove()
            raise StorageError(f"The workspace cannot be copied to {folder}: {error.strerror}.", remedy="Free some space.") from error
        return scratch

    async def _copy(self, path: str, source: Path, workspace: Workspace) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            document = await workspace.read(path)
        except WorkspaceError:
            if source.exists() and os.access(source, os.R_OK):
                shutil.copyfile(source, target)
            return
        target.write_text(document.text, "utf-8", "surrogateescape")
        if source.exists():
            shutil.copymode(source, target)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text, "utf-8", "surrogateescape")

    def remove(self) -> None:
        for name in _LINKED:
            if (self.folder / name).is_symlink():
                (self.folder / name).unlink()
        shutil.rmtree(self.folder, ignore_errors=True)
