"""What goes out of a writer while nothing is said, and after something was passed on. Tables; no server."""

import json
from typing import Any

import pytest
from tests.support.gateway_speech import DIALECTS, events_of, request

from tallystick_agent.protocol.chat import TextDelta, ToolCallDelta
from tallystick_agent.protocol.errors import ProviderError
from tallystick_server.gateway.dialects.base import Dialect, Writer
from tallystick_server.gateway.dialects.chat_answer import ChatDialect
from tallystick_server.gateway.dialects.messages_answer import MessagesDialect
from tallystick_server.gateway.dialects.responses_answer import ResponsesDialect

KNOWN: dict[str, Dialect] = {"chat": ChatDialect(), "responses": ResponsesDialect(), "messages": MessagesDialect()}
FIRST: dict[str, dict[str, Any]] = {
    "chat": {"choices": [{"index": 0, "delta": {"content": "a"}}]},
    "responses": {"type": "response.created", "sequence_number": 0},
    "messages": {"type": "message_start", "message": {}},
}
GONE = ProviderError("It broke.", code="provider_stream_cut")


def writer(dialect: str) -> Writer:
    known = KNOWN[dialect]
    return known.writer(known.read(request(dialect, "a/b", stream=True), {}), "gen-1")


def kinds(data: bytes) -> list[Any]:
    return [json.loads(one).get("type") for _, one in events_of(data.decode())]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_silence_before_the_first_word_begins_nothing(dialect: str) -> None:
    assert kinds(writer(dialect).alive()) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_was_passed_on_is_not_begun_again(dialect: str) -> None:
    made = writer(dialect)
    made.passed((json.dumps(FIRST[dialect]),))
    assert kinds(made.alive()) in ([], ["ping"])
    broken = kinds(made.failure(GONE, 502))
    assert broken == {"chat": [None], "responses": ["response.failed"], "messages": ["error"]}[dialect]


def test_a_failure_goes_on_counting() -> None:
    made = writer("responses")
    made.passed((json.dumps(FIRST["responses"]), json.dumps({"type": "response.in_progress", "sequence_number": 1})))
    ((_, data),) = events_of(made.failure(GONE, 502).decode())
    assert json.loads(data)["sequence_number"] == 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_silence_after_the_first_word_breaks_nothing(dialect: str) -> None:
    made = writer(dialect)
    begun = made.event(TextDelta(text="a")) + made.alive() + made.event(ToolCallDelta(index=0, name="look", text="{}"))
    assert kinds(begun).count({"chat": None, "responses": "response.created", "messages": "message_start"}[dialect]) == (
        2 if dialect == "chat" else 1
    )
