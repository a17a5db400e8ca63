"""Reading the tables: what a row says comes out as values, what it does not say stays unknown, and every value has a source."""

from decimal import Decimal

import pytest

from tallystick_agent.protocol.model_info import CacheRule, Capabilities, ReasoningRule
from tallystick_agent.protocol.usage import Price, Rates, Tier
from tallystick_agent.providers.catalog import (
    Row,
    Source,
    aliases,
    by_weights,
    capabilities_of,
    models,
    price_of,
    providers,
    row_of,
    source_of,
    sources,
)
from tallystick_agent.providers.families import is_small, token_family
from tallystick_agent.tokens.counter import FAMILIES


def test_a_price_has_its_tiers_and_its_fee() -> None:
    row: Row = {
        "rates": {"input": "3", "output": "15", "cache_read": "0.3", "cache_write": "3.75", "cache_write_1h": "6"},
        "tiers": [[200_000, {"input": "6", "output": "22.5"}]],
        "request": "0.01",
    }
    assert price_of(row) == Price(
        rates=Rates(
            input=Decimal(3),
            output=Decimal(15),
            cache_read=Decimal("0.3"),
            cache_write=Decimal("3.75"),
            cache_write_1h=Decimal(6),
        ),
        tiers=(Tier(above=200_000, rates=Rates(input=Decimal(6), output=Decimal("22.5"))),),
        request_usd=Decimal("0.01"),
    )


@pytest.mark.parametrize("row", [{}, {"window": 5}, {"tiers": [], "request": "1"}])
def test_without_rates_there_is_no_price(row: Row) -> None:
    assert price_of(row) is None


@pytest.mark.parametrize(
    ("row", "local", "expected"),
    [
        ({}, False, Capabilities()),
        ({}, True, Capabilities(call_mode=None)),
        (
            {"can": ["tools", "images", "structured", "web", "infill"]},
            False,
            Capabilities(tools=True, images=True, structured=True, web=True, infill=True),
        ),
        ({"cannot": ["tools", "images"]}, False, Capabilities(call_mode=None, tools=False, images=False)),
        ({"sampling": False}, False, Capabilities(sampling=False)),
        (
            {"cache": {"style": "cache_control", "least": 9}},
            False,
            Capabilities(cache=CacheRule(style="cache_control", least_tokens=9)),
        ),
        ({"cache": {"style": "breakpoints"}}, False, Capabilities(cache=CacheRule(style="breakpoints", ttl_s=1_800.0))),
        ({"reasoning": {"style": "toggle"}}, False, Capabilities(reasoning=ReasoningRule(style="toggle"))),
        (
            {"reasoning": {"style": "budget", "efforts": ["low"], "least": 128, "most": 32_768, "mandatory": True}},
            False,
            Capabilities(
                reasoning=ReasoningRule(style="budget", efforts=("low",), least_budget=128, most_budget=32_768, mandatory=True)
            ),
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_a_row_says_of_a_model_and_what_it_leaves_unknown(row: Row, local: bool, expected: Capabilities) -> None:
    assert capabilities_of(row, local=local) == expected


def test_every_row_and_every_provider_can_be_read() -> None:
    for slug, row in models().items():
        assert slug.partition("/")[0] in providers(), slug
        price_of(row)
        capabilities_of(row, local=False)
    assert aliases()["claude"] == "anthropic"
    assert all(name in providers() for name in aliases().values())


def test_every_value_of_a_row_has_a_source_with_its_date() -> None:
    assert sources()
    slug = "anthropic/claude-sonnet-4-5"
    for field in ("window", "rates", "output"):
        source = source_of(models()[slug], field)
        assert source in sources()
    assert source_of(models()[slug], "nothing") is None
    assert source_of({"window": 5}, "window") is None


def test_what_was_fetched_is_named_as_its_source_and_the_rest_keeps_its_own() -> None:
    slug = "openrouter/anthropic/claude-sonnet-4.5"
    fresh: Row = {"window": 5, "live": {"date": "2026-11-23", "fields": ["window"]}}
    row = row_of(slug, {slug: fresh})
    assert source_of(row, "window") == Source(name="OpenRouter, live", date="2026-11-23")
    assert source_of(row, "cache") in sources()


def test_the_same_weights_are_found_at_all_who_serve_them() -> None:
    serving = by_weights()["gpt-oss-120b"]
    assert {"groq/openai/gpt-oss-120b", "openrouter/openai/gpt-oss-120b"} <= set(serving)
    assert all(models()[slug]["same"] == "gpt-oss-120b" for slug in serving)


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o", "o200k"),
        ("gpt-4.1-mini", "o200k"),
        ("gpt-5.6-terra", "o200k"),
        ("o3", "o200k"),
        ("openai/o4-mini", "o200k"),
        ("chatgpt-4o-latest", "o200k"),
        ("gpt-4", "cl100k"),
        ("gpt-4-turbo-2024-04-09", "cl100k"),
        ("gpt-3.5-turbo", "cl100k"),
        ("gpt-35-turbo-16k", "cl100k"),
        ("openai/gpt-oss-120b", "o200k_harmony"),
        ("claude-3-5-sonnet", "claude"),
        ("anthropic/claude-sonnet-4.5", "claude"),
        ("claude-sonnet-4-5-20250929", "claude"),
        ("claude-opus-4-6", "claude"),
        ("claude-opus-4-7", "claude-2026"),
        ("anthropic/claude-opus-4.8", "claude-2026"),
        ("claude-sonnet-5-5", "claude-2026"),
        ("claude-fable-5", "claude-2026"),
        ("gemini-4-argon", "gemini"),
        ("google/gemma-3-27b-it", "gemini"),
        ("Qwen/Qwen2.5-Coder-1.5B", "qwen"),
        ("qwen-72b-chat", "qwen"),
        ("deepseek-r1-distill-qwen-7b", "qwen"),
        ("qwen3.6-plus", "qwen-3.6"),
        ("qwen4-32b", "qwen-3.6"),
        ("deepseek-r1-distill-llama-70b", "llama"),
        ("deepseek-v4-pro", "deepseek"),
        ("mistral-large", "mistral"),
        ("meta-llama/llama-3-8b", "llama"),
        ("llama-4-maverick", "llama-4"),
        ("something-new", "unknown"),
    ],
)
def test_the_tokenizer_family_is_told_by_the_name(model: str, family: str) -> None:
    assert token_family(model) == family
    assert family in FAMILIES


@pytest.mark.parametrize(
    ("model", "small"),
    [
        ("qwen2.5-coder-1.5b", True),
        ("llama3.2:3b", True),
        ("phi3:3.8b", True),
        ("Qwen2.5-Coder-0.5B-Instruct-Q4", True),
        ("qwen2.5-coder:7b", False),
        ("qwen3-30b-a3b", False),
        ("llama-3.1-405b", False),
        ("mixtral-8x7b", False),
        ("gpt-4o", False),
        ("codestral", False),
    ],
)
def test_a_small_model_is_told_by_its_name(model: str, small: bool) -> None:
    assert is_small(model) == small
