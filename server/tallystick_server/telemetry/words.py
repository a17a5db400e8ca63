"""A row of the ledger in the words of OpenTelemetry's GenAI conventions, and in ours where they have none. Pure.

Names are those of the conventions' own repository as of autumn 2026. All are still in development there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tallystick_agent.usage.families import family_of
from tallystick_agent.usage.record import LedgerRow

Value = str | int | float | bool | tuple[str, ...]
Attributes = dict[str, Value]

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
ERROR_TYPE: Final = "error.type"
TOKEN_TYPE: Final = "gen_ai.token.type"
MODALITY: Final = "gen_ai.token.modality"
CONVERSATION: Final = "gen_ai.conversation.id"

_PROVIDERS: Final = {
    "google": "gcp.gemini",
    "azure-openai": "azure.ai.openai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "moonshot": "moonshot_ai",
}
"""Our names that the conventions have another word for; a provider that they do not know keeps its own."""
_OPERATIONS: Final = {"completion": "text_completion", "embedding": "embeddings"}
"""By purpose; everything else is a chat."""
_UNANSWERED: Final = frozenset({"failed", "aborted", "lost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a provider is reached."""

    address: str
    port: int


Servers = Mapping[str, Server]
"""By the provider's name."""


def provider_name(name: str) -> str:
    return _PROVIDERS.get(name, name)


def operation(row: LedgerRow) -> str:
    return _OPERATIONS.get(row.purpose, "chat")


def sent_model(row: LedgerRow) -> str:
    """The model as the provider knows it: the endpoint without the provider in front."""
    head, _, rest = row.endpoint.partition("/")
    return rest if rest and head == row.provider else row.endpoint


def answered(row: LedgerRow) -> bool:
    return row.finish not in _UNANSWERED and not row.correction


def outcome(row: LedgerRow) -> str:
    return "answered" if answered(row) else row.finish


def error_type(row: LedgerRow) -> str | None:
    """What went wrong; somebody's wish to stop is nothing that went wrong."""
    if row.finish == "aborted":
        return None
    return row.error_code or ("_OTHER" if row.finish in ("failed", "lost") else None)


def metric_attributes(row: LedgerRow, servers: Servers) -> Attributes:
    """What every measure of a request is told apart by: few values each, and nothing of a person or a session."""
    who = row.attribution
    found: Attributes = {OPERATION: operation(row), PROVIDER: provider_name(row.provider), REQUEST_MODEL: sent_model(row)}
    if answered(row):
        found[RESPONSE_MODEL] = sent_model(row)
    server = servers.get(row.provider)
    if server is not None:
        found |= {"server.address": server.address, "server.port": server.port}
    ours = {"tallystick.door": who.door, "tallystick.app": who.app, "tallystick.purpose": row.purpose, "tallystick.key": who.key}
    return found | {name: value for name, value in ours.items() if value}


def request_attributes(row: LedgerRow, servers: Servers) -> Attributes:
    """Everything that is known of a request, for its span."""
    found = metric_attributes(row, servers)
    if row.session_id:
        found[CONVERSATION] = row.session_id
    if row.generation_id:
        found["gen_ai.response.id"] = row.generation_id
    if answered(row):
        found["gen_ai.response.finish_reasons"] = (row.finish,)
    if row.first_token_ms is not None:
        found["gen_ai.response.time_to_first_chunk"] = row.first_token_ms / 1000
    wrong = error_type(row)
    if wrong is not None:
        found[ERROR_TYPE] = wrong
    return found | _usage(row) | _ours(row)


def _usage(row: LedgerRow) -> Attributes:
    """Tokens; of a request that failed before a token, nothing is said."""
    usage = row.usage
    if not answered(row) and not usage.total_tokens:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_write.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        "tallystick.usage.source": usage.source,
    }


def _ours(row: LedgerRow) -> Attributes:
    """What the conventions have no word for."""
    who, cost = row.attribution, row.cost
    texts = {
        "app.title": who.title, "client": who.client, "user": who.user, "workspace": who.workspace,
        "model.asked": row.model_asked, "model": row.model, "author": row.author, "served_by": row.served_by,
        "turn.id": row.turn_id, "request.id": row.request_id, "task": row.task, "use_case": row.use_case,
        "natural_language": row.natural_language, "programming_language": row.programming_language, "outcome": outcome(row),
    }  # fmt: skip
    found: Attributes = {f"tallystick.{name}": value for name, value in texts.items() if value}
    found |= {"tallystick.attempt": row.attempt, "tallystick.step": row.step}
    counts = {"tools": row.tools, "tool_calls": row.tool_calls, "images": row.images}
    found |= {f"tallystick.{name}": count for name, count in counts.items() if count}
    if who.categories:
        found["tallystick.app.categories"] = who.categories
    if cost.nanos is not None:
        found["tallystick.cost.nanos"] = cost.nanos
        found["tallystick.cost.usd"] = cost.nanos / 1_000_000_000
        found["tallystick.cost.source"] = cost_source(row)
    if cost.provider_nanos is not None and cost.priced_nanos is not None:
        found["tallystick.cost.drift_nanos"] = cost.provider_nanos - cost.priced_nanos
    return found | {f"tallystick.segments.{family}": tokens for family, tokens in families(row).items()}


def cost_source(row: LedgerRow) -> str:
    return "provider" if row.cost.provider_nanos is not None else "priced"


def families(row: LedgerRow) -> dict[str, int]:
    """Tokens by family of segment. The names of files stay here: only what kind of part it was is told."""
    found: dict[str, int] = {}
    for one in row.segments:
        family = family_of(one.name)
        found[family] = found.get(family, 0) + one.tokens
    return found
