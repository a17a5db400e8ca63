"""Wishes of routing: read from the settings, and sent on to OpenRouter in its own words."""

from decimal import Decimal
from typing import Any

import pytest

from tallystick_agent.providers.preferences import MaxPrice, Preferences, for_openrouter, wish_from
from tallystick_agent.settings import RoutingSettings


@pytest.mark.parametrize(
    ("wish", "sent"),
    [
        (Preferences(), None),
        (Preferences(order=("anthropic", "amazon-bedrock")), {"order": ["anthropic", "amazon-bedrock"]}),
        (Preferences(only=("deepinfra/fp8",)), {"only": ["deepinfra/fp8"]}),
        (Preferences(only=("openrouter",)), None),
        (Preferences(only=("openrouter", "groq")), {"only": ["groq"]}),
        (Preferences(only=("openrouter/x/m",), ignore=("openrouter/x/n",)), None),
        (Preferences(ignore=("azure",)), {"ignore": ["azure"]}),
        (Preferences(allow_fallbacks=False), {"allow_fallbacks": False}),
        (Preferences(require_parameters=True), {"require_parameters": True}),
        (Preferences(data_collection="deny", zdr=True), {"data_collection": "deny", "zdr": True}),
        (Preferences(quantizations=("fp8", "bf16")), {"quantizations": ["fp8", "bf16"]}),
        (Preferences(policy="price"), {"sort": "price"}),
        (Preferences(policy="throughput"), {"sort": "throughput"}),
        (Preferences(policy="latency"), {"sort": "latency"}),
        (Preferences(policy="exacto"), {"sort": "exacto"}),
        (Preferences(policy="cost_per_answer"), None),
        (Preferences(policy="order"), None),
        (Preferences(policy="window"), None),
        (
            Preferences(max_price=MaxPrice(prompt=Decimal("0.5"), completion=Decimal(2))),
            {"max_price": {"prompt": 0.5, "completion": 2}},
        ),
        (Preferences(max_price=MaxPrice(request=Decimal("0.01"))), {"max_price": {"request": 0.01}}),
        (Preferences(min_throughput=((50, 40.0),)), {"preferred_min_throughput": {"p50": 40.0}}),
        (Preferences(max_latency=((50, 1.0), (99, 5.0))), {"preferred_max_latency": {"p50": 1.0, "p99": 5.0}}),
        (Preferences(free_only=True, later=("groq/m",)), None),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_goes_on_to_openrouter(wish: Preferences, sent: dict[str, Any] | None) -> None:
    """Defaults are left out, and so are the names of OpenRouter itself and of its models: there they mean nothing."""
    assert for_openrouter(wish, "openrouter") == sent


def test_the_settings_become_wishes_field_by_field() -> None:
    routing = RoutingSettings.model_validate(
        {
            "policy": "price",
            "order": ["a"],
            "only": ["a", "b"],
            "ignore": ["c"],
            "allow_fallbacks": False,
            "require_parameters": True,
            "data_collection": "deny",
            "zdr": True,
            "quantizations": ["fp8"],
            "max_price": {"prompt": "0.1", "completion": "2"},
            "preferred_min_throughput": 30,
            "preferred_max_latency": {"p99": 9.5, "p50": 2},
        }
    )
    assert wish_from(routing) == Preferences(
        policy="price",
        order=("a",),
        only=("a", "b"),
        ignore=("c",),
        allow_fallbacks=False,
        require_parameters=True,
        data_collection="deny",
        zdr=True,
        quantizations=("fp8",),
        max_price=MaxPrice(prompt=Decimal("0.1"), completion=Decimal(2)),
        min_throughput=((50, 30.0),),
        max_latency=((50, 2.0), (99, 9.5)),
    )


def test_settings_that_say_nothing_wish_nothing() -> None:
    assert wish_from(RoutingSettings()) == Preferences()
