"""Gemini's native wire (§3.4): one test a trap."""

import json
from typing import Any

import pytest
from tests.agent.providers.wire.conversation import ASK, READ, again, ask, body, call, endpoint, heard, native, read, result, said

from tallystick_agent.protocol.chat import ReasoningDelta, TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.ids import CallId
from tallystick_agent.protocol.messages import AssistantMessage, ReasoningPart, TextPart, ToolMessage, UserMessage
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.wire.gemini import NO_SIGNATURE

Event = dict[str, Any]
SIGNED = {"thoughtSignature": "c2ln"}


def chunk(*parts: Event, finish: str | None = None, **usage: int) -> Event:
    candidate: Event = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    ended = {"finishReason": finish} if finish else {}
    counted = {"usageMetadata": {"promptTokenCount": 100, **usage}} if usage else {}
    return {"candidates": [{**candidate, **ended}], "responseId": "r1", "modelVersion": "gemini-x", **counted}


def function(name: str = "ls", call_id: str = "", **args: Any) -> Event:
    return {"functionCall": {**({"id": call_id} if call_id else {}), "name": name, "args": args}}


END = chunk({"text": ""}, finish="STOP", candidatesTokenCount=20)


def fails(*events: Event) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read("gemini", *events)
    return caught.value


# --- events ------------------------------------------------------------------------------------------------------------


def test_every_event_is_a_whole_response_and_so_is_an_answer_that_is_not_streamed() -> None:
    reply = read("gemini", chunk({"text": "Hel"}), chunk({"text": "lo."}), END)
    assert (said(reply).text, reply.finish, reply.generation_id, reply.served_model) == ("Hello.", "stop", "r1", "gemini-x")
    assert reply == read("gemini", chunk({"text": "Hello."}, finish="STOP", candidatesTokenCount=20))


def test_usage_is_cumulative_and_the_last_one_holds() -> None:
    stream = chunk({"text": "Hel"}, candidatesTokenCount=1), chunk({"text": "lo."}, candidatesTokenCount=9), END
    assert read("gemini", *stream).usage == Usage(input_tokens=100, output_tokens=20)


def test_a_text_that_is_a_thought_is_told_apart() -> None:
    stream = chunk({"text": "Hm.", "thought": True}), chunk({"text": "Hello."}), chunk(function(x=1))
    assert heard("gemini", *stream) == [
        ReasoningDelta(text="Hm."),
        TextDelta(text="Hello."),
        ToolCallDelta(index=0, name="ls", text='{"x": 1}'),
    ]


def test_calls_come_whole_and_end_with_a_plain_stop() -> None:
    reply = read("gemini", chunk(function(x=1), function("cat", y="ä")), END)
    assert (said(reply).calls, reply.finish) == ([("ls", '{"x": 1}'), ("cat", '{"y": "ä"}')], "tool_calls")


def test_a_call_without_arguments() -> None:
    assert said(read("gemini", chunk({"functionCall": {"name": "ls"}}), END)).calls == [("ls", "{}")]


def test_ids_are_optional_and_results_name_one_only_where_the_provider_did() -> None:
    mixed = read("gemini", chunk({**function(call_id="fc-1"), **SIGNED}, function("cat")), END)
    contents = again("gemini", mixed)["contents"]
    assert [part["functionCall"].get("id") for part in contents[1]["parts"]] == ["fc-1", None]
    assert [part["functionResponse"].get("id") for part in contents[2]["parts"]] == ["fc-1", None]
    assert [part["functionResponse"]["name"] for part in contents[2]["parts"]] == ["ls", "cat"]


def test_an_id_that_we_changed_is_the_same_on_call_and_result() -> None:
    """Ids that repeat within a session get another name."""
    at = endpoint("gemini")
    thought = ReasoningPart(text="", native=[{**function("read_file", "fc-1"), **SIGNED}], endpoint=at.slug)
    history = AssistantMessage(parts=(thought, call("fc-1_2", "{}"))), ToolMessage(parts=(result("fc-1_2"),))
    contents = body(ask(ASK, *history), at)["contents"]
    assert contents[1]["parts"] == [{"functionCall": {"id": "fc-1_2", "name": "read_file", "args": {}}, **SIGNED}]
    assert contents[2]["parts"][0]["functionResponse"]["id"] == "fc-1_2"


# --- signatures --------------------------------------------------------------------------------------------------------


def test_in_a_batch_the_first_call_alone_is_signed_and_every_part_goes_back_as_it_came() -> None:
    parts = [{"text": "Looking."}, {**function(x=1), **SIGNED}, function("cat")]
    reply = read("gemini", chunk(parts[0]), chunk(*parts[1:]), END)
    assert again("gemini", reply)["contents"][1]["parts"] == parts


def test_in_steps_that_follow_each_other_every_step_is_signed() -> None:
    at = endpoint("gemini")
    history: list[AssistantMessage | ToolMessage] = []
    for number in (1, 2):
        signed = [{**function("read_file"), "thoughtSignature": f"sig{number}"}]
        thought = ReasoningPart(text="", native=signed, endpoint=at.slug)
        history += [AssistantMessage(parts=(thought, call(f"c{number}"))), ToolMessage(parts=(result(f"c{number}"),))]
    contents = body(ask(ASK, *history), at)["contents"]
    assert [part["thoughtSignature"] for one in contents for part in one["parts"] if "functionCall" in part] == ["sig1", "sig2"]


def test_a_signature_on_an_empty_text_at_the_end_is_kept() -> None:
    reply = read("gemini", chunk({"text": "Hello."}), chunk({"text": "", **SIGNED}, finish="STOP"))
    assert again("gemini", reply)["contents"][1]["parts"] == [{"text": "Hello."}, {"text": "", **SIGNED}]


def test_a_signed_text_is_not_joined_with_its_neighbours() -> None:
    reply = read("gemini", chunk({"text": "a"}), chunk({"text": "b"}), chunk({"text": "c", **SIGNED}), END)
    assert native(reply) == [{"text": "ab"}, {"text": "c", **SIGNED}]


def test_a_text_of_nothing_after_the_calls_does_not_go_back() -> None:
    reply = read("gemini", chunk({**function(), **SIGNED}), END)
    assert native(reply) == [{**function(), **SIGNED}]


def test_summaries_of_thoughts_are_for_people_and_do_not_go_back() -> None:
    reply = read("gemini", chunk({"text": "Hm.", "thought": True}), chunk({**function(), **SIGNED}), END)
    assert said(reply).reasoning == "Hm."
    assert again("gemini", reply)["contents"][1]["parts"] == [{**function(), **SIGNED}]


@pytest.mark.parametrize(
    ("model", "word"),
    [
        ("gemini-2.5-pro", None),
        ("gemini-3-pro", NO_SIGNATURE),
        ("gemini-4-argon", NO_SIGNATURE),
        ("gemini-pro-latest", NO_SIGNATURE),
        ("gemma-3", None),
    ],
)
def test_after_a_switch_foreign_signatures_are_stripped_and_a_missing_one_is_stood_for(model: str, word: str | None) -> None:
    """A foreign one is a 400, and so is none from the third generation on."""
    reply = read("gemini", chunk({**function(), **SIGNED}, function("cat")), END)
    parts = again("gemini", reply, slug="other/m", model=model)["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [word, None]


def test_a_changed_answer_is_written_anew() -> None:
    """Native parts of calls that are not in the message any more do not go back."""
    at = endpoint("gemini")
    thought = ReasoningPart(text="", native=[{**function("ls"), **SIGNED}], endpoint=at.slug)
    parts = body(ask(ASK, AssistantMessage(parts=(thought, TextPart(text="No.")))), at)["contents"][1]["parts"]
    assert parts == [{"text": "No."}]


# --- ends --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        *(
            (one, "content_filter")
            for one in ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "LANGUAGE")
        ),
        *((one, "content_filter") for one in ("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "ESCALATION")),
    ],
)
def test_finish_reason(reason: str, finish: str) -> None:
    assert read("gemini", chunk({"text": "Well,"}, finish=reason)).finish == finish


@pytest.mark.parametrize(
    "reason",
    [
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
        "OTHER",
        "A_REASON_OF_NEXT_YEAR",
    ],
)
def test_a_reason_that_is_a_failure(reason: str) -> None:
    error = fails(chunk({"text": "Well,"}, finish=reason))
    assert error.retryable
    assert reason in error.message


def test_an_unspecified_reason_is_none() -> None:
    assert fails(chunk({"text": "Well,"}, finish="FINISH_REASON_UNSPECIFIED")).code == "provider_stream_cut"


def test_a_blocked_prompt_has_a_reason_and_no_candidates() -> None:
    error = fails({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 100}})
    assert (error.code, error.retryable) == ("provider_content_filter", False)
    assert "SAFETY" in error.message


def test_feedback_without_a_reason_blocks_nothing() -> None:
    feedback: Event = {"promptFeedback": {"safetyRatings": []}}
    unspecified = {"promptFeedback": {"blockReason": "BLOCKED_REASON_UNSPECIFIED"}}
    assert said(read("gemini", feedback, unspecified, chunk({"text": "Hello."}), END)).text == "Hello."


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "in-a-list"])
def test_an_error_after_words(wrapped: bool) -> None:
    error: Any = {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}
    with pytest.raises(ProviderError) as caught:
        read("gemini", chunk({"text": "Well,"}), json.dumps([error] if wrapped else error))
    assert (caught.value.code, caught.value.retryable) == ("provider_unavailable", True)


def test_no_candidates_and_no_parts_say_nothing() -> None:
    odd: list[Event] = [{"candidates": []}, {"candidates": [{"index": 0}]}, {"candidates": [{"content": {"role": "model"}}]}]
    assert said(read("gemini", *odd, chunk({"text": "Hello."}), END)).text == "Hello."


# --- what is sent ------------------------------------------------------------------------------------------------------


def test_a_prompt_of_nothing_is_not_empty_on_the_wire() -> None:
    empty = UserMessage(parts=(TextPart(text=""),))
    assert body(ask(empty), endpoint("gemini"))["contents"] == [{"role": "user", "parts": [{"text": "(nothing)"}]}]


def test_tools_and_a_search_stand_side_by_side() -> None:
    tools = body(ask(tools=(READ,), web=True), endpoint("gemini"))["tools"]
    assert [list(one) for one in tools] == [["functionDeclarations"], ["googleSearch"]]


def test_a_result_names_the_tool_of_its_call() -> None:
    history = AssistantMessage(parts=(call("c1", name="ls"),)), ToolMessage(parts=(result("c1"),))
    assert body(ask(ASK, *history), endpoint("gemini"))["contents"][2]["parts"][0]["functionResponse"]["name"] == "ls"


def test_a_call_of_ours_gets_an_id_that_no_other_has() -> None:
    reply = read("gemini", chunk(function(), function()), END)
    ids = [part.call_id for part in reply.message.parts if part.kind == "tool_call"]
    assert ids == [CallId("call_0_r1"), CallId("call_1_r1")]
