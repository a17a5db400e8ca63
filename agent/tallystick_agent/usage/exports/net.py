"""Corrections folded into the rows that they correct. Pure; holds the rows of one millisecond at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from tallystick_agent.protocol.usage import Cost, Segment
from tallystick_agent.usage.exports.columns import Entry, Numbered
from tallystick_agent.usage.record import LedgerRow


def net(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The rows as they are known by now, from rows in the order of their times.

    A correction has the time of its row, so the two stand together. One whose row is not there stays a row.
    """
    for _, together in groupby(entries, key=lambda one: one.row.time_ms):
        found = list(together)
        waiting = {_key(one.row): one for one in found if one.row.correction}
        if not waiting:
            yield from found
            continue
        for entry in found:
            if entry.row.correction:
                continue
            by = waiting.pop(_key(entry.row), None)
            yield entry if by is None else Numbered(id=entry.id, row=corrected(entry.row, by.row))
        yield from waiting.values()


def corrected(row: LedgerRow, by: LedgerRow) -> LedgerRow:
    """The row with a correction in it: what the provider reported and charged in the end.

    Our own price was that of the estimate, so it is not known for what was really used.
    """
    was, more = row.cost, by.cost.nanos
    return replace(
        row,
        usage=replace(row.usage.plus(by.usage), source="reported"),
        cost=was if more is None else Cost(provider_nanos=(was.nanos or 0) + more),
        segments=_joined(row.segments, by.segments),
        bucket=row.bucket,
    )


def _joined(segments: tuple[Segment, ...], more: tuple[Segment, ...]) -> tuple[Segment, ...]:
    tokens = {one.name: one.tokens for one in segments}
    for one in more:
        tokens[one.name] = tokens.get(one.name, 0) + one.tokens
    return tuple(Segment(name=name, tokens=count) for name, count in tokens.items())


def _key(row: LedgerRow) -> tuple[str, int]:
    """What a correction shares with its row, and with no other."""
    return row.request_id, row.attempt
