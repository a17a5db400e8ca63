"""What the index knows of one text: its chunks, their names and first lines, and how often each term stands in each.

A chunk is a definition without the definitions inside it, or (chunk 0) what stands outside all of them; comments and
decorators right above a definition belong to it. A record is a pure function of bytes and language, so it is kept by
content hash and serves every workspace and process. Owns its shape and its bytes on disk.
"""

import json
import struct
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tallystick_agent.context.code.languages import BY_NAME
from tallystick_agent.context.code.parse import Definition, definitions
from tallystick_agent.context.code.words import hashes_of, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT: Final = 3
"""Raised whenever the same bytes would give another record."""
LONGEST_SIGNATURE: Final = 160
MOST_TEXT: Final = 400_000
"""Characters of a text without a grammar that are read for words."""
_LEAD = ("#", "//", "/*", "*", "@", "--", "[<", "%")
_HEAD = struct.Struct("<4sHIIII")
_MAGIC = b"TSIX"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Lines count from 1; `lead` is where the comments above it begin. `parent` is the chunk around it, -1 for chunk 0."""

    name: str
    kind: str
    first: int
    last: int
    lead: int
    parent: int
    words: int
    signature: str
    """The first line, without its indentation and cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Posting `i` says that the term `term[i]` stands `count[i]` times in chunk `chunk[i]`."""

    language: str
    chunks: tuple[Chunk, ...]
    term: "NDArray[np.uint32]"
    chunk: "NDArray[np.uint32]"
    count: "NDArray[np.uint16]"


def read_text(data: bytes, language: str) -> Record:
    """The record of a text. `language` is a name of the table, or empty for words alone."""
    known = BY_NAME.get(language)
    found = definitions(data, known) if known is not None else ()
    text = data.decode("utf-8", "replace")
    if known is None:
        text = text[:MOST_TEXT]
    return build(text, language if known is not None else "", found)


def build(text: str, language: str, found: tuple[Definition, ...]) -> Record:
    import numpy as np

    lines = text.split("\n")
    found = tuple(one for one in found if one.last <= len(lines))
    owner, leads, parents = _owners(lines, found)
    own: list[list[str]] = [[] for _ in range(len(found) + 1)]
    start = 0
    for at in range(1, len(lines) + 1):
        if at == len(lines) or owner[at] != owner[start]:
            own[owner[start]].append("\n".join(lines[start:at]))
            start = at
    term: list[int] = []
    chunk: list[int] = []
    count: list[int] = []
    sizes: list[int] = []
    for number, pieces in enumerate(own):
        counts = Counter(words("\n".join(pieces)))
        sizes.append(sum(counts.values()))
        terms: dict[int, int] = {}
        known = terms.get
        for word, times in counts.items():
            for one in hashes_of(word):
                terms[one] = known(one, 0) + times
        term.extend(terms)
        count.extend(terms.values())
        chunk.extend([number] * len(terms))
    whole = Chunk(name="", kind="", first=1, last=len(lines), lead=1, parent=-1, words=sizes[0], signature="")
    chunks = [whole] + [
        Chunk(
            name=one.name,
            kind=one.kind,
            first=one.first,
            last=one.last,
            lead=leads[at],
            parent=parents[at],
            words=sizes[at + 1],
            signature=lines[one.first - 1].strip()[:LONGEST_SIGNATURE],
        )
        for at, one in enumerate(found)
    ]
    return Record(
        language=language,
        chunks=tuple(chunks),
        term=np.array(term, np.uint32),
        chunk=np.array(chunk, np.uint32),
        count=np.minimum(np.array(count, np.uint32), 65_535).astype(np.uint16),
    )


def _owners(lines: list[str], found: tuple[Definition, ...]) -> tuple[list[int], list[int], list[int]]:
    """For each line the chunk that has it; for each definition where its comments begin, and the chunk around it."""
    owner = [0] * len(lines)
    leads: list[int] = []
    parents: list[int] = []
    around: list[tuple[int, int]] = []
    for number, one in enumerate(found, 1):
        while around and around[-1][1] < one.first:
            around.pop()
        parent = around[-1][0] if around else 0
        lead = one.lead
        while lead > 1 and owner[lead - 2] == parent and lines[lead - 2].lstrip().startswith(_LEAD):
            lead -= 1
        # The first line of what is around it stays there.
        lead = max(lead, found[parent - 1].first + 1) if parent else lead
        lead = min(lead, one.first)
        owner[lead - 1 : one.last] = [number] * (one.last - lead + 1)
        around.append((number, one.last))
        leads.append(lead)
        parents.append(parent)
    return owner, leads, parents


def to_bytes(record: Record) -> bytes:
    head = json.dumps(
        [
            record.language,
            [[c.name, c.kind, c.first, c.last, c.lead, c.parent, c.words, c.signature] for c in record.chunks],
        ],
        ensure_ascii=True,
        separators=(",", ":"),
    ).encode()
    number = len(record.term)
    parts = (record.term.astype("<u4"), record.chunk.astype("<u4"), record.count.astype("<u2"))
    body = head + b"".join(one.tobytes() for one in parts)
    return _HEAD.pack(_MAGIC, FORMAT, zlib.crc32(body), len(head), number, len(record.chunks)) + body


def from_bytes(data: bytes) -> Record:
    """Raises `ValueError` for bytes that are no record of this format."""
    import numpy as np

    try:
        magic, version, check, length, number, chunks = _HEAD.unpack_from(data)
        if magic != _MAGIC or version != FORMAT or len(data) != _HEAD.size + length + number * 10:
            raise ValueError("not a record of this format")
        if zlib.crc32(memoryview(data)[_HEAD.size :]) != check:
            raise ValueError("damaged")
        language, rows = json.loads(data[_HEAD.size : _HEAD.size + length])
        at = _HEAD.size + length
        term = np.frombuffer(data, "<u4", number, at)
        chunk = np.frombuffer(data, "<u4", number, at + 4 * number)
        count = np.frombuffer(data, "<u2", number, at + 8 * number)
        if len(rows) != chunks or (number and int(chunk.max()) >= chunks):
            raise ValueError("its parts do not belong together")
        return Record(language=str(language), chunks=tuple(map(_chunk, rows)), term=term, chunk=chunk, count=count)
    except (struct.error, TypeError, LookupError, json.JSONDecodeError) as error:
        raise ValueError("not a record of this format") from error


def _chunk(row: list[Any]) -> Chunk:
    name, kind, first, last, lead, parent, size, signature = row
    return Chunk(
        name=str(name),
        kind=str(kind),
        first=int(first),
        last=int(last),
        lead=int(lead),
        parent=int(parent),
        words=int(size),
        signature=str(signature),
    )
