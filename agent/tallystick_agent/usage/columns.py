"""The columns of a ledger row: their names and types, a row as values, values as a row. Pure; owns no database.

Whatever is summed is a column of its own, signed where a correction takes something back, so that every sum is a plain sum.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.usage.database import RowRefused
from tallystick_agent.usage.record import LedgerRow, bucket_of

DAY_MS: Final = 86_400_000
LONGEST: Final = 512
"""Characters of what stands in an index by itself: a page of an index holds no more of some databases'."""
TEXT: Final = (
    "door", "app", "title", "url", "categories", "key", "client", "user_label", "workspace", "session_id", "turn_id",
    "request_id", "purpose", "task", "use_case", "natural_language", "programming_language", "model_asked", "model", "endpoint",
    "provider", "author", "served_by", "generation_id", "source", "finish", "error_code", "segments",
)  # fmt: skip
"""`categories` is a JSON list, `segments` a JSON object of tokens by name."""
WHOLE: Final = (
    "time_ms", "day", "attempt", "step", "correction", "input_tokens", "cached_tokens", "cache_write_tokens",
    "cache_write_1h_tokens", "output_tokens", "reasoning_tokens", "latency_ms", "tools", "tool_calls", "images", "opens_turn",
    "bucket", "calls_tools", "has_images", "reasons", "free", "requests", "failed", "aborted", "estimated", "unpriced",
    "answered_ms", "cost_nanos", "charged_nanos",
)  # fmt: skip
"""`charged_nanos` is what the row adds to the provider's own figures; `provider_nanos` is what its `Cost` says."""
MAYBE: Final = ("provider_nanos", "priced_nanos", "drift_nanos", "first_token_ms")
"""NULL where unknown."""
COLUMNS: Final = TEXT + WHOLE + MAYBE
AT: Final = {name: number for number, name in enumerate(COLUMNS)}
_USAGE: Final = (
    "input_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens", "reasoning_tokens",
)  # fmt: skip
_PLAIN: Final = (
    "time_ms", "session_id", "turn_id", "request_id", "attempt", "step", "purpose", "model_asked", "endpoint", "provider",
    "author", "generation_id", "finish", "error_code", "latency_ms", "first_token_ms", "task", "served_by", "use_case",
    "natural_language", "programming_language", "tools", "tool_calls", "images", "bucket",
)  # fmt: skip
"""Columns that are fields of `LedgerRow` as they are."""
_WHO: Final = {"user": "user_label"} | {
    name: name for name in ("door", "app", "title", "url", "key", "client", "workspace")
}  # fmt: skip

Values = tuple[Any, ...]
"""One row, in the order of `COLUMNS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """What a correction takes from the row that it corrects."""

    bucket: int
    calls_tools: int
    has_images: int
    reasons: int
    free: int
    estimated: int
    unpriced: int
    cost_nanos: int
    charged_nanos: int


ORIGINAL: Final = tuple(Original.__dataclass_fields__)


def original_of(values: Values) -> Original:
    return Original(**{name: values[AT[name]] for name in ORIGINAL})


def values_of(row: LedgerRow, original: Original | None = None) -> Values:
    """The row's columns; a correction's counters and flags go by `original`. Raises `RowRefused` where a segment is twice."""
    who, usage, cost = row.attribution, row.usage, row.cost
    nanos, corrects = cost.nanos, row.correction
    aborted = row.finish == "aborted"
    failed = not aborted and (bool(row.error_code) or row.finish in ("failed", "lost"))
    segments = {clean(one.name): one.tokens for one in row.segments}
    if len(segments) != len(row.segments):
        raise RowRefused("Two parts of one request have one name.", remedy="This is a bug; please report it.")
    known = {
        "door": who.door, "app": who.app, "title": who.title, "url": who.url, "key": who.key, "client": who.client,
        "user_label": who.user, "workspace": who.workspace, "session_id": row.session_id, "turn_id": row.turn_id,
        "request_id": row.request_id, "purpose": row.purpose, "task": row.task, "use_case": row.use_case,
        "natural_language": row.natural_language, "programming_language": row.programming_language,
        "model_asked": row.model_asked, "model": row.model, "endpoint": row.endpoint, "provider": row.provider,
        "author": row.author, "served_by": row.served_by, "generation_id": row.generation_id, "finish": row.finish,
        "error_code": row.error_code,
    }  # fmt: skip
    values: dict[str, Any] = {name: clean(text) for name, text in known.items()}
    values |= {name: values[name][:LONGEST] for name in ("app", "session_id", "request_id")}
    drift = cost.provider_nanos - cost.priced_nanos if cost.provider_nanos is not None and cost.priced_nanos is not None else None
    values |= {
        "categories": json.dumps(who.categories), "segments": json.dumps(segments, ensure_ascii=False, separators=(",", ":")),
        "source": usage.source, "time_ms": row.time_ms, "day": row.time_ms // DAY_MS, "attempt": row.attempt, "step": row.step,
        "correction": int(corrects), "input_tokens": usage.input_tokens, "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens, "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "output_tokens": usage.output_tokens, "reasoning_tokens": usage.reasoning_tokens, "latency_ms": row.latency_ms,
        "tools": row.tools, "tool_calls": row.tool_calls, "images": row.images, "opens_turn": int(row.opens_turn),
        "bucket": row.bucket if row.bucket is not None else bucket_of(usage.input_tokens),
        "calls_tools": int(row.tool_calls > 0), "has_images": int(row.images > 0), "reasons": int(usage.reasoning_tokens > 0),
        "free": int(row.model.endswith(":free") or (nanos == 0 and usage.total_tokens > 0)),
        "requests": 1, "failed": int(failed), "aborted": int(aborted), "answered_ms": 0 if failed or aborted else row.latency_ms,
        "estimated": int(usage.source == "estimated"), "unpriced": int(nanos is None), "cost_nanos": nanos or 0,
        "charged_nanos": cost.provider_nanos or 0, "provider_nanos": cost.provider_nanos, "priced_nanos": cost.priced_nanos,
        "drift_nanos": drift, "first_token_ms": row.first_token_ms,
    }  # fmt: skip
    if corrects:
        values |= _correcting(original, priced=nanos is not None, nanos=nanos or 0)
    return tuple(values[name] for name in COLUMNS)


def _correcting(original: Original | None, *, priced: bool, nanos: int) -> dict[str, int | None]:
    """What is otherwise in a correction: it is no request, and stands in its original's groups."""
    none = dict.fromkeys(
        ("requests", "failed", "aborted", "opens_turn", "tools", "tool_calls", "images", "latency_ms", "answered_ms"), 0
    )
    if original is None:
        return {**none, "estimated": 0, "unpriced": 0, "drift_nanos": None}
    return {
        **none,
        "drift_nanos": None,
        "bucket": original.bucket,
        "calls_tools": original.calls_tools,
        "has_images": original.has_images,
        "reasons": original.reasons,
        "free": original.free,
        "estimated": -original.estimated,
        "unpriced": -original.unpriced if priced else 0,
        # Its cost is the difference to what we had priced; the provider's own figure is the whole that both come to.
        "charged_nanos": nanos + original.cost_nanos - original.charged_nanos if priced else 0,
    }


def row_of(values: Sequence[Any]) -> LedgerRow:
    """The row again."""

    def at(name: str) -> Any:
        return values[AT[name]]

    categories, segments = cast("list[str]", json.loads(at("categories"))), cast("dict[str, int]", json.loads(at("segments")))
    return LedgerRow(
        attribution=Attribution(**{name: at(column) for name, column in _WHO.items()}, categories=tuple(categories)),
        usage=Usage(**{name: at(name) for name in _USAGE}, source=at("source")),
        cost=Cost(provider_nanos=at("provider_nanos"), priced_nanos=at("priced_nanos")),
        segments=tuple(Segment(name=name, tokens=tokens) for name, tokens in segments.items()),
        opens_turn=bool(at("opens_turn")),
        **{name: at(name) for name in _PLAIN},
    )


def clean(text: str) -> str:
    """Text that every database takes: no NUL, and no half of a character."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
