"""Condensing a window: a table of windows that are full in every way, and what holds for any history."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.context.histories import (
    asked,
    calls,
    changed,
    compacted,
    count,
    orphans,
    sessions,
    state_of,
    then,
    visible,
    words,
)
from tests.agent.sessions.events import prompt, said

from tallystick_agent.context.compaction import condense, unseen, weight
from tallystick_agent.context.digest import HEAD, facts_of, missing
from tallystick_agent.protocol.events import CompactionItem, EventBody, ItemFinished
from tallystick_agent.protocol.ids import ItemId
from tallystick_agent.protocol.messages import Message, ToolMessage, UserMessage, text_of
from tallystick_agent.sessions.replay import SessionState, is_stub, window_after


def size(messages: tuple[Message, ...]) -> int:
    return sum(weight(message, count) for message in messages)


def made(state: SessionState, target: int, summary: str = "") -> CompactionItem | None:
    return condense(state.messages, facts_of(state), target=target, count=count, reason="full", summary=summary)


def full_of_outputs() -> list[EventBody]:
    reads = [body for n in range(20) for body in calls(words(500), first=n)]
    return [prompt("Read it all. Never touch b.py."), *reads]


def one_giant_prompt() -> list[EventBody]:
    return [prompt("Never touch b.py.\n" + words(20_000)), asked(), said("I see.")]


def one_giant_output() -> list[EventBody]:
    return [prompt("Read it."), *calls(words(20_000))]


def only_prompts() -> list[EventBody]:
    return [prompt(f"Question {n}: {words(150)}") for n in range(40)]


def many_changes() -> list[EventBody]:
    return [
        prompt("Rename it."),
        *calls(words(5_000)),
        changed(*(f"src/f{n}.py" for n in range(300))),
        asked(),
        said(words(5_000)),
    ]


def parallel_calls() -> list[EventBody]:
    """Two calls in each reply."""
    return [prompt("Read both."), *(body for n in range(0, 20, 2) for body in calls(words(400), words(400), first=n))]


def many_turns() -> list[EventBody]:
    found: list[EventBody] = []
    for n in range(30):
        found += [prompt(f"Do {n}."), asked(), said(words(300))]
    return found


CASES = {
    "full of outputs": (full_of_outputs, 4_000),
    "full of outputs, to almost nothing": (full_of_outputs, 200),
    "one giant prompt": (one_giant_prompt, 4_000),
    "one giant output": (one_giant_output, 4_000),
    "only prompts": (only_prompts, 2_000),
    "300 changed files": (many_changes, 4_000),
    "parallel calls": (parallel_calls, 1_500),
    "many turns": (many_turns, 3_000),
}


@pytest.mark.parametrize("name", CASES)
def test_a_window_that_is_full_becomes_as_small_as_asked(name: str) -> None:
    bodies, target = CASES[name]
    state = state_of(*bodies())
    item = made(state, target)
    assert item is not None
    after = window_after(state.messages, item)
    assert item.tokens_before == size(state.messages)
    assert item.tokens_after == size(after) <= target
    assert orphans(after) == []
    assert not item.digest or missing(visible(after), facts_of(state)) == ()
    assert after


@pytest.mark.parametrize("name", CASES)
def test_twice_in_a_row(name: str) -> None:
    """The second time knows what the first one knew, and never makes the window larger."""
    bodies, target = CASES[name]
    state = state_of(*bodies())
    first = made(state, target)
    assert first is not None
    once = then(compacted(state, first), *calls(words(target), first=900), changed("late.py"), asked(), said(words(target)))
    second = made(once, target)
    assert second is not None
    assert second.digest
    after = window_after(once.messages, second)
    assert size(after) < size(once.messages)
    assert size(after) <= target
    assert orphans(after) == []
    assert missing(visible(after), facts_of(once)) == ()
    text = visible(after)
    assert text.count(HEAD) <= 1, "one digest stands for all"


def test_dropping_old_output_is_tried_first() -> None:
    state = state_of(*full_of_outputs())
    item = made(state, size(state.messages) - 1_000)
    assert item is not None
    assert (item.digest, item.kept_from) == ("", 0)
    assert item.dropped_calls[0] == "c0"
    assert len(item.dropped_calls) <= 4
    assert item.handles


def test_what_the_user_wrote_stays_word_for_word_where_there_is_room() -> None:
    state = state_of(*many_turns())
    item = made(state, 3_000)
    assert item is not None
    text = visible(window_after(state.messages, item))
    assert [n for n in range(30) if f"Do {n}." not in text] == []


def test_of_a_giant_prompt_its_beginning_its_end_and_its_constraints_stay() -> None:
    state = state_of(prompt(f"Fix the cart.\n{words(9_000)}\nYou must not touch b.py.\n{words(9_000)}\nThat is all."))
    item = made(state, 2_000)
    assert item is not None
    for piece in ("Fix the cart.", "That is all.", "You must not touch b.py.", "characters left out"):
        assert piece in item.digest


@pytest.mark.parametrize(("newest", "stays"), [(100, True), (1_000, True), (1_900, True), (20_000, False)])
def test_the_newest_output_stays_or_stays_in_reach(newest: int, stays: bool) -> None:
    """A model that waits for an output gets it; where it alone is too large, the line in its place says how to get at it."""
    state = state_of(prompt("Read it."), asked(), said(words(9_000)), *calls(words(50)), *calls(words(newest), first=1))
    item = made(state, 2_000)
    assert item is not None
    after = window_after(state.messages, item)
    assert size(after) <= 2_000
    assert orphans(after) == []
    last = after[-1]
    assert isinstance(last, ToolMessage)
    assert is_stub(text_of(last)) is not stays
    assert last.parts[0].call_id == "c1"


@pytest.mark.parametrize(
    "bodies", [[], [prompt("Hi")], [prompt("Hi"), asked(), said("Hello.")], [prompt("Hi"), *calls("a")]], ids=len
)
def test_a_small_window_is_left_alone(bodies: list[EventBody]) -> None:
    assert made(state_of(*bodies), 4_000) is None
    assert made(state_of(*bodies), 200) is None


def test_a_summary_stands_in_the_digest_and_in_the_next_one() -> None:
    state = state_of(*full_of_outputs())
    item = made(state, 4_000, "The parser drops commas.")
    assert item is not None
    assert "Summary:\nThe parser drops commas." in item.digest
    once = compacted(state, item)
    assert once.summary == "The parser drops commas."
    again = made(then(once, *calls(words(5_000), first=50), asked(), said(words(900))), 1_000)
    assert again is not None
    assert "The parser drops commas." in again.digest


# --- What holds for any history ----------------------------------------------------------------------------------------


@given(sessions(), st.integers(200, 3_000))
def test_the_result_is_smaller_and_whole(state: SessionState, target: int) -> None:
    item = made(state, target)
    if item is None:
        return
    after = window_after(state.messages, item)
    assert item.tokens_after == size(after) < size(state.messages) == item.tokens_before
    assert orphans(after) == []
    assert compacted(state, item).messages == after
    kept = state.messages[item.kept_from :]
    assert [type(one) for one in after[-len(kept) :]] == [type(one) for one in kept] or not kept
    if item.digest:
        text = visible(after)
        assert not [path for path in state.changed if path not in text]
        assert not [step for step in facts_of(state).open_steps if step not in text]


@given(sessions())
def test_with_room_enough_every_prompt_stays_word_for_word(state: SessionState) -> None:
    prompts = sum(count(text) + 20 for text in state.prompts)
    target = 3 * prompts + 600
    item = made(state, target)
    # Results that no reply has followed come before the words of earlier prompts: without them, nothing goes on.
    if item is not None and not unseen(state.messages):
        text = visible(window_after(state.messages, item))
        assert not [one for one in state.prompts if one not in text]


@given(sessions(), st.integers(200, 3_000), st.integers(200, 3_000))
def test_restoring_gives_the_old_window_and_what_came_after(state: SessionState, target: int, second: int) -> None:
    item = made(state, target)
    if item is None:
        return
    once = compacted(state, item)
    more = then(once, prompt("Go on."), *calls("a", "b", first=100))
    added = more.messages[len(once.messages) :]
    twice = made(more, second)
    latest = compacted(more, twice) if twice is not None else more
    back = then(latest, asked(), said("Well."))
    for _ in range(2 if twice is not None else 1):
        back = then(back, ItemFinished(item_id=ItemId("x"), item=restore()))
    assert back.windows == ()
    assert back.messages[: len(state.messages) + len(added)] == (*state.messages, *added)
    assert text_of(back.messages[-1]) == "Well."
    assert orphans(back.messages) == []


def restore() -> CompactionItem:
    return CompactionItem(dropped_calls=(), tokens_before=1, tokens_after=2, reason="asked", restores=True)


@given(sessions(), st.integers(200, 2_000))
def test_compacting_over_and_over_comes_to_an_end(state: SessionState, target: int) -> None:
    for _ in range(12):
        item = made(state, target)
        if item is None or item.tokens_after <= target:
            return
        state = compacted(state, item)
    raise AssertionError("it goes on and on")


@given(sessions(), st.integers(200, 3_000))
def test_the_same_history_is_condensed_to_the_same_bytes(state: SessionState, target: int) -> None:
    assert made(state, target) == made(replace(state), target)


def test_a_digest_is_no_prompt_of_the_user() -> None:
    state = state_of(*only_prompts())
    item = made(state, 2_000)
    assert item is not None
    first = compacted(state, item).messages[0]
    assert isinstance(first, UserMessage)
    assert first.origin == "context"


@pytest.mark.parametrize(("limit", "dropped"), [(2_600, []), (1_500, ["c1"]), (300, ["c1", "c2"])])
def test_of_results_that_wait_only_what_must_go_goes(limit: int, dropped: list[str]) -> None:
    """Two files read in one reply: where one of them fits it stays, since the model would only ask for both again."""
    state = state_of(prompt("Read both."), asked(), said(words(3_000)), *calls(words(1_000), words(1_000), first=1))
    item = condense(state.messages, facts_of(state), target=300, count=count, reason="test", limit=limit)
    assert item is not None
    assert sorted(item.dropped_calls) == dropped
