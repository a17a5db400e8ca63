"""Which model serves when the user names none: a fixed order, and an error that names every way out."""

from dataclasses import replace

import pytest

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.providers.catalog import providers
from tallystick_agent.providers.selection import KEY_ORDER, Found, by_key, select

EVERYTHING = Found(
    keys=frozenset({"OPENROUTER_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"}),
    servers={"ollama": "qwen2.5-coder:7b", "llamacpp": "model.gguf"},
    local_model="qwen2.5-coder-1.5b",
)
NOTHING = Found(keys=frozenset(), servers={}, local_model=None)


def test_the_order_from_the_users_word_down_to_the_pulled_model() -> None:
    chosen = [
        select(asked="a/b", configured="c/d", found=EVERYTHING).slug,
        select(asked=None, configured="c/d", found=EVERYTHING).slug,
        *(
            select(
                asked=None,
                configured=None,
                found=replace(EVERYTHING, keys=frozenset(str(providers()[name].key_name) for name in KEY_ORDER[at:])),
            ).slug
            for at in range(len(KEY_ORDER))
        ),
        select(asked=None, configured=None, found=replace(EVERYTHING, keys=frozenset())).slug,
        select(asked=None, configured=None, found=replace(EVERYTHING, keys=frozenset(), servers={"llamacpp": "model.gguf"})).slug,
        select(asked=None, configured=None, found=replace(EVERYTHING, keys=frozenset(), servers={})).slug,
    ]
    assert [slug.partition("/")[0] for slug in chosen] == [
        "a",
        "c",
        "openrouter",
        "anthropic",
        "openai",
        "google",
        "ollama",
        "llamacpp",
        "local",
    ]
    assert chosen[-3:] == ["ollama/qwen2.5-coder:7b", "llamacpp/model.gguf", "local/qwen2.5-coder-1.5b"]


def test_a_key_chooses_that_providers_default_model() -> None:
    for name in KEY_ORDER:
        provider = providers()[name]
        chosen = by_key(frozenset({str(provider.key_name)}))
        assert chosen is not None
        assert chosen.slug == f"{name}/{provider.default_model}"
        assert provider.key_name in chosen.reason.split()


def test_a_key_of_some_other_program_chooses_nothing() -> None:
    assert by_key(frozenset({"WEATHER_API_KEY"})) is None


def test_every_choice_says_why() -> None:
    assert select(asked="a/b", configured=None, found=NOTHING).reason == "named by the user"
    assert "configured" in select(asked=None, configured="c/d", found=NOTHING).reason
    assert "ollama" in select(asked=None, configured=None, found=replace(NOTHING, servers={"ollama": "m"})).reason
    assert "pulled" in select(asked=None, configured=None, found=replace(NOTHING, local_model="m")).reason


def test_with_nothing_at_all_the_error_names_all_four_ways() -> None:
    with pytest.raises(ConfigurationError) as none:
        select(asked=None, configured=None, found=NOTHING)
    assert none.value.code == "no_model"
    for way in (
        "--model",
        "settings.toml",
        "OPENROUTER_API_KEY",
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "GEMINI_API_KEY",
        "Ollama",
        "llama.cpp",
        "models pull",
    ):
        assert way in none.value.remedy
