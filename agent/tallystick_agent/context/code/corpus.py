"""The files of a workspace as they are at one moment, ready to be ranked. Owns the joining of segments; frozen.

A file that changed leaves its old chunks behind, which are then dead: they are in the arrays and in no answer. `Parts` says
when it is worth to build a segment anew.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tallystick_agent.context.code.file_kinds import beside_the_code
from tallystick_agent.context.code.languages import language_of
from tallystick_agent.context.code.segment import Postings, Segment, postings
from tallystick_agent.context.code.words import hashes_of, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_PARTS: Final = 8
MOST_DEAD: Final = 0.3
"""Share of dead files in a part above which it is built anew."""


@dataclass(frozen=True, slots=True)
class Part:
    """A segment and the path of each of its files; empty where the file is dead. The rest is what the paths say."""

    segment: Segment
    paths: tuple[str, ...]
    in_path: Postings
    """Terms of the paths, by file of the segment."""
    path_sizes: "NDArray[np.int32]"
    beside: "NDArray[np.bool_]"
    """Tests, documents, examples, and what is no code."""

    @property
    def dead(self) -> float:
        return sum(not path for path in self.paths) / max(1, len(self.paths))

    def without(self, gone: frozenset[str]) -> "Part":
        if gone.isdisjoint(self.paths):
            return self
        return replace(self, paths=tuple("" if path in gone else path for path in self.paths))


def part(made: Segment, paths: Sequence[str]) -> Part:
    import numpy as np

    rows: list[tuple[int, int, int]] = []
    sizes: list[int] = []
    for number, path in enumerate(paths):
        terms = Counter(term for word in words(path) for term in hashes_of(word))
        sizes.append(sum(terms.values()))
        rows.extend((term, number, count) for term, count in terms.items())
    table = np.array(rows, np.int64).reshape(-1, 3)
    in_path = postings(table[:, 0].astype(np.uint32), table[:, 1].astype(np.int32), table[:, 2].astype(np.uint16))
    beside = np.array([language_of(path) is None or beside_the_code(path) for path in paths], np.bool_)
    return Part(made, tuple(paths), in_path, np.array(sizes, np.int32), beside)


def due(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts that should become one new part: those with much dead in them, and the small ones when there are many."""
    stale = [one for one in parts if one.dead > MOST_DEAD]
    fresh = [one for one in parts if one.dead <= MOST_DEAD]
    if len(fresh) >= MOST_PARTS:
        largest = max(fresh, key=lambda one: len(one.paths))
        stale += [one for one in fresh if one is not largest]
    return tuple(stale)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Arrays over all chunks (`file_of` …) and all files (`paths` …) of all parts."""

    parts: tuple[Part, ...]
    paths: tuple[str, ...]
    numbers: Mapping[str, int]
    """The file number of each live path."""
    keys: tuple[bytes, ...]
    alive: "NDArray[np.bool_]"
    """By chunk."""
    file_of: "NDArray[np.int32]"
    first_chunk: "NDArray[np.int32]"
    first: "NDArray[np.int32]"
    last: "NDArray[np.int32]"
    lead: "NDArray[np.int32]"
    parent: "NDArray[np.int32]"
    words: "NDArray[np.int32]"
    inside: "NDArray[np.int32]"
    name_sizes: "NDArray[np.int32]"
    """Terms in the name of each chunk's definition."""
    path_sizes: "NDArray[np.int32]"
    beside: "NDArray[np.bool_]"
    file_words: "NDArray[np.float64]"
    alive_files: "NDArray[np.bool_]"
    starts: tuple[int, ...]
    """The first chunk of each part."""
    first_files: tuple[int, ...]
    """The first file of each part."""
    all_alive: bool
    by_path: "NDArray[np.int32]"
    """The place of each file when they are sorted by path: equal scores go by it, not by when a file came here."""

    @property
    def chunks(self) -> int:
        return len(self.file_of)

    @property
    def living(self) -> int:
        return int(self.alive.sum())

    def body(self, term: int) -> "tuple[NDArray[np.int32], NDArray[np.uint16]]":
        """The chunks that hold the term, and how often."""
        return self._find([one.segment.body for one in self.parts], term, self.starts, self.alive)

    def named(self, term: int) -> "tuple[NDArray[np.int32], NDArray[np.uint16]]":
        """The chunks with the term in their definition's name."""
        return self._find([one.segment.names for one in self.parts], term, self.starts, self.alive)

    def in_path(self, term: int) -> "tuple[NDArray[np.int32], NDArray[np.uint16]]":
        """The files with the term in their path, and how often."""
        return self._find([one.in_path for one in self.parts], term, self.first_files, self.alive_files)

    def _find(
        self, lists: "Sequence[Postings]", term: int, starts: Sequence[int], alive: "NDArray[np.bool_]"
    ) -> "tuple[NDArray[np.int32], NDArray[np.uint16]]":
        import numpy as np

        items: list[NDArray[np.int32]] = []
        counts: list[NDArray[np.uint16]] = []
        for one, start in zip(lists, starts, strict=True):
            item, count = one.find(term)
            if len(item):
                items.append(item + np.int32(start))
                counts.append(count)
        if not items:
            return np.zeros(0, np.int32), np.zeros(0, np.uint16)
        item, count = (items[0], counts[0]) if len(items) == 1 else (np.concatenate(items), np.concatenate(counts))
        if self.all_alive:
            return item, count
        live = alive[item]
        return item[live], count[live]


def corpus(parts: Sequence[Part]) -> Corpus:
    import numpy as np

    paths = tuple(path for one in parts for path in one.paths)
    starts: list[int] = []
    first_files: list[int] = []
    chunks = files = 0
    columns: dict[str, list[NDArray[np.int32]]] = {name: [np.zeros(0, np.int32)] for name in (*_MOVED, *_SAME)}
    for one in parts:
        starts.append(chunks)
        first_files.append(files)
        made = one.segment
        for name in _SAME:
            columns[name].append(getattr(made, name))
        columns["parent"].append(np.where(made.parent >= 0, made.parent + np.int32(chunks), np.int32(-1)))
        columns["file_of"].append(made.file_of + np.int32(files))
        columns["first_chunk"].append(made.first_chunk[:-1] + np.int32(chunks))
        chunks += made.chunks
        files += len(one.paths)
    joined = {name: np.concatenate(column) for name, column in columns.items()}
    live = np.array([bool(path) for path in paths], np.bool_)
    alive = live[joined["file_of"]] if files else np.zeros(0, np.bool_)
    path_sizes = np.concatenate([np.zeros(0, np.int32), *(one.path_sizes for one in parts)])
    if not live.all():
        # The dead count in no mean and in no sum.
        joined |= {name: np.where(alive, joined[name], np.int32(0)) for name in ("words", "name_sizes")}
        path_sizes = np.where(live, path_sizes, np.int32(0))
    by_path = np.zeros(files, np.int32)
    by_path[np.array(sorted(range(files), key=paths.__getitem__), np.int64)] = np.arange(files, dtype=np.int32)
    return Corpus(
        parts=tuple(parts),
        paths=paths,
        numbers={path: number for number, path in enumerate(paths) if path},
        keys=tuple(key for one in parts for key in one.segment.keys),
        alive=alive,
        path_sizes=path_sizes,
        by_path=by_path,
        beside=np.concatenate([np.zeros(0, np.bool_), *(one.beside for one in parts)]),
        file_words=np.bincount(joined["file_of"], weights=joined["words"], minlength=files).astype(np.float64),
        alive_files=live,
        starts=tuple(starts),
        first_files=tuple(first_files),
        all_alive=bool(live.all()),
        **joined,
    )


_MOVED = ("file_of", "first_chunk", "parent")
_SAME = ("first", "last", "lead", "words", "inside", "name_sizes")
