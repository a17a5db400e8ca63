"""What OpenRouter says of an account and of an earlier request; whatever it says, nothing breaks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.account import Generation, KeyInfo, parse_generation, parse_key

KEY: dict[str, Any] = {
    "limit": 25,
    "limit_remaining": 24.5,
    "usage": 0.500000001,
    "is_free_tier": False,
    "free_model_daily_requests": {"used": 12, "limit": 1_000, "remaining": 988},
    "rate_limit": {"requests": -1},
}


def test_the_limits_of_a_key_and_what_is_left() -> None:
    assert parse_key({"data": KEY}) == KeyInfo(
        limit_nanos=25_000_000_000,
        left_nanos=24_500_000_000,
        used_nanos=500_000_001,
        free_tier=False,
        free_used=12,
        free_limit=1_000,
    )


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"data": None},
        {"data": []},
        {"data": {}},
        {"data": {"limit": None, "limit_remaining": None, "free_model_daily_requests": None}},
        {"data": {"limit": "much", "usage": [], "is_free_tier": "yes", "free_model_daily_requests": [1]}},
        {"data": {"limit": float("inf"), "usage": float("nan"), "limit_remaining": True}},
        {"data": {"limit": "1e999999", "usage": 1e300, "free_model_daily_requests": {"used": -1, "limit": "50"}}},
    ],
    ids=lambda data: str(data)[:60],
)
def test_what_cannot_be_read_is_unknown(data: dict[str, Any]) -> None:
    assert parse_key(data) == KeyInfo()


GENERATION: dict[str, Any] = {
    "native_tokens_prompt": 1_000,
    "native_tokens_completion": 200,
    "native_tokens_cached": 900,
    "native_tokens_reasoning": 150,
    "total_cost": 0.00123,
    "model": "x/m",
    "provider_name": "DeepInfra",
    "cancelled": False,
    "tokens_prompt": 7,
}


def test_an_earlier_request_by_its_native_counts() -> None:
    assert parse_generation({"data": GENERATION}) == Generation(
        usage=Usage(input_tokens=1_000, cached_tokens=900, output_tokens=200, reasoning_tokens=150),
        cost_nanos=1_230_000,
        model="x/m",
        served_by="DeepInfra",
        cancelled=False,
    )


@pytest.mark.parametrize("field", ["native_tokens_prompt", "native_tokens_completion"])
@pytest.mark.parametrize("value", [None, -1, "5", True, float("nan")])
def test_without_its_counts_a_request_is_not_known_yet(field: str, value: Any) -> None:
    assert parse_generation({"data": {**GENERATION, field: value}}) is None


@pytest.mark.parametrize("value", ["many", float("nan"), float("inf"), [], True])
def test_a_part_that_is_no_number_makes_the_whole_unknown(value: Any) -> None:
    assert parse_generation({"data": {**GENERATION, "native_tokens_cached": value}}) is None


def test_a_part_is_never_more_than_its_whole_and_a_missing_cost_is_unknown() -> None:
    found = parse_generation({"data": {**GENERATION, "native_tokens_cached": 5_000, "total_cost": None, "cancelled": True}})
    assert found is not None
    assert (found.usage.cached_tokens, found.cost_nanos, found.cancelled) == (1_000, None, True)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEY, *GENERATION, "used"]), inner, max_size=8),
    max_leaves=20,
)


@given(data=ODD)
def test_no_shape_breaks_the_reading(data: Any) -> None:
    parse_key({"data": data})
    parse_generation({"data": data})
