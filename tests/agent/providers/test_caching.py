"""Which places of a request are marked for a prompt cache; how each wire writes the marks is told in `wire/`."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.chat import ChatRequest, ToolSpec
from tallystick_agent.protocol.messages import AssistantMessage, Message, TextPart, UserMessage
from tallystick_agent.protocol.model_info import CacheRule, Capabilities, Endpoint
from tallystick_agent.providers.caching import LOOK_BACK, NONE, Marks, marks_for

PLAIN = Endpoint(slug="p/m", provider="p", model="m", base_url="http://127.0.0.1/v1")
TOOL = ToolSpec(name="read", description="", parameters={})


def request(talk: str, *, system: str = "S", tools: bool = True) -> ChatRequest:
    """`u` is a message of the user, `a` one of the model."""
    part = (TextPart(text="x"),)
    messages: tuple[Message, ...] = tuple(UserMessage(parts=part) if one == "u" else AssistantMessage(parts=part) for one in talk)
    return ChatRequest(system=system, messages=messages, tools=(TOOL,) if tools else ())


def marks(asked: ChatRequest, rule: CacheRule | None) -> Marks:
    return marks_for(asked, replace(PLAIN, capabilities=Capabilities(cache=rule)))


ANTHROPIC = CacheRule(style="cache_control")


@pytest.mark.parametrize("rule", [None, CacheRule(style="automatic"), CacheRule(style="cache_control", most_marks=0)])
def test_who_caches_by_itself_or_not_at_all_gets_no_marks(rule: CacheRule | None) -> None:
    assert marks(request("uau"), rule) == NONE


@pytest.mark.parametrize(
    ("talk", "places"),
    [
        ("", set[int]()),
        ("u", {0}),
        ("uau", {0, 2}),
        ("uauau", {2, 4}),
        ("uauuu", {0, 4}),
        ("uaua", {2, 3}),
        ("a", {0}),
        ("ua" * 10 + "u", {3, 18, 20}),
    ],
)
def test_the_last_message_and_the_end_of_the_request_before_are_marked(talk: str, places: set[int]) -> None:
    assert marks(request(talk), ANTHROPIC) == Marks(system=True, messages=frozenset(places))


def test_the_mark_of_the_system_text_covers_the_tools() -> None:
    assert marks(request("u", system=""), ANTHROPIC) == Marks(tools=True, messages=frozenset({0}))
    assert marks(request("u", system="", tools=False), ANTHROPIC) == Marks(messages=frozenset({0}))


def test_where_the_provider_marks_the_end_itself_ours_is_on_what_sessions_share() -> None:
    assert marks(request("uau"), CacheRule(style="breakpoints")) == Marks(system=True)
    assert marks(request("uau", system=""), CacheRule(style="breakpoints")) == NONE


@given(talk=st.text(alphabet="ua", max_size=80), most=st.integers(0, 6), system=st.booleans(), tools=st.booleans())
def test_there_are_never_more_marks_than_allowed_and_all_are_on_messages(talk: str, most: int, system: bool, tools: bool) -> None:
    asked = request(talk, system="S" if system else "", tools=tools)
    found = marks(asked, CacheRule(style="cache_control", most_marks=most))
    assert found.tools + found.system + len(found.messages) <= most
    assert all(0 <= place < len(talk) for place in found.messages)
    assert not found.messages or max(found.messages) == len(talk) - 1


@given(talk=st.text(alphabet="ua", max_size=40), answer=st.integers(1, 3))
def test_the_end_of_a_request_is_marked_again_in_the_next(talk: str, answer: int) -> None:
    """What was written to the cache is found: the next request appends an answer, and what the user or the tools say to it."""
    before = request(talk + "u")
    after = request(talk + "u" + "a" + "u" * answer)
    assert len(before.messages) - 1 in marks(after, ANTHROPIC).messages
    assert LOOK_BACK < 20
