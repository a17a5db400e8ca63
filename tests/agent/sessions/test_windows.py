"""What a session remembers beside its window: prompts, calls, summaries, requests, and the windows before the last."""

import pytest
from tests.agent.sessions.events import event, opened, prompt, result, said

from tallystick_agent.protocol.events import (
    CompactionItem,
    EventBody,
    ItemFinished,
    RequestFinished,
    RequestStarted,
    ToolCallItem,
)
from tallystick_agent.protocol.ids import CallId, ItemId, RequestId
from tallystick_agent.protocol.messages import ToolMessage, UserMessage, text_of
from tallystick_agent.protocol.usage import Cost, Usage
from tallystick_agent.sessions.replay import (
    DROPPED,
    MOST_CALLS,
    MOST_WINDOWS,
    CallFact,
    SessionState,
    fold,
    handle_of,
    is_stub,
    stub,
    window_after,
)


def state(*bodies: EventBody, before: SessionState | None = None) -> SessionState:
    start = before or fold([event(1, opened())])
    return fold([event(start.last_seq + number, body) for number, body in enumerate(bodies, 1)], start)


def compaction(**fields: object) -> ItemFinished:
    given: dict[str, object] = {"dropped_calls": (), "tokens_before": 2, "tokens_after": 1, "reason": "full", **fields}
    return ItemFinished(item_id=ItemId("x"), item=CompactionItem(**given))  # type: ignore[arg-type]


def answered(inputs: int) -> RequestFinished:
    usage = Usage(input_tokens=inputs, output_tokens=1)
    return RequestFinished(
        request_id=RequestId("r"), purpose="chat", endpoint="p/m", finish="stop", usage=usage, cost=Cost(), segments=()
    )


def asked() -> RequestStarted:
    return RequestStarted(request_id=RequestId("r"), endpoint="p/m", reason="only candidate", attempt=1)


def talk(known: SessionState) -> list[str]:
    return [text_of(message) for message in known.messages]


def test_every_prompt_is_remembered_as_it_was_written() -> None:
    known = state(prompt("one"), said("a"), prompt("two"), prompt("", continued=True), prompt("one"))
    assert known.prompts == ("one", "two", "one")
    assert known.turns == 3


def test_requests_of_each_turn_and_their_input() -> None:
    known = state(prompt("one"), answered(10), answered(20), prompt("two"), prompt("three"), answered(30))
    assert (known.turn_requests, known.inputs) == ((2, 0, 1), (10, 20, 30))
    assert state(answered(5)).turn_requests == (1,)
    assert state(prompt("one"), answered(1), prompt("", continued=True), answered(2)).turn_requests == (2,)
    assert len(state(*(answered(n) for n in range(300))).inputs) == 200


def test_calls_are_remembered_by_title_status_and_first_line() -> None:
    item = ToolCallItem(
        call_id=CallId("c"), name="run_command", arguments="{}", title="make", status="error", output="\n  Exit 1.\nx"
    )
    engine = ToolCallItem(call_id=CallId("e"), name="run_tests", arguments="{}", by="engine", status="ok", output="fine")
    known = state(*(ItemFinished(item_id=ItemId("i"), item=one) for one in (item, engine)), result("d", ""))
    assert known.calls == (
        CallFact(title="make", status="error", line="Exit 1."),
        CallFact(title="read_file", status="ok", line=""),
    )
    many = state(*(result(f"c{n}", f"line {n}" + "x" * 200) for n in range(MOST_CALLS + 5)))
    assert len(many.calls) == MOST_CALLS
    assert many.calls[-1].line.startswith(f"line {MOST_CALLS + 4}x")
    assert len(many.calls[-1].line) == 120


def test_a_digest_stands_for_what_was_before_it() -> None:
    known = state(prompt("one"), said("a"), prompt("two"), said("b"), compaction(digest="D", kept_from=2, summary="S"))
    assert talk(known) == ["D", "two", "b"]
    first = known.messages[0]
    assert isinstance(first, UserMessage)
    assert (first.origin, first.parts[0].name) == ("context", "digest")  # type: ignore[union-attr]
    assert known.summary == "S"
    assert known.prompts == ("one", "two")
    assert [text_of(one) for one in known.windows[-1].messages] == ["one", "a", "two", "b"]
    assert known.windows[-1].began == 3
    assert state(compaction(digest="E", kept_from=3), before=known).summary == "S", "one without a summary forgets none"


def test_what_comes_after_a_compaction_is_a_reply_of_its_own() -> None:
    known = state(prompt("one"), asked(), said("a"), compaction(digest="D", kept_from=1), said("b"))
    assert talk(known) == ["D", "a", "b"]


def test_dropped_output_leaves_its_line_and_its_call() -> None:
    known = state(prompt("one"), result("c0", "long"), result("c1", "short"), compaction(dropped_calls=("c0",), handles=True))
    assert talk(known) == ["one", "[Dropped to save context. read_file output:c0 shows it.]", "short"]
    assert talk(state(compaction(dropped_calls=("c1",)), before=known))[-1] == DROPPED


def test_restoring_goes_back_window_by_window_and_keeps_what_came_since() -> None:
    known = state(prompt("one"), said("a"), compaction(digest="D", kept_from=2), prompt("two"))
    known = state(compaction(digest="E", kept_from=2), prompt("three"), before=known)
    assert talk(known) == ["E", "three"]
    known = state(compaction(restores=True), before=known)
    assert talk(known) == ["D", "two", "three"]
    known = state(prompt("four"), compaction(restores=True), before=known)
    assert talk(known) == ["one", "a", "two", "three", "four"]
    assert known.windows == ()
    assert talk(state(compaction(restores=True), before=known)) == talk(known), "there is no other"


def test_only_a_few_windows_are_kept() -> None:
    known = state(prompt("start"))
    for number in range(MOST_WINDOWS + 3):
        known = state(prompt(f"p{number}"), compaction(digest=f"D{number}", kept_from=len(known.messages) + 1), before=known)
    assert len(known.windows) == MOST_WINDOWS
    for _ in range(MOST_WINDOWS):
        known = state(compaction(restores=True), before=known)
    assert talk(known) == ["D2", "p3", "p4", "p5", "p6"]


@pytest.mark.parametrize(("kept_from", "left"), [(0, 3), (1, 2), (3, 0), (99, 0)])
def test_the_window_after(kept_from: int, left: int) -> None:
    before = state(prompt("a"), prompt("b"), prompt("c")).messages
    item = CompactionItem(dropped_calls=(), tokens_before=1, tokens_after=0, reason="x", digest="D", kept_from=kept_from)
    assert len(window_after(before, item)) == left + 1


@pytest.mark.parametrize(
    ("call_id", "handle"),
    [("call_0", "output:call_0"), ("toolu-1", "output:toolu-1"), ("a/../b", "output:a____b"), ("x" * 200, "output:" + "x" * 80)],
)
def test_handles_are_names_of_files(call_id: str, handle: str) -> None:
    assert handle_of(call_id) == handle
    assert is_stub(stub(call_id, kept=True))
    assert is_stub(stub(call_id, kept=False))


@pytest.mark.parametrize("text", ["", "[Dropped", "a text about [Dropped to save context.", DROPPED + "\nand more"])
def test_what_is_no_line_of_ours(text: str) -> None:
    assert not is_stub(text)


def test_a_part_of_a_parallel_result_can_be_dropped_alone() -> None:
    known = state(prompt("one"), result("c0", "a"), result("c1", "b"), compaction(dropped_calls=("c1",)))
    assert [message.parts[0].text for message in known.messages if isinstance(message, ToolMessage)] == ["a", DROPPED]
