"""State as a fold of events: tables of what happened and what is known then."""

import pytest
from tests.agent.sessions.events import call, event, numbered, opened, prompt, result, said, told

from tallystick_agent.protocol.events import (
    AttemptFailed,
    CompactionItem,
    EventBody,
    FileChange,
    FilesChanged,
    ItemDelta,
    ItemFinished,
    ItemStarted,
    MessageItem,
    Notice,
    PlanItem,
    PlanStep,
    ReasoningItem,
    RequestFinished,
    RequestStarted,
    SessionClosed,
    ToolCallItem,
    TurnFinished,
    TurnStarted,
)
from tallystick_agent.protocol.ids import CallId, ItemId, RequestId, TurnId
from tallystick_agent.protocol.messages import (
    AssistantMessage,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    UserMessage,
    text_of,
)
from tallystick_agent.protocol.usage import Budget, Cost, Usage
from tallystick_agent.sessions.replay import DROPPED, SessionState, fold


def state(*bodies: EventBody) -> SessionState:
    return fold(numbered(opened(), *bodies))


def asked() -> RequestStarted:
    return RequestStarted(request_id=RequestId("r"), endpoint="p/m", reason="only candidate", attempt=1)


def answered(inputs: int, outputs: int, cost: Cost) -> RequestFinished:
    usage = Usage(input_tokens=inputs, output_tokens=outputs)
    return RequestFinished(
        request_id=RequestId("r"), purpose="chat", endpoint="p/m", finish="stop", usage=usage, cost=cost, segments=()
    )


def engine_call(call_id: str) -> ItemStarted:
    item = ToolCallItem(call_id=CallId(call_id), name="run_tests", arguments="{}", by="engine", side_effect=True)
    return ItemStarted(item_id=ItemId("i"), item=item)


def engine_result(call_id: str) -> ItemFinished:
    item = ToolCallItem(call_id=CallId(call_id), name="run_tests", arguments="{}", by="engine", status="ok", output="Passed.")
    return ItemFinished(item_id=ItemId("i"), item=item)


def finished() -> TurnFinished:
    return TurnFinished(stop="end_turn", usage=Usage(), cost=Cost(), requests=1)


def shape(found: SessionState) -> list[str]:
    """The conversation in short: the role, then text, `call:ID` and `ID=output`."""
    lines: list[str] = []
    for message in found.messages:
        parts: list[str] = []
        for part in message.parts:
            match part.kind:
                case "tool_call":
                    parts.append(f"call:{part.call_id}")
                case "tool_result":
                    parts.append(f"{part.call_id}={part.text}")
                case "image":
                    parts.append(part.media_type)
                case _:
                    parts.append(part.text)
        lines.append(f"{message.role}: {' '.join(parts)}")
    return lines


TABLE: list[tuple[str, list[EventBody], list[str]]] = [
    ("nothing yet", [], []),
    ("a prompt", [prompt("hello")], ["user: hello"]),
    ("an answer", [prompt("hello"), asked(), said("Hi."), finished()], ["user: hello", "assistant: Hi."]),
    (
        "a call and its result",
        [prompt("p"), asked(), call("c1"), result("c1", "text"), asked(), said("Done.")],
        ["user: p", "assistant: call:c1", "tool: c1=text", "assistant: Done."],
    ),
    (
        "two calls in one reply stay one reply",
        [
            prompt("p"),
            asked(),
            said("Look."),
            call("c1"),
            result("c1", "one"),
            call("c2"),
            result("c2", "two"),
            asked(),
            said("Done."),
        ],
        ["user: p", "assistant: Look. call:c1 call:c2", "tool: c1=one", "tool: c2=two", "assistant: Done."],
    ),
    (
        "two replies in a row with calls are two",
        [prompt("p"), asked(), call("c1"), result("c1", "one"), asked(), call("c2"), result("c2", "two")],
        ["user: p", "assistant: call:c1", "tool: c1=one", "assistant: call:c2", "tool: c2=two"],
    ),
    (
        "an answer that was streamed and then dropped leaves nothing",
        [
            prompt("p"),
            asked(),
            ItemStarted(item_id=ItemId("i"), item=MessageItem()),
            ItemDelta(item_id=ItemId("i"), text="Hal"),
            AttemptFailed(
                request_id=RequestId("r"), endpoint="p/m", attempt=1, code="provider_stream_cut", message="cut", retry_in_s=None
            ),
            asked(),
            said("Hello."),
        ],
        ["user: p", "assistant: Hello."],
    ),
    ("an empty answer leaves nothing", [prompt("p"), asked(), said("")], ["user: p"]),
    (
        "words of the engine are a message of their own",
        [prompt("p"), asked(), call("c1"), result("c1", "x"), told("Do something else."), asked(), said("Done.")],
        ["user: p", "assistant: call:c1", "tool: c1=x", "user: Do something else.", "assistant: Done."],
    ),
    (
        "two turns",
        [prompt("p"), asked(), said("a"), finished(), prompt("q"), asked(), said("b")],
        ["user: p", "assistant: a", "user: q", "assistant: b"],
    ),
    (
        "a turn that goes on does not ask again",
        [prompt("p"), asked(), call("c1"), result("c1", "x"), prompt("p", continued=True), asked(), said("Done.")],
        ["user: p", "assistant: call:c1", "tool: c1=x", "assistant: Done."],
    ),
    (
        "compaction puts a stub for what was dropped and leaves the rest",
        [
            prompt("p"),
            asked(),
            call("c1"),
            result("c1", "long"),
            call("c2"),
            result("c2", "kept"),
            ItemFinished(
                item_id=ItemId("i"),
                item=CompactionItem(dropped_calls=(CallId("c1"),), tokens_before=9, tokens_after=5, reason="full"),
            ),
        ],
        ["user: p", "assistant: call:c1 call:c2", f"tool: c1={DROPPED}", "tool: c2=kept"],
    ),
    (
        "a call that the engine made itself is no part of the conversation",
        [prompt("p"), engine_call("e1"), engine_result("e1"), asked(), said("Done.")],
        ["user: p", "assistant: Done."],
    ),
    ("a call whose outcome is not logged stands alone", [prompt("p"), asked(), call("c1")], ["user: p", "assistant: call:c1"]),
    (
        "what hosts alone need changes nothing",
        [prompt("p"), Notice(level="info", code="x", message="m"), SessionClosed()],
        ["user: p"],
    ),
]


@pytest.mark.parametrize(("bodies", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_conversation(bodies: list[EventBody], expected: list[str]) -> None:
    assert shape(state(*bodies)) == expected


@pytest.mark.parametrize(("bodies", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_folding_in_two_steps_is_folding_in_one(bodies: list[EventBody], expected: list[str]) -> None:
    events = numbered(opened(), *bodies)
    for at in range(len(events)):
        assert fold(events[at:], fold(events[:at])) == fold(events)


def test_a_call_is_pending_from_its_intent_to_its_outcome() -> None:
    assert list(state(prompt("p"), asked(), call("c1")).pending) == ["c1"]
    assert list(state(prompt("p"), asked(), call("c1"), call("c2"), result("c1", "x")).pending) == ["c2"]
    assert state(prompt("p"), asked(), call("c1"), result("c1", "x")).pending == {}
    assert list(state(prompt("p"), engine_call("e1")).pending) == ["e1"]
    assert state(prompt("p"), engine_call("e1"), engine_result("e1")).pending == {}


def test_context_of_a_prompt_stands_before_it_in_the_same_message() -> None:
    from tallystick_agent.protocol.events import TurnStarted

    found = state(TurnStarted(prompt="fix it", context="Files (1):\na.py"))
    assert found.messages == (
        UserMessage(parts=(TextPart(text="Files (1):\na.py\n\n", name="context"), TextPart(text="fix it"))),
    )


def test_reasoning_is_a_part_of_the_reply() -> None:
    thought = ItemFinished(item_id=ItemId("i"), item=ReasoningItem(text="hm", native={"reasoning": "hm"}, endpoint="p/m"))
    found = state(prompt("p"), asked(), thought, said("Done."))
    assert found.messages[1] == AssistantMessage(
        parts=(ReasoningPart(text="hm", native={"reasoning": "hm"}, endpoint="p/m"), TextPart(text="Done."))
    )


def test_every_result_follows_the_reply_that_asked_for_it() -> None:
    for _, bodies, _ in TABLE:
        asked_for: set[str] = set()
        for message in state(*bodies).messages:
            if isinstance(message, AssistantMessage):
                asked_for |= {part.call_id for part in message.parts if isinstance(part, ToolCallPart)}
            elif isinstance(message, ToolMessage):
                assert {part.call_id for part in message.parts} <= asked_for


def test_usage_and_money_add_up_and_one_unknown_price_makes_the_sum_unknown() -> None:
    found = state(prompt("p"), answered(100, 20, Cost(provider_nanos=7, priced_nanos=9)), answered(50, 5, Cost(priced_nanos=3)))
    assert (found.usage, found.cost_nanos, found.cost_known, found.requests) == (
        Usage(input_tokens=150, output_tokens=25),
        10,
        True,
        2,
    )
    assert not state(prompt("p"), answered(1, 1, Cost(priced_nanos=3)), answered(1, 1, Cost())).cost_known


def test_an_open_turn_is_known_and_a_finished_one_is_closed() -> None:
    assert state(prompt("p")).open_turn == "t-1"
    assert state(prompt("p"), finished()).open_turn is None
    assert (state(prompt("p"), finished(), prompt("q")).turns, state(prompt("p"), prompt("p", continued=True)).turns) == (2, 1)


def test_title_workspace_model_and_place() -> None:
    found = state(prompt("  first words of the task  "), finished(), prompt("second"))
    assert (found.title, found.workspace, found.model) == ("first words of the task", "/w", "scripted/m")
    assert (found.last_seq, found.last_time) == (4, "2026-11-23T12:00:04.000Z")
    assert len(state(prompt("x" * 500)).title) == 80


def test_changed_files_in_the_order_of_their_first_change() -> None:
    def changed(*paths: str) -> FilesChanged:
        return FilesChanged(
            call_id=CallId("c"), changes=tuple(FileChange(path=path, diff="", before="", after="") for path in paths)
        )

    assert state(changed("b.py"), changed("a.py", "b.py"), changed("c.py")).changed == ("b.py", "a.py", "c.py")


def test_the_newest_plan_is_the_plan() -> None:
    one, two = (PlanItem(steps=(PlanStep(text=text),)) for text in ("one", "two"))
    assert state(ItemFinished(item_id=ItemId("i"), item=one), ItemFinished(item_id=ItemId("i"), item=two)).plan == two


def test_the_turn_that_is_open_is_the_one_of_the_event() -> None:
    assert fold([event(1, opened(), turn=None), event(2, prompt("p"), turn=TurnId("t-9"))]).open_turn == "t-9"
    assert text_of(fold([event(1, prompt("p"))]).messages[0]) == "p"


def test_the_limits_of_the_last_turn_are_kept() -> None:
    first, second = Budget(max_cost_nanos=5, timeout_s=1.5), Budget(max_tokens=7)
    turns: list[EventBody] = [TurnStarted(prompt="p", budget=first), finished(), TurnStarted(prompt="q", budget=second)]
    assert [state(*turns[:1]).budget, state(*turns[:2]).budget, state(*turns).budget] == [first, first, second]


@pytest.mark.parametrize(
    ("given", "below", "found"),
    [
        (Budget(), Budget(), Budget()),
        (Budget(), Budget(max_cost_nanos=5, timeout_s=1.5), Budget(max_cost_nanos=5, timeout_s=1.5)),
        (Budget(max_tokens=9), Budget(max_tokens=5, max_requests=3), Budget(max_tokens=9, max_requests=3)),
        (Budget(max_cost_nanos=0), Budget(max_cost_nanos=5), Budget(max_cost_nanos=0)),
    ],
    ids=["none at all", "none of its own", "its own first, field by field", "nothing may be spent"],
)
def test_a_limit_that_is_not_given_is_the_one_below(given: Budget, below: Budget, found: Budget) -> None:
    assert given.over(below) == found
