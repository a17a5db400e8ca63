"""Corrections folded into the rows that they correct. Pure; holds the corrections of the selection and nothing else."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from tallystick_agent.protocol.usage import Cost, Segment
from tallystick_agent.usage.exports.columns import Entry, Numbered
from tallystick_agent.usage.record import LedgerRow


def net(read: Callable[[], Iterable[Entry]]) -> Iterator[Entry]:
    """The rows as they are known by now. They are read twice: a correction comes long after its row.

    A correction whose row is not among them stays a row.
    """
    waiting = {_key(one.row): one for one in read() if one.row.correction}
    folded: set[tuple[str, int]] = set()
    for entry in read():
        key = _key(entry.row)
        if entry.row.correction:
            continue
        found = waiting.pop(key, None) if waiting and key not in folded else None
        if found is None:
            yield entry
        else:
            folded.add(key)
            yield Numbered(id=entry.id, row=corrected(entry.row, found.row))
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
