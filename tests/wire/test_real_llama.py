"""A real model server answers: llama.cpp with a model of 135 million parameters, in the three wire formats that it speaks.

The first half are facts that our own tests of the local server stand on; the second half is the product's client against
the same server. All tests that need this server belong into this file, so that it
is started once for a worker. What the model says is never asserted: it is small, and says other things when it reads a
prompt from its cache.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from tests.support.llama_model import LlamaModel, llama_model
from tests.support.provider_client import HANG_S, Told, ask, calls_of, endpoint_at, provider_client, saying, tell, text_of
from tests.support.scripted_provider import ScriptedProvider

from tallystick_agent.protocol.chat import TextDelta, ToolSpec
from tallystick_agent.protocol.errors import ContextOverflow
from tallystick_agent.protocol.model_info import Endpoint, WireName
from tallystick_agent.protocol.usage import Usage

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LIMIT = 8
"""Tokens of an answer."""
OVERFLOW = "word " * 3000


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaModel]:
    """The server, one for all tests of this file on a worker."""
    with llama_model() as model:
        yield model


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How one format asks, and where it reports: `total_keys` add up to the prompt's tokens, `cached` leads to a part of them."""

    path: str
    limit: str
    turn: str
    extra: dict[str, Any] = field(default_factory=lambda: {})
    total_keys: tuple[str, ...]
    cached: tuple[str, ...]
    output: str
    last: str
    """What the last event of a stream begins with."""

    def body(self, model: str, text: str, *, stream: bool = False) -> dict[str, Any]:
        turn = text if self.turn == "input" else [{"role": "user", "content": text}]
        return {
            "model": model,
            self.turn: turn,
            self.limit: LIMIT,
            "temperature": 0,
            "stream": stream,
            **(self.extra if stream else {}),
        }


CHAT = Wire(
    path="/v1/chat/completions",
    limit="max_tokens",
    turn="messages",
    extra={"stream_options": {"include_usage": True}},
    total_keys=("prompt_tokens",),
    cached=("prompt_tokens_details", "cached_tokens"),
    output="completion_tokens",
    last="data: [DONE]",
)
RESPONSES = Wire(
    path="/v1/responses",
    limit="max_output_tokens",
    turn="input",
    total_keys=("input_tokens",),
    cached=("input_tokens_details", "cached_tokens"),
    output="output_tokens",
    last="event: response.completed",
)
MESSAGES = Wire(
    path="/v1/messages",
    limit="max_tokens",
    turn="messages",
    # Here, as with Anthropic, the input is what was not read from the cache.
    total_keys=("input_tokens", "cache_read_input_tokens"),
    cached=("cache_read_input_tokens",),
    output="output_tokens",
    last="event: message_stop",
)
WIRES = pytest.mark.parametrize("wire", [CHAT, RESPONSES, MESSAGES], ids=["chat", "responses", "messages"])


def post(llama: LlamaModel, path: str, body: dict[str, Any]) -> httpx.Response:
    """Over a connection of its own: the server closes one unasked after the second streamed answer."""
    with httpx.Client(base_url=llama.url, timeout=120, trust_env=False) as client:
        return client.post(path, json=body)


def usage_of(llama: LlamaModel, wire: Wire, text: str) -> tuple[int, int, int]:
    """Tokens of the prompt, of it from the cache, and of the answer."""
    response = post(llama, wire.path, wire.body(llama.model, text))
    assert response.status_code == 200, response.text
    usage = response.json()["usage"]
    cached = usage
    for key in wire.cached:
        cached = cached[key]
    return sum(usage[key] for key in wire.total_keys), cached, usage[wire.output]


@WIRES
def test_usage_is_counted_and_the_cache_reported(llama: LlamaModel, wire: Wire) -> None:
    # Begins with what no other test says, so that the first request can share the template's few tokens alone.
    prefix = f"{wire.path} asks. " + "All of this stands before each question and stays the same. " * 12
    first = usage_of(llama, wire, prefix + "What is one and one?")
    other = usage_of(llama, wire, prefix + "Who wrote this?")
    again = usage_of(llama, wire, prefix + "Who wrote this?")
    assert first[0] > 150
    assert 0 < first[2] <= LIMIT
    assert first[1] < 60
    assert other[1] > 120
    assert again[:2] == (other[0], other[0] - 1)


@WIRES
def test_all_three_count_the_same_prompt_alike(llama: LlamaModel, wire: Wire) -> None:
    text = "How many tokens are these?"
    assert usage_of(llama, wire, text)[0] == usage_of(llama, CHAT, text)[0]


@WIRES
def test_a_prompt_that_is_too_long_is_refused_with_both_numbers(llama: LlamaModel, wire: Wire) -> None:
    response = post(llama, wire.path, wire.body(llama.model, OVERFLOW))
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["n_ctx"]) == (400, "exceed_context_size_error", llama.window)
    assert error["n_prompt_tokens"] > 3000


@WIRES
def test_a_stream_ends_with_its_own_last_event(llama: LlamaModel, wire: Wire) -> None:
    response = post(llama, wire.path, wire.body(llama.model, "Say hello.", stream=True))
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [event for event in response.text.split("\n\n") if event.strip()]
    assert events[-1].startswith(wire.last)
    assert any(f'"{wire.output}":' in event for event in events)


def test_the_usage_of_a_chat_stream_comes_in_a_chunk_without_choices(llama: LlamaModel) -> None:
    response = post(llama, CHAT.path, CHAT.body(llama.model, "Say hello.", stream=True))
    lines = [line for line in response.text.splitlines() if line.startswith("data: {")]
    assert '"choices":[]' in lines[-1]
    assert '"usage":' in lines[-1]
    assert not any('"usage":' in line for line in lines[:-1])


def test_the_answer_to_a_schema_is_json_of_that_schema(llama: LlamaModel) -> None:
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"], "additionalProperties": False}
    shape = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}
    body = {**CHAT.body(llama.model, "Is water wet? Answer in JSON."), "response_format": shape, "max_tokens": 40}
    message = post(llama, CHAT.path, body).json()["choices"][0]["message"]
    assert message["content"].replace(" ", "").replace("\n", "") in ('{"yes":true}', '{"yes":false}')


def test_the_model_tells_its_window(llama: LlamaModel) -> None:
    with httpx.Client(base_url=llama.url, timeout=120, trust_env=False) as client:
        assert client.get("/props").json()["default_generation_settings"]["n_ctx"] == llama.window
        assert [model["id"] for model in client.get("/v1/models").json()["data"]] == [llama.model]


# --- The product's client ----------------------------------------------------------------------------------------------

OURS = pytest.mark.parametrize("wire", ["openai_chat", "openai_responses", "anthropic"])
FORMS = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
READ = ToolSpec(name="read_file", description="Reads a file.", parameters={"type": "object", "properties": {}})
OUR_LIMIT = 16
"""Tokens of an answer, the fewest that a request of Responses may ask for."""


def at(llama: LlamaModel, wire: WireName, url: str = "") -> Endpoint:
    return endpoint_at(url or f"{llama.url}/v1", wire, model=llama.model, dialect="llamacpp", key_name=None, local=True)


def told_by(llama: LlamaModel, wire: WireName, text: str, **fields: Any) -> Told:
    """At the first attempt, or not at all."""
    plain = {"max_output_tokens": OUR_LIMIT, "temperature": 0.0}
    return ask(saying(text, **{**plain, **fields}), at(llama, wire), max_attempts=1)


def usage(told: Told) -> Usage:
    assert told.reply.usage is not None
    return told.reply.usage


@OURS
@FORMS
def test_our_client_reads_text_and_usage(llama: LlamaModel, wire: WireName, stream: bool) -> None:
    text = "Say hello."
    told = told_by(llama, wire, text, stream=stream)
    assert told.shown
    assert told.shown == text_of(told.reply)
    assert usage(told).input_tokens == usage_of(llama, CHAT, text)[0]
    assert 0 < usage(told).output_tokens <= OUR_LIMIT


@OURS
def test_our_client_sees_what_came_from_the_cache(llama: LlamaModel, wire: WireName) -> None:
    prefix = f"Through {wire} it goes. " + "All of this stands before each question and stays the same. " * 6
    first, other = (usage(told_by(llama, wire, prefix + question)) for question in ("One and one?", "Who wrote this?"))
    assert first.cached_tokens < 40
    assert 60 < other.cached_tokens < other.input_tokens


@OURS
def test_our_client_knows_both_numbers_of_a_prompt_that_is_too_long(llama: LlamaModel, wire: WireName) -> None:
    told = told_by(llama, wire, OVERFLOW)
    refused = post(llama, CHAT.path, CHAT.body(llama.model, OVERFLOW)).json()["error"]
    assert isinstance(told.error, ContextOverflow)
    assert (told.error.prompt_tokens, told.error.limit_tokens) == (refused["n_prompt_tokens"], llama.window)
    assert told.accepted == 0


def test_our_client_gets_json_of_the_schema_that_it_gives(llama: LlamaModel) -> None:
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"], "additionalProperties": False}
    told = told_by(llama, "openai_chat", "Is water wet? Answer in JSON.", response_schema=schema, max_output_tokens=40)
    assert json.loads(text_of(told.reply)) in ({"yes": True}, {"yes": False})


@OURS
def test_a_model_without_tools_answers_in_text(llama: LlamaModel, wire: WireName) -> None:
    """Its template has no place for them, so the server drops them without a word."""
    told = told_by(llama, wire, "Read the file.", tools=(READ,))
    assert calls_of(told.reply) == []
    assert told.reply.finish in ("stop", "length")
    assert usage(told).input_tokens == usage(told_by(llama, wire, "Read the file.")).input_tokens


def test_our_client_never_forces_a_call(llama: LlamaModel) -> None:
    """Forced, the server lets the model write until its limit."""
    with ScriptedProvider(["Hello."]) as provider:
        told = ask(saying(tools=(READ,), tool_choice="required"), at(llama, "openai_chat", provider.url))
    assert text_of(told.reply) == "Hello."
    assert provider.requests[0].body["tools"]
    assert provider.requests[0].body.get("tool_choice", "auto") == "auto"


@OURS
def test_a_reader_who_stops_frees_the_server(llama: LlamaModel, wire: WireName) -> None:
    def tokens_when_idle() -> int:
        give_up = time.monotonic() + HANG_S
        with httpx.Client(base_url=llama.url, timeout=120, trust_env=False) as client:
            while (slot := client.get("/slots").json()[0])["is_processing"]:
                assert time.monotonic() < give_up, "the server goes on"
        return int(slot["n_prompt_tokens"])

    async def stop_at_the_first_word() -> tuple[int, Told]:
        async with provider_client(max_attempts=1) as client:
            # It goes on to its limit when nobody stops it.
            story = saying("Tell a very long story of a cat.", max_output_tokens=llama.window - 100, temperature=0.0)
            answer = client.send(story, (at(llama, wire),))
            async for event in answer:
                if isinstance(event, TextDelta):
                    break
            await answer.aclose()
            held = tokens_when_idle()
            return held, await tell(client, saying("Say hello.", max_output_tokens=OUR_LIMIT), at(llama, wire))

    held, told = asyncio.run(stop_at_the_first_word())
    assert held < llama.window // 2
    assert text_of(told.reply)


@pytest.mark.parametrize("local", [True, False], ids=["known to be local", "somewhere in the network"])
def test_a_server_that_closes_its_connections_costs_no_attempt(llama: LlamaModel, local: bool) -> None:
    """It says that it keeps a connection, and closes it unasked after some streams."""

    async def send_many() -> list[Told]:
        async with provider_client(max_attempts=1) as client:
            request = saying("Hello.", max_output_tokens=2, temperature=0.0)
            return [await tell(client, request, replace(at(llama, "openai_chat"), local=local)) for _ in range(20)]

    assert [told.error for told in asyncio.run(send_many())] == [None] * 20
