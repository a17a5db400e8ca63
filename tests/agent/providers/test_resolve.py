"""From a model's name to the endpoints that may serve it: providers, variants, fallbacks, and what the user sets."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.chat import Reasoning
from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.protocol.model_info import RateLimits
from tallystick_agent.protocol.usage import flat
from tallystick_agent.providers.catalog import Row, providers
from tallystick_agent.providers.resolve import (
    FREE_LIMITS,
    LOCAL_IDLE_TIMEOUT_S,
    Known,
    Target,
    alone,
    candidates,
    nearest,
    resolve,
    target,
)
from tallystick_agent.providers.routing_table import RoutingTable, Traits
from tallystick_agent.providers.variants import KNOWN
from tallystick_agent.settings import Settings

NONE: frozenset[str] = frozenset()
OPENROUTER = frozenset({"OPENROUTER_API_KEY"})
ANTHROPIC = frozenset({"ANTHROPIC_API_KEY"})
OPENAI = frozenset({"OPENAI_API_KEY"})
GROQ = frozenset({"GROQ_API_KEY"})
GPT_OSS = "groq/openai/gpt-oss-120b"


def known(
    keys: frozenset[str] = NONE, *, bases: dict[str, str] | None = None, live: dict[str, Row] | None = None, **given: Any
) -> Known:
    """What names are read against, with settings as they stand in a file."""
    return Known(settings=Settings.model_validate(given), keys=keys, bases=bases or {}, live=live or {})


@pytest.mark.parametrize(
    ("slug", "keys", "provider", "model"),
    [
        ("anthropic/claude-3-haiku", ANTHROPIC, "anthropic", "claude-3-haiku"),
        ("anthropic/claude-3-haiku", OPENROUTER, "openrouter", "anthropic/claude-3-haiku"),
        ("anthropic/claude-3-haiku", ANTHROPIC | OPENROUTER, "anthropic", "claude-3-haiku"),
        ("anthropic/claude-3-haiku", NONE, "anthropic", "claude-3-haiku"),
        ("claude/claude-3-haiku", ANTHROPIC, "anthropic", "claude-3-haiku"),
        ("openrouter/meta-llama/llama-3-8b", OPENROUTER, "openrouter", "meta-llama/llama-3-8b"),
        ("meta-llama/llama-3-8b", OPENROUTER, "openrouter", "meta-llama/llama-3-8b"),
        ("openrouter/auto", OPENROUTER, "openrouter", "openrouter/auto"),
        ("openrouter/openrouter/auto", OPENROUTER, "openrouter", "openrouter/auto"),
        ("ollama/qwen2.5-coder:7b", NONE, "ollama", "qwen2.5-coder:7b"),
        ("ollama/qwen2.5-coder:7b", OPENROUTER, "ollama", "qwen2.5-coder:7b"),
        ("local/qwen2.5-coder-1.5b", NONE, "local", "qwen2.5-coder-1.5b"),
        ("claude-sonnet-4-5", ANTHROPIC, "anthropic", "claude-sonnet-4-5"),
        ("claude-sonnet-4.5", ANTHROPIC, "anthropic", "claude-sonnet-4-5"),
        ("claude-sonnet-4.5", OPENROUTER, "openrouter", "anthropic/claude-sonnet-4.5"),
        ("gpt-4o", OPENAI | frozenset({"AZURE_OPENAI_API_KEY"}), "openai", "gpt-4o"),
    ],
)
def test_the_name_tells_the_provider(slug: str, keys: frozenset[str], provider: str, model: str) -> None:
    found = resolve(slug, known(keys))
    assert (found.provider, found.model, found.slug) == (provider, model, f"{provider}/{model}")


@pytest.mark.parametrize("slug", ["who/knows", "nonsense", "", "/", "anthropic/", ":free", "openrouter/"])
def test_an_unknown_model_names_what_to_do(slug: str) -> None:
    with pytest.raises(ConfigurationError) as unknown:
        resolve(slug, known())
    assert unknown.value.code == "model_unknown"
    for way in ("provider/model", "tallystick models", "OPENROUTER_API_KEY", "[endpoints]", "[providers]"):
        assert way in unknown.value.remedy


@pytest.mark.parametrize(
    ("slug", "keys", "near"),
    [
        ("claude-sonet-4-5", ANTHROPIC, "anthropic/claude-sonnet-4-5"),
        ("antropic/claude-sonnet-4-5", ANTHROPIC, "anthropic/claude-sonnet-4-5"),
        ("gtp-4o", OPENAI, "openai/gpt-4o"),
        ("claude-sonet-4-5", OPENROUTER, "openrouter/anthropic/claude-sonnet-4.5"),
        ("new-modl", OPENROUTER, "openrouter/x/new-model"),
    ],
)
def test_the_nearest_names_are_told_of_providers_whose_key_is_here(slug: str, keys: frozenset[str], near: str) -> None:
    here = known(keys, live={"openrouter/x/new-model": {}})
    found = nearest(slug, here)
    assert near in found
    assert len(found) <= 3
    assert all(any(key in keys for key in [providers()[name.partition("/")[0]].key_name]) for name in found)
    if "/" not in slug:
        with pytest.raises(ConfigurationError, match=near):
            resolve(slug, here)


def test_a_name_like_no_other_has_no_near_ones() -> None:
    assert nearest("zzzzqqqq", known()) == ()


# What is known of an endpoint.


def test_what_the_table_knows_comes_along_and_nothing_is_guessed() -> None:
    found = resolve("anthropic/claude-sonnet-4-5", known(ANTHROPIC))
    assert found.window_tokens == 200_000
    assert found.price is not None
    assert found.price.rates.input == Decimal(3)
    assert found.price.at(200_001).input == Decimal(6)
    unknown = resolve("anthropic/claude-of-tomorrow", known(ANTHROPIC))
    assert (unknown.window_tokens, unknown.max_output_tokens, unknown.price) == (None, None, None)


def test_the_live_list_is_over_the_table() -> None:
    live: dict[str, Row] = {
        "openrouter/x/new": {"window": 5_000, "rates": {"input": "1", "output": "2"}, "parameters": ["tools"]}
    }
    found = resolve("x/new", known(OPENROUTER, live=live))
    assert (found.window_tokens, found.price, found.parameters) == (5_000, flat(1, 2), frozenset({"tools"}))


def test_a_model_on_this_machine_costs_nothing_keeps_nothing_and_may_be_slow() -> None:
    local = resolve("ollama/qwen2.5-coder:1.5b", known())
    assert local.price == flat(0, 0)
    assert (local.data.stores, local.data.zdr, local.local) == (False, True, True)
    assert local.idle_timeout_s == LOCAL_IDLE_TIMEOUT_S
    assert (local.scale, local.key_name, local.capabilities.call_mode) == ("small", None, None)
    assert resolve("ollama/qwen2.5-coder:32b", known()).scale == "large"
    assert resolve("groq/llama-3.2-1b", known(GROQ)).scale == "large"


@pytest.mark.parametrize(
    ("slug", "keys", "base", "wire", "dialect"),
    [
        ("openai/gpt-4o", OPENAI, None, "openai_chat", "openai"),
        ("openai/o3", OPENAI, None, "openai_responses", "openai"),
        ("openai/gpt-4o", OPENAI, "http://127.0.0.1:9/v1", "openai_chat", "openai_compatible"),
        ("openai/o3", OPENAI, "http://127.0.0.1:9/v1", "openai_chat", "openai_compatible"),
        ("anthropic/claude-sonnet-4-5", ANTHROPIC, "http://127.0.0.1:9/v1", "anthropic", "openai_compatible"),
        ("openrouter/x/m", OPENROUTER, "http://127.0.0.1:9/v1", "openai_chat", "openrouter"),
    ],
)
def test_a_moved_base_url_speaks_what_the_servers_there_speak(
    slug: str, keys: frozenset[str], base: str | None, wire: str, dialect: str
) -> None:
    """Only the provider itself is sure to have its newer wire; a proxy before it speaks the plain one."""
    provider = slug.partition("/")[0]
    found = resolve(slug, known(keys, bases={provider: base} if base else {}))
    assert (found.wire, found.dialect) == (wire, dialect)
    assert found.base_url == (base or providers()[provider].base_url)


def test_a_provider_whose_accounts_have_a_base_url_each_needs_one() -> None:
    azure = frozenset({"AZURE_OPENAI_API_KEY"})
    with pytest.raises(ConfigurationError, match="Azure") as unset:
        resolve("azure-openai/gpt-4o", known(azure))
    assert "AZURE_OPENAI_ENDPOINT" in unset.value.remedy
    assert resolve("azure-openai/gpt-4o", known(azure, bases={"azure-openai": "https://w.example/v1"})).base_url
    assert "azure-openai" not in {one.provider for one in candidates("gpt-4o", known(azure | OPENAI))}


# Variants.


@pytest.mark.parametrize(
    ("slug", "model"),
    [
        ("openrouter/x/m:nitro", "x/m:nitro"),
        ("openrouter/x/m:free:online", "x/m:free:online"),
        ("groq/m:nitro", "m"),
        ("anthropic/claude-3-haiku:thinking:online", "claude-3-haiku"),
        ("ollama/qwen2.5-coder:7b:floor", "qwen2.5-coder:7b"),
    ],
)
def test_a_router_takes_the_suffixes_on_and_elsewhere_they_are_ours_to_follow(slug: str, model: str) -> None:
    assert resolve(slug, known(OPENROUTER | GROQ | ANTHROPIC)).model == model


def test_what_the_variants_of_the_named_model_ask() -> None:
    here = known(GROQ)
    assert target(f"{GPT_OSS}:nitro", here).wish.policy == "throughput"
    assert target(f"{GPT_OSS}:free", here).wish.free_only
    assert target(f"{GPT_OSS}:online", here).web
    assert not target(GPT_OSS, here).web


@pytest.mark.parametrize(
    ("slug", "keys", "settings", "reasoning"),
    [
        (f"{GPT_OSS}:thinking", GROQ, {}, Reasoning(effort="high")),
        (f"{GPT_OSS}:thinking", GROQ, {"effort": "low"}, Reasoning(effort="low")),
        (f"{GPT_OSS}:thinking", GROQ, {"max_tokens": 500}, Reasoning(max_tokens=500)),
        (f"{GPT_OSS}:thinking", GROQ, {"exclude": True}, Reasoning(effort="high", exclude=True)),
        ("openrouter/x/m:thinking", OPENROUTER, {}, None),
        ("openrouter/anthropic/claude-sonnet-5.5:thinking", OPENROUTER, {}, Reasoning(effort="high")),
        (GPT_OSS, GROQ, {"exclude": True}, Reasoning(exclude=True)),
        (GPT_OSS, GROQ, {}, None),
    ],
)
def test_how_much_a_model_is_to_think(
    slug: str, keys: frozenset[str], settings: dict[str, Any], reasoning: Reasoning | None
) -> None:
    assert target(slug, known(keys, reasoning=settings)).reasoning == reasoning


def test_a_free_model_costs_nothing_and_is_paced() -> None:
    for slug in ("openrouter/openai/gpt-oss-120b:free", "deepseek/deepseek-r1-0528:free", "openrouter/x/unheard-of:free"):
        found = resolve(slug, known(OPENROUTER))
        assert (found.free, found.limits) == (True, FREE_LIMITS)
    paid = resolve("openrouter/openai/gpt-oss-120b", known(OPENROUTER))
    assert (paid.free, paid.limits) == (False, RateLimits(account="openrouter"))
    vercel = resolve("vercel/x/m:free", known(frozenset({"VERCEL_AI_GATEWAY_API_KEY"})))
    assert (vercel.free, vercel.limits.account) == (False, "vercel")


# Several candidates.


def slugs(slug: str, here: Known) -> list[str]:
    return [one.slug for one in candidates(slug, here)]


def test_who_names_the_provider_is_served_there_alone() -> None:
    """Code goes to nobody whom the user did not name."""
    assert slugs(GPT_OSS, known(GROQ | OPENROUTER)) == [GPT_OSS]


def test_elsewhere_lets_every_provider_with_a_key_serve_the_same_weights() -> None:
    here = known(GROQ | OPENROUTER, routing={"elsewhere": True})
    assert slugs(GPT_OSS, here) == [GPT_OSS, "openrouter/openai/gpt-oss-120b"]
    assert slugs("openrouter/openai/gpt-oss-120b:floor", here) == ["openrouter/openai/gpt-oss-120b:floor", GPT_OSS]


def test_a_name_without_its_provider_may_be_served_by_all_of_them() -> None:
    assert set(slugs("gpt-oss-120b", known(GROQ | OPENROUTER))) == {GPT_OSS, "openrouter/openai/gpt-oss-120b"}
    free = slugs("gpt-oss-120b:free", known(GROQ | OPENROUTER))
    assert "openrouter/openai/gpt-oss-120b:free" in free


def test_fallback_models_come_after_all_that_serve_the_named_one() -> None:
    routing = {"fallback_models": ["anthropic/claude-sonnet-4-5", GPT_OSS, "openai/gpt-4o"]}
    here = known(GROQ | OPENROUTER | ANTHROPIC | OPENAI, routing=routing)
    found = target("gpt-oss-120b", here)
    assert found.endpoint == found.candidates[0]
    assert found.wish.later == ("anthropic/claude-sonnet-4-5", "openai/gpt-4o")
    assert [one.slug for one in found.candidates[-2:]] == list(found.wish.later)


def test_an_unknown_fallback_model_is_an_error_before_anything_is_sent() -> None:
    with pytest.raises(ConfigurationError) as unknown:
        target(GPT_OSS, known(GROQ, routing={"fallback_models": ["nonsense"]}))
    assert unknown.value.code == "model_unknown"


@pytest.mark.parametrize(
    ("slug", "routing", "order"),
    [
        (GPT_OSS, {}, ()),
        (GPT_OSS, {"elsewhere": True}, (GPT_OSS,)),
        (f"{GPT_OSS}:floor", {"elsewhere": True}, ()),
        (GPT_OSS, {"elsewhere": True, "policy": "price"}, ()),
        (GPT_OSS, {"elsewhere": True, "order": ["openrouter"]}, ("openrouter",)),
        ("gpt-oss-120b", {}, ()),
    ],
)
def test_the_named_provider_comes_first_unless_a_policy_was_asked_for(
    slug: str, routing: dict[str, Any], order: tuple[str, ...]
) -> None:
    assert target(slug, known(GROQ | OPENROUTER, routing=routing)).wish.order == order


def test_wishes_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="groq") as both:
        target(GPT_OSS, known(GROQ, routing={"only": ["groq", "together"], "ignore": ["groq"]}))
    assert both.value.code == "bad_settings"


def test_an_endpoint_alone_has_nobody_beside_it() -> None:
    one = resolve(GPT_OSS, known(GROQ))
    assert alone(one).candidates == (one,)


# What the user sets.

OWN: dict[str, Any] = {
    "base_url": "http://10.0.0.1/v1",
    "key_name": "WORK_KEY",
    "window_tokens": 32_000,
    "price": {"input": "1", "output": "2"},
}


@pytest.mark.parametrize("slug", ["work/coder", "work/coder:nitro"])
def test_an_endpoint_of_the_users_own(slug: str) -> None:
    found = resolve(slug, known(endpoints={"work/coder": OWN}))
    assert (found.slug, found.provider, found.model, found.base_url) == ("work/coder", "work", "coder", "http://10.0.0.1/v1")
    assert (found.key_name, found.window_tokens, found.dialect) == ("WORK_KEY", 32_000, "openai_compatible")
    assert found.price == flat(1, 2)
    assert found.capabilities.call_mode is None


def test_a_provider_of_the_users_own() -> None:
    work = {"base_url": "http://10.0.0.1/v1", "wire": "anthropic", "auth": "x-api-key", "key_name": "WORK_KEY", "zdr": True}
    found = resolve("work/some/coder", known(OPENROUTER | frozenset({"WORK_KEY"}), providers={"work": work}))
    assert (found.provider, found.model, found.base_url) == ("work", "some/coder", "http://10.0.0.1/v1")
    assert (found.wire, found.auth, found.key_name, found.data.zdr, found.price) == (
        "anthropic",
        "x-api-key",
        "WORK_KEY",
        True,
        None,
    )
    local = resolve("lab/coder", known(providers={"lab": {"base_url": "http://10.0.0.2/v1", "local": True}}))
    assert (local.price, local.local, local.idle_timeout_s) == (flat(0, 0), True, LOCAL_IDLE_TIMEOUT_S)


def test_a_provider_of_the_users_own_takes_the_place_of_ours() -> None:
    found = resolve("openai/gpt-4o", known(providers={"openai": {"base_url": "http://10.0.0.1/v1"}}))
    assert (found.base_url, found.key_name, found.dialect) == ("http://10.0.0.1/v1", None, "openai_compatible")


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("anthropic/claude-3-haiku", "anthropic/claude-3-haiku"),
        ("anthropic/claude-3-haiku:nitro", "anthropic/claude-3-haiku"),
        ("claude/claude-3-haiku", "anthropic/claude-3-haiku"),
        ("openrouter/x/m:nitro", "openrouter/x/m"),
        ("openrouter/x/m:free", "openrouter/x/m:free"),
    ],
)
def test_values_of_the_users_own_replace_the_tables(slug: str, name: str) -> None:
    own = {"window_tokens": 1_000, "call_mode": "text", "scale": "small", "max_output_tokens": 500, "quantization": "fp8"}
    found = resolve(slug, known(ANTHROPIC | OPENROUTER, endpoints={name: own}))
    assert (found.window_tokens, found.max_output_tokens, found.quantization) == (1_000, 500, "fp8")
    assert (found.capabilities.call_mode, found.scale) == ("text", "small")
    assert found.base_url.startswith("https://")


def test_values_for_a_model_are_not_those_of_its_free_entry() -> None:
    here = known(OPENROUTER, endpoints={"openrouter/x/m": {"price": {"input": "1", "output": "1"}}})
    assert resolve("openrouter/x/m", here).price == flat(1, 1)
    assert resolve("openrouter/x/m:free", here).price == flat(0, 0)


@pytest.mark.parametrize(
    ("own", "wire", "base"),
    [
        ({}, "openai_chat", "http://127.0.0.1:11434/v1"),
        ({"window_tokens": 32_000}, "ollama", "http://127.0.0.1:11434"),
        ({"window_tokens": 32_000, "wire": "openai_chat"}, "openai_chat", "http://127.0.0.1:11434/v1"),
        ({"window_tokens": 32_000, "base_url": "http://10.0.0.1:11434/v1/"}, "ollama", "http://10.0.0.1:11434"),
        ({"wire": "ollama", "base_url": "http://10.0.0.1:11434/"}, "ollama", "http://10.0.0.1:11434"),
    ],
)
def test_a_window_for_ollama_is_set_through_its_own_api(own: dict[str, Any], wire: str, base: str) -> None:
    found = resolve("ollama/qwen3:8b", known(endpoints={"ollama/qwen3:8b": own}))
    assert (found.wire, found.base_url) == (wire, base)


@pytest.mark.parametrize(
    ("slug", "limits", "found"),
    [
        (GPT_OSS, {}, RateLimits(account="groq")),
        (GPT_OSS, {"groq": {"requests": 30}}, RateLimits(requests=30, account="groq")),
        (GPT_OSS, {"groq": {"requests": 30}, GPT_OSS: {"requests_per_day": 9}}, RateLimits(requests_per_day=9, account=GPT_OSS)),
        ("openrouter/x/m", {"openrouter": {"requests": 300}}, RateLimits(requests=300, account="openrouter")),
        ("openrouter/x/m:free", {"openrouter": {"requests": 300}}, FREE_LIMITS),
        (
            "openrouter/x/m:free",
            {"openrouter:free": {"requests": 20, "requests_per_day": 1_000}},
            RateLimits(requests=20, requests_per_day=1_000, account="openrouter:free"),
        ),
        ("work/coder", {}, RateLimits(account="work/coder")),
        ("work/coder", {"work/coder": {"requests": 2}}, RateLimits(requests=2, account="work/coder")),
        ("work/coder", {"work": {"requests": 2, "window_s": 1}}, RateLimits(requests=2, window_s=1.0, account="work")),
    ],
)
def test_limits_by_endpoint_or_provider(slug: str, limits: dict[str, Any], found: RateLimits) -> None:
    here = known(GROQ | OPENROUTER, limits=limits, endpoints={"work/coder": OWN})
    assert resolve(slug, here).limits == found


def target_or_error(slug: str, here: Known) -> Target | ConfigurationError:
    try:
        return target(slug, here)
    except ConfigurationError as error:
        return error


WORDS = st.sampled_from(["anthropic", "openrouter", "groq", "ollama", "work", "gpt-4o", "gpt-oss-120b", "x", "m", "", "7b"])


@given(
    parts=st.lists(WORDS, min_size=1, max_size=4),
    variants=st.lists(st.sampled_from(sorted(KNOWN)), max_size=3),
    keys=st.sets(st.sampled_from(["ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "GROQ_API_KEY", "OPENAI_API_KEY"])),
    elsewhere=st.booleans(),
)
def test_every_name_comes_to_endpoints_of_different_names_or_to_an_error_with_a_code(
    parts: list[str], variants: list[str], keys: set[str], elsewhere: bool
) -> None:
    slug = ":".join(["/".join(parts), *variants])
    found = target_or_error(slug, known(frozenset(keys), routing={"elsewhere": elsewhere}))
    if isinstance(found, ConfigurationError):
        assert found.code in ("model_unknown", "provider_auth")
        return
    names = [one.slug for one in found.candidates]
    assert len(set(names)) == len(names)
    assert found.candidates[0] == found.endpoint
    judged = RoutingTable(found.candidates).judged(Traits(), found.wish)
    assert len(judged.kept) + len(judged.dropped) == len(names)


def test_a_suffix_that_a_router_does_not_list_is_not_sent_to_it() -> None:
    found = target("openrouter/anthropic/claude-sonnet-5.5:thinking:nitro", known(OPENROUTER)).endpoint
    assert found.model == "anthropic/claude-sonnet-5.5:nitro"


def test_a_known_provider_behind_a_base_url_of_the_users_own_keeps_its_format_and_loses_its_key() -> None:
    own: dict[str, Any] = {"anthropic/claude-sonnet-5-5": {"base_url": "https://proxy.example.test/v1"}}
    found = resolve("anthropic/claude-sonnet-5-5", known(ANTHROPIC, endpoints=own))
    assert (found.wire, found.auth, found.base_url) == ("anthropic", "x-api-key", "https://proxy.example.test/v1")
    assert found.key_name is None
    assert found.window_tokens == 1_000_000
    named: dict[str, Any] = {"anthropic/claude-sonnet-5-5": {**own["anthropic/claude-sonnet-5-5"], "key_name": "PROXY_KEY"}}
    assert resolve("anthropic/claude-sonnet-5-5", known(ANTHROPIC, endpoints=named)).key_name == "PROXY_KEY"


@pytest.mark.parametrize("name", ["anthropic", "anthropic/claude-sonnet-5-5"])
def test_what_the_user_knows_of_a_providers_handling_of_prompts_holds(name: str) -> None:
    strict: dict[str, Any] = {"routing": {"data_collection": "deny", "zdr": True}}
    slug = "anthropic/claude-sonnet-5-5"
    traits = Traits()

    def kept(given: dict[str, Any]) -> int:
        found = target(slug, known(ANTHROPIC, **strict, **given))
        return len(RoutingTable(found.candidates).judged(traits, found.wish).kept)

    assert kept({}) == 0
    assert kept({"data": {name: {"stores": False}}}) == 0
    assert kept({"data": {name: {"stores": False, "zdr": True}}}) == 1


def test_free_is_a_wish_for_the_model_that_was_named_and_not_for_those_behind_it() -> None:
    settings: dict[str, Any] = {"routing": {"fallback_models": ["anthropic/claude-sonnet-5-5"]}}
    found = target("openrouter/z-ai/glm-4.5-air:free", known(OPENROUTER | ANTHROPIC, **settings))
    judged = RoutingTable(found.candidates).judged(Traits(), found.wish)
    assert len(judged.kept) == 2


def test_only_one_of_our_own_providers_means_no_way_around_through_a_router() -> None:
    settings: dict[str, Any] = {"routing": {"only": ["anthropic"]}}
    found = target("claude-sonnet-5.5", known(OPENROUTER | ANTHROPIC, **settings))
    judged = RoutingTable(found.candidates).judged(Traits(), found.wish)
    assert [found.candidates[number].provider for number in judged.kept] == ["anthropic"]
    behind = target("openrouter/anthropic/claude-sonnet-5.5", known(OPENROUTER, **settings))
    assert len(RoutingTable(behind.candidates).judged(Traits(), behind.wish).kept) == 1


@pytest.mark.parametrize(
    ("slug", "given"),
    [
        ("work/coder", {"providers": {"work": {"base_url": "http://10.0.0.1/v1", "key_name": "WORK_KEY"}}}),
        ("mistral/mistral-large-latest", {}),
        ("groq/llama-3.3-70b-versatile", {}),
        ("ollama/qwen2.5-coder:7b", {}),
    ],
)
def test_a_provider_that_is_meant_never_becomes_a_router(slug: str, given: dict[str, Any]) -> None:
    """Without its key too: what is missing is said, and the code stays here."""
    assert resolve(slug, known(OPENROUTER, **given)).provider == slug.partition("/")[0]


@pytest.mark.parametrize("slug", ["loacl/qwen", "ollma/qwen2.5-coder", "work/codr", "bedrock/foo"])
def test_a_name_that_no_list_has_goes_to_nobody(slug: str) -> None:
    with pytest.raises(ConfigurationError) as unknown:
        resolve(slug, known(OPENROUTER, endpoints={"work/coder": {"base_url": "http://10.0.0.1/v1"}}))
    assert unknown.value.code == "model_unknown"


def test_a_bare_name_without_any_key_says_which_would_do() -> None:
    with pytest.raises(ConfigurationError) as refused:
        resolve("claude-sonnet-5.5", known())
    assert refused.value.code == "provider_auth"
    assert "ANTHROPIC_API_KEY" in refused.value.remedy
    assert "OPENROUTER_API_KEY" in refused.value.remedy


def test_a_bare_name_has_one_endpoint_a_provider_and_the_exact_one() -> None:
    found = target("gpt-4o", known(OPENAI | OPENROUTER))
    assert [one.slug for one in found.candidates] == ["openai/gpt-4o", "openrouter/openai/gpt-4o"]


def test_a_bare_name_finds_the_users_own_endpoint() -> None:
    own: dict[str, Any] = {
        "providers": {"work": {"base_url": "http://10.0.0.1/v1"}},
        "endpoints": {"work/coder": {"window_tokens": 32_000}},
    }
    found = resolve("coder", known(**own))
    assert (found.slug, found.window_tokens) == ("work/coder", 32_000)


@pytest.mark.parametrize(
    ("base", "sure"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://192.168.1.7:11434/v1", True),
        ("http://box.local:11434/v1", True),
        ("https://gpu.example.com/v1", False),
    ],
)
def test_a_local_server_that_was_moved_far_away_promises_nothing(base: str, sure: bool) -> None:
    found = resolve("ollama/qwen2.5-coder:7b", known(bases={"ollama": base}))
    assert (found.data.stores is False, found.data.zdr is True) == (sure, sure)


def test_names_of_providers_are_read_in_any_case() -> None:
    found = target("claude-sonnet-5.5", known(ANTHROPIC | OPENROUTER, routing={"only": ["Anthropic"]}))
    assert found.wish.only == ("anthropic",)


@pytest.mark.parametrize(
    "given",
    [
        {"providers": {"work": {"base_url": "http://10.0.0.1/v1", "dialect": "vlm"}}},
        {"endpoints": {"work/m": {"base_url": "http://10.0.0.1/v1", "dialect": "vlm"}}},
    ],
)
def test_a_dialect_that_nobody_knows_is_said(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        resolve("work/m", known(**given))
    assert "vlm" in wrong.value.message
    assert "vllm" in wrong.value.remedy


def test_a_bare_name_passes_by_an_overlay_that_cannot_be_used() -> None:
    own: dict[str, Any] = {
        "endpoints": {"azure-openai/gpt-4o": {"window_tokens": 1_000}, "groq/gpt-4o": {"window_tokens": 1_000}}
    }
    assert resolve("gpt-4o", known(OPENAI, **own)).slug == "openai/gpt-4o"


@pytest.mark.parametrize("slug", ["openai/my-model", "mybox/my-model"])
def test_a_bare_name_means_what_the_users_own_server_means_by_its_full_name(slug: str) -> None:
    own: dict[str, Any] = {"endpoints": {slug: {"base_url": "http://localhost:9000/v1"}}}
    assert resolve("my-model", known(OPENAI, **own)) == resolve(slug, known(OPENAI, **own))


@pytest.mark.parametrize(("keys", "told"), [(frozenset[str](), True), (OPENROUTER, False)])
def test_a_key_that_is_here_is_not_asked_for(keys: frozenset[str], told: bool) -> None:
    with pytest.raises(ConfigurationError) as unknown:
        resolve("nobody/x", known(keys))
    assert ("OPENROUTER_API_KEY" in unknown.value.remedy) == told
