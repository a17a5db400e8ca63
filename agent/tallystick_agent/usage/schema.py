"""The tables of the ledger, version 3, for every database. How an older file becomes one is in `upgrade.py`."""

from collections.abc import Iterator
from typing import Final

from tallystick_agent.usage import openings
from tallystick_agent.usage.columns import MAYBE, TEXT, WHOLE
from tallystick_agent.usage.database import Dialect
from tallystick_agent.usage.rollups import ROLLUPS

VERSION: Final = 3


def statements(dialect: Dialect) -> Iterator[str]:
    """What makes an empty database one of this version."""
    texts = "".join(f"{name} TEXT NOT NULL, " for name in TEXT)
    wholes = "".join(f"{name} {dialect.whole} NOT NULL, " for name in WHOLE)
    maybe = ", ".join(f"{name} {dialect.whole}" for name in MAYBE)
    yield f"CREATE TABLE requests (id {dialect.counted}, {texts}{wholes}{maybe})"
    # One row an attempt and one correction a row at most, whoever books them and however often.
    yield "CREATE UNIQUE INDEX requests_once ON requests (request_id, attempt, correction)"
    yield "CREATE INDEX requests_by_time ON requests (time_ms)"
    yield "CREATE INDEX requests_by_session ON requests (session_id, time_ms)"
    yield "CREATE INDEX requests_estimated ON requests (provider, time_ms) WHERE source = 'estimated'"
    told = ", ".join(f"{name} TEXT NOT NULL" for name in ("title", "url", "categories"))
    when = ", ".join(f"{name} {dialect.whole} NOT NULL" for name in ("named_ms", "first_ms", "last_ms"))
    yield f"CREATE TABLE apps (app TEXT NOT NULL PRIMARY KEY, {told}, {when}){dialect.clustered}"
    for rollup in ROLLUPS:
        yield rollup.create(dialect)
    yield from openings.create(dialect)
