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
from typing import TYPE_CHECKING, Final

from tallystick_agent.context.code.languages import BY_NAME
from tallystick_agent.context.code.parse import Definition, definitions
from tallystick_agent.context.code.words import hashes_of, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT: Final = 6
"""Raised whenever the same bytes would give another record."""
LONGEST_SIGNATURE: Final = 160
MOST_TEXT: Final = 400_000
"""Characters of a text without a grammar that are read for words."""
_LEAD = ("#", "//", "/*", "*", "@", "--", "[<", "%")
_HEAD = struct.Struct("<4sHIIIIII")
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


COLUMNS: Final = ("first", "last", "lead", "parent", "words")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Numbers in arrays, since there are many; names and first lines as text, since few of them are ever looked at.

    Posting `i` says that the term `term[i]` stands `count[i]` times in chunk `chunk[i]`; `name_term[i]` stands in the name of
    the definition of chunk `name_chunk[i]`.
    """

    language: str
    columns: "NDArray[np.int32]"
    """A row for each chunk, a column for each of `COLUMNS`."""
    term: "NDArray[np.uint32]"
    chunk: "NDArray[np.uint32]"
    count: "NDArray[np.uint16]"
    name_term: "NDArray[np.uint32]"
    name_chunk: "NDArray[np.uint32]"
    names: bytes
    """JSON: name, kind and first line of each chunk."""

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """Made anew each time: keep it."""
        rows: list[list[int]] = self.columns.tolist()
        return tuple(
            Chunk(
                name=str(name),
                kind=str(kind),
                first=first,
                last=last,
                lead=lead,
                parent=parent,
                words=size,
                signature=str(signature),
            )
            for (name, kind, signature), (first, last, lead, parent, size) in zip(json.loads(self.names), rows, strict=True)
        )


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
    rows = [(1, len(lines), 1, -1, sizes[0])]
    rows += [(one.first, one.last, leads[at], parents[at], sizes[at + 1]) for at, one in enumerate(found)]
    names = [("", "", "")]
    names += [(one.name, one.kind, lines[one.first - 1].strip()[:LONGEST_SIGNATURE]) for one in found]
    named = [(term, number) for number, (name, _, _) in enumerate(names) for term in dict.fromkeys(hashes_of(name))]
    return Record(
        language=language,
        columns=np.array(rows, np.int32),
        term=np.array(term, np.uint32),
        chunk=np.array(chunk, np.uint32),
        count=np.minimum(np.array(count, np.uint32), 65_535).astype(np.uint16),
        name_term=np.array([term for term, _ in named], np.uint32),
        name_chunk=np.array([number for _, number in named], np.uint32),
        names=json.dumps(names, ensure_ascii=True, separators=(",", ":")).encode(),
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
    parts = (
        record.columns.astype("<i4"),
        record.term.astype("<u4"),
        record.chunk.astype("<u4"),
        record.name_term.astype("<u4"),
        record.name_chunk.astype("<u4"),
        record.count.astype("<u2"),
    )
    language = record.language.encode()
    body = language + record.names + b"".join(one.tobytes() for one in parts)
    sizes = (len(language), len(record.names), len(record.columns), len(record.term), len(record.name_term))
    return _HEAD.pack(_MAGIC, FORMAT, zlib.crc32(body), *sizes) + body


def from_bytes(data: bytes) -> Record:
    """Raises `ValueError` for bytes that are no record of this format."""
    import numpy as np

    try:
        magic, version, check, language, names, chunks, number, named = _HEAD.unpack_from(data)
    except struct.error as error:
        raise ValueError("not a record of this format") from error
    width = 4 * len(COLUMNS)
    if (
        magic != _MAGIC
        or version != FORMAT
        or len(data) != _HEAD.size + language + names + chunks * width + number * 10 + named * 8
    ):
        raise ValueError("not a record of this format")
    if zlib.crc32(memoryview(data)[_HEAD.size :]) != check:
        raise ValueError("damaged")
    at = _HEAD.size
    name, at = data[at : at + language].decode("ascii", "replace"), at + language
    text, at = data[at : at + names], at + names
    columns, at = np.frombuffer(data, "<i4", chunks * len(COLUMNS), at).reshape(-1, len(COLUMNS)), at + chunks * width
    term, at = np.frombuffer(data, "<u4", number, at), at + 4 * number
    chunk, at = np.frombuffer(data, "<u4", number, at), at + 4 * number
    name_term, at = np.frombuffer(data, "<u4", named, at), at + 4 * named
    name_chunk, at = np.frombuffer(data, "<u4", named, at), at + 4 * named
    count = np.frombuffer(data, "<u2", number, at)
    if not chunks or (number and int(chunk.max()) >= chunks) or (named and int(name_chunk.max()) >= chunks):
        raise ValueError("its parts do not belong together")
    return Record(
        language=name,
        columns=columns,
        term=term,
        chunk=chunk,
        count=count,
        name_term=name_term,
        name_chunk=name_chunk,
        names=text,
    )
