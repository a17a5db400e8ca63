"""The tables of providers and models as data: their form, what they may not say, and that enough is in them."""

import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any, get_args

import pytest

from tallystick_agent.protocol.model_info import EFFORTS, AuthStyle, WireName
from tallystick_agent.providers.dialects import DIALECTS

DATA = files("tallystick_agent.providers")
PROVIDERS: dict[str, dict[str, Any]] = tomllib.loads(DATA.joinpath("providers.toml").read_text("utf-8"))
TEXT = DATA.joinpath("catalog.json").read_text("utf-8")
CATALOG: dict[str, Any] = json.loads(TEXT)
MODELS: dict[str, dict[str, Any]] = CATALOG["models"]
ORIGINS: list[dict[str, list[str]]] = CATALOG["origins"]
"""By number: which facts came from which source."""

RATES = {"input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning"}
ABILITIES = {"tools", "images", "structured", "web", "infill"}
FACTS = {"window", "output", "rates", "tiers", "request", "can", "cannot", "reasoning", "sampling", "cache", "ends"}
MONEY = re.compile(r"(0|[1-9]\d*)(\.\d*[1-9])?")
"""A decimal as it is written exactly: no exponent, no sign, no zeros at the end."""
NOISE = re.compile(r"0{7}|9{7}")
"""What binary floats leave in a decimal."""


def every_rates() -> Iterator[tuple[str, dict[str, str]]]:
    for slug, row in MODELS.items():
        if "rates" in row:
            yield slug, row["rates"]
        for _, rates in row.get("tiers", ()):
            yield slug, rates


def wrong(*found: bool) -> bool:
    return not all(found)


REQUIRED = (
    "openrouter openai anthropic google deepseek mistral groq xai together fireworks moonshot qwen ollama llamacpp vllm"
    " lmstudio azure-openai local"
).split()


def test_the_providers_that_the_product_promises_are_there() -> None:
    assert not set(REQUIRED) - PROVIDERS.keys()
    assert len(PROVIDERS) >= 32


def test_no_two_providers_answer_to_one_name() -> None:
    names = Counter([*PROVIDERS, *(alias for row in PROVIDERS.values() for alias in row.get("aliases", ()))])
    assert [name for name, times in names.items() if times > 1] == []
    assert all(name == name.lower() and "/" not in name for name in names)
    assert "gemini" in PROVIDERS["google"]["aliases"]
    assert {"alibaba", "dashscope"} <= set(PROVIDERS["qwen"]["aliases"])


def test_no_two_providers_are_moved_by_one_variable() -> None:
    variables = Counter(row["base_env"] for row in PROVIDERS.values() if row["base_env"])
    assert [name for name, times in variables.items() if times > 1] == []


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_is_well_formed(name: str) -> None:
    row = PROVIDERS[name]
    texts = {"title", "base_url", "key_name", "base_env", "suffix", "wire", "reasoning_wire", "dialect", "auth", "default_model"}
    flags = {"aggregator", "local", "stores", "zdr"}
    assert row.keys() <= {*texts, *flags, "aliases"}
    assert {"title", "base_url", "base_env", "dialect"} <= row.keys()
    assert all(isinstance(row[key], str) for key in texts & row.keys())
    assert all(isinstance(row[key], bool) for key in flags & row.keys())
    assert row.get("wire", "openai_chat") in get_args(WireName)
    assert row.get("reasoning_wire", "openai_responses") in get_args(WireName)
    assert row.get("auth", "bearer") in get_args(AuthStyle)
    assert row["dialect"] in DIALECTS
    assert row.get("local", False) == ("key_name" not in row)
    base = row["base_url"]
    if row.get("local"):
        assert base.startswith("http://127.0.0.1:")
    elif base:
        assert base.startswith("https://")
    else:
        assert row["base_env"]
    assert not base.endswith("/")
    suffix = row.get("suffix", "")
    assert suffix == "" or (suffix.startswith("/") and not suffix.endswith("/"))
    # The suffix is what a moved base lacks, so the base of our own ends in it.
    assert base == "" or base.endswith(suffix)
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*|", row.get(key, "")) for key in ("key_name", "base_env"))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("anthropic", {"wire": "anthropic", "auth": "x-api-key", "base_url": "https://api.anthropic.com/v1", "suffix": "/v1"}),
        ("google", {"wire": "gemini", "auth": "x-goog-api-key", "key_name": "GEMINI_API_KEY", "base_env": "GEMINI_BASE_URL"}),
        ("xai", {"wire": "openai_responses", "dialect": "xai"}),
        ("azure-openai", {"base_url": "", "base_env": "AZURE_OPENAI_ENDPOINT", "suffix": "/openai/v1", "auth": "api-key"}),
        ("openrouter", {"aggregator": True, "dialect": "openrouter"}),
        ("vercel", {"aggregator": True}),
        ("ollama", {"base_env": "OLLAMA_HOST", "suffix": "/v1", "local": True}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_providers_that_are_unlike_the_others(name: str, values: dict[str, Any]) -> None:
    assert {key: PROVIDERS[name].get(key) for key in values} == values


@pytest.mark.parametrize("name", [name for name, row in PROVIDERS.items() if "default_model" in row])
def test_a_default_model_is_one_that_we_know(name: str) -> None:
    row = MODELS[f"{name}/{PROVIDERS[name]['default_model']}"]
    assert "rates" in row
    assert "tools" not in row.get("cannot", ())


def test_there_are_enough_models_and_every_provider_of_them_is_known() -> None:
    providers = {slug.partition("/")[0] for slug in MODELS}
    assert not providers - PROVIDERS.keys()
    assert len(providers) >= 30
    assert sum("rates" in row for row in MODELS.values()) >= 400
    assert sum("tiers" in row for row in MODELS.values()) >= 100
    assert not [name for name in providers if PROVIDERS[name].get("local")]


def test_the_file_is_small_sorted_and_has_one_model_on_a_line() -> None:
    assert len(TEXT.encode()) < 700_000
    slugs = [line.split('"')[1] for line in TEXT.partition('"models":{\n')[2].splitlines() if line.startswith('"')]
    assert slugs == sorted(MODELS) == list(MODELS)


def test_the_sources_are_named() -> None:
    sources = CATALOG["sources"]
    assert {key: source["package"] for key, source in sources.items()} == {"g": "genai-prices", "l": "litellm"}
    for source in sources.values():
        assert source.keys() == {"package", "version", "date", "licence"}
        assert source["licence"] == "MIT"
        assert re.fullmatch(r"\d+\.\d+\.\d+", source["version"])
        assert date.fromisoformat(source["date"])


def test_every_row_has_the_agreed_fields_and_something_to_say() -> None:
    known = {*FACTS, "same", "from"}
    bad = [slug for slug, row in MODELS.items() if wrong(row.keys() <= known, {"same", "from"} < row.keys(), row["same"] != "")]
    assert bad == []


def test_every_fact_has_one_origin() -> None:
    bad: list[str] = []
    for slug, row in MODELS.items():
        told: Counter[str] = Counter()
        origin = ORIGINS[int(row["from"])]
        for facts in origin.values():
            told.update(facts)
        # Two sources that name the same window are both named.
        told["window"] = min(told["window"], 1)
        told.pop("larger window", None)
        if +told != Counter(row.keys() & FACTS):
            bad.append(slug)
    assert bad == []
    assert {row["from"] for row in MODELS.values()} == set(range(len(ORIGINS)))
    assert all(origin.keys() <= CATALOG["sources"].keys() for origin in ORIGINS)
    assert len({json.dumps(origin, sort_keys=True) for origin in ORIGINS}) == len(ORIGINS)


def test_sizes_are_positive_and_an_answer_fits_into_the_window() -> None:
    bad = [
        slug
        for slug, row in MODELS.items()
        for size in (row.get("window", 1), row.get("output", 1))
        if type(size) is not int or size <= 0 or row.get("output", 0) >= row.get("window", 10**9)
    ]
    assert bad == []


def test_money_is_exact_decimals_and_never_a_float() -> None:
    bad = [
        slug
        for slug, rates in every_rates()
        if wrong(
            {"input", "output"} <= rates.keys() <= RATES,
            all(MONEY.fullmatch(rate) and not NOISE.search(rate) for rate in rates.values()),
        )
    ]
    assert bad == []
    requests = [row["request"] for row in MODELS.values() if "request" in row]
    assert requests
    assert all(MONEY.fullmatch(fee) and 0 < Decimal(fee) < 1 for fee in requests)


def test_no_price_is_absurd() -> None:
    dear = {slug for slug, rates in every_rates() for rate in rates.values() if Decimal(rate) > 700}
    assert dear == set()


def test_free_is_said_by_the_input_or_the_name_and_is_rare() -> None:
    free = [slug for slug, rates in every_rates() if Decimal(rates["input"]) == Decimal(rates["output"]) == 0]
    assert [slug for slug in free if not slug.endswith(":free") and "g" not in ORIGINS[MODELS[slug]["from"]]] == []
    assert [slug for slug in free if not slug.startswith("openrouter/")] == []


def test_tiers_rise_and_differ_from_the_ordinary_rates() -> None:
    bad: list[str] = []
    for slug, row in MODELS.items():
        edges = [above for above, _ in row.get("tiers", ())]
        if wrong(edges == sorted(set(edges)), all(type(edge) is int and edge > 0 for edge in edges)):
            bad.append(slug)
        for _, rates in row.get("tiers", ()):
            if wrong(
                rates != row["rates"],
                Decimal(rates["input"]) >= Decimal(row["rates"]["input"]),
                row["rates"].keys() <= rates.keys(),
            ):
                bad.append(slug)
    assert bad == []


def test_abilities_are_known_words_and_never_both() -> None:
    bad: list[str] = []
    for slug, row in MODELS.items():
        told: list[str] = [*row.get("can", ()), *row.get("cannot", ())]
        if wrong(set(told) <= ABILITIES, len(set(told)) == len(told), row.get("can") != [], row.get("cannot") != []):
            bad.append(slug)
    assert bad == []
    assert all(row.get("sampling", False) is False for row in MODELS.values())


def test_ways_to_reason_are_well_formed() -> None:
    bad: list[str] = []
    for slug, row in MODELS.items():
        rule = row.get("reasoning", {"style": "toggle", "efforts": ["low"]})
        efforts = rule["efforts"]
        if wrong(
            rule.keys() <= {"style", "efforts", "mandatory", "least", "most"},
            rule["style"] in ("effort", "budget", "adaptive", "toggle"),
            bool(efforts) and efforts == [effort for effort in EFFORTS if effort in efforts],
            rule.get("mandatory", True) is True,
            not (rule.get("mandatory") and "none" in efforts),
            0 < rule.get("least", 1) < rule.get("most", 10**6),
            rule["style"] == "budget" or not {"least", "most"} & rule.keys(),
        ):
            bad.append(slug)
    assert bad == []


def test_ways_to_cache_are_well_formed() -> None:
    bad = [
        slug
        for slug, row in MODELS.items()
        for rule in [row.get("cache", {"style": "automatic"})]
        if wrong(
            rule.keys() <= {"style", "least"},
            rule["style"] in ("automatic", "cache_control", "breakpoints"),
            type(rule.get("least", 1)) is int and rule.get("least", 1) > 0,
        )
    ]
    assert bad == []


def test_what_alibaba_serves_of_its_own_is_marked_for_the_cache() -> None:
    """Others' models there take no marks of ours; of its own older ones nothing tells that they do."""
    styles = {slug: row.get("cache", {}).get("style") for slug, row in MODELS.items()}
    newer = [slug for slug in styles if slug.startswith(("qwen/qwen3", "openrouter/qwen/qwen3"))]
    assert len(newer) > 60
    assert {styles[slug] for slug in newer} == {"cache_control"}
    written = [slug for slug, row in MODELS.items() if "/qwen" in slug and "cache_write" in row.get("rates", {})]
    assert [slug for slug in written if slug.startswith(("qwen/", "openrouter/")) and styles[slug] != "cache_control"] == []
    assert styles["qwen/deepseek-v4-pro"] == styles["qwen/kimi-k2.7-code"] == "automatic"


def test_a_provider_has_no_models_that_only_an_aggregator_lists_for_it() -> None:
    weights = "gpt-oss-120b gpt-oss-20b gpt-oss-safeguard-20b".split()
    absent = [f"{provider}/{name}" for provider in ("openai", "azure-openai") for name in weights]
    assert [slug for slug in (*absent, "openai/gpt-chat-latest") if slug in MODELS] == []
    assert {"openai/chat-latest", *(f"openrouter/openai/{name}" for name in weights)} <= MODELS.keys()


def test_models_that_ended_before_the_list_was_made_are_kept_with_their_date() -> None:
    made = max(source["date"] for source in CATALOG["sources"].values())
    ended = {slug for slug, row in MODELS.items() if row.get("ends", made) < made}
    assert {"deepseek/deepseek-chat", "deepseek/deepseek-reasoner"} <= ended
    assert len(ended) > 100


def test_ends_are_dates() -> None:
    assert all(date.fromisoformat(row["ends"]).year >= 2023 for row in MODELS.values() if "ends" in row)


def test_the_same_name_never_stands_for_windows_far_apart() -> None:
    windows: defaultdict[str, list[int]] = defaultdict(list)
    for row in MODELS.values():
        if "window" in row:
            windows[row["same"]].append(row["window"])
    assert [name for name, sizes in windows.items() if max(sizes) > 4 * min(sizes)] == []


@pytest.mark.parametrize(
    "slugs",
    [
        "anthropic/claude-sonnet-4-5 anthropic/claude-sonnet-4-5-20250929 openrouter/anthropic/claude-sonnet-4.5",
        "anthropic/claude-sonnet-5-5 openrouter/anthropic/claude-sonnet-5.5",
        "openai/gpt-5.6-terra azure-openai/gpt-5.6-terra openrouter/openai/gpt-5.6-terra",
        "google/gemini-2.5-pro openrouter/google/gemini-2.5-pro",
        "groq/llama-3.3-70b-versatile openrouter/meta-llama/llama-3.3-70b-instruct ovhcloud/Meta-Llama-3_3-70B-Instruct",
        "groq/openai/gpt-oss-120b cerebras/gpt-oss-120b fireworks/accounts/fireworks/models/gpt-oss-120b",
        "zai/glm-4.7 fireworks/accounts/fireworks/models/glm-4p7 cerebras/zai-glm-4.7 baseten/zai-org/GLM-4.7",
        "moonshot/kimi-k3 openrouter/moonshotai/kimi-k3 together/moonshotai/Kimi-K3",
        "xai/grok-4.7 openrouter/x-ai/grok-4.7",
    ],
    ids=lambda slugs: slugs.split()[0],
)
def test_the_same_weights_have_one_name_everywhere(slugs: str) -> None:
    assert len({MODELS[slug]["same"] for slug in slugs.split()}) == 1


@pytest.mark.parametrize(
    "slugs",
    [
        "openai/gpt-5.6-terra openai/gpt-5.6-sol openai/gpt-5.6-luna openai/gpt-5.5 openai/gpt-5.5-pro",
        "openai/gpt-4 openai/gpt-4-turbo openai/gpt-4o openai/gpt-4o-mini openai/gpt-4.1 openai/gpt-4.1-mini",
        "openai/o3 openai/o3-mini openai/o3-pro openai/o3-deep-research",
        "deepinfra/Qwen/Qwen3-235B-A22B-Instruct-2507 deepinfra/Qwen/Qwen3-235B-A22B-Thinking-2507",
        "openrouter/deepseek/deepseek-r1 openrouter/deepseek/deepseek-r1-0528"
        " openrouter/deepseek/deepseek-r1-distill-llama-70b openrouter/deepseek/deepseek-r1-distill-qwen-32b",
        "openrouter/meta-llama/llama-3.1-8b-instruct openrouter/meta-llama/llama-3.1-70b-instruct"
        " openrouter/meta-llama/llama-3.1-405b-instruct openrouter/meta-llama/llama-3.1-405b",
        "zai/glm-5 zai/glm-5-code openrouter/z-ai/glm-5-turbo zai/glm-5.1",
        "anthropic/claude-opus-4-5 anthropic/claude-opus-4-6 anthropic/claude-sonnet-4-5 anthropic/claude-opus-5",
        "openrouter/anthropic/claude-opus-4.8 openrouter/anthropic/claude-opus-4.8-fast",
    ],
    ids=lambda slugs: slugs.split()[0],
)
def test_other_weights_have_other_names(slugs: str) -> None:
    listed = slugs.split()
    assert len({MODELS[slug]["same"] for slug in listed}) == len(listed)


@pytest.mark.parametrize(
    ("slug", "facts"),
    [
        (
            "anthropic/claude-sonnet-5-5",
            {
                "window": 1_000_000,
                "output": 128_000,
                "rates": {"input": "2", "output": "10", "cache_read": "0.1", "cache_write": "2.5", "cache_write_1h": "4"},
                "reasoning": {"style": "adaptive", "efforts": ["low", "medium", "high", "xhigh", "max"], "mandatory": True},
                "sampling": False,
                "cache": {"style": "cache_control", "least": 512},
            },
        ),
        ("anthropic/claude-opus-4-5", {"cache": {"style": "cache_control", "least": 4_096}, "sampling": None}),
        (
            "openai/gpt-5.6-terra",
            {
                # The input that is taken, where the other source counts the answer in.
                "window": 922_000,
                "cache": {"style": "breakpoints"},
                "tiers": [[272_000, {"input": "4", "output": "18", "cache_read": "0.4", "cache_write": "5"}]],
            },
        ),
        ("xai/grok-4.7", {"tiers": [[199_999, {"input": "4", "output": "12", "cache_read": "1"}]]}),
        ("google/gemini-4-argon", {"rates": {"input": "2", "output": "10", "cache_read": "0.1"}, "output": None}),
        # Twice or more what the cheap hours cost.
        ("deepseek/deepseek-v4-pro", {"rates": {"input": "1.32", "output": "3.96", "cache_read": "0.044"}}),
        ("deepseek/deepseek-v4-flash", {"rates": {"input": "0.3", "output": "1.2", "cache_read": "0.006"}}),
        ("deepseek/deepseek-reasoner", {"rates": {"input": "0.55", "output": "2.19", "cache_read": "0.14"}}),
        ("tencent/deepseek-v4.1-flash", {"rates": {"input": "0.3", "output": "1.2", "cache_read": "0.006"}}),
        ("qwen/qwen3-coder-plus", {"cache": {"style": "cache_control"}}),
        ("perplexity/sonar", {"request": "0.012", "can": ["web"]}),
        ("mistral/codestral-latest", {"can": ["tools", "structured", "infill"], "window": 128_000}),
        ("openrouter/qwen/qwen3-coder-plus", {"cache": {"style": "cache_control"}, "can": ["tools"]}),
        ("publicai/allenai/Olmo-3-32B-Think", {"rates": None}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_some_rows_say(slug: str, facts: dict[str, Any]) -> None:
    assert {fact: MODELS[slug].get(fact) for fact in facts} == facts
