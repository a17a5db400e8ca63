"""The columns of an export: their names, kinds and meanings, and a row as values in their order. Pure; knows no format.

The order and the names are part of the stable interface: a new column goes to the end of the list.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Protocol

from tallystick_agent.usage.record import LedgerRow, bucket_of

Kind = Literal["text", "whole", "money", "time", "flag", "list", "map"]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Entry(Protocol):
    """A row with its number in the ledger."""

    @property
    def id(self) -> int: ...

    @property
    def row(self) -> LedgerRow: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """The same as a value of our own, where a row was changed on its way."""

    id: int
    row: LedgerRow


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    meaning: str


COLUMNS: Final = (
    Column("id", "whole", "The row's number in the ledger; it only grows."),
    Column("time", "time", "When the request ended; a correction has the time of what it corrects."),
    Column("correction", "flag", "Whether its numbers are differences to an earlier row, found out afterwards."),
    Column("door", "text", "How it came in: `cli`, `lsp`, `gateway`, `acp`, `batch`."),
    Column("app", "text", "The app's identity, such as `github.com/tallystick/tallystick`."),
    Column("app_title", "text", "The app's name for people."),
    Column("app_url", "text", "The address that the app gave."),
    Column("app_categories", "list", "At most two."),
    Column("key", "text", "The name of the gateway key."),
    Column("client", "text", "The editor or program behind it."),
    Column("user", "text", "The user's label."),
    Column("workspace", "text", "The folder that was worked in."),
    Column("session_id", "text", "The session."),
    Column("turn_id", "text", "The turn of the session."),
    Column("request_id", "text", "The request; its attempts share it, and so does its correction."),
    Column("attempt", "whole", "Counts the attempts of the request from 1."),
    Column("step", "whole", "Counts the requests of the turn from 1."),
    Column("opens_turn", "flag", "Whether it is the first request of a turn."),
    Column("task", "text", "What it was for, where its caller named a task."),
    Column("purpose", "text", "`chat`, `edit`, `completion`, `compaction`, `title` and so on."),
    Column("use_case", "text", "The use case, where one was found."),
    Column("natural_language", "text", "The language of the prompt, where one was found."),
    Column("programming_language", "text", "The language of the code, where one was found."),
    Column("model_asked", "text", "The model as the caller named it."),
    Column("model", "text", "The model as rankings name it, without the router."),
    Column("endpoint", "text", "The endpoint that served, or failed to."),
    Column("provider", "text", "Whom the request was sent to."),
    Column("served_by", "text", "The provider behind an aggregator, as it names it."),
    Column("author", "text", "Who made the model."),
    Column("generation_id", "text", "The provider's id for the answer."),
    Column("input_tokens", "whole", "Input, with what was read from and written to a cache."),
    Column("cached_tokens", "whole", "The part of the input that was read from a cache."),
    Column("cache_write_tokens", "whole", "The part of the input that was written to a cache."),
    Column("cache_write_1h_tokens", "whole", "The part of that which is kept an hour or longer."),
    Column("output_tokens", "whole", "Output, with thoughts."),
    Column("reasoning_tokens", "whole", "The part of the output that was thoughts."),
    Column("usage_source", "text", "`reported` by the provider, or `estimated` by us."),
    Column("cost_usd", "money", "The provider's figure where there is one, else our price."),
    Column("provider_cost_usd", "money", "What the provider says that it charged."),
    Column("priced_cost_usd", "money", "What our price list gives for the tokens."),
    Column("drift_usd", "money", "The provider's figure minus ours, where both are known."),
    Column("tools", "whole", "Tools offered."),
    Column("tool_calls", "whole", "Calls in the answer."),
    Column("images", "whole", "Pictures in the input."),
    Column("context_bucket", "whole", "Upper end of the context-length bucket in input tokens."),
    Column("latency_ms", "whole", "From sending to the end, in milliseconds."),
    Column("first_token_ms", "whole", "From sending to the first token, in milliseconds."),
    Column("finish", "text", "Why it ended: `stop`, `length`, `tool_calls`, …; `failed`, `aborted`, `lost`, `reconciled`."),
    Column("error_code", "text", "What went wrong, where something did."),
    Column("segments", "map", "Tokens by part of the request; they sum to input and output."),
)
NAMES: Final = tuple(column.name for column in COLUMNS)

Cells = tuple[Any, ...]
"""One row in the order of `COLUMNS`: text, numbers, nano-dollars, milliseconds; `None` is unknown or not given."""


def cells(entry: Entry) -> Cells:
    row = entry.row
    who, usage, cost = row.attribution, row.usage, row.cost
    provider, priced = cost.provider_nanos, cost.priced_nanos
    bucket = row.bucket if row.bucket is not None else None if row.correction else bucket_of(usage.input_tokens)
    return (
        entry.id, row.time_ms, row.correction,
        who.door or None, who.app or None, who.title or None, who.url or None, who.categories or None, who.key or None,
        who.client or None, who.user or None, who.workspace or None,
        row.session_id or None, row.turn_id or None, row.request_id or None, row.attempt, row.step, row.opens_turn,
        row.task or None, row.purpose or None, row.use_case or None, row.natural_language or None,
        row.programming_language or None,
        row.model_asked or None, row.model or None, row.endpoint or None, row.provider or None, row.served_by or None,
        row.author or None, row.generation_id or None,
        usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens,
        usage.output_tokens, usage.reasoning_tokens, usage.source,
        cost.nanos, provider, priced, provider - priced if provider is not None and priced is not None else None,
        row.tools, row.tool_calls, row.images, bucket, row.latency_ms, row.first_token_ms,
        row.finish or None, row.error_code or None,
        {one.name: one.tokens for one in row.segments},
    )  # fmt: skip


def usd_text(nanos: int) -> str:
    """Nano-dollars as exact dollars, without zeros at the end."""
    whole, part = divmod(abs(nanos), 1_000_000_000)
    text = f"{whole}.{part:09d}".rstrip("0").rstrip(".") if part else str(whole)
    return f"-{text}" if nanos < 0 else text


def time_text(milliseconds: int) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")[:-6] + "Z"
