"""Whether the editor's process is alive. It may die and leave our input open, where another process inherited its end."""

import asyncio
import contextlib
import os
import sys

LOOK_S = 0.5
"""Seconds between two looks, where the system does not tell us by itself."""


async def ended(pid: int) -> None:
    """Returns once the process has ended. Waits for ever for one that we cannot see now.

    Such a one runs elsewhere (an editor outside our container), and its number means nothing here.
    """
    if not _alive(pid):
        await asyncio.Event().wait()
    with contextlib.suppress(OSError):
        await _told(pid)
        return
    while _alive(pid):  # noqa: ASYNC110 (nothing tells us)
        await asyncio.sleep(LOOK_S)


async def _told(pid: int) -> None:
    """On Linux: at once, for a process that nobody has waited for yet, too. Raises `OSError` where that is not known."""
    if sys.platform != "linux":
        raise OSError
    loop = asyncio.get_running_loop()
    handle = os.pidfd_open(pid)
    gone = asyncio.Event()
    try:
        loop.add_reader(handle, gone.set)
        await gone.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError) as error:
        return isinstance(error, PermissionError)
    return True


if sys.platform == "win32":

    def _alive_on_windows(pid: int) -> bool:
        """`os.kill` would end it there."""
        import ctypes

        synchronize, still_running = 0x0010_0000, 0x102
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(synchronize, False, pid)
        if not handle:
            return False
        try:
            return bool(kernel.WaitForSingleObject(handle, 0) == still_running)
        finally:
            kernel.CloseHandle(handle)
