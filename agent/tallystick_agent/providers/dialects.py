"""How servers that speak OpenAI Chat Completions differ, as data. Owns no behaviour: `wire.openai_chat` reads it."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    ask_usage: bool = True
    """Send `stream_options.include_usage`; without it most servers report no tokens for a stream."""
    running_usage: bool = False
    """Ask for usage on every chunk, so that a stream that breaks is still counted by the server (vLLM)."""
    schema_style: Literal["openai", "object", "none"] = "openai"
    """`object`: it can promise JSON, and no schema."""
    session_field: str = ""
    """The body field that keeps a session on a warm cache."""
    session_header: str = ""
    """The header that does the same."""
    cost_in_usage: bool = False
    """`usage.cost` is what was charged, in US dollars."""
    seed: bool = True
    tool_choice: bool = True
    forced_calls: bool = True
    """False where `tool_choice: required` lets a model write until its limit (llama.cpp); it is sent as `auto` there."""
    parallel_field: bool = True
    strict_schema: bool = True
    reasoning: Literal["effort", "object", "qwen", "groq", "template", "none"] = "effort"
    """The field for a wish: `reasoning_effort`, OpenRouter's object, Qwen's switch and budget, Groq's effort with a
    format, a switch of the chat template, or no field at all."""
    echo_reasoning: str = ""
    """The field that every assistant turn must carry back where tools are used; a missing one is a 400 (DeepSeek)."""
    call_ids: Literal["any", "alnum9"] = "any"
    """`alnum9`: call ids must be nine letters and digits (Mistral)."""
    reasoning_outside_output: bool = False
    """Reasoning tokens are in the total and not in the completion (xAI); the total decides."""
    onward: bool = False
    """Takes `models`, `provider` and `plugins` on to the providers behind it."""


DIALECTS: Final[dict[str, Dialect]] = {
    "openai": Dialect(max_tokens_field="max_completion_tokens", session_field="prompt_cache_key"),
    "azure": Dialect(max_tokens_field="max_completion_tokens", session_field="prompt_cache_key"),
    "openai_compatible": Dialect(),
    "openrouter": Dialect(session_field="session_id", cost_in_usage=True, reasoning="object", onward=True),
    "anthropic": Dialect(seed=False),
    "gemini": Dialect(seed=False),
    "deepseek": Dialect(schema_style="object", seed=False, parallel_field=False, echo_reasoning="reasoning_content"),
    "mistral": Dialect(seed=False, call_ids="alnum9", reasoning="none"),
    "groq": Dialect(max_tokens_field="max_completion_tokens", reasoning="groq"),
    "xai": Dialect(session_header="x-grok-conv-id", reasoning_outside_output=True),
    "together": Dialect(parallel_field=False),
    "fireworks": Dialect(session_field="user", parallel_field=False),
    "moonshot": Dialect(session_field="prompt_cache_key", parallel_field=False, reasoning="none"),
    "qwen": Dialect(schema_style="object", reasoning="qwen"),
    "ollama": Dialect(tool_choice=False, parallel_field=False),
    "llamacpp": Dialect(forced_calls=False, reasoning="template"),
    "vllm": Dialect(running_usage=True, reasoning="template"),
    "lmstudio": Dialect(parallel_field=False, reasoning="none"),
}


def dialect_of(name: str) -> Dialect:
    """The dialect of that name; an unknown one is taken as plain OpenAI-compatible."""
    return DIALECTS.get(name, DIALECTS["openai_compatible"])
