"""An event loop whose clock jumps: what waits for a time goes on at once, in the order of the times."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar


class _Skipping(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everything waits, and nothing would ever wake it")
        self.now += max(0.0, timeout)
        return super().select(0)


class FastLoop(asyncio.SelectorEventLoop):
    """For what touches nothing outside the process. Seconds pass without being waited for."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


T = TypeVar("T")


def run_fast(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(work)
