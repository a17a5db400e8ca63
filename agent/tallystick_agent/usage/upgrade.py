"""From an older ledger, or none, to this version's. Owns what older rows are read as; the caller owns the transaction.

Old rows are read one by one and added as new ones are, so that whatever is derived from rows is derived from them too.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.usage.appending import add
from tallystick_agent.usage.attribution import identity
from tallystick_agent.usage.database import Work
from tallystick_agent.usage.record import RECONCILED, LedgerRow
from tallystick_agent.usage.schema import statements

AT_ONCE: Final = 1_000
_TOKENS: Final = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
_SAME: Final = (
    "time_ms", "session_id", "turn_id", "request_id", "attempt", "step", "purpose", "model_asked", "endpoint", "provider",
    "author", "generation_id", "finish", "error_code", "latency_ms", "first_token_ms",
)  # fmt: skip
_COLUMNS: Final = (
    *_SAME, "app", "client", "user_label", "workspace", "app_title", "app_url", "app_categories", *_TOKENS, "source",
    "provider_nanos", "priced_nanos",
)  # fmt: skip
"""Of a row of versions 1 and 2, whose `app` is our `door`."""
_OLD_INDEXES: Final = ("requests_by_time", "requests_by_session", "requests_estimated", "corrections")


def upgrade(work: Work, version: int) -> None:
    """`version` 0 is an empty database."""
    if version:
        for index in _OLD_INDEXES:
            work.run(f"DROP INDEX IF EXISTS {index}")
        work.run("ALTER TABLE requests RENAME TO old_requests")
        work.run("ALTER TABLE segments RENAME TO old_segments")
    for statement in statements(work.dialect):
        work.run(statement)
    if version:
        rows = _distinct(_old_rows(work))
        while chunk := list(islice(rows, AT_ONCE)):
            add(work, chunk)
        work.run("DROP TABLE old_segments")
        work.run("DROP TABLE old_requests")


def _old_rows(work: Work) -> Iterator[LedgerRow]:
    opened: set[tuple[str, str]] = set()
    sql = f"SELECT id, {', '.join(_COLUMNS)} FROM old_requests ORDER BY id"
    for number, *values in work.stream(sql):
        old: dict[str, Any] = dict(zip(_COLUMNS, values, strict=True))
        turn = old["session_id"], old["turn_id"]
        opens = bool(old["turn_id"]) and turn not in opened
        opened.add(turn)
        parts = work.all("SELECT name, tokens FROM old_segments WHERE request = ? ORDER BY name", (number,))
        yield _row(old, tuple(Segment(name=name, tokens=tokens) for name, tokens in parts), opens=opens)


def _row(old: dict[str, Any], segments: tuple[Segment, ...], *, opens: bool) -> LedgerRow:
    title, url = old["app_title"], old["app_url"]
    return LedgerRow(
        **{name: old[name] for name in _SAME},
        attribution=Attribution(
            door=old["app"],
            app=identity(url, title),
            title=title,
            url=url,
            categories=tuple(json.loads(old["app_categories"])),
            client=old["client"],
            user=old["user_label"],
            workspace=old["workspace"],
        ),
        usage=Usage(**{name: old[name] for name in _TOKENS}, source=old["source"]),
        cost=Cost(provider_nanos=old["provider_nanos"], priced_nanos=old["priced_nanos"]),
        segments=segments,
        task=old["turn_id"],
        opens_turn=opens,
    )


def _distinct(rows: Iterable[LedgerRow]) -> Iterator[LedgerRow]:
    """Nothing forbade two rows with one name; the second is told apart. A second correction was booked for nothing: it is not."""
    seen: set[tuple[str, int]] = set()
    for number, row in enumerate(rows):
        name = row.request_id, row.attempt
        if row.finish != RECONCILED and name in seen:
            yield replace(row, request_id=f"{row.request_id}#{number}")
        else:
            yield row
        seen.add(name)
