"""A copy of the workspace where candidates are tried. Owns the folder: made, written, and always removed.

It holds the editor's unsaved text where a file is open, so tests run on what the user sees; the user's own files change
only when a candidate has passed.
"""

import asyncio
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
            await asyncio.to_thread(folder.mkdir, 0o700, True)
            for path in files:
                text = await _text(path, workspace)
                total += await asyncio.to_thread(scratch._place, path, text, workspace.root)
                if total > MOST_BYTES:
                    scratch.remove()
                    return None
            await asyncio.to_thread(scratch._link, workspace.root)
        except OSError as error:
            scratch.remove()
            raise StorageError(
                f"The workspace cannot be copied to {folder}: {error.strerror}.", remedy="Free some space."
            ) from error
        return scratch

    def _place(self, path: str, text: str | None, root: Path) -> int:
        """Puts one file into the copy and gives its size; links and special files are left out."""
        source, target = root / path, self.folder / path
        if source.is_symlink() or (source.exists() and not source.is_file()):
            return 0
        target.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            target.write_text(text, "utf-8", "surrogateescape")
        elif source.exists() and os.access(source, os.R_OK):
            shutil.copyfile(source, target)
        if source.exists() and target.exists():
            shutil.copymode(source, target)
        return target.stat().st_size if target.exists() else 0

    def _link(self, root: Path) -> None:
        """Installed packages are too large to copy, and tests only read them."""
        for name in _LINKED:
            if (root / name).is_dir() and not (self.folder / name).exists():
                (self.folder / name).symlink_to(root / name)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text, "utf-8", "surrogateescape")

    def remove(self) -> None:
        for name in _LINKED:
            if (self.folder / name).is_symlink():
                (self.folder / name).unlink()
        shutil.rmtree(self.folder, ignore_errors=True)


async def _text(path: str, workspace: Workspace) -> str | None:
    """The text as the user sees it; `None` for what is no text."""
    try:
        return (await workspace.read(path)).text
    except WorkspaceError:
        return None
