"""From a model's name to an endpoint: which provider is meant, what is known of the model, and what the user overrides."""

from decimal import Decimal

import pytest

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.protocol.usage import Price
from tallystick_agent.providers.catalog import (
    LOCAL_IDLE_TIMEOUT_S,
    catalog_source,
    is_small,
    models,
    providers,
    resolve,
    token_family,
)
from tallystick_agent.settings import EndpointSettings, PriceSettings, Settings
from tallystick_agent.tokens.counter import FAMILIES

NONE: frozenset[str] = frozenset()
OPENROUTER = frozenset({"OPENROUTER_API_KEY"})
ANTHROPIC = frozenset({"ANTHROPIC_API_KEY"})


@pytest.mark.parametrize(
    ("slug", "keys", "provider", "model"),
    [
        ("anthropic/claude-3-haiku", ANTHROPIC, "anthropic", "claude-3-haiku"),
        ("anthropic/claude-3-haiku", OPENROUTER, "openrouter", "anthropic/claude-3-haiku"),
        ("anthropic/claude-3-haiku", ANTHROPIC | OPENROUTER, "anthropic", "claude-3-haiku"),
        ("anthropic/claude-3-haiku", NONE, "anthropic", "claude-3-haiku"),
        ("openrouter/meta-llama/llama-3-8b", OPENROUTER, "openrouter", "meta-llama/llama-3-8b"),
        ("meta-llama/llama-3-8b", OPENROUTER, "openrouter", "meta-llama/llama-3-8b"),
        ("ollama/qwen2.5-coder:7b", NONE, "ollama", "qwen2.5-coder:7b"),
        ("ollama/qwen2.5-coder:7b", OPENROUTER, "ollama", "qwen2.5-coder:7b"),
        ("local/qwen2.5-coder-1.5b", NONE, "local", "qwen2.5-coder-1.5b"),
        ("claude-3-haiku", ANTHROPIC, "anthropic", "claude-3-haiku"),
    ],
)
def test_the_name_tells_the_provider(slug: str, keys: frozenset[str], provider: str, model: str) -> None:
    found = resolve(slug, Settings(), keys, {})
    assert (found.provider, found.model, found.slug) == (provider, model, f"{provider}/{model}")


@pytest.mark.parametrize("slug", ["who/knows", "nonsense", "claude-3-haiku", "", "/", "anthropic/"])
def test_an_unknown_model_names_what_to_do(slug: str) -> None:
    with pytest.raises(ConfigurationError) as unknown:
        resolve(slug, Settings(), NONE, {})
    assert unknown.value.code == "model_unknown"
    for way in ("provider/model", "tallystick models", "OPENROUTER_API_KEY", "[endpoints]"):
        assert way in unknown.value.remedy


def test_what_the_table_knows_comes_along_and_nothing_is_guessed() -> None:
    known = resolve("anthropic/claude-3-5-sonnet", Settings(), ANTHROPIC, {})
    assert known.window_tokens == 200_000
    assert known.price == Price(input=Decimal(3), output=Decimal(15), cache_read=Decimal("0.3"), cache_write=Decimal("3.75"))
    unknown = resolve("anthropic/claude-of-tomorrow", Settings(), ANTHROPIC, {})
    assert (unknown.window_tokens, unknown.price) == (None, None)


def test_a_model_on_this_machine_costs_nothing_and_may_be_slow() -> None:
    local = resolve("ollama/qwen2.5-coder:1.5b", Settings(), NONE, {})
    assert local.price == Price(input=Decimal(0), output=Decimal(0))
    assert local.idle_timeout_s == LOCAL_IDLE_TIMEOUT_S
    assert (local.scale, local.key_name, local.capabilities.call_mode) == ("small", None, None)
    assert resolve("ollama/qwen2.5-coder:32b", Settings(), NONE, {}).scale == "large"


def test_the_environment_moves_a_base_url_and_then_the_dialect_is_the_plain_one() -> None:
    moved = resolve("openai/gpt-4o", Settings(), frozenset({"OPENAI_API_KEY"}), {"openai": "http://127.0.0.1:9/v1"})
    assert (moved.base_url, moved.dialect) == ("http://127.0.0.1:9/v1", "openai_compatible")
    straight = resolve("openai/gpt-4o", Settings(), frozenset({"OPENAI_API_KEY"}), {})
    assert (straight.base_url, straight.dialect) == ("https://api.openai.com/v1", "openai")


def test_an_endpoint_of_the_users_own() -> None:
    own = EndpointSettings(
        base_url="http://10.0.0.1/v1",
        key_name="WORK_KEY",
        window_tokens=32_000,
        price=PriceSettings(input=Decimal(1), output=Decimal(2)),
    )
    found = resolve("work/coder", Settings(endpoints={"work/coder": own}), NONE, {})
    assert (found.slug, found.provider, found.model, found.base_url) == ("work/coder", "work", "coder", "http://10.0.0.1/v1")
    assert (found.key_name, found.window_tokens, found.dialect) == ("WORK_KEY", 32_000, "openai_compatible")
    assert found.price == Price(input=Decimal(1), output=Decimal(2))
    assert found.capabilities.call_mode is None


def test_values_of_the_users_own_replace_the_tables() -> None:
    own = EndpointSettings(window_tokens=1_000, call_mode="text", scale="small", max_output_tokens=500)
    found = resolve("anthropic/claude-3-haiku", Settings(endpoints={"anthropic/claude-3-haiku": own}), ANTHROPIC, {})
    assert (found.window_tokens, found.capabilities.call_mode, found.scale, found.max_output_tokens) == (
        1_000,
        "text",
        "small",
        500,
    )
    assert found.price is not None
    assert found.base_url == "https://api.anthropic.com/v1"


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o", "o200k"),
        ("claude-3-5-sonnet", "claude"),
        ("anthropic/claude-sonnet-4.5", "claude"),
        ("claude-opus-4-6", "claude"),
        ("claude-opus-4-7", "claude-2026"),
        ("anthropic/claude-opus-4.8", "claude-2026"),
        ("claude-sonnet-5-5", "claude-2026"),
        ("claude-fable-5", "claude-2026"),
        ("gemini-4-argon", "gemini"),
        ("Qwen/Qwen2.5-Coder-1.5B", "qwen"),
        ("deepseek-r1-distill-llama-70b", "deepseek"),
        ("mistral-large", "mistral"),
        ("meta-llama/llama-3-8b", "llama"),
        ("something-new", "o200k"),
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


def test_the_tables_are_whole() -> None:
    assert catalog_source()
    for slug, row in models().items():
        assert slug.partition("/")[0] in providers(), slug
        assert Decimal(row["input"]) >= 0
        assert Decimal(row["output"]) >= 0
        assert row.get("window") is None or row["window"] > 0
    for provider in providers().values():
        assert provider.base_url.startswith(("https://", "http://127.0.0.1"))
        assert provider.local == (provider.key_name is None)
