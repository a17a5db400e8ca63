"""What a model's name tells: its tokenizer's family, and whether it is small. Owns the lists of names; pure."""

import re
from typing import Final

_NEW_CLAUDE: Final = ("sonnet-5", "opus-5", "fable-5", "haiku-5", "opus-4.7", "opus-4-7", "opus-4.8", "opus-4-8")
_FAMILIES: Final[tuple[tuple[str, str], ...]] = (
    (r"claude", "claude"),
    (r"gemini|gemma", "gemini"),
    (r"gpt-oss", "o200k_harmony"),
    (r"qwen-?3\.[5-9]|qwen-?[4-9](?!\d*b)", "qwen-3.6"),
    (r"qwen|qwq", "qwen"),
    (r"distill-llama", "llama"),
    (r"deepseek", "deepseek"),
    (r"mistral|mixtral|codestral|devstral|ministral|magistral|pixtral", "mistral"),
    (r"llama-?4", "llama-4"),
    (r"llama", "llama"),
    (r"gpt-4(-|$)|gpt-3\.?5", "cl100k"),
    (r"gpt-|(^|/)o[134](-|$)|chatgpt", "o200k"),
)


def token_family(model: str) -> str:
    """The tokenizer family that a model's name tells; `unknown`, with its wide band, where it tells nothing."""
    lower = model.lower()
    for pattern, family in _FAMILIES:
        if re.search(pattern, lower):
            return "claude-2026" if family == "claude" and any(name in lower for name in _NEW_CLAUDE) else family
    return "unknown"


def is_small(model: str) -> bool:
    """Whether a name says at most 4 billion parameters: `qwen2.5-coder-1.5b`, `llama3.2:3b`."""
    sizes = [float(size) for size in re.findall(r"(\d+(?:\.\d+)?)b\b", model.lower())]
    return bool(sizes) and sizes[0] <= 4
