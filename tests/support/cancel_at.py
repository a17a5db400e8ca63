"""Cancels a task at one exact point of its life. Owns the counting; which point there is to find out is the test's."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Literal

Way = Literal["waiting", "done"]
"""`waiting`: what the task waits for is cancelled too. `done`: it had come to its end, and its result is lost."""


class CancelAt(Coroutine[Any, Any, Any]):
    """A coroutine that hears of a cancel when it goes on for the `n`-th time. Counts on behind that."""

    def __init__(self, work: Coroutine[Any, Any, Any], n: int, way: Way) -> None:
        self.resumes = 0
        self._work = work
        self._n = n
        self._way = way

    @property
    def reached(self) -> bool:
        return self.resumes >= self._n

    def send(self, value: Any) -> Any:
        self.resumes += 1
        if self.resumes != self._n:
            return self._work.send(value)
        if self._way == "done" and self._n > 1:
            return self._work.throw(asyncio.CancelledError())
        waited = self._work.send(value)
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        return waited

    def throw(self, *args: Any) -> Any:
        self.resumes += 1
        return self._work.throw(*args)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise NotImplementedError


class Canceller:
    """A task factory that arms the next task of one kind, by the qualified name of its coroutine function."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next: tuple[int, Way] | None = None
        self.armed: CancelAt | None = None

    def arm(self, n: int, way: Way) -> None:
        self._next, self.armed = (n, way), None

    def install(self) -> None:
        loop = asyncio.get_running_loop()

        def make(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> "asyncio.Task[Any]":
            if self._next is not None and getattr(work, "__qualname__", "") == self._name:
                work = self.armed = CancelAt(work, *self._next)
                self._next = None
            return asyncio.Task(work, loop=loop, **options)

        loop.set_task_factory(make)
