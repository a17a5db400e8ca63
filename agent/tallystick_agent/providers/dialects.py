"""How servers that speak OpenAI Chat Completions differ, as data. Owns no behaviour: `wire.openai_chat` reads it."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    ask_usage: bool = True
    """Send `stream_options.include_usage`; without it most servers report no tokens for a stream."""
    schema_style: Literal["openai", "none"] = "openai"
    session_field: str = ""
    """The body field that keeps a session on a warm cache."""
    cost_in_usage: bool = False
    """`usage.cost` is what was charged, in US dollars."""
    seed: bool = True
    attribution: bool = True
    """Send the app's name in headers. Harmless where nobody reads them."""


DIALECTS: Final[dict[str, Dialect]] = {
    "openai": Dialect(max_tokens_field="max_completion_tokens", session_field="prompt_cache_key"),
    "openai_compatible": Dialect(),
    "openrouter": Dialect(session_field="session_id", cost_in_usage=True),
    "anthropic": Dialect(seed=False),
    "gemini": Dialect(seed=False),
    "ollama": Dialect(),
    "llamacpp": Dialect(),
}


def dialect_of(name: str) -> Dialect:
    return DIALECTS.get(name, DIALECTS["openai_compatible"])
