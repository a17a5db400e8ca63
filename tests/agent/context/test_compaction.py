"""Making the history smaller: old tool output goes first, the newest last, and nothing else ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.sessions.events import event

from tallystick_agent.context.compaction import CompactionPlan, plan
from tallystick_agent.protocol.events import CompactionItem, ItemFinished
from tallystick_agent.protocol.ids import CallId, ItemId
from tallystick_agent.protocol.messages import (
    AssistantMessage,
    Message,
    TextPart,
    ToolCallPart,
    ToolMessage,
    ToolResultPart,
    UserMessage,
    text_of,
)
from tallystick_agent.sessions.replay import DROPPED, SessionState, fold


def history(*sizes: int) -> tuple[Message, ...]:
    """A prompt, then calls `c0`, `c1`, … whose results have that many characters."""
    messages: list[Message] = [UserMessage(parts=(TextPart(text="fix it " * 50),))]
    for number, size in enumerate(sizes):
        call_id = CallId(f"c{number}")
        messages.append(
            AssistantMessage(parts=(TextPart(text="Looking. " * 20), ToolCallPart(call_id=call_id, name="ls", arguments="{}")))
        )
        messages.append(ToolMessage(parts=(ToolResultPart(call_id=call_id, name="ls", text="x" * size),)))
    return tuple(messages)


def made(messages: tuple[Message, ...], save: int) -> CompactionPlan | None:
    return plan(messages, save_tokens=save, count=len)


STUB = len(DROPPED)


@pytest.mark.parametrize(
    ("sizes", "save", "dropped"),
    [
        ((1_000, 1_000, 1_000, 1_000), 100, ["c0"]),
        ((1_000, 1_000, 1_000, 1_000), 900, ["c0", "c1"]),
        ((5_000, 1_000, 1_000, 1_000), 900, ["c0"]),
        ((1_000, 1_000, 1_000, 1_000), 2_000, ["c0", "c1", "c2"]),
        ((1_000, 1_000, 1_000, 1_000), 3_000, ["c0", "c1", "c2", "c3"]),
        ((1_000, 1_000), 10**9, ["c0", "c1"]),
        ((10, 10, 5_000, 1_000), 100, ["c2"]),
        ((5_000,), 100, ["c0"]),
    ],
)
def test_the_oldest_that_are_enough_are_dropped(sizes: tuple[int, ...], save: int, dropped: list[str]) -> None:
    found = made(history(*sizes), save)
    assert found is not None
    assert list(found.dropped) == dropped
    assert found.saved_tokens == sum(sizes[int(name[1:])] - STUB for name in dropped)


@pytest.mark.parametrize("messages", [(), history(), history(5, 5), history(STUB)])
def test_where_nothing_can_be_saved_there_is_no_plan(messages: tuple[Message, ...]) -> None:
    assert made(messages, 100) is None


def carried_out(messages: tuple[Message, ...], found: CompactionPlan) -> tuple[Message, ...]:
    item = CompactionItem(dropped_calls=found.dropped, tokens_before=1, tokens_after=0, reason="full")
    return fold([event(1, ItemFinished(item_id=ItemId("i"), item=item))], SessionState(messages=messages)).messages


@given(st.lists(st.integers(0, 2_000), max_size=8), st.integers(1, 20_000))
def test_carried_out_a_plan_saves_what_it_says_and_touches_only_tool_output(sizes: list[int], save: int) -> None:
    before = history(*sizes)
    found = made(before, save)
    if found is None:
        return
    after = carried_out(before, found)

    assert found.saved_tokens > 0
    assert sum(len(text_of(one)) for one in before) - sum(len(text_of(one)) for one in after) == found.saved_tokens
    assert [one for one in after if not isinstance(one, ToolMessage)] == [
        one for one in before if not isinstance(one, ToolMessage)
    ]
    assert [part.call_id for one in after if isinstance(one, ToolMessage) for part in one.parts] == [
        f"c{number}" for number in range(len(sizes))
    ]


@given(st.lists(st.integers(0, 2_000), max_size=8), st.integers(1, 20_000))
def test_compacting_again_and_again_comes_to_an_end(sizes: list[int], save: int) -> None:
    messages = history(*sizes)
    for _ in range(len(sizes) + 1):
        found = made(messages, save)
        if found is None:
            return
        messages = carried_out(messages, found)
    assert made(messages, save) is None
