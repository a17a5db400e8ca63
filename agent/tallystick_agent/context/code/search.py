"""Asking the index of a workspace without blocking anybody. Owns the way from a question to a map, off the event loop.

The index is brought up to date with every question, in a worker thread; nobody's turn waits for a first build longer than it
says it would.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence

from tallystick_agent.context.code.code_index import CodeIndex, View
from tallystick_agent.context.code.code_map import MapMaker
from tallystick_agent.ports import Progress, Workspace
from tallystick_agent.protocol.code import Found, Hints, Mode
from tallystick_agent.tokens.counter import exact


class CodeSearch:
    """Of one workspace. Questions may be asked at the same time; they are answered one after the other."""

    def __init__(self, workspace: Workspace, index: CodeIndex) -> None:
        self._workspace = workspace
        self._index = index

    async def prepare(self, progress: Callable[[Progress], None] | None = None) -> View:
        """Brings the index up to date ahead of a question."""
        return await asyncio.to_thread(self._index.refresh, self._workspace.now(), progress)

    async def names(self, begun: str, most: int) -> tuple[tuple[str, str], ...]:
        """Definitions whose name goes on with what was begun, before those that hold it; each with its path."""
        files, low = self._workspace.now(), begun.lower()

        def work() -> tuple[tuple[str, str], ...]:
            found: dict[tuple[str, str], tuple[int, int]] = {}
            for name, path in self._index.names(self._index.refresh(files)):
                lower = name.lower()
                if low in lower:
                    ahead = lower.startswith(low) or lower.rpartition(".")[2].startswith(low)
                    found[name, path] = (0 if ahead else 1, len(name))
            return tuple(heapq.nsmallest(most, found, key=lambda one: (*found[one], one)))

        return await asyncio.to_thread(work)

    async def find(
        self,
        question: str,
        budgets: Sequence[int],
        *,
        mode: Mode | None = None,
        plain: bool = False,
        hints: Hints | None = None,
        most_files: int = 50,
    ) -> Found:
        """The files and definitions that a question is about. `budgets` are tokens of o200k."""
        files = self._workspace.now()

        def work() -> Found:
            view = self._index.refresh(files)
            ranking = self._index.ask(question, view, hints)
            maker = MapMaker(self._index, view, ranking, files, exact, question)
            maps = {budget: maker.make(budget, mode, plain=plain) for budget in budgets}
            order = [int(number) for number in ranking.files[:most_files]]
            shown = tuple((view.corpus.paths[number], float(ranking.file_scores[number])) for number in order)
            live = tuple(one for one in shown if one[0])
            return Found(
                files=live,
                maps=maps,
                about=ranking.about,
                indexed=len(view.corpus.numbers),
                left_out=tuple(sorted(view.left_out.items())),
            )

        return await asyncio.to_thread(work)
