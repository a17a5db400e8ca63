"""The tokens and the cost that a stream reports: where they may stand, under which names, and what is never believed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.providers.streams import DONE, chunk, read, text

from tallystick_agent.protocol.usage import Usage

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@pytest.mark.parametrize(
    "stream",
    [
        [text("a"), chunk(finish="stop"), {"choices": [], "usage": USAGE}, DONE],
        [text("a"), {"choices": [], "usage": USAGE}, chunk(finish="stop"), DONE],
        [text("a"), chunk(finish="stop", usage=USAGE), DONE],
        [text("a"), chunk(finish="stop"), {"choices": [], "x_groq": {"usage": USAGE}}, DONE],
        [{"choices": [], "usage": {**USAGE, "completion_tokens": 1}}, text("a"), chunk(finish="stop", usage=USAGE), DONE],
    ],
)
def test_usage_may_come_before_with_or_after_the_finish(stream: list[Any]) -> None:
    assert read(*stream).usage == Usage(input_tokens=100, output_tokens=20)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 5}, {"prompt_tokens": None, "completion_tokens": 3}, [1], "much"])
def test_usage_that_is_not_there_is_unknown_and_not_zero(usage: Any) -> None:
    assert read(text("a"), chunk(finish="stop", usage=usage), DONE).usage is None


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 60}}, Usage(input_tokens=100, output_tokens=20, cached_tokens=60)),
        ({"prompt_cache_hit_tokens": 60}, Usage(input_tokens=100, output_tokens=20, cached_tokens=60)),
        ({"prompt_tokens_details": None, "completion_tokens_details": None}, Usage(input_tokens=100, output_tokens=20)),
        (
            {"prompt_tokens_details": {"cached_tokens": 50, "cache_write_tokens": 30}},
            Usage(input_tokens=100, output_tokens=20, cached_tokens=50, cache_write_tokens=30),
        ),
        ({"completion_tokens_details": {"reasoning_tokens": 15}}, Usage(input_tokens=100, output_tokens=20, reasoning_tokens=15)),
    ],
)
def test_parts_of_the_usage_under_their_several_names(fields: dict[str, Any], usage: Usage) -> None:
    assert read(text("a"), chunk(finish="stop", usage={**USAGE, **fields}), DONE).usage == usage


@given(st.integers(1, 1_000), st.integers(0, 1_000), st.integers(0, 2_000), st.integers(0, 2_000), st.integers(0, 2_000))
def test_parts_of_the_usage_never_exceed_their_whole(
    inputs: int, outputs: int, cached: int, written: int, reasoning: int
) -> None:
    raw = {
        "prompt_tokens": inputs,
        "completion_tokens": outputs,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    usage = read(text("a"), chunk(finish="stop", usage=raw), DONE).usage
    assert usage is not None
    assert usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens == inputs
    assert usage.reasoning_tokens <= usage.output_tokens == outputs


@pytest.mark.parametrize(
    ("cost", "nanos"),
    [
        (0.00123, 1_230_000),
        ("0.000000001", 1),
        (0, 0),
        (1.5e-07, 150),
        (None, None),
        ("free", None),
        ("NaN", None),
        (float("inf"), None),
    ],
)
def test_the_cost_that_was_charged(cost: Any, nanos: int | None) -> None:
    stream = text("a"), chunk(finish="stop", usage={**USAGE, "cost": cost}), DONE
    assert read(*stream).provider_nanos == nanos
    assert read(*stream, dialect="openai").provider_nanos is None
