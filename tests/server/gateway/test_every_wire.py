"""Every dialect on every provider's wire, whole and streamed: words, thoughts, calls, usage and the books, exactly."""

import json
from collections.abc import Generator
from typing import Any

import pytest
from tests.support.gateway_house import INPUT_NANOS, OUTPUT_NANOS, WIRES, House, client, house, model_at
from tests.support.gateway_speech import DIALECTS, NATIVE, Heard, heard, request, result, tools
from tests.support.scripted_provider import Reply

EVERY = [(dialect, wire, stream) for dialect in DIALECTS for wire in WIRES for stream in (False, True)]
FOREIGN = [(dialect, wire) for dialect in DIALECTS for wire in WIRES if NATIVE[dialect] != wire]
ENDS = {"chat": "stop", "responses": "completed", "messages": "end_turn"}
CALLS = {"chat": "tool_calls", "responses": "completed", "messages": "tool_use"}
CUT = {"chat": "length", "responses": "incomplete", "messages": "max_tokens"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    with house(tmp_path_factory.mktemp("wires")) as made:
        yield made


@pytest.mark.parametrize(("dialect", "wire", "stream"), EVERY)
def test_words_and_their_price(served: House, dialect: str, wire: str, stream: bool) -> None:
    served.say = Reply(lines="Hello, wörld 🎉: it's\na second line.", input_tokens=107, output_tokens=23, cached=60)
    guest = served.key()
    response = guest.post(dialect, request(dialect, model_at(wire), stream=stream))
    found = heard(dialect, response, stream=stream)
    assert (found.text, found.reasoning, found.calls) == ("Hello, wörld 🎉: it's\na second line.", "", [])
    assert found.finish == ENDS[dialect]
    assert found.usage == (107, 23, 60, 0)
    (row,) = guest.rows()
    assert response.headers["x-generation-id"] == row.request_id
    used = row.usage
    assert (used.input_tokens, used.output_tokens, used.cached_tokens, used.source) == (107, 23, 60, "reported")
    assert row.cost.priced_nanos == 107 * INPUT_NANOS + 23 * OUTPUT_NANOS
    assert (row.endpoint, row.finish, row.error_code, row.attempt) == (model_at(wire), "stop", "", 1)
    assert row.attribution.app == f"key/{guest.name}"
    assert sum(one.tokens for one in row.segments if not one.name.startswith("output")) == 107
    assert sum(one.tokens for one in row.segments if one.name.startswith("output")) == 23


@pytest.mark.parametrize(("dialect", "wire", "stream"), EVERY)
def test_thoughts(served: House, dialect: str, wire: str, stream: bool) -> None:
    served.say = Reply(lines="reasoning I think about it.\nThe answer.", reasoning_tokens=7, input_tokens=50, output_tokens=20)
    guest = served.key()
    found = heard(dialect, guest.post(dialect, request(dialect, model_at(wire), stream=stream)), stream=stream)
    assert (found.reasoning, found.text) == ("I think about it.", "The answer.")
    assert found.usage[:2] == (50, 20)
    (row,) = guest.rows()
    assert (row.usage.reasoning_tokens, row.usage.output_tokens) == (7, 20)


@pytest.mark.parametrize(("dialect", "wire", "stream"), EVERY)
def test_a_tool_is_called_and_its_result_goes_back(served: House, dialect: str, wire: str, stream: bool) -> None:
    city = {"city": 'Zürich "am See"'}
    line = json.dumps(city, ensure_ascii=False)
    served.say = Reply(lines=f"Both.\ncall weather {line}\ncall weather {{}}", call_id="toolu")
    guest = served.key()
    first = request(dialect, model_at(wire), stream=stream, tools=tools(dialect))
    found = heard(dialect, guest.post(dialect, first), stream=stream)
    assert found.calls == [("toolu_0", "weather", city), ("toolu_1", "weather", {})]
    assert (found.text, found.finish) == ("Both.", CALLS[dialect])
    served.say = Reply(lines="It is 7 degrees.")
    history = "input" if dialect == "responses" else "messages"
    results = [result(dialect, "toolu_0", "7 °C"), result(dialect, "toolu_1", "none")]
    second = {**first, history: [*first[history], *found.history, *results]}
    assert heard(dialect, guest.post(dialect, second), stream=stream).text == "It is 7 degrees."
    assert results_sent(wire, served.provider.requests[-1].body) == [("toolu_0", "7 °C"), ("toolu_1", "none")]
    assert calls_sent(wire, served.provider.requests[-1].body) == [("toolu_0", "weather", city), ("toolu_1", "weather", {})]
    rows = guest.rows(2)
    assert [row.step for row in rows] == [1, 2]
    assert [row.opens_turn for row in rows] == [True, False]
    assert [row.tool_calls for row in rows] == [2, 0]
    assert len({row.session_id for row in rows}) == len({row.turn_id for row in rows}) == 1


@pytest.mark.parametrize(("dialect", "wire", "stream"), EVERY)
def test_an_answer_at_its_limit(served: House, dialect: str, wire: str, stream: bool) -> None:
    served.say = Reply(lines="Once upon a", finish="length")
    guest = served.key()
    found = heard(dialect, guest.post(dialect, request(dialect, model_at(wire), stream=stream)), stream=stream)
    assert (found.text, found.finish) == ("Once upon a", CUT[dialect])
    (row,) = guest.rows()
    assert row.finish == "length"


@pytest.mark.parametrize(("dialect", "wire", "stream"), EVERY)
def test_an_answer_whose_tokens_nobody_told(served: House, dialect: str, wire: str, stream: bool) -> None:
    served.say = Reply(lines="Hello there, whoever you are.", usage={})
    guest = served.key()
    response = guest.post(dialect, request(dialect, model_at(wire), stream=stream))
    assert response.status_code == 200
    (row,) = guest.rows()
    assert (row.usage.source, row.finish) == ("estimated", "stop")
    assert row.usage.input_tokens > 0
    assert row.usage.output_tokens > 0


def calls_sent(wire: str, body: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """The calls of the history, as the provider got them."""
    if wire == "openai_chat":
        made: list[Any] = [one for message in body["messages"] for one in message.get("tool_calls", ())]
        return [(one["id"], one["function"]["name"], json.loads(one["function"]["arguments"] or "{}")) for one in made]
    if wire == "openai_responses":
        made = [one for one in body["input"] if one.get("type") == "function_call"]
        return [(one["call_id"], one["name"], json.loads(one["arguments"] or "{}")) for one in made]
    blocks = [block for message in body["messages"] if isinstance(message["content"], list) for block in message["content"]]
    return [(one["id"], one["name"], one["input"]) for one in blocks if one["type"] == "tool_use"]


def results_sent(wire: str, body: dict[str, Any]) -> list[tuple[str, str]]:
    if wire == "openai_chat":
        return [(one["tool_call_id"], one["content"]) for one in body["messages"] if one["role"] == "tool"]
    if wire == "openai_responses":
        return [(one["call_id"], one["output"]) for one in body["input"] if one.get("type") == "function_call_output"]
    blocks = [block for message in body["messages"] if isinstance(message["content"], list) for block in message["content"]]
    found = [one for one in blocks if one["type"] == "tool_result"]
    texts = [one["content"] if isinstance(one["content"], str) else one["content"][0]["text"] for one in found]
    return [(one["tool_use_id"], text) for one, text in zip(found, texts, strict=True)]


UNKNOWN: dict[str, dict[str, Any]] = {
    "chat": {"logit_bias": {"50256": -100}, "metadata": {"a": "b"}, "brand_new": [1, {"x": None}]},
    "responses": {"metadata": {"a": "b"}, "truncation": "auto", "brand_new": [1, {"x": None}]},
    "messages": {"metadata": {"user_id": "u"}, "service_tier": "auto", "brand_new": [1, {"x": None}]},
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_what_nobody_knows_passes_on_the_own_wire_both_ways(served: House, dialect: str, stream: bool) -> None:
    odd = '"brand_new_answer": {"deep": [1, null]}'
    guest = served.key()
    plain = Reply(lines="Hello.", input_tokens=31, output_tokens=5)
    served.say = plain
    body = request(dialect, model_at(NATIVE[dialect]), stream=stream, **UNKNOWN[dialect])
    sent = guest.post(dialect, body)
    for name, value in UNKNOWN[dialect].items():
        assert served.provider.requests[-1].body[name] == value
    raw = sent.text.replace('"model"', f'{odd}, "model"', 1).encode()
    served.say = Reply(lines="Hello.", raw=raw)
    got = guest.post(dialect, body)
    assert odd in got.text
    assert heard(dialect, got, stream=stream).usage == (31, 5, 0, 0)
    assert [row.usage.input_tokens for row in guest.rows(2)] == [31, 31]
    assert not stream or got.text == raw.decode()


@pytest.mark.parametrize(("dialect", "wire"), FOREIGN)
def test_what_nobody_knows_is_left_out_on_another_wire(served: House, dialect: str, wire: str) -> None:
    served.say = Reply(lines="Hello.")
    found = heard(dialect, served.key().post(dialect, request(dialect, model_at(wire), **UNKNOWN[dialect])), stream=False)
    assert found.text == "Hello."
    assert not {"brand_new", "logit_bias", "truncation"} & set(served.provider.requests[-1].body)


@pytest.mark.parametrize(("dialect", "wire", "stream"), EVERY)
def test_sealed_thoughts_come_back_to_the_model_that_thought_them(served: House, dialect: str, wire: str, stream: bool) -> None:
    served.say = Reply(lines='reasoning Hm.\ncall weather {"city": "Bern"}', signature="c2lnbmVk", call_id="toolu")
    guest = served.key()
    first = request(dialect, model_at(wire), stream=stream, tools=tools(dialect))
    found: Heard = heard(dialect, guest.post(dialect, first), stream=stream)
    served.say = Reply(lines="Cold.")
    history = "input" if dialect == "responses" else "messages"
    second = {**first, history: [*first[history], *found.history, result(dialect, "toolu_0", "7")]}
    assert heard(dialect, guest.post(dialect, second), stream=stream).text == "Cold."
    assert "c2lnbmVk" in json.dumps(served.provider.requests[-1].body) or wire == "openai_chat"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("wire", WIRES)
def test_tokens_are_counted_and_the_provider_is_not_asked_for_an_answer(served: House, dialect: str, wire: str) -> None:
    before = len(served.provider.requests)
    with_count = served.key()
    body = {"model": model_at(wire), "messages": [{"role": "user", "content": "How long is this?"}]}
    with client() as http:
        got = http.post(f"{served.root}/v1/messages/count_tokens", json=body, headers=with_count.headers)
    assert got.status_code == 200
    assert 3 < got.json()["input_tokens"] < 30
    assert len(served.provider.requests) == before
