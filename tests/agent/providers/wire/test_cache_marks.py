"""Where a request is marked for a prompt cache, on each wire: after the system text, and on the last turns."""

from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.providers.wire.conversation import ASK, READ, ask, body, call, endpoint, result

from tallystick_agent.protocol.messages import AssistantMessage, Message, ReasoningPart, TextPart, ToolMessage, UserMessage
from tallystick_agent.protocol.model_info import CacheRule, WireName

MARKED = {"cache_control": {"type": "ephemeral"}}
POINT = {"prompt_cache_breakpoint": {"mode": "explicit"}}
MARKS = CacheRule(style="cache_control")
POINTS = CacheRule(style="breakpoints")


def turn(number: int) -> tuple[Message, ...]:
    name = f"c{number}"
    return AssistantMessage(parts=(call(name),)), ToolMessage(parts=(result(name),))


HISTORY = (ASK, *turn(1), *turn(2))


def marks(found: Any) -> int:
    """How often a body is marked."""
    if isinstance(found, dict):
        known = cast(dict[str, Any], found)
        return int("cache_control" in known) + sum(marks(value) for value in known.values())
    return sum(marks(value) for value in cast(list[object], found)) if isinstance(found, list) else 0


@pytest.mark.parametrize("wire", ["openai_chat", "openai_responses", "anthropic", "gemini", "ollama"])
@pytest.mark.parametrize("rule", [None, CacheRule(style="automatic"), CacheRule(style="cache_control", most_marks=0)])
def test_an_endpoint_that_caches_by_itself_gets_no_marks(wire: WireName, rule: CacheRule | None) -> None:
    text = str(body(ask(*HISTORY, system="S", tools=(READ,)), endpoint(wire, cache=rule)))
    assert "cache" not in text


def test_anthropic_marks_the_system_text_the_last_turn_and_the_end_of_the_request_before() -> None:
    found = body(ask(*HISTORY, system="S", tools=(READ,)), endpoint("anthropic", cache=MARKS))
    assert found["system"] == [{"type": "text", "text": "S", **MARKED}]
    assert "cache_control" not in found["tools"][-1]
    assert [marks(one) for one in found["messages"]] == [0, 0, 1, 0, 1]
    assert found["messages"][-1]["content"][-1] == {
        "type": "tool_result",
        "tool_use_id": "c2",
        "content": "alpha",
        **MARKED,
    }


def test_anthropic_marks_the_tools_where_there_is_no_system_text() -> None:
    found = body(ask(*HISTORY, tools=(READ,)), endpoint("anthropic", cache=MARKS))
    assert found["tools"][-1]["cache_control"] == {"type": "ephemeral"}


def test_chat_marks_a_text_as_a_block_of_text() -> None:
    """OpenRouter and Qwen take Anthropic's marks on blocks, and not on a bare text."""
    found = body(ask(*HISTORY, system="S", tools=(READ,)), endpoint("openai_chat", dialect="openrouter", cache=MARKS))
    assert found["messages"][0] == {"role": "system", "content": [{"type": "text", "text": "S", **MARKED}]}
    assert [marks(one) for one in found["messages"]] == [1, 0, 0, 1, 0, 1]
    assert found["messages"][-1]["content"] == [{"type": "text", "text": "alpha", **MARKED}]


def test_openai_breakpoints_stand_on_the_system_text_alone() -> None:
    """The provider marks the end of each request by itself; ours keeps what all sessions share."""
    chat = body(ask(*HISTORY, system="S"), endpoint("openai_chat", dialect="openai", cache=POINTS))
    assert chat["messages"][0]["content"] == [{"type": "text", "text": "S", **POINT}]
    responses = body(ask(*HISTORY, system="S"), endpoint("openai_responses", dialect="openai", cache=POINTS))
    assert responses["input"][0] == {"role": "developer", "content": [{"type": "input_text", "text": "S", **POINT}]}
    assert "instructions" not in responses
    assert str(chat).count("breakpoint") == str(responses).count("breakpoint") == 1


def test_a_mark_moves_to_the_end_of_the_turn_that_its_message_became_part_of() -> None:
    note = UserMessage(parts=(TextPart(text="Go on."),))
    found = body(ask(*HISTORY, note), endpoint("anthropic", cache=MARKS))
    assert found["messages"][-1]["content"][-1] == {"type": "text", "text": "Go on.", **MARKED}


def test_an_answer_of_nothing_moves_no_mark() -> None:
    """It is left out of the body, and the marks of what follows stand where they belong."""
    empty = AssistantMessage(parts=())
    found = body(ask(ASK, empty, *turn(1), *turn(2)), endpoint("anthropic", cache=MARKS))
    assert [marks(one) for one in found["messages"]] == [0, 0, 1, 0, 1]


def test_thoughts_are_not_marked() -> None:
    blocks = [{"type": "thinking", "thinking": "Hm.", "signature": "s"}]
    at = endpoint("anthropic", cache=MARKS)
    thought = AssistantMessage(parts=(ReasoningPart(text="Hm.", native=blocks, endpoint=at.slug),))
    assert body(ask(ASK, thought), at)["messages"][-1]["content"] == blocks
    assert "cache_control" not in blocks[0]


@given(st.integers(0, 60), st.booleans(), st.sampled_from(["anthropic", "openai_chat"]))
def test_there_are_never_more_than_four_marks(length: int, system: bool, wire: WireName) -> None:
    history = (ASK, *(message for number in range(length) for message in turn(number)))
    found = body(ask(*history, system="S" * system, tools=(READ,)), endpoint(wire, cache=MARKS))
    assert 1 <= marks(found) <= 4


def test_a_mark_is_never_further_than_twenty_blocks_from_the_next_in_a_long_run_of_calls() -> None:
    """A mark looks back over at most 20 blocks, so long runs get one on the way."""
    history = (ASK, *(message for number in range(40) for message in turn(number)))
    found = body(ask(*history, system="S"), endpoint("anthropic", cache=MARKS))
    flat = [block for message in found["messages"] for block in message["content"]]
    places = [place for place, block in enumerate(flat) if "cache_control" in block]
    assert places[-1] == len(flat) - 1
    assert all(later - earlier <= 20 for earlier, later in pairwise(places))
