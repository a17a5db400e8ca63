"""llama.cpp's `/infill`: what is sent, and its stream read whole, in pieces and cut at every byte."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.providers.wire.conversation import payloads_of
from tests.support.scripted import infill
from tests.support.scripted.reply import Reply as Script
from tests.support.scripted.reply import Tokens

from tallystick_agent.protocol.chat import ChatRequest, Infill, Reply
from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.protocol.messages import text_of
from tallystick_agent.protocol.model_info import Endpoint
from tallystick_agent.protocol.usage import Usage
from tallystick_agent.providers.wire import openai_infill
from tallystick_agent.providers.wire.formats import wire_of
from tallystick_agent.providers.wire.llama_infill import LlamaInfillDecoder, base_of, encode

ENDPOINT = Endpoint(slug="llamacpp/m", provider="llamacpp", model="m", base_url="http://127.0.0.1:8080", wire="llama_infill")
GAP = Infill(prefix="def f():\n    ", suffix="\nf()\n")
TOKENS = Tokens(input=641, output=4, cached=600)
WORDS = "return “ä🎉”\n    pass"
STREAM = b"".join(infill.frames(Script(lines=WORDS), TOKENS))
REAL = b"""data: {"index":0,"content":"","tokens":[0],"stop":false,"id_slot":-1,"tokens_predicted":0,"tokens_evaluated":641,"prompt_progress":{"total":641,"cache":640,"processed":640,"time_ms":0}}

data: {"index":0,"content":"","tokens":[0],"stop":false,"id_slot":-1,"tokens_predicted":0,"tokens_evaluated":641,"prompt_progress":{"total":641,"cache":640,"processed":641,"time_ms":11}}

data: {"index":0,"content":"\\n","tokens":[198],"stop":false,"id_slot":-1,"tokens_predicted":1,"tokens_evaluated":641}

data: {"index":0,"content":"def","tokens":[1604],"stop":false,"id_slot":-1,"tokens_predicted":2,"tokens_evaluated":641}

data: {"content":"","stop":true,"stop_type":"limit","tokens_predicted":2,"tokens_evaluated":641,"timings":{"cache_n":640,"prompt_n":1,"prompt_ms":11.788,"predicted_n":2,"predicted_ms":23.1},"model":"fim"}

"""  # noqa: E501 (as a server sent it)


def request(**fields: Any) -> ChatRequest:
    plain: dict[str, Any] = {"system": "", "messages": (), "infill": GAP, "max_output_tokens": 64}
    return ChatRequest(**{**plain, **fields})


def read(data: bytes) -> tuple[str, Reply | ProviderError]:
    """The text that was told on the way, and how it ended."""
    one, told = LlamaInfillDecoder(ENDPOINT), ""
    try:
        for payload in payloads_of("llama_infill", [data]):
            told += "".join(event.text for event in one.feed(payload))
        return told, one.finish()
    except ProviderError as error:
        return told, error


def test_the_request() -> None:
    assert encode(request(temperature=0.0, stop=("\n",)), ENDPOINT) == {
        "model": "m",
        "input_prefix": GAP.prefix,
        "input_suffix": GAP.suffix,
        "n_predict": 64,
        "stream": True,
        "cache_prompt": True,
        "response_fields": ["content", "stop", "stop_type", "tokens_predicted", "tokens_evaluated", "timings", "model"],
        "return_progress": True,
        "temperature": 0.0,
        "stop": ["\n"],
    }
    more = Infill(prefix="", suffix="", extra=(("b.py", "y = 1\n"),), most_ms=500)
    body = encode(request(infill=more, stream=False), ENDPOINT)
    assert body["input_extra"] == [{"filename": "b.py", "text": "y = 1\n"}]
    assert (body["t_max_predict_ms"], body["stream"], "return_progress" in body) == (500, False, False)


def test_it_is_posted_beside_the_api_and_not_below_it() -> None:
    assert [base_of(url) for url in ("http://h:8080/v1", "http://h:8080/v1/", "http://h/x")] == ["http://h:8080"] * 2 + [
        "http://h/x"
    ]
    assert wire_of(ENDPOINT, request()).path(request(), ENDPOINT) == "/infill"


def test_other_servers_get_plain_completions() -> None:
    other = Endpoint(slug="vllm/m", provider="vllm", model="m", base_url="http://127.0.0.1/v1")
    assert wire_of(other, request()) is openai_infill.WIRE


def test_what_is_no_gap_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ProviderError) as refused:
        encode(request(infill=None), ENDPOINT)
    assert not refused.value.retryable


def test_a_stream_as_a_server_sent_it() -> None:
    told, reply = read(REAL)
    assert isinstance(reply, Reply)
    assert (told, text_of(reply.message), reply.finish, reply.served_model) == ("\ndef", "\ndef", "length", "fim")
    assert reply.usage == Usage(input_tokens=641, cached_tokens=640, output_tokens=2)


@given(places=st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_pieces_make_no_difference(places: list[int]) -> None:
    ends = sorted(places)
    chunks = [STREAM[start:end] for start, end in zip([0, *ends], [*ends, len(STREAM)], strict=True)]
    one = LlamaInfillDecoder(ENDPOINT)
    told = [event for payload in payloads_of("llama_infill", [chunk for chunk in chunks if chunk]) for event in one.feed(payload)]
    assert "".join(event.text for event in told) == WORDS
    assert one.finish().usage == Usage(input_tokens=641, cached_tokens=600, output_tokens=4)


@pytest.mark.parametrize("stream", [STREAM, REAL], ids=["scripted", "real"])
def test_cut_at_any_byte_it_is_the_whole_answer_or_a_failure(stream: bytes) -> None:
    whole = read(stream)[1]
    assert isinstance(whole, Reply)
    for place in range(1, len(stream)):
        told, end = read(stream[:place])
        assert text_of(whole.message).startswith(told)
        if isinstance(end, Reply):
            assert end == whole
        else:
            assert end.retryable


def test_the_input_is_known_before_the_first_token() -> None:
    """All that is known of an answer that is stopped early."""
    one = LlamaInfillDecoder(ENDPOINT)
    assert (one.started, one.running) == (False, None)
    one.feed(payloads_of("llama_infill", [REAL])[0])
    assert one.started
    assert one.running == Usage(input_tokens=641, cached_tokens=640)
    for payload in payloads_of("llama_infill", [REAL])[1:4]:
        one.feed(payload)
    assert one.running == Usage(input_tokens=641, cached_tokens=640, output_tokens=2)
    assert one.finish(cut=True).usage is None
    assert not one.ended


def test_whole_or_streamed_it_is_the_same() -> None:
    one = LlamaInfillDecoder(ENDPOINT)
    one.feed(json.dumps(infill.whole(Script(lines=WORDS), TOKENS)))
    assert one.finish() == read(STREAM)[1]


def test_an_error_in_the_stream() -> None:
    told, end = read(b"".join(infill.frames(Script(lines="retu", error_after="Out of memory."), TOKENS)))
    assert told == "retu"
    assert isinstance(end, ProviderError)
    assert "Out of memory." in end.message


@pytest.mark.parametrize(
    "odd", ['{"content": 1}', '{"tokens_evaluated": "x"}', "[]", '{"timings": 3, "tokens_evaluated": 1}', "{}"]
)
def test_odd_chunks_are_no_text(odd: str) -> None:
    one = LlamaInfillDecoder(ENDPOINT)
    assert one.feed(odd) == []
