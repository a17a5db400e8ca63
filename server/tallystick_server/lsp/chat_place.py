"""Where an answer stands in a chat document that is being edited, and how it grows there. Pure.

A place is moved along with every change that the editor tells of. What the person wrote into the answer stays: the answer
then goes on around it, word by word. Owns no document and no editor.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tallystick_server.lsp.chat_document import closed_above
from tallystick_server.lsp.positions import Change

_TOKEN = re.compile(r"\n|[^\S\n]+|\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """From the answer's heading to behind its last word, as offsets. Line breaks after it are the document's."""

    start: int
    end: int


def moved(place: Place, change: Change) -> Place:
    """The place after a change of the document. What is written at either end of the answer is not part of it."""
    grown = len(change.text) - (change.end - change.start)
    if change.end <= place.start:
        return Place(start=place.start + grown, end=place.end + grown)
    if change.start >= place.end:
        return place
    start = place.start if change.start >= place.start else change.start + len(change.text)
    end = place.end + grown if change.end <= place.end else max(start, change.start)
    return Place(start=start, end=end)


def tidied(before: str, place: Place, after: str) -> Place | None:
    """The place where `after` is `before` without white space at the ends of its lines; `None` where it is not that."""
    if flat(before) != flat(after):
        return None
    lines, counts = after.split("\n"), (before.count("\n", 0, place.start), before.count("\n", 0, place.end))
    ends = (place.start, place.end)
    found: list[int] = []
    for line, offset in zip(counts, ends, strict=True):
        if line >= len(lines):
            found.append(len(after))
            continue
        column = offset - (before.rfind("\n", 0, offset) + 1)
        found.append(sum(len(one) + 1 for one in lines[:line]) + min(column, len(lines[line])))
    return Place(start=found[0], end=max(found))


def flat(text: str) -> str:
    """Without what editors take away or add by themselves: white space at the ends of lines and of the text."""
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def begun(text: str, rendered: str) -> tuple[str, Place]:
    """The document with the answer at its end."""
    above = closed_above(text)
    start = len(above)
    return above + rendered, Place(start=start, end=start + len(rendered.rstrip("\n")))


def grown(text: str, place: Place, shown: str, rendered: str) -> tuple[str, Place]:
    """The document with the answer as it is now, where `shown` was put before."""
    live = text[place.start : place.end]
    old, new = shown.rstrip("\n"), rendered.rstrip("\n")
    if flat(live) != flat(old):
        new = live + new[len(old) :] if new.startswith(old) else merged(old, live, new)
    after = text[place.end :]
    breaks = len(rendered) - len(rendered.rstrip("\n"))
    missing = max(0, breaks - (len(after) - len(after.lstrip("\n"))))
    return text[: place.start] + new + "\n" * missing + after, Place(start=place.start, end=place.start + len(new))


def merged(base: str, live: str, wanted: str) -> str:
    """What leads from `base` to `wanted`, done to `live`, which somebody made of `base` in another way.

    Of `live` only words go that are those of `base`.
    """
    old, now, new = (_TOKEN.findall(one) for one in (base, live, wanted))
    at: dict[int, int] = {}
    """Which word of `now` is that of `base`."""
    for i, j, size in _same(old, now):
        at.update((i + n, j + n) for n in range(size))
    gone: set[int] = set()
    put: dict[int, list[str]] = {}
    """What goes in before a word of `now`."""
    done_old = done_new = 0
    for i, j, size in (*_same(old, new), (len(old), len(new), 0)):
        if i > done_old or j > done_new:
            gone |= {at[n] for n in range(done_old, i) if n in at}
            put.setdefault(_behind(at, done_old), []).extend(new[done_new:j])
        done_old, done_new = i + size, j + size
    words: list[str] = []
    for n in range(len(now) + 1):
        for word in (*put.get(n, ()), *now[n : n + 1 if n not in gone else n]):
            # Two words that were none before must not become one.
            apart = [" "] if words and n in put and not words[-1].isspace() and not word.isspace() else []
            words += [*apart, word]
    return "".join(words)


def _behind(at: dict[int, int], index: int) -> int:
    """Behind the last word before `index` that is still there."""
    return next((at[n] + 1 for n in range(index - 1, -1, -1) if n in at), 0)


def _same(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int, int]]:
    """Stretches that both have, in their order. Equal beginnings and ends are not looked at twice."""
    most = min(len(one), len(other))
    head = next((n for n in range(most) if one[n] != other[n]), most)
    most -= head
    tail = next((n for n in range(most) if one[-1 - n] != other[-1 - n]), most)
    inner = SequenceMatcher(None, one[head : len(one) - tail], other[head : len(other) - tail]).get_matching_blocks()
    found = [(0, 0, head), *((i + head, j + head, size) for i, j, size in inner)]
    return [block for block in (*found, (len(one) - tail, len(other) - tail, tail)) if block[2]]
