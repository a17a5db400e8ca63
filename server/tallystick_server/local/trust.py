"""Which folders the user trusts: only their rules are read. Owns that file, which lies with the user's own settings.

Trust holds for a folder and what is below it. It is by the real path, so a link cannot borrow it.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from tallystick_agent.protocol.errors import StorageError


class TrustedFolders:
    def __init__(self, path: Path) -> None:
        self._path = path

    def folders(self) -> tuple[str, ...]:
        """The trusted folders, sorted. A file that cannot be read trusts nothing."""
        try:
            data: Any = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return ()
        if not isinstance(data, list):
            return ()
        named: list[Any] = data  # pyright: ignore[reportUnknownVariableType]
        return tuple(sorted({one for one in named if isinstance(one, str)}))

    def holds(self, folder: Path) -> bool:
        real = Path(os.path.realpath(folder))
        return any(real.is_relative_to(one) for one in self.folders())

    def add(self, folder: Path) -> str:
        """Gives the path as it is kept. Raises `StorageError`."""
        real = os.path.realpath(folder)
        self._write(sorted({*self.folders(), real}))
        return real

    def remove(self, folder: Path) -> bool:
        """Whether it was there. Raises `StorageError`."""
        real = os.path.realpath(folder)
        known = self.folders()
        self._write([one for one in known if one != real])
        return real in known

    def _write(self, folders: list[str]) -> None:
        fresh = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.write_text(json.dumps(folders, indent=1) + "\n", "utf-8")
            os.replace(fresh, self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise StorageError(f"{self._path} cannot be written: {error.strerror}.", remedy="Check its folder.") from error
