"""A row as one line of JSON and back, for what is kept outside of the ledger's tables. Pure."""

import json
from typing import cast

from tallystick_agent.usage.columns import COLUMNS, row_of, values_of
from tallystick_agent.usage.record import LedgerRow


def to_text(row: LedgerRow) -> str:
    """Raises `StorageError` where a segment is named twice."""
    return json.dumps(dict(zip(COLUMNS, values_of(row), strict=True)), separators=(",", ":"))


def from_text(text: str | bytes) -> LedgerRow:
    """Raises `ValueError` on what is no row."""
    try:
        known = cast("dict[str, object]", json.loads(text))
        return row_of([known[name] for name in COLUMNS])
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"no row of the ledger: {error}") from error
