"""A file that is there whole or not at all. Owns the temporary file beside it and what becomes of it."""

import contextlib
import os
import stat
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from tallystick_agent.protocol.errors import StorageError


@contextlib.contextmanager
def whole_file(path: Path) -> Generator[BinaryIO, None, None]:
    """What is written takes the place of `path` at the end, and only where nothing went wrong.

    A new file is its owner's alone; one that was there keeps its mode, and a link stays a link. Devices and pipes are written to
    as they are. Raises `StorageError` where it cannot be written.
    """
    try:
        target = path.resolve()
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            with target.open("wb") as out:
                yield out
            return
        fresh = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                if mode is not None:
                    os.fchmod(descriptor, stat.S_IMODE(mode))
                yield out
                out.flush()
                os.fsync(descriptor)
            os.replace(fresh, target)
        except BaseException:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}.", remedy="Free some space there, or name another file with -o."
        ) from error
