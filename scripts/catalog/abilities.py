"""What an endpoint can do, from LiteLLM's flags and a few rules of the providers' own documents."""

import re
from collections.abc import Mapping
from typing import Any

Entry = Mapping[str, Any]
Row = dict[str, Any]

FLAGS = {
    "tools": "supports_function_calling",
    "images": "supports_vision",
    "structured": "supports_response_schema",
    "web": "supports_web_search",
}
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
USUAL = ["low", "medium", "high"]
OPENAI_THINKS = re.compile(r"^(o\d|gpt-[5-9]|codex-mini)")
GEMINI = re.compile(r"^gemini-(\d+)(?:\.(\d+))?")
GEMINI_2_5 = {
    "pro": {"mandatory": True, "least": 128, "most": 32_768},
    "lite": {"least": 512, "most": 24_576},
    "flash": {"least": 1, "most": 24_576},
}
"""Thinking budgets in tokens of the last generation that took budgets."""


def flags(entry: Entry, infill: bool) -> Row:
    """`can` and `cannot`: what is known, either way."""
    can = [name for name, flag in FLAGS.items() if entry.get(flag) is True]
    cannot = [name for name, flag in FLAGS.items() if entry.get(flag) is False]
    if infill:
        can.append("infill")
    return {name: value for name, value in (("can", can), ("cannot", cannot)) if value}


def reasoning(provider: str, model: str, entry: Entry) -> Row | None:
    """How a wish for reasoning is put to this endpoint; `None` where it does not reason, or where the way is not known."""
    name = model.lower().rsplit("/", 1)[-1]
    if entry.get("supports_reasoning") is not True:
        return None
    match provider:
        case "anthropic":
            return _anthropic(entry)
        case "google":
            return _google(name, entry)
        case "openai" | "azure-openai":
            if not OPENAI_THINKS.match(name) or "chat" in name:
                return None
            efforts = _efforts(entry)
            return _rule("effort", efforts, mandatory="none" not in efforts)
        case "deepseek":
            return _rule("effort", ["low", "high", "max"], mandatory=bool(re.search(r"reasoner|-r1", name)))
        case "qwen":
            style = "budget" if name.startswith(("qwen", "qwq")) else "toggle"
            return _rule(style, USUAL, mandatory=bool(re.search(r"thinking|qwq", name)))
        case "groq" if "qwen" in name:
            return _rule("toggle", USUAL)
        case "xai" | "groq":
            return _rule("effort", _efforts(entry), mandatory="gpt-oss" in name)
        case _:
            return _elsewhere(provider, name, entry)


def _elsewhere(provider: str, name: str, entry: Entry) -> Row | None:
    if "gpt-oss" in name:
        return _rule("effort", USUAL, mandatory=True)
    if entry.get("reasoning_effort_levels"):
        return _rule("effort", _efforts(entry))
    return _rule("toggle", USUAL) if provider == "moonshot" else None


def _anthropic(entry: Entry) -> Row:
    always = entry.get("thinking_always_on") is True
    if entry.get("supports_adaptive_thinking") is True:
        return _rule("adaptive", _efforts(entry), mandatory=always)
    return {**_rule("budget", USUAL, mandatory=always), "least": 1_024}


def _google(name: str, entry: Entry) -> Row | None:
    found = GEMINI.match(name)
    if found is not None and (int(found[1]), int(found[2] or 0)) < (3, 0):
        kind = next((kind for kind in ("lite", "pro", "flash") if kind in name), "flash")
        return {**_rule("budget", USUAL), **GEMINI_2_5[kind]}
    return _rule("effort", _efforts(entry), mandatory=True) if name.startswith("gemini") else None


def _efforts(entry: Entry) -> list[str]:
    levels = entry.get("reasoning_effort_levels")
    if levels:
        return [effort for effort in EFFORTS if effort in levels]
    known = set(USUAL)
    for effort in EFFORTS:
        flag = entry.get(f"supports_{effort}_reasoning_effort")
        if flag is True:
            known.add(effort)
        elif flag is False:
            known.discard(effort)
    return [effort for effort in EFFORTS if effort in known]


def _rule(style: str, efforts: list[str], *, mandatory: bool = False) -> Row:
    return {"style": style, "efforts": list(efforts), **({"mandatory": True} if mandatory else {})}


def rejects_sampling(provider: str, model: str, entry: Entry) -> bool:
    """Whether `temperature` is an error."""
    if entry.get("supports_sampling_params") is False:
        return True
    thinks = OPENAI_THINKS.match(model) is not None and "chat" not in model
    return provider in ("openai", "azure-openai") and thinks and entry.get("supports_sampling_params") is not True


def alibaba_marks(name: str, entry: Entry, rates: Mapping[str, str]) -> bool:
    """Whether Alibaba keeps the parts of a prompt that are marked: its models from Qwen 3 on, and whatever has a price for it."""
    return name.startswith("qwen3") or "cache_write" in rates or "explicit_cache_read_input_token_cost" in entry


def cache(provider: str, name: str, entry: Entry, rates: Mapping[str, str]) -> Row | None:
    """How prompts are cached: by marks of ours, or by itself where reading from a cache has a price."""
    if provider == "anthropic":
        style = "cache_control" if entry.get("supports_prompt_caching") is True or "cache_read" in rates else None
    elif entry.get("supports_prompt_cache_breakpoint") is True:
        style = "breakpoints"
    elif provider == "qwen" and alibaba_marks(name, entry, rates):
        style = "cache_control"
    else:
        style = "automatic" if "cache_read" in rates else None
    if style is None:
        return None
    least = entry.get("prompt_cache_min_tokens")
    return {"style": style, **({"least": int(least)} if least else {})}
