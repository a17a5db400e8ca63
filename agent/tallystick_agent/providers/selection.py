"""Which model serves when the user names none. Pure: what was found in, a slug and the reason out.

The order is part of the stable interface: the configured default, a key in the environment, an Ollama or llama.cpp
server on its usual port, the pulled local model, else an error that names all four ways.
"""

from dataclasses import dataclass

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.providers.catalog import providers

KEY_ORDER = ("openrouter", "anthropic", "openai", "google")
SERVER_ORDER = ("ollama", "llamacpp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What this machine offers."""

    keys: frozenset[str]
    servers: dict[str, str]
    """Models served by local servers, by provider name."""
    local_model: str | None
    """The name of the pulled local model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    slug: str
    reason: str


def by_key(keys: frozenset[str]) -> Selection | None:
    for name in KEY_ORDER:
        provider = providers()[name]
        if provider.key_name in keys:
            return Selection(slug=f"{name}/{provider.default_model}", reason=f"{provider.key_name} is set")
    return None


def select(*, asked: str | None, configured: str | None, found: Found) -> Selection:
    """Raises `ConfigurationError` (`no_model`) when nothing is found."""
    if asked:
        return Selection(slug=asked, reason="named by the user")
    if configured:
        return Selection(slug=configured, reason="the configured default")
    if chosen := by_key(found.keys):
        return chosen
    for name in SERVER_ORDER:
        if model := found.servers.get(name):
            return Selection(slug=f"{name}/{model}", reason=f"a {name} server answers on its usual port")
    if found.local_model:
        return Selection(slug=f"local/{found.local_model}", reason="the pulled local model")
    raise ConfigurationError(
        "No model is available.",
        code="no_model",
        remedy="Do one of: name one with --model or `model = …` in settings.toml; set OPENROUTER_API_KEY,"
        " ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY; start Ollama or a llama.cpp server; or run"
        " `tallystick models pull qwen2.5-coder-1.5b` for one that runs on this machine.",
    )
