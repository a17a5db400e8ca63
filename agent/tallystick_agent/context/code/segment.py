"""Postings of many records in memory, and how to ask them. Owns the arrays; a segment never changes after it was built.

A posting is (term, chunk, count). They are sorted by the upper half of the term's hash, which needs no comparison, and a
look-up filters the few that share it. About 10 bytes a posting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tallystick_agent.context.code.record import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Postings:
    """Sorted by bucket, which is the upper 16 bits of the term."""

    starts: "NDArray[np.int64]"
    term: "NDArray[np.uint32]"
    item: "NDArray[np.int32]"
    count: "NDArray[np.uint16]"

    def find(self, term: int) -> "tuple[NDArray[np.int32], NDArray[np.uint16]]":
        """The items that hold the term, and how often each."""
        bucket = term >> 16
        start, end = int(self.starts[bucket]), int(self.starts[bucket + 1])
        hit = self.term[start:end] == term
        return self.item[start:end][hit], self.count[start:end][hit]


def postings(term: "NDArray[np.uint32]", item: "NDArray[np.int32]", count: "NDArray[np.uint16]") -> Postings:
    import numpy as np

    bucket = (term >> np.uint32(16)).astype(np.uint16)
    order = np.argsort(bucket, kind="stable")
    starts = np.zeros(65_537, np.int64)
    np.cumsum(np.bincount(bucket, minlength=65_536), out=starts[1:])
    return Postings(starts, term[order], item[order], count[order])


@dataclass(frozen=True, slots=True)
class Segment:
    """Records side by side. Chunks of record `f` are `first_chunk[f]` to `first_chunk[f + 1] - 1`; lines as in `Chunk`."""

    keys: tuple[bytes, ...]
    """The content key of each record."""
    first_chunk: "NDArray[np.int32]"
    file_of: "NDArray[np.int32]"
    first: "NDArray[np.int32]"
    last: "NDArray[np.int32]"
    lead: "NDArray[np.int32]"
    parent: "NDArray[np.int32]"
    """The chunk around, as a number of this segment; -1 for what stands outside all definitions."""
    words: "NDArray[np.int32]"
    inside: "NDArray[np.int32]"
    """Chunks right inside this one: classes and modules have many."""
    body: Postings
    names: Postings
    """Terms of the definitions' own names."""
    name_sizes: "NDArray[np.int32]"
    """How many those are, by chunk."""

    @property
    def chunks(self) -> int:
        return len(self.file_of)


def segment(keys: Sequence[bytes], records: Sequence[Record]) -> Segment:
    import numpy as np

    sizes = np.array([len(record.columns) for record in records], np.int32)
    first_chunk = np.zeros(len(records) + 1, np.int32)
    np.cumsum(sizes, out=first_chunk[1:])
    none32, none16 = np.zeros(0, np.uint32), np.zeros(0, np.uint16)
    table = np.concatenate([np.zeros((0, 5), np.int32), *(r.columns for r in records)])
    total = len(table)

    def moved(parts: "list[NDArray[np.uint32]]") -> "NDArray[np.int32]":
        """Numbers of chunks in their records as numbers in the segment."""
        starts = np.repeat(first_chunk[:-1], [len(one) for one in parts])
        return np.concatenate([none32, *parts]).astype(np.int32) + starts

    parents = table[:, 3]
    parents = np.where(parents >= 0, parents + np.repeat(first_chunk[:-1], sizes), np.int32(-1))
    named = moved([r.name_chunk for r in records])
    name_terms = np.concatenate([none32, *(r.name_term for r in records)])
    return Segment(
        keys=tuple(keys),
        first_chunk=first_chunk,
        file_of=np.repeat(np.arange(len(records), dtype=np.int32), sizes),
        first=table[:, 0].copy(),
        last=table[:, 1].copy(),
        lead=table[:, 2].copy(),
        parent=parents,
        words=table[:, 4].copy(),
        inside=np.bincount(parents[parents >= 0], minlength=total).astype(np.int32),
        body=postings(
            np.concatenate([none32, *(r.term for r in records)]),
            moved([r.chunk for r in records]),
            np.concatenate([none16, *(r.count for r in records)]),
        ),
        names=postings(name_terms, named, np.ones(len(named), np.uint16)),
        name_sizes=np.bincount(named, minlength=total).astype(np.int32),
    )
