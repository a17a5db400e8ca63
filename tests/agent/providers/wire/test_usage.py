"""Every report of tokens in one convention (§3.8): input and output are inclusive, the parts are parts of them."""

import json
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.providers.wire.conversation import decoder, read

from tallystick_agent.protocol.model_info import WireName
from tallystick_agent.protocol.usage import Usage


class Report(NamedTuple):
    name: str
    wire: WireName
    dialect: str
    raw: dict[str, Any]
    usage: Usage | None
    total: int | None = None
    """The provider's own total, where it gives one."""


def report(name: str, wire: WireName, raw: dict[str, Any], usage: Usage | None, *, dialect: str = "", total: str = "") -> Report:
    return Report(name, wire, dialect or "openai_compatible", raw, usage, raw[total] if total else None)


def chat(**fields: Any) -> dict[str, Any]:
    return {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, **fields}


def cached(tokens: int, **fields: int) -> dict[str, Any]:
    return {"prompt_tokens_details": {"cached_tokens": tokens, **fields}}


def thought(tokens: int) -> dict[str, Any]:
    return {"completion_tokens_details": {"reasoning_tokens": tokens}}


PLAIN = Usage(input_tokens=100, output_tokens=20)
CACHED = Usage(input_tokens=100, cached_tokens=60, output_tokens=20)
THOUGHT = Usage(input_tokens=100, cached_tokens=60, output_tokens=20, reasoning_tokens=7)
FULL = Usage(input_tokens=100, cached_tokens=60, cache_write_tokens=30, output_tokens=20, reasoning_tokens=7)
RESPONSES: dict[str, Any] = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 7},
    "total_tokens": 120,
}
CLAUDE: dict[str, Any] = {
    "input_tokens": 10,
    "cache_read_input_tokens": 60,
    "cache_creation_input_tokens": 30,
    "output_tokens": 20,
}
GEMINI: dict[str, Any] = {"promptTokenCount": 100, "candidatesTokenCount": 13, "thoughtsTokenCount": 7, "totalTokenCount": 120}
STEP = {"type": "message", **CLAUDE}
REPORTS = [
    *(
        report(
            f"chat-{one}", "openai_chat", chat(**cached(60, cache_write_tokens=30), **thought(7)), FULL, dialect=one, total=total
        )
        for one, total in (("openai", "total_tokens"), ("openrouter", "total_tokens"), ("groq", "total_tokens"), ("moonshot", ""))
    ),
    report("chat-write-is-0-if-absent", "openai_chat", chat(**cached(60), **thought(7)), THOUGHT),
    report("chat-details-are-null", "openai_chat", chat(prompt_tokens_details=None, completion_tokens_details=None), PLAIN),
    report("responses-openai", "openai_responses", RESPONSES, FULL, dialect="openai", total="total_tokens"),
    report("responses-xai", "openai_responses", RESPONSES, FULL, dialect="xai", total="total_tokens"),
    report("responses-without-details", "openai_responses", {"input_tokens": 100, "output_tokens": 20}, PLAIN),
    report(
        "anthropic-leaves-the-cache-out-of-its-input",
        "anthropic",
        {**CLAUDE, "output_tokens_details": {"thinking_tokens": 7}},
        FULL,
    ),
    report(
        "anthropic-of-old-models-counts-no-thoughts",
        "anthropic",
        CLAUDE,
        Usage(input_tokens=100, cached_tokens=60, cache_write_tokens=30, output_tokens=20),
    ),
    report(
        "anthropic-by-time",
        "anthropic",
        {**CLAUDE, "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}},
        Usage(input_tokens=100, cached_tokens=60, cache_write_tokens=30, cache_write_1h_tokens=20, output_tokens=20),
    ),
    report("anthropic-without-a-cache", "anthropic", {"input_tokens": 100, "output_tokens": 20}, PLAIN),
    report(
        "anthropic-null-cache", "anthropic", {"input_tokens": 100, "cache_read_input_tokens": None, "output_tokens": 20}, PLAIN
    ),
    report(
        "anthropic-iterations-are-summed",
        "anthropic",
        {**CLAUDE, "iterations": [{**STEP, "type": "compaction"}, STEP, STEP]},
        Usage(input_tokens=300, cached_tokens=180, cache_write_tokens=90, output_tokens=60),
    ),
    report("anthropic-no-iterations", "anthropic", {"input_tokens": 100, "output_tokens": 20, "iterations": []}, PLAIN),
    report(
        "gemini-thoughts-stand-beside-the-candidates",
        "gemini",
        {**GEMINI, "cachedContentTokenCount": 60},
        THOUGHT,
        total="totalTokenCount",
    ),
    report(
        "gemini-tool-prompts-are-input",
        "gemini",
        {**GEMINI, "promptTokenCount": 90, "toolUsePromptTokenCount": 10},
        Usage(input_tokens=100, output_tokens=20, reasoning_tokens=7),
        total="totalTokenCount",
    ),
    report(
        "gemini-without-candidates",
        "gemini",
        {"promptTokenCount": 100, "totalTokenCount": 100},
        Usage(input_tokens=100),
        total="totalTokenCount",
    ),
    report(
        "xai-chat-reasoning-is-in-the-total-alone",
        "openai_chat",
        chat(total_tokens=127, **thought(7)),
        Usage(input_tokens=100, output_tokens=27, reasoning_tokens=7),
        dialect="xai",
        total="total_tokens",
    ),
    report(
        "xai-chat-reasoning-inside",
        "openai_chat",
        chat(**thought(7)),
        Usage(input_tokens=100, output_tokens=20, reasoning_tokens=7),
        dialect="xai",
        total="total_tokens",
    ),
    report(
        "another-servers-total-adds-nothing",
        "openai_chat",
        chat(total_tokens=127, **thought(7)),
        Usage(input_tokens=100, output_tokens=20, reasoning_tokens=7),
        dialect="openai",
    ),
    report("deepseek-details", "openai_chat", chat(**cached(60)), CACHED, dialect="deepseek", total="total_tokens"),
    report(
        "deepseek-hits-and-misses",
        "openai_chat",
        chat(prompt_cache_hit_tokens=60, prompt_cache_miss_tokens=40),
        CACHED,
        dialect="deepseek",
    ),
    report("mistral", "openai_chat", chat(), PLAIN, dialect="mistral", total="total_tokens"),
    report("mistral-details", "openai_chat", chat(**cached(60), **thought(7)), THOUGHT, dialect="mistral"),
    report("ollama", "ollama", {"prompt_eval_count": 100, "eval_count": 20}, PLAIN),
    report("ollama-leaves-out-a-0", "ollama", {"prompt_eval_count": 100}, None),
    report("llamacpp", "openai_chat", chat(**cached(60)), CACHED, dialect="llamacpp", total="total_tokens"),
    report(
        "a-replayed-answer-has-more-in-its-cache-than-its-prompt",
        "openai_chat",
        chat(**cached(400)),
        Usage(input_tokens=100, cached_tokens=100, output_tokens=20),
        dialect="openrouter",
    ),
    report(
        "infill-slot-is-no-cache",
        "llama_infill",
        {"tokens_evaluated": 100, "tokens_predicted": 20, "tokens_cached": 119, "timings": {"cache_n": 60}},
        CACHED,
    ),
    report("infill-without-timings", "llama_infill", {"tokens_evaluated": 100, "tokens_predicted": 20}, PLAIN),
    *(report(f"{wire}-none", wire, {}, None) for wire in ("openai_chat", "openai_responses", "anthropic", "gemini", "ollama")),
    report("infill-none", "llama_infill", {}, None),
    report("chat-zeros-are-none", "openai_chat", {"prompt_tokens": 0, "completion_tokens": 0}, None),
    report("anthropic-zeros-are-none", "anthropic", {"input_tokens": 0, "output_tokens": 0}, None),
]


def events(wire: WireName, raw: dict[str, Any]) -> list[dict[str, Any]]:
    """A stream of one word with this usage."""
    match wire:
        case "openai_chat" | "suffix_infill":
            return [{"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}, {"choices": [], "usage": raw}]
        case "openai_responses":
            text = {"type": "response.output_text.delta", "output_index": 0, "delta": "a"}
            return [text, {"type": "response.completed", "response": {"id": "r", "usage": raw or None}}]
        case "anthropic":
            content = [{"type": "text", "text": "a"}]
            return [{"type": "message", "id": "m", "content": content, "stop_reason": "end_turn", "usage": raw}]
        case "gemini":
            candidate = {"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}
            return [{"candidates": [candidate], "usageMetadata": raw}]
        case "ollama":
            return [{"message": {"content": "a"}, "done": True, **raw}]
        case "llama_infill":
            return [{"content": "a", "stop": False}, {"content": "", "stop": True, "stop_type": "eos", **raw}]


@pytest.mark.parametrize("one", REPORTS, ids=[one.name for one in REPORTS])
def test_a_report(one: Report) -> None:
    usage = read(one.wire, *events(one.wire, one.raw), dialect=one.dialect).usage
    assert usage == one.usage
    if usage is not None:
        assert usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens
        assert usage.cache_write_1h_tokens <= usage.cache_write_tokens
        assert usage.reasoning_tokens <= usage.output_tokens
        assert usage.source == "reported"
        assert one.total in (None, usage.total_tokens)


COUNT = st.integers(0, 400) | st.none()
FIELDS: dict[WireName, tuple[str, ...]] = {
    "openai_chat": ("prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_hit_tokens", "cached_tokens"),
    "openai_responses": ("input_tokens", "output_tokens", "total_tokens"),
    "anthropic": ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
    "gemini": (
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "toolUsePromptTokenCount",
        "cachedContentTokenCount",
    ),
    "ollama": ("prompt_eval_count", "eval_count"),
}
PARTS: dict[str, tuple[str, ...]] = {
    "prompt_tokens_details": ("cached_tokens", "cache_write_tokens"),
    "completion_tokens_details": ("reasoning_tokens",),
    "input_tokens_details": ("cached_tokens", "cache_write_tokens"),
    "output_tokens_details": ("reasoning_tokens", "thinking_tokens"),
    "cache_creation": ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"),
}


def numbers(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, COUNT))


@pytest.mark.parametrize("wire", FIELDS)
@given(data=st.data(), dialect=st.sampled_from(["openai", "xai", "deepseek", "llamacpp"]))
def test_parts_never_exceed_their_whole_whatever_is_reported(wire: WireName, data: st.DataObject, dialect: str) -> None:
    raw = data.draw(numbers(FIELDS[wire])) | {name: data.draw(numbers(parts)) for name, parts in PARTS.items()}
    usage = read(wire, *events(wire, raw), dialect=dialect).usage
    if usage is not None:
        assert 0 <= usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens
        assert 0 <= usage.cache_write_1h_tokens <= usage.cache_write_tokens
        assert 0 <= usage.reasoning_tokens <= usage.output_tokens


@pytest.mark.parametrize("wire", FIELDS)
def test_an_answer_that_was_cut_before_its_end_reports_nothing(wire: WireName) -> None:
    """What was counted on the way is not what it cost; the ledger estimates."""
    one = decoder(wire)
    raw = next(row.raw for row in REPORTS if row.wire == wire and row.usage is not None)
    one.feed(json.dumps(events(wire, raw)[0]))
    reply = one.finish(cut=True)
    assert (reply.usage, reply.provider_nanos, reply.finish) == (None, None, "repetition")
