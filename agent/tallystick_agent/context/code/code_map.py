"""A map of the code that a task is about, within a budget. Owns the way from a ranking to text.

Small budgets buy first lines of many definitions, large ones the bodies of the best and the first lines of the rest.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

from tallystick_agent.context.code.bodies import SHARE, BodyPicker
from tallystick_agent.context.code.code_index import CodeIndex, View
from tallystick_agent.context.code.layout import bodies_text, outline_text
from tallystick_agent.context.code.pick import Candidate, pick_lines
from tallystick_agent.context.code.rank import Ranking
from tallystick_agent.context.code.record import Chunk
from tallystick_agent.context.code.words import query_terms, term_hash
from tallystick_agent.ports import Files
from tallystick_agent.protocol.code import Body, CodeMap, Mode
from tallystick_agent.protocol.errors import WorkspaceError

BODIES_FROM: Final = 3_000
"""Tokens from which bodies are worth their room."""
FAR: Final = 20.0
"""Definitions whose score is this much below the best are e^20 times less likely: they are not looked at."""
_PER_LINE: Final = 4
"""Tokens of the cheapest first line: how many candidates a budget can hold at most."""


class MapMaker:
    """Makes maps of one ranking; texts and names that several budgets need are read once."""

    def __init__(
        self, index: CodeIndex, view: View, ranking: Ranking, files: Files, count: Callable[[str], int], question: str
    ) -> None:
        """`count`: tokens of a text; sums over lines must not be less than the whole (`tokens.segments`)."""
        self._index, self._view, self._ranking, self._files = index, view, ranking, files
        # The same first lines and paths are weighed for every budget.
        self._count = cache(count)
        self._question = question
        self._made: list[Candidate] = []
        self._pickers: dict[bool, BodyPicker] = {}
        self._records: dict[int, tuple[Chunk, ...]] = {}
        self._inside: dict[int, dict[int, list[tuple[int, int]]]] = {}
        self._texts: dict[str, Sequence[str]] = {}
        self._at = 0

    def make(self, budget: int, mode: Mode | None = None, *, plain: bool = False) -> CodeMap:
        """The best map within `budget` tokens; without a mode the budget decides."""
        mode = mode or ("bodies" if budget >= BODIES_FROM else "outline")
        if not self._ranking.anywhere:
            # Not a word of it is here: whatever were shown, it would be about something else.
            return CodeMap(text="", tokens=0, mode=mode, lines=(), bodies=())
        bodies: tuple[Body, ...] = ()
        used = 0
        if mode == "bodies":
            share = int(budget * SHARE)
            candidates = self._candidates(60 + share // 25)
            if plain not in self._pickers:
                self._pickers[plain] = BodyPicker(self._count, self._worth(), plain=plain)
            bodies, used = self._pickers[plain].pick(candidates, self._lines_of(candidates), share)
        shown = {(body.path, number) for body in bodies for number, _ in body.lines}
        rest = [
            one
            for one in self._candidates(60 + (budget - used) // _PER_LINE)
            if one.definition and (one.path, one.first) not in shown
        ]
        lines, _ = pick_lines(rest, budget - used, self._count, plain=plain)
        text = bodies_text(bodies) + outline_text(lines, plain=plain)
        tokens = self._count(text)
        while tokens > budget and lines:
            # Only a counter that is no sum over lines comes here.
            lines = lines[: len(lines) * 9 // 10]
            text = bodies_text(bodies) + outline_text(lines, plain=plain)
            tokens = self._count(text)
        while tokens > budget and bodies:
            bodies = bodies[:-1]
            text = bodies_text(bodies)
            tokens = self._count(text)
        return CodeMap(text=text, tokens=tokens, mode=mode, lines=lines, bodies=bodies)

    def _candidates(self, most: int) -> list[Candidate]:
        """At least the best `most` chunks, best first."""
        chunks, scores = self._ranking.chunks, self._ranking.chunk_scores
        top = float(scores[chunks[0]]) if len(chunks) else 0.0
        while len(self._made) < most and self._at < len(chunks):
            chunk = int(chunks[self._at])
            if not scores[chunk] > top - FAR:
                break
            self._at += 1
            one = self._candidate(chunk, float(scores[chunk]))
            if one is not None:
                self._made.append(one)
        return self._made[:most]

    def _candidate(self, chunk: int, score: float) -> Candidate | None:
        view = self._view.corpus
        file = int(view.file_of[chunk])
        if file not in self._records:
            self._records[file] = self._chunks_of(view.paths[file], view.keys[file])
            inside = self._inside[file] = {}
            for one in self._records[file]:
                inside.setdefault(one.parent, []).append((one.lead, one.last))
        chunks = self._records[file]
        own = chunk - int(view.first_chunk[file])
        if own >= len(chunks):
            return None
        at = chunks[own]
        children = tuple(self._inside[file].get(own, ()))
        return Candidate(
            path=view.paths[file],
            name=at.name,
            kind=at.kind,
            first=at.first,
            last=at.last,
            lead=at.lead,
            signature=at.signature,
            score=score,
            children=children,
        )

    def _chunks_of(self, path: str, key: bytes) -> tuple[Chunk, ...]:
        """None where the store lost the file's record and the file is another by now."""
        record = self._index.record(key)
        if record is None:
            try:
                record = self._index.restore(key, path, self._files.load(path))
            except WorkspaceError:
                return ()
        return record.chunks if record is not None else ()

    def _lines_of(self, candidates: Sequence[Candidate]) -> Mapping[str, Sequence[str]]:
        """The lines of the candidates' files. One that changed since it was indexed is left out: its numbers are old."""
        view = self._view.corpus
        for path in dict.fromkeys(one.path for one in candidates):
            if path in self._texts:
                continue
            try:
                data = self._files.load(path)
            except WorkspaceError:
                continue
            if self._index.key_of(path, data) == view.keys[view.numbers[path]]:
                self._texts[path] = data.decode("utf-8", "replace").split("\n")
        return self._texts

    def _worth(self) -> dict[int, float]:
        """The weight of each term of the question: rare ones tell more."""
        chunks = self._view.corpus.living
        found: dict[int, float] = {}
        for term, weight in query_terms(self._question).items():
            hashed = term_hash(term)
            number = len(self._view.corpus.body(hashed)[0])
            if number:
                found[hashed] = weight * math.log(1 + (chunks - number + 0.5) / (number + 0.5))
        return found
