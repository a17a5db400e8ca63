"""Work that a cancel may follow but not cut: it is finished first, and the cancel goes on from there."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
_log = logging.getLogger(__name__)


async def whole(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of `work`. Cancelled meanwhile, it waits for the end of it and is cancelled then."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            # Cancelled again, it still waits.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("what was stopped could not be finished: %s", error)
        raise
