"""Rows with their corrections in them: what each request really used and cost. Pure; holds none but estimated rows."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tallystick_agent.protocol.usage import Cost
from tallystick_agent.usage.record import LedgerRow


def corrected(rows: Iterable[LedgerRow]) -> Iterator[tuple[int, LedgerRow]]:
    """Each row once, with its place among those given; what may be corrected comes late. A correction of no row is left out.

    A tier's price depends on a request's whole input, so a difference cannot be priced by itself.
    """
    waiting: dict[tuple[str, str], tuple[int, LedgerRow]] = {}
    for place, row in enumerate(rows):
        key = row.generation_id, row.request_id
        if row.correction:
            if key in waiting:
                first, estimate = waiting.pop(key)
                yield first, _with(estimate, row)
        elif row.usage.source == "estimated" and row.generation_id and key not in waiting:
            waiting[key] = place, row
        else:
            yield place, row
    yield from waiting.values()


def _with(row: LedgerRow, correction: LedgerRow) -> LedgerRow:
    """A correction's cost is the difference to what was booked, which may have been nothing known."""
    more = correction.cost.nanos
    cost = Cost(provider_nanos=(row.cost.nanos or 0) + more, priced_nanos=row.cost.priced_nanos) if more is not None else row.cost
    usage = replace(row.usage.plus(correction.usage), source="reported")
    return replace(row, usage=usage, cost=cost, segments=(*row.segments, *correction.segments))
