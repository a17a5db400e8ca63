"""What is wished of routing, in words: every wish has some, and none is told as code."""

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from tallystick_agent.protocol.chat import Reasoning
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.preferences import MaxPrice, Preferences
from tallystick_agent.providers.resolve import Target, alone
from tallystick_server.wishes import in_words

WISHES: dict[str, tuple[dict[str, Any], str]] = {
    "policy": ({"policy": "throughput"}, "most tokens a second first"),
    "order": ({"order": ("groq", "together")}, "first: groq, together"),
    "only": ({"only": ("groq",)}, "only: groq"),
    "ignore": ({"ignore": ("groq",)}, "ignore: groq"),
    "allow_fallbacks": ({"allow_fallbacks": False}, "no fallbacks"),
    "require_parameters": ({"require_parameters": True}, "only who takes every parameter"),
    "data_collection": ({"data_collection": "deny"}, "nobody who keeps prompts"),
    "zdr": ({"zdr": True}, "zero data retention"),
    "quantizations": ({"quantizations": ("fp8",)}, "quantizations: fp8"),
    "max_price": (
        {"max_price": MaxPrice(prompt=Decimal("0.120"), completion=Decimal(10), request=Decimal("0.01"))},
        "max price: $0.12 for input, $10 for output, $0.01 a request",
    ),
    "min_throughput": ({"min_throughput": ((50, 40.0),)}, "at least 40 tokens/s at p50"),
    "max_latency": ({"max_latency": ((50, 2.0), (90, 5.5))}, "first token within 2 s at p50; first token within 5.5 s at p90"),
    "free_only": ({"free_only": True}, "free models only"),
    "later": ({"later": ("groq/a", "groq/b")}, "fallback models: groq/a, groq/b"),
}


def target(**wish: Any) -> Target:
    endpoint = Endpoint(slug="p/m", provider="p", model="m", base_url="http://127.0.0.1:9", dialect="openai")
    return replace(alone(endpoint), wish=Preferences(**wish))


@pytest.mark.parametrize("name", [field.name for field in fields(Preferences)])
def test_every_wish_has_words(name: str) -> None:
    wish, words = WISHES[name]
    assert in_words(target(**wish)) == words


@pytest.mark.parametrize(
    ("reasoning", "web", "words"),
    [
        (None, False, "none; balanced by price"),
        (Reasoning(effort="high"), True, "web search; reasoning: high"),
        (Reasoning(max_tokens=2_000), False, "reasoning: 2,000 tokens"),
        (Reasoning(exclude=True), False, "thoughts are not sent"),
    ],
    ids=["nothing", "web and effort", "tokens", "hidden thoughts"],
)
def test_the_web_and_reasoning_are_told_too(reasoning: Reasoning | None, web: bool, words: str) -> None:
    assert in_words(replace(target(), reasoning=reasoning, web=web)) == words


def test_a_limit_without_a_number_is_no_wish() -> None:
    assert in_words(target(max_price=MaxPrice())) == "none; balanced by price"
