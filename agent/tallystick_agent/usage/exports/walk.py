"""Reading a ledger from end to end in the order of time. Owns the pages; what is held is one of them."""

from collections.abc import Iterator
from typing import Final

from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.sums import Booked

PAGE: Final = 1_000


def walk(
    ledger: Ledger,
    *,
    since_ms: int = 0,
    until_ms: int | None = None,
    session_id: str | None = None,
    app: str | None = None,
) -> Iterator[Booked]:
    """Rows from `since_ms` until before `until_ms`, of one session or app where it is named. Blocks. Raises `StorageError`."""
    after: tuple[int, int] | None = None
    while True:
        page = ledger.in_time(since_ms=since_ms, until_ms=until_ms, session_id=session_id, after=after, most=PAGE)
        for entry in page:
            if app is None or entry.row.attribution.app == app:
                yield entry
        if len(page) < PAGE:
            return
        after = page[-1].row.time_ms, page[-1].id
