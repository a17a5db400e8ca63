"""A wish for reasoning in the words of every wire: efforts and budgets, each turned into the other where one is missing."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.providers.wire.conversation import READ, ask, body, endpoint

from tallystick_agent.protocol.chat import Reasoning
from tallystick_agent.protocol.model_info import EFFORTS, Effort, ReasoningRule, WireName

MOST = 10_000
"""The tokens of output that a request of the tables allows."""
ALL = ReasoningRule(efforts=EFFORTS)
FEW = ReasoningRule(efforts=("low", "high"))
ALWAYS = ReasoningRule(efforts=("low", "medium", "high"), mandatory=True)
BUDGET = ReasoningRule(style="budget")
SMALL_BUDGET = ReasoningRule(style="budget", least_budget=128, most_budget=4_000)
ALWAYS_BUDGET = ReasoningRule(style="budget", least_budget=128, most_budget=32_768, mandatory=True)
OWN = ReasoningRule(style="adaptive", efforts=("low", "medium", "high", "max"))
SWITCH = ReasoningRule(style="toggle")


def sent(wire: WireName, rule: ReasoningRule | None, wish: Reasoning | None, dialect: str, **fields: Any) -> dict[str, Any]:
    request = ask(reasoning=wish, **{"max_output_tokens": MOST, **fields})
    return body(request, endpoint(wire, dialect=dialect, reasoning=rule))


def wished(found: dict[str, Any]) -> dict[str, Any]:
    """The part of a body that is about reasoning."""
    names = ("reasoning_effort", "reasoning", "reasoning_format", "enable_thinking", "thinking_budget")
    more = ("chat_template_kwargs", "thinking", "output_config", "think")
    config = found.get("generationConfig", {})
    return {name: found[name] for name in (*names, *more) if name in found} | (config.get("thinkingConfig") or {})


def effort(value: Effort, **fields: Any) -> Reasoning:
    return Reasoning(effort=value, **fields)


def tokens(value: int, **fields: Any) -> Reasoning:
    return Reasoning(max_tokens=value, **fields)


HIDDEN = Reasoning(exclude=True)
Row = tuple[WireName, str, ReasoningRule, Reasoning, dict[str, Any]]
ROWS: list[Row] = [
    ("openai_chat", "openai", ALL, effort("minimal"), {"reasoning_effort": "minimal"}),
    ("openai_chat", "openai", ALL, effort("max"), {"reasoning_effort": "max"}),
    ("openai_chat", "openai", ALL, effort("none"), {"reasoning_effort": "none"}),
    ("openai_chat", "openai", FEW, effort("max"), {"reasoning_effort": "high"}),
    ("openai_chat", "openai", FEW, effort("minimal"), {"reasoning_effort": "low"}),
    ("openai_chat", "openai", ALWAYS, effort("none"), {"reasoning_effort": "low"}),
    ("openai_chat", "openai", ALL, tokens(5_000), {"reasoning_effort": "medium"}),
    ("openai_chat", "openai", ALL, tokens(8_000), {"reasoning_effort": "high"}),
    ("openai_chat", "openai", ALL, tokens(0), {"reasoning_effort": "none"}),
    ("openai_chat", "openrouter", ALL, effort("xhigh"), {"reasoning": {"effort": "xhigh"}}),
    ("openai_chat", "openrouter", ALL, effort("high", exclude=True), {"reasoning": {"effort": "high", "exclude": True}}),
    ("openai_chat", "openrouter", ALL, effort("none"), {"reasoning": {"effort": "none"}}),
    ("openai_chat", "openrouter", BUDGET, effort("medium"), {"reasoning": {"max_tokens": 5_000}}),
    ("openai_chat", "openrouter", BUDGET, tokens(3_000), {"reasoning": {"max_tokens": 3_000}}),
    ("openai_chat", "openrouter", BUDGET, effort("none"), {"reasoning": {"effort": "none"}}),
    ("openai_chat", "openrouter", SWITCH, effort("high"), {"reasoning": {"enabled": True}}),
    ("openai_chat", "openrouter", OWN, effort("xhigh"), {"reasoning": {"effort": "high"}}),
    ("openai_chat", "qwen", BUDGET, tokens(2_000), {"enable_thinking": True, "thinking_budget": 2_000}),
    ("openai_chat", "qwen", BUDGET, effort("none"), {"enable_thinking": False}),
    ("openai_chat", "qwen", SWITCH, effort("high"), {"enable_thinking": True}),
    ("openai_chat", "groq", FEW, effort("high"), {"reasoning_effort": "high", "reasoning_format": "parsed"}),
    ("openai_chat", "groq", FEW, effort("low", exclude=True), {"reasoning_effort": "low", "reasoning_format": "hidden"}),
    ("openai_chat", "vllm", SWITCH, effort("high"), {"chat_template_kwargs": {"enable_thinking": True}}),
    ("openai_chat", "llamacpp", SWITCH, effort("none"), {"chat_template_kwargs": {"enable_thinking": False}}),
    ("openai_chat", "ollama", FEW, effort("medium"), {"reasoning_effort": "low"}),
    ("openai_responses", "openai", ALL, effort("high"), {"reasoning": {"effort": "high", "summary": "auto"}}),
    ("openai_responses", "openai", ALL, effort("high", exclude=True), {"reasoning": {"effort": "high"}}),
    ("openai_responses", "openai", ALL, effort("none"), {"reasoning": {"effort": "none"}}),
    ("openai_responses", "openai", ALL, tokens(1_000), {"reasoning": {"effort": "minimal", "summary": "auto"}}),
    ("openai_responses", "xai", FEW, tokens(9_000), {"reasoning": {"effort": "high", "summary": "auto"}}),
    ("anthropic", "", BUDGET, effort("low"), {"thinking": {"type": "enabled", "budget_tokens": 2_000}}),
    ("anthropic", "", BUDGET, effort("max"), {"thinking": {"type": "enabled", "budget_tokens": 9_500}}),
    ("anthropic", "", BUDGET, effort("minimal"), {"thinking": {"type": "enabled", "budget_tokens": 1_024}}),
    ("anthropic", "", BUDGET, tokens(50), {"thinking": {"type": "enabled", "budget_tokens": 1_024}}),
    ("anthropic", "", BUDGET, tokens(50_000), {"thinking": {"type": "enabled", "budget_tokens": 9_744}}),
    ("anthropic", "", SMALL_BUDGET, effort("high"), {"thinking": {"type": "enabled", "budget_tokens": 4_000}}),
    (
        "anthropic",
        "",
        BUDGET,
        tokens(2_000, exclude=True),
        {"thinking": {"type": "enabled", "budget_tokens": 2_000, "display": "omitted"}},
    ),
    ("anthropic", "", BUDGET, effort("none"), {"thinking": {"type": "disabled"}}),
    ("anthropic", "", BUDGET, HIDDEN, {}),
    ("anthropic", "", OWN, effort("max"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
    ("anthropic", "", OWN, tokens(5_000), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}),
    ("anthropic", "", OWN, effort("none"), {"thinking": {"type": "disabled"}}),
    ("anthropic", "", OWN, HIDDEN, {}),
    ("anthropic", "", replace(OWN, mandatory=True), HIDDEN, {"thinking": {"type": "adaptive", "display": "omitted"}}),
    ("openai_chat", "openrouter", ALL, HIDDEN, {"reasoning": {"exclude": True}}),
    ("openai_chat", "qwen", BUDGET, HIDDEN, {}),
    ("openai_chat", "vllm", BUDGET, HIDDEN, {}),
    ("openai_responses", "openai", ALL, HIDDEN, {}),
    ("ollama", "", ALL, HIDDEN, {}),
    ("openai_chat", "openai_compatible", BUDGET, tokens(3_000), {"reasoning_effort": "low"}),
    ("gemini", "", BUDGET, effort("low"), {"includeThoughts": True, "thinkingBudget": 2_000}),
    ("gemini", "", BUDGET, tokens(3_000, exclude=True), {"includeThoughts": False, "thinkingBudget": 3_000}),
    ("gemini", "", BUDGET, effort("none"), {"includeThoughts": False, "thinkingBudget": 0}),
    ("gemini", "", ALWAYS_BUDGET, effort("none"), {"includeThoughts": True, "thinkingBudget": 2_000}),
    ("gemini", "", FEW, effort("xhigh"), {"includeThoughts": True, "thinkingLevel": "high"}),
    ("gemini", "", FEW, tokens(1_500), {"includeThoughts": True, "thinkingLevel": "low"}),
    ("gemini", "", ALL, effort("none"), {"includeThoughts": False, "thinkingLevel": "minimal"}),
    ("gemini", "", ALWAYS, effort("none"), {"includeThoughts": True, "thinkingLevel": "low"}),
    ("ollama", "", FEW, effort("max"), {"think": "high"}),
    ("ollama", "", FEW, effort("none"), {"think": False}),
    ("ollama", "", SWITCH, effort("high"), {"think": True}),
    ("ollama", "", ALL, effort("minimal"), {"think": True}),
]


def name_of(row: Row) -> str:
    wire, dialect, rule, wish, _ = row
    asked = f"{wish.max_tokens}-tokens" if wish.max_tokens is not None else wish.effort
    return f"{wire}-{dialect}-{rule.style}-{asked}{'-hidden' if wish.exclude else ''}{'-always' if rule.mandatory else ''}"


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_wish(row: Row) -> None:
    wire, dialect, rule, wish, expected = row
    assert wished(sent(wire, rule, wish, dialect)) == expected


WIRES: tuple[WireName, ...] = ("openai_chat", "openai_responses", "anthropic", "gemini", "ollama")


@pytest.mark.parametrize("wire", WIRES)
def test_without_a_wish_or_a_rule_nothing_is_said(wire: WireName) -> None:
    assert wished(sent(wire, ALL, None, "openrouter")) == {}
    assert wished(sent(wire, ALL, Reasoning(), "openrouter")) == {}
    assert wished(sent(wire, None, effort("high"), "openrouter")) == {}


@given(st.integers(0, 300_000), st.integers(1, 300_000), st.sampled_from(EFFORTS))
def test_a_budget_keeps_the_models_rules_and_leaves_room_for_the_answer(asked: int, most: int, name: Effort) -> None:
    """Anthropic takes 1,024 to 128,000 tokens, and only with more tokens of output than that."""
    for wish in (tokens(asked), effort(name)):
        found = sent("anthropic", BUDGET, wish, "", max_output_tokens=most)
        if found["thinking"]["type"] == "enabled":
            assert 1_024 <= found["thinking"]["budget_tokens"] <= 128_000
            assert found["thinking"]["budget_tokens"] < found["max_tokens"]


@pytest.mark.parametrize("rule", [BUDGET, OWN], ids=["budget", "adaptive"])
def test_thinking_takes_neither_a_temperature_nor_a_forced_call(rule: ReasoningRule) -> None:
    options: dict[str, Any] = {"tools": (READ,), "tool_choice": "required", "temperature": 0.0}
    thinks = sent("anthropic", rule, effort("high"), "", **options)
    assert not {"temperature", "tool_choice"} & set(thinks)
    plain = sent("anthropic", rule, effort("none"), "", **options)
    assert (plain["temperature"], plain["tool_choice"]) == (0.0, {"type": "any"})


def test_a_model_that_always_thinks_is_never_forced_to_call() -> None:
    always = ReasoningRule(style="adaptive", mandatory=True)
    found = sent("anthropic", always, None, "", tools=(READ,), tool_choice="required", temperature=0.0)
    assert not {"temperature", "tool_choice", "thinking"} & set(found)


def test_a_schema_and_an_effort_stand_side_by_side() -> None:
    found = sent("anthropic", OWN, effort("low"), "", response_schema={"type": "object"})
    shape = {"type": "json_schema", "schema": {"type": "object"}}
    assert found["output_config"] == {"effort": "low", "format": shape}
