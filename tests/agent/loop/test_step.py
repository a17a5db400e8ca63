"""What a turn does next: tables of replies, tool results and errors, and the guards that end a turn."""

import pytest

from tallystick_agent.loop.step import (
    AskModel,
    Command,
    CompactFirst,
    Finish,
    RunTools,
    TurnState,
    after_error,
    after_reply,
    after_tool,
)
from tallystick_agent.protocol.chat import Finish as FinishReason
from tallystick_agent.protocol.chat import Reply
from tallystick_agent.protocol.errors import (
    Code,
    ConfigurationError,
    ContextCannotFit,
    ContextOverflow,
    ProviderError,
    StorageError,
    TallystickError,
)
from tallystick_agent.protocol.events import StopReason
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import AssistantMessage, ReasoningPart, TextPart, ToolCallPart

CALL = ToolCallPart(call_id=CallId("c1"), name="ls", arguments="{}")
TEXT = TextPart(text="Done.")
THOUGHT = ReasoningPart(text="hm")


def reply(*parts: TextPart | ReasoningPart | ToolCallPart, finish: FinishReason = "stop") -> Reply:
    return Reply(message=AssistantMessage(parts=parts), finish=finish)


def ended(command: Command) -> tuple[StopReason, Code | None]:
    assert isinstance(command, Finish)
    assert command.detail or command.stop == "end_turn"
    return command.stop, command.code


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (reply(TEXT), ("end_turn", None)),
        (reply(THOUGHT, TEXT), ("end_turn", None)),
        (reply(TEXT, finish="length"), ("max_tokens", "model_gave_up")),
        (reply(finish="length"), ("max_tokens", "model_gave_up")),
        (reply(TEXT, finish="content_filter"), ("refusal", "provider_content_filter")),
        (reply(CALL, finish="content_filter"), ("refusal", "provider_content_filter")),
    ],
)
def test_a_reply_that_ends_the_turn(answer: Reply, end: tuple[StopReason, Code | None]) -> None:
    assert ended(after_reply(TurnState(), answer)[1]) == end


@pytest.mark.parametrize("finish", ["tool_calls", "stop", "length"])
def test_a_reply_with_calls_runs_them_in_order(finish: FinishReason) -> None:
    two = ToolCallPart(call_id=CallId("c2"), name="cat", arguments="{}")
    state, command = after_reply(TurnState(empty=1), reply(TEXT, CALL, two, finish=finish))
    assert command == RunTools(calls=(CALL, two))
    assert state.empty == 0


@pytest.mark.parametrize(
    "answer",
    [reply(), reply(TextPart(text="  \n")), reply(THOUGHT), reply(TEXT, finish="repetition"), reply(CALL, finish="repetition")],
)
def test_an_answer_of_no_use_is_asked_for_once_more_and_then_the_turn_ends(answer: Reply) -> None:
    state, first = after_reply(TurnState(), answer)
    assert isinstance(first, AskModel)
    assert first.note
    assert ended(after_reply(state, answer)[1]) == ("gave_up", "model_gave_up")


def test_a_useful_answer_between_two_empty_ones_starts_the_count_again() -> None:
    state, _ = after_reply(TurnState(), reply())
    state, _ = after_reply(state, reply(CALL))
    assert isinstance(after_reply(state, reply())[1], AskModel)


def test_the_same_call_with_the_same_result_warns_at_three_and_stops_at_five() -> None:
    state = TurnState()
    seen: list[tuple[bool, str]] = []
    for _ in range(5):
        state, warning, finish = after_tool(state, CALL, "a.py", malformed=False)
        seen.append((bool(warning), finish.stop if finish else ""))
    assert seen == [(False, ""), (False, ""), (True, ""), (False, ""), (False, "gave_up")]


def test_another_result_or_another_call_is_no_repetition() -> None:
    state = TurnState()
    for number in range(20):
        state, warning, finish = after_tool(state, CALL, f"result {number}", malformed=False)
        assert (warning, finish) == ("", None)
        other = ToolCallPart(call_id=CallId("c"), name="ls", arguments=f'{{"folder": "{number}"}}')
        state, warning, finish = after_tool(state, other, "same", malformed=False)
        assert (warning, finish) == ("", None)


def test_repetitions_count_even_where_other_calls_stand_between() -> None:
    state = TurnState()
    warnings: list[bool] = []
    for number in range(3):
        state, warning, _ = after_tool(state, CALL, "same", malformed=False)
        warnings.append(bool(warning))
        state, _, _ = after_tool(state, CALL, f"other {number}", malformed=False)
    assert warnings == [False, False, True]


def test_three_malformed_calls_in_a_row_stop_and_a_good_one_starts_again() -> None:
    def run(*malformed: bool) -> list[bool]:
        state = TurnState()
        stops: list[bool] = []
        for number, bad in enumerate(malformed):
            state, _, finish = after_tool(state, CALL, f"result {number}", malformed=bad)
            stops.append(finish is not None)
        return stops

    assert run(True, True, True) == [False, False, True]
    assert run(True, True, False, True, True) == [False] * 5


def overflow() -> ContextOverflow:
    return ContextOverflow("too long", limit_tokens=8_192)


def test_an_overflow_compacts_up_to_three_times_and_then_the_turn_ends() -> None:
    state = TurnState()
    commands: list[Command] = []
    for _ in range(4):
        state, command = after_error(state, overflow(), visible=False)
        commands.append(command)
    assert commands[:3] == [CompactFirst(limit_tokens=8_192)] * 3
    assert ended(commands[3]) == ("context_cannot_fit", "context_cannot_fit")


def test_an_answer_that_broke_off_is_asked_for_again_twice() -> None:
    cut = ProviderError("cut", code="provider_stream_cut", retryable=True)
    state = TurnState()
    commands: list[Command] = []
    for _ in range(3):
        state, command = after_error(state, cut, visible=True)
        commands.append(command)
    assert commands[:2] == [AskModel(), AskModel()]
    assert ended(commands[2]) == ("provider_failed", "provider_stream_cut")


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (ProviderError("busy", code="provider_unavailable", retryable=True), ("provider_failed", "provider_unavailable")),
        (ProviderError("no key", code="provider_auth", remedy="Set it."), ("provider_failed", "provider_auth")),
        (ProviderError("filtered", code="provider_content_filter", remedy="Change it."), ("refusal", "provider_content_filter")),
        (TallystickError("spent", code="budget_exhausted", remedy="Raise it."), ("budget_exhausted", "budget_exhausted")),
        (ContextCannotFit("too large", remedy="Ask for less."), ("context_cannot_fit", "context_cannot_fit")),
        (StorageError("disk full", remedy="Free some."), ("internal_error", "storage")),
        (ConfigurationError("bad", remedy="Mend it."), ("internal_error", "bad_settings")),
    ],
)
def test_an_error_that_ends_the_turn_keeps_its_code_and_remedy(error: TallystickError, end: tuple[StopReason, Code]) -> None:
    _, command = after_error(TurnState(), error, visible=False)
    assert isinstance(command, Finish)
    assert (command.stop, command.code, command.detail, command.remedy) == (*end, error.message, error.remedy)


def test_what_cannot_be_retried_is_not_even_where_words_were_shown() -> None:
    error = ProviderError("no key", code="provider_auth", remedy="Set it.")
    assert ended(after_error(TurnState(), error, visible=True)[1]) == ("provider_failed", "provider_auth")
