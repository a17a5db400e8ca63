"""From a state to one request and its X-ray: every token has a name, and a request begins with the one before it."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.sessions.events import call, numbered, opened, prompt, result, said, told

from tallystick_agent.context.assemble import output_segments, xray
from tallystick_agent.protocol.chat import ChatRequest, Infill, ToolSpec
from tallystick_agent.protocol.events import Event, EventBody, RequestStarted
from tallystick_agent.protocol.ids import CallId, RequestId
from tallystick_agent.protocol.messages import (
    AssistantMessage,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    ToolResultPart,
    UserMessage,
)
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.providers.dialects import dialect_of
from tallystick_agent.providers.wire.openai_chat import encode
from tallystick_agent.sessions.replay import fold
from tallystick_agent.tokens.counter import Counter
from tallystick_agent.tools.registry import LARGE
from tallystick_agent.usage.families import family_of

TOOL = ToolSpec(name="ls", description="List.", parameters={"type": "object", "properties": {}})
ENDPOINT = Endpoint(slug="p/m", provider="p", model="m", base_url="http://127.0.0.1/v1")
FIRST = UserMessage(parts=(TextPart(text="Files (1):\na.py\n\n", name="files"), TextPart(text="fix it")))
REPLY = AssistantMessage(
    parts=(ReasoningPart(text="hm"), TextPart(text="Looking."), ToolCallPart(call_id=CallId("c"), name="ls", arguments="{}"))
)
RESULT = ToolMessage(parts=(ToolResultPart(call_id=CallId("c"), name="ls", text="a.py"),))
NOTE = UserMessage(parts=(TextPart(text="Do something else."),), origin="notice")


def named(request: ChatRequest) -> dict[str, int]:
    return {segment.name: segment.tokens for segment in xray(request, Counter()).segments}


def test_every_part_of_a_request_has_its_name() -> None:
    request = ChatRequest(system="Be brief.", messages=(FIRST, REPLY, RESULT, NOTE), tools=(TOOL,))
    found = named(request)
    assert set(found) == {
        "tool:ls",
        "system",
        "files",
        "prompt",
        "reasoning",
        "assistant",
        "tool_call",
        "tool_output:ls",
        "notice",
        "framing",
    }
    assert found["prompt"] == Counter().text("fix it")
    assert found["files"] == Counter().text("Files (1):\na.py\n\n")
    assert found["system"] == Counter().text("Be brief.")


def test_what_was_asked_before_is_history() -> None:
    again = UserMessage(parts=(TextPart(text="and now the other one"),))
    more = UserMessage(parts=(TextPart(text="please"),))
    request = ChatRequest(system="", messages=(FIRST, REPLY, RESULT, NOTE, again, more, REPLY, RESULT))
    found = named(request)
    assert found["earlier_prompt"] == Counter().text("fix it")
    assert found["prompt"] == Counter().text("and now the other one") + Counter().text("please")
    assert found["files"] == Counter().text("Files (1):\na.py\n\n")
    assert family_of("earlier_prompt") == "history"


def test_a_gap_has_a_prefix_and_a_suffix() -> None:
    found = named(ChatRequest(system="", messages=(), infill=Infill(prefix="def f():", suffix="return")))
    assert set(found) == {"infill:prefix", "infill:suffix", "framing"}


@given(st.text(max_size=40), st.lists(st.sampled_from([FIRST, REPLY, RESULT, NOTE]), max_size=8), st.booleans())
def test_the_segments_sum_to_the_input(
    system: str, messages: list[UserMessage | AssistantMessage | ToolMessage], tools: bool
) -> None:
    request = ChatRequest(system=system, messages=tuple(messages), tools=(TOOL,) if tools else ())
    found = xray(request, Counter("claude", factor=1.1))
    assert sum(segment.tokens for segment in found.segments) == found.input_tokens
    assert all(segment.tokens > 0 for segment in found.segments)
    assert len({segment.name for segment in found.segments}) == len(found.segments)


def test_the_fixed_overhead_of_a_request_is_at_most_three_thousand_tokens() -> None:
    from tallystick_agent.prompts import load

    hello = UserMessage(parts=(TextPart(text="hello"),))
    request = ChatRequest(system=load("system"), messages=(hello,), tools=tuple(tool.spec for tool in LARGE))
    assert xray(request, Counter()).input_tokens <= 3_000


def test_what_an_answer_was_made_of() -> None:
    assert {segment.name for segment in output_segments(REPLY, Counter())} == {
        "output:reasoning",
        "output:text",
        "output:tool_call",
    }
    assert output_segments(AssistantMessage(parts=()), Counter()) == ()


def asked() -> RequestStarted:
    return RequestStarted(request_id=RequestId("r"), endpoint="p/m", reason="only candidate", attempt=1)


SESSION: list[EventBody] = [
    opened(),
    prompt("fix it"),
    asked(),
    said("Looking."),
    call("c1"),
    result("c1", "one"),
    call("c2", arguments='{"a": '),
    result("c2", "two"),
    told("Do something else."),
    asked(),
    call("c3"),
    result("c3", "three"),
    asked(),
    said("Done."),
    prompt("and now the tests"),
    asked(),
    said("Done too."),
]


def body_after(events: list[Event]) -> str:
    """The bytes up to the end of the messages, as they go out after these events."""
    request = ChatRequest(system="Be brief.", messages=fold(events).messages, tools=(TOOL,), session_key="s-1")
    raw = json.dumps(encode(request, ENDPOINT, dialect_of("openai")), ensure_ascii=False, separators=(",", ":"))
    return raw[: raw.index('],"stream"')]


def test_each_request_starts_with_the_one_before_it() -> None:
    events = numbered(*SESSION)
    bodies = [body_after(events[:at]) for at, one in enumerate(events) if isinstance(one.body, RequestStarted)]
    assert len(bodies) == 4
    for before, after in pairwise(bodies):
        assert after.startswith(before)


@pytest.mark.parametrize("key", ["tools", "model"])
def test_what_stands_first_does_not_depend_on_the_history(key: str) -> None:
    events = numbered(*SESSION)
    heads = {body_after(events[:at]).split('"messages"')[0] for at in range(2, len(events))}
    assert len(heads) == 1
    assert f'"{key}"' in heads.pop()
