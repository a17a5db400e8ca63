"""OpenRouter's live lists: prices as exact decimals, odd entries left out, the offers behind a model, and the list on disk."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.errors import ProviderError, StorageError
from tallystick_agent.protocol.model_info import Endpoint, ReasoningRule
from tallystick_agent.protocol.usage import Price, Rates, Tier, flat
from tallystick_agent.providers.catalog import Row, capabilities_of, models, price_of, row_of, source_of
from tallystick_agent.providers.live import LiveModels, parse_models, parse_offers

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENTRY: dict[str, Any] = {
    "id": "x/m",
    "context_length": 200_000,
    "top_provider": {"context_length": 131_072, "max_completion_tokens": 32_000},
    "architecture": {"input_modalities": ["text", "image"]},
    "supported_parameters": ["tools", "structured_outputs", "reasoning", "max_tokens"],
    "reasoning": {"supported_efforts": ["low", "high"], "mandatory": True},
    "expiration_date": "2027-01-31T00:00:00Z",
    "pricing": {
        "prompt": "0.0000003",
        "completion": "0.000000025",
        "input_cache_read": "0.00000003",
        "input_cache_write": "0.000000375",
        "input_cache_write_1h": "0.0000006",
        "internal_reasoning": "0",
        "request": "0",
        "image": "0.001",
    },
}


def row(**change: Any) -> Row:
    return parse_models({"data": [{**ENTRY, **change}]}, "2026-11-23")["openrouter/x/m"]


def priced(**pricing: Any) -> Price | None:
    return price_of(row(pricing={"prompt": "0.000001", "completion": "0.000002", **pricing}))


def test_an_entry_becomes_a_row_with_exact_prices_per_million() -> None:
    found = row()
    assert price_of(found) == Price(
        rates=Rates(
            input=Decimal("0.3"),
            output=Decimal("0.025"),
            cache_read=Decimal("0.03"),
            cache_write=Decimal("0.375"),
            cache_write_1h=Decimal("0.6"),
        )
    )
    assert (found["window"], found["output"], found["ends"]) == (131_072, 32_000, "2027-01-31")
    can = capabilities_of(found, local=False)
    assert (can.tools, can.images, can.structured, can.call_mode) == (True, True, True, "native")
    assert can.reasoning == ReasoningRule(style="effort", efforts=("low", "high"), mandatory=True)
    source = source_of(found, "rates")
    assert source is not None
    assert (source.name, source.date) == ("OpenRouter, live", "2026-11-23")


@pytest.mark.parametrize(
    ("pricing", "rates"),
    [
        ({}, Rates(input=Decimal(1), output=Decimal(2))),
        ({"prompt": 1e-6, "completion": "2e-6"}, Rates(input=Decimal(1), output=Decimal(2))),
        ({"prompt": "0", "completion": "0"}, Rates(input=Decimal(0), output=Decimal(0))),
        ({"discount": 0.25}, Rates(input=Decimal("0.75"), output=Decimal("1.5"))),
        ({"discount": "1"}, Rates(input=Decimal(0), output=Decimal(0))),
        ({"internal_reasoning": "0.000003"}, Rates(input=Decimal(1), output=Decimal(2), reasoning=Decimal(3))),
        ({"input_cache_read": "-1"}, Rates(input=Decimal(1), output=Decimal(2))),
        ({"prompt": "-1", "completion": "-1"}, None),
        ({"prompt": "-1"}, None),
        ({"completion": None}, None),
        ({"prompt": "Infinity"}, None),
        ({"prompt": "NaN"}, None),
    ],
    ids=str,
)
def test_a_price_is_known_whole_or_not_at_all(pricing: dict[str, Any], rates: Rates | None) -> None:
    found = priced(**pricing)
    assert (found.rates if found else None) == rates


def test_a_fee_for_each_request_is_in_dollars_and_discounted_too() -> None:
    found = priced(request="0.02", discount="0.5")
    assert found is not None
    assert found.request_usd == Decimal("0.01")


LONG = {"min_prompt_tokens": 200_001, "prompt": "0.000002", "completion": "0.000003"}
LONG_RATES = Rates(input=Decimal(2), output=Decimal(3))


@pytest.mark.parametrize(
    ("overrides", "tiers"),
    [
        (None, ()),
        ([LONG], (Tier(above=200_000, rates=LONG_RATES),)),
        ([{**LONG, "audio": "0.1", "request": "0"}], (Tier(above=200_000, rates=LONG_RATES),)),
        (
            [LONG, {"min_prompt_tokens": 11, "completion": "0.000005"}],
            (Tier(above=10, rates=Rates(input=Decimal(1), output=Decimal(5))), Tier(above=200_000, rates=LONG_RATES)),
        ),
        ([{**LONG, "discount": 0.5}], (Tier(above=200_000, rates=Rates(input=Decimal(1), output=Decimal("1.5"))),)),
        ([{**LONG, "utc_hours": [0, 8]}], ()),
        ([{"prompt": "0.000002"}], ()),
        ([{**LONG, "min_prompt_tokens": 0}], ()),
    ],
    ids=["none", "long", "with other prices", "two", "discounted", "by hours", "without a length", "from the first token"],
)
def test_overrides_for_long_requests_become_tiers(overrides: list[dict[str, Any]] | None, tiers: tuple[Tier, ...]) -> None:
    found = priced(overrides=overrides)
    assert found is not None
    assert found.tiers == tiers


def test_a_tier_without_a_price_leaves_no_price() -> None:
    assert priced(overrides=[{**LONG, "prompt": "-1"}]) is None


@pytest.mark.parametrize(
    "entry",
    [
        None,
        5,
        [],
        {},
        {**ENTRY, "id": None},
        {**ENTRY, "pricing": None},
        {key: value for key, value in ENTRY.items() if key != "id"},
        {key: value for key, value in ENTRY.items() if key != "pricing"},
        {**ENTRY, "pricing": {"prompt": "free", "completion": "0"}},
        {**ENTRY, "pricing": {"prompt": "1", "completion": "1", "discount": 1.5}},
        {**ENTRY, "pricing": {"prompt": "1", "completion": "1", "discount": -1}},
        {**ENTRY, "pricing": {"prompt": "1", "completion": "1", "overrides": ["x"]}},
        {**ENTRY, "top_provider": "acme"},
        {**ENTRY, "architecture": ["text"]},
    ],
    ids=lambda entry: str(entry)[:50],
)
def test_an_odd_entry_is_left_out_and_the_others_stay(entry: Any) -> None:
    found = parse_models({"data": [entry, {**ENTRY, "id": "x/sound"}]}, "")
    assert list(found) == ["openrouter/x/sound"]


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": {}}, {"data": "no"}])
def test_what_is_no_list_is_an_error(data: dict[str, Any]) -> None:
    with pytest.raises(ProviderError):
        parse_models(data, "")
    with pytest.raises(ProviderError):
        parse_offers(data, OPENROUTER)


def test_what_is_missing_stays_unknown() -> None:
    found = row(context_length=None, top_provider=None, architecture=None, supported_parameters=None, reasoning=None)
    assert not {"window", "output", "reasoning"} & found.keys()
    can = capabilities_of(found, local=False)
    assert (can.tools, can.images, can.structured) == (None, None, None)
    without = capabilities_of(row(supported_parameters=["max_tokens"], reasoning=None), local=False)
    assert (without.tools, without.call_mode) == (False, None)


def test_only_efforts_that_we_know_are_taken_over() -> None:
    assert row(reasoning={"supported_efforts": ["low", "ultra", 5]})["reasoning"]["efforts"] == ["low"]
    assert row(reasoning={"supported_efforts": ["ultra"]})["reasoning"]["efforts"] == ["minimal", "low", "medium", "high"]


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats() | st.sampled_from(["", "x", "-1", "0.5", "NaN", "1e99"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ENTRY, *ENTRY["pricing"], "overrides", "min_prompt_tokens", "discount"]), inner)
    ),
    max_leaves=15,
)


PRICING = st.dictionaries(st.sampled_from(["prompt", "overrides", "discount"]), ODD)


@given(change=st.dictionaries(st.sampled_from([*ENTRY]), ODD), pricing=PRICING)
def test_whatever_an_entry_holds_its_row_can_be_read(change: dict[str, Any], pricing: dict[str, Any]) -> None:
    entry = {**ENTRY, **change}
    if "pricing" not in change:
        entry["pricing"] = {**ENTRY["pricing"], **pricing}
    for found in parse_models({"data": [entry]}, "").values():
        price = price_of(found)
        capabilities_of(found, local=False)
        json.dumps(found)
        rates = [price.rates, *(tier.rates for tier in price.tiers)] if price else []
        assert all(one.input >= 0 and one.output >= 0 and one.input.is_finite() for one in rates)


# Over the table.


def test_a_live_price_holds_as_a_whole_over_the_table() -> None:
    slug = "openrouter/anthropic/claude-sonnet-4.5"
    assert {"rates", "tiers", "cache", "window"} <= models()[slug].keys()
    fresh = {key: value for key, value in row().items() if key != "window"}
    over = row_of(slug, {slug: fresh})
    assert price_of(over) == price_of(fresh)
    assert (over["cache"], over["window"]) == (models()[slug]["cache"], models()[slug]["window"])
    assert price_of(row_of(slug, {slug: row(pricing={"prompt": "-1", "completion": "-1"})})) is None
    assert row_of(slug, {}) == models()[slug]
    assert row_of("openrouter/nobody/knows", {}) == {}


# Offers.

OPENROUTER = Endpoint(
    slug="openrouter/x/m",
    provider="openrouter",
    model="x/m",
    base_url="https://openrouter.ai/api/v1",
    price=flat(1, 1),
    aggregator=True,
)
OFFER = {
    "provider_name": "DeepInfra",
    "tag": "deepinfra/fp8",
    "quantization": "fp8",
    "context_length": 65_536,
    "max_completion_tokens": 8_192,
    "supported_parameters": ["tools", "seed"],
    "pricing": {"prompt": "0.0000005", "completion": "0.000001"},
}


def test_offers_become_endpoints_with_their_tags() -> None:
    plain = {key: value for key, value in OFFER.items() if key not in ("tag", "quantization")}
    first, second = parse_offers({"data": {"endpoints": [OFFER, {"odd": True}, None, plain]}}, OPENROUTER)
    assert (first.slug, first.provider, first.model) == ("openrouter/x/m@deepinfra/fp8", "deepinfra", "x/m")
    assert (first.quantization, first.window_tokens, first.max_output_tokens) == ("fp8", 65_536, 8_192)
    assert (first.price, first.parameters, first.aggregator) == (flat("0.5", 1), frozenset({"tools", "seed"}), False)
    assert first.capabilities.web
    assert (second.slug, second.quantization) == ("openrouter/x/m@DeepInfra", "unknown")


# On disk.


@pytest.fixture
def live(tmp_path: Path) -> LiveModels:
    return LiveModels(tmp_path / "cache" / "models.json")


def test_a_list_is_kept_with_its_date(live: LiveModels, tmp_path: Path) -> None:
    assert (live.rows(), live.age_s(NOW)) == ({}, None)
    rows = parse_models({"data": [ENTRY]}, NOW.isoformat())
    live.keep(rows, NOW)
    assert live.rows() == rows
    assert live.age_s(NOW + timedelta(hours=2)) == 7_200.0
    assert [one.name for one in (tmp_path / "cache").iterdir()] == ["models.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        '{"fetched": "yesterday", "models": {}}',
        '{"fetched": 5, "models": {}}',
        '{"models": {}}',
        '{"fetched": "2026-11-23T12:00:00+00:00"}',
        '{"fetched": "2026-11-23T12:00:00+00:00", "models": []}',
        '{"fetched": "2026-11-23T12:00:00+00:00", "models": {"openrouter/x/m": 5}}',
        '{"fetched": "2026-11-23T12:00:00+00:00", "models": {"openrouter/x/m": {"window": 5}}}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:60] or "empty",
)
def test_a_damaged_list_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "models.json"
    file.write_text(text)
    live = LiveModels(file)
    assert (live.rows(), live.age_s(NOW)) == ({}, None)
    live.keep({}, NOW)
    assert live.age_s(NOW) == 0.0


def test_a_date_without_its_zone_is_read_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    file.write_text('{"fetched": "2026-11-23T12:00:00", "models": {}}')
    assert LiveModels(file).age_s(NOW) is not None


def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, where a folder is needed")
    with pytest.raises(StorageError) as full:
        LiveModels(tmp_path / "cache" / "models.json").keep({}, NOW)
    assert full.value.remedy
