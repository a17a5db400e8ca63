"""Why a session's tokens grow: by turn and by request, of what they are made, and what was sent again. Pure; reads rows alone.

It works for any session that is in the ledger, also for those of other apps, of which there is no log.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from tallystick_agent.protocol.usage import Usage
from tallystick_agent.usage.corrected import corrected
from tallystick_agent.usage.families import FAMILIES, Family, family_of
from tallystick_agent.usage.record import LedgerRow

APART: Final = frozenset(("probe", "compaction", "completion", "title"))
"""Purposes of requests that do not carry the conversation: they cost, and say nothing of how it grows."""

Parts = dict[Family, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One attempt. `again`: input tokens that the conversation's request before had too, if it only grew."""

    number: int
    turn: int
    row: LedgerRow
    parts: Parts
    again: int
    tokens_so_far: int

    @property
    def talk(self) -> bool:
        """Whether it carries the conversation; one that used nothing says nothing of it."""
        return self.row.purpose not in APART and self.row.usage.input_tokens > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    number: int
    requests: int
    usage: Usage
    cost_nanos: int
    unpriced: int
    parts: Parts
    again: int
    largest_input: int
    tokens_so_far: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    requests: tuple[Request, ...]
    turns: tuple[Turn, ...]

    @property
    def usage(self) -> Usage:
        return _sum(one.usage for one in self.turns)

    @property
    def talk(self) -> tuple[Request, ...]:
        return tuple(one for one in self.requests if one.talk)

    @property
    def grown(self) -> dict[Family, int]:
        """By family, how many more tokens the last request of the conversation had in its input than the first."""
        talk = self.talk
        if len(talk) < 2:
            return {}
        first, last = _inputs(talk[0]), _inputs(talk[-1])
        return {name: more for name in FAMILIES if (more := last.get(name, 0) - first.get(name, 0))}


def growth(rows: Iterable[LedgerRow]) -> Growth:
    """Of one session's rows, in the order of their booking."""
    requests: list[Request] = []
    turns: list[list[Request]] = []
    total = 0
    turn_id, request_id, before = "", "", 0
    for _, row in sorted(corrected(rows), key=itemgetter(0)):
        if not turns or _begins(row, turn_id, request_id):
            turns.append([])
        turn_id, request_id = row.turn_id, row.request_id
        total += row.usage.total_tokens
        again = min(before, row.usage.input_tokens) if row.purpose not in APART else 0
        one = Request(number=len(requests) + 1, turn=len(turns), row=row, parts=_parts(row), again=again, tokens_so_far=total)
        if one.talk:
            before = row.usage.input_tokens
        requests.append(one)
        turns[-1].append(one)
    return Growth(requests=tuple(requests), turns=tuple(_turn(number, group) for number, group in enumerate(turns, 1)))


def _begins(row: LedgerRow, turn_id: str, request_id: str) -> bool:
    """Whether a row begins a turn: it has another turn's id; without any, each request is a turn, however often it was tried."""
    if row.turn_id or turn_id:
        return row.turn_id != turn_id
    return row.request_id != request_id


def _parts(row: LedgerRow) -> Parts:
    parts: Parts = {}
    for one in row.segments:
        family = family_of(one.name)
        parts[family] = parts.get(family, 0) + one.tokens
    return parts


def _inputs(one: Request) -> Parts:
    """The families of a request's input alone: thoughts that were sent count, those that came back do not."""
    parts: Parts = {}
    for segment in one.row.segments:
        if not segment.name.startswith("output:"):
            family = family_of(segment.name)
            parts[family] = parts.get(family, 0) + segment.tokens
    return parts


def _turn(number: int, group: Sequence[Request]) -> Turn:
    parts: Parts = {}
    for one in group:
        for family, tokens in one.parts.items():
            parts[family] = parts.get(family, 0) + tokens
    known = [one.row.cost.nanos for one in group]
    return Turn(
        number=number,
        requests=len(group),
        usage=_sum(one.row.usage for one in group),
        cost_nanos=sum(nanos or 0 for nanos in known),
        unpriced=known.count(None),
        parts=parts,
        again=sum(one.again for one in group),
        largest_input=max(one.row.usage.input_tokens for one in group),
        tokens_so_far=group[-1].tokens_so_far,
    )


def _sum(usages: Iterable[Usage]) -> Usage:
    total = Usage()
    for one in usages:
        total = total.plus(one)
    return total
