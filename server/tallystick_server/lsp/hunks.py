"""What the agent changed in a file, as hunks that a person keeps or undoes one by one. Pure; owns no file and no editor.

A text is a list of lines cut at `\\n` alone, so that joining them gives it back: a final line break is an empty last line.
A hunk is found again by what it is: outside the region that was edited since it only moves, inside it is looked for by its
lines and its neighbours. What the person rewrote is found no more and is theirs; it is never undone by likeness.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tallystick_agent.protocol.diffs import DiffBlock, read_diff
from tallystick_agent.protocol.digest import digest

CONTEXT = 3
MOST_HUNKS = 200
"""Of one file; the newest stay."""
Lines = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """`old` was at `line` where `new` is now; `before` and `after` are its neighbours, `None` beyond the file."""

    key: str
    title: str
    line: int
    """Of the first new line, from 0. Where there are no new lines: of the line below."""
    old: tuple[str, ...]
    new: tuple[str, ...]
    before: tuple[str | None, ...] = ()
    after: tuple[str | None, ...] = ()

    @property
    def end(self) -> int:
        return self.line + len(self.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """One change of a file; `digest` is that of the text after it, by which it is known for certain."""

    hunks: tuple[Hunk, ...]
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What is known of one file's hunks: those in `base`, and later landings that were not looked for yet, oldest first."""

    base: tuple[str, ...] | None = None
    hunks: tuple[Hunk, ...] = ()
    pending: tuple[Landing, ...] = ()


def parse_diff(diff: str, title: str, keys: Iterator[str]) -> tuple[Hunk, ...]:
    """The hunks of one file's unified diff, in order; nothing where it is none."""
    try:
        blocks = read_diff(diff)
    except ValueError:
        return ()
    return tuple(hunk for block in blocks for hunk in _groups(block, title, keys))


def _groups(block: DiffBlock, title: str, keys: Iterator[str]) -> Iterator[Hunk]:
    """The changes between the context lines of one `@@`."""
    body, start = block.lines, block.at
    whole = [line.text for line in body if line.mark != "-"]
    seen = at = 0
    while at < len(body):
        if body[at].mark == " ":
            seen, at = seen + 1, at + 1
            continue
        stop = at
        while stop < len(body) and body[stop].mark != " ":
            stop += 1
        group = body[at:stop]
        old, new = ([line.text for line in group if line.mark == side] for side in "-+")
        ends = [any(line.cut for line in group if line.mark == side) for side in "-+"]
        count = len(new)
        if ends[0] != ends[1]:
            # Only one side lacks the final line break: on the other one it is an empty last line.
            (new if ends[0] else old).append("")
        above = _before(whole, seen)
        yield Hunk(
            key=next(keys),
            title=title,
            line=start + seen,
            old=tuple(old),
            new=tuple(new),
            before=(None, *above) if start == 0 and len(above) < CONTEXT else above,
            after=tuple(whole[seen + count : seen + count + CONTEXT]),
        )
        seen, at = seen + count, stop


def _before(lines: Lines, at: int) -> tuple[str | None, ...]:
    return tuple(lines[max(0, at - CONTEXT) : at])


def _with_neighbours(lines: Lines, hunk: Hunk) -> Hunk:
    before, after = _before(lines, hunk.line), tuple(lines[hunk.end : hunk.end + CONTEXT])
    return replace(
        hunk,
        before=(None, *before) if len(before) < CONTEXT else before,
        after=(*after, None) if len(after) < CONTEXT else after,
    )


def advance(trail: Trail, live: Lines) -> Trail:
    """The trail brought to the text as it is now. Hunks that are found no more are gone."""
    text: Lines = live
    landings: list[tuple[Hunk, ...]] = []
    for landing in reversed(trail.pending):
        text, found = revert(text, landing)
        landings.append(found)
    hunks = follow(trail.base, text, trail.hunks) if trail.base is not None else ()
    for found in reversed(landings):
        hunks = compose(hunks, found)
    return Trail(base=tuple(live), hunks=tuple(_with_neighbours(live, hunk) for hunk in hunks[-MOST_HUNKS:]))


def revert(live: Lines, landing: Landing) -> tuple[list[str], tuple[Hunk, ...]]:
    """The text before a change, and its hunks where they stand in `live`; those that are not there are left out."""
    if digest("\n".join(live)) == landing.digest:
        return undo(live, landing.hunks), landing.hunks
    found: list[Hunk] = []
    drift = floor = 0
    for hunk in landing.hunks:
        place = _locate(live, hunk, floor, len(live), (hunk.line + drift,))
        if place is not None:
            drift, floor = place - hunk.line, place + len(hunk.new)
            found.append(replace(hunk, line=place))
    return undo(live, found), tuple(found)


def undo(live: Lines, hunks: Sequence[Hunk]) -> list[str]:
    """The text without these hunks, which stand in it."""
    lines = list(live)
    for hunk in sorted(hunks, key=lambda one: one.line, reverse=True):
        lines[hunk.line : hunk.end] = hunk.old
    return lines


def without(hunks: Sequence[Hunk], gone: Sequence[Hunk], *, undone: bool) -> tuple[Hunk, ...]:
    """The hunks that are left, moved where the others were undone."""
    left: list[Hunk] = []
    shift = 0
    for hunk in sorted(hunks, key=lambda one: one.line):
        if hunk in gone:
            shift += len(hunk.old) - len(hunk.new) if undone else 0
        else:
            left.append(replace(hunk, line=hunk.line + shift))
    return tuple(left)


def follow(base: Lines, live: Lines, hunks: Sequence[Hunk]) -> tuple[Hunk, ...]:
    """The hunks of `base` in a text that was edited by others since."""
    limit = min(len(base), len(live))
    head = next((at for at in range(limit) if base[at] != live[at]), limit)
    tail = next((at for at in range(limit - head) if base[-1 - at] != live[-1 - at]), limit - head)
    delta = len(live) - len(base)
    moved: list[Hunk] = []
    for hunk in hunks:
        if hunk.end <= head:
            place: int | None = hunk.line
        elif hunk.line >= len(base) - tail:
            place = hunk.line + delta
        else:
            low, high = min(hunk.line, head), max(hunk.end + delta, len(live) - tail)
            place = _locate(live, hunk, low, high, (hunk.line, hunk.line + delta))
        if place is not None:
            moved.append(replace(hunk, line=place))
    moved.sort(key=lambda one: one.line)
    apart = [two for one, two in pairwise(moved) if two.line >= one.end]
    return (*moved[:1], *apart)


def compose(hunks: Sequence[Hunk], later: Sequence[Hunk]) -> tuple[Hunk, ...]:
    """The hunks of a text and those of a change of that very text, as hunks of the result. Those that touch become one."""
    spans: list[tuple[int, int, Hunk, bool]] = [(hunk.line, hunk.end, hunk, False) for hunk in hunks]
    shift = 0
    for hunk in sorted(later, key=lambda one: one.line):
        start = hunk.line - shift
        spans.append((start, start + len(hunk.old), hunk, True))
        shift += len(hunk.new) - len(hunk.old)
    spans.sort(key=lambda span: (span[0], span[1]))
    result: list[Hunk] = []
    shift = at = 0
    while at < len(spans):
        end, stop = spans[at][1], at + 1
        while stop < len(spans) and spans[stop][0] <= end:
            end, stop = max(end, spans[stop][1]), stop + 1
        group, at = spans[at:stop], stop
        if any(is_later for *_, is_later in group):
            merged = _merged(group, end)
            if merged is not None:
                result.append(replace(merged, line=merged.line + shift))
        else:
            result += [replace(hunk, line=hunk.line + shift) for _, _, hunk, _ in group]
        shift += sum(len(hunk.new) - len(hunk.old) for _, _, hunk, is_later in group if is_later)
    return tuple(result)


def _merged(group: list[tuple[int, int, Hunk, bool]], end: int) -> Hunk | None:
    """One hunk for a run of old and later ones; `None` where they cancel out."""
    start = group[0][0]
    between: dict[int, str] = {}
    for first, _, hunk, is_later in group:
        between.update(enumerate(hunk.old if is_later else hunk.new, first))

    def side(wanted: bool) -> list[str]:
        lines: list[str] = []
        at = start
        for first, stop, hunk, is_later in group:
            if is_later == wanted:
                lines += [between[number] for number in range(at, first)]
                lines += hunk.new if is_later else hunk.old
                at = stop
        return lines + [between[number] for number in range(at, end)]

    old, new = side(wanted=False), side(wanted=True)
    limit = min(len(old), len(new))
    head = next((at for at in range(limit) if old[at] != new[at]), limit)
    tail = next((at for at in range(limit - head) if old[-1 - at] != new[-1 - at]), limit - head)
    old, new = old[head : len(old) - tail], new[head : len(new) - tail]
    newest = [hunk for *_, hunk, is_later in group if is_later][-1]
    return replace(newest, line=start + head, old=tuple(old), new=tuple(new)) if old or new else None


def _locate(live: Lines, hunk: Hunk, low: int, high: int, near: tuple[int, ...]) -> int | None:
    """Where the hunk stands in `live[low:high]`; `None` where that is not certain."""
    size = len(hunk.new)
    new = list(hunk.new)
    plain = size == 0 or all(len(line.strip()) < 3 for line in new)
    for place in near:
        if low <= place <= high - size and list(live[place : place + size]) == new and _sides(live, hunk, place) == 2:
            return place
    if size:
        places = [at for at in range(low, high - size + 1) if live[at] == new[0] and list(live[at : at + size]) == new]
    else:
        places = [at for at in range(low, min(high, len(live)) + 1) if _sides(live, hunk, at) == 2]
    least = 2 if plain else 1 if len(places) > 1 else 0
    ranked = sorted(
        (-_score(live, hunk, at), min(abs(at - one) for one in near), at) for at in places if _sides(live, hunk, at) >= least
    )
    if not ranked or (len(ranked) > 1 and ranked[0][:2] == ranked[1][:2]):
        return None
    return ranked[0][2]


def _line(live: Lines, at: int) -> str | None:
    return live[at] if 0 <= at < len(live) else None


def _sides(live: Lines, hunk: Hunk, at: int) -> int:
    """How many of the two lines next to a place are the hunk's neighbours. A diff without context says nothing against it."""
    above = not hunk.before or hunk.before[-1] == _line(live, at - 1)
    below = not hunk.after or hunk.after[0] == _line(live, at + len(hunk.new))
    return above + below


def _score(live: Lines, hunk: Hunk, at: int) -> int:
    score = 0
    for distance, line in enumerate(reversed(hunk.before), 1):
        if line != _line(live, at - distance):
            break
        score += 1
    for distance, line in enumerate(hunk.after):
        if line != _line(live, at + len(hunk.new) + distance):
            break
        score += 1
    return score
