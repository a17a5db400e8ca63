"""What fails behind the gateway: each in the words of the caller's API, with the status its library acts on, and in the books."""

import json
from collections.abc import Generator
from typing import Any

import pytest
from tests.support.gateway_house import WIRES, House, house, model_at
from tests.support.gateway_speech import DIALECTS, heard, refusal, request
from tests.support.scripted_provider import Reply

SETTINGS = "[network]\nmax_attempts = 2\nbackoff_s = 0.01\nmax_retry_after_s = 5.0\n"
EVERY = [(dialect, wire, stream) for dialect in DIALECTS for wire in WIRES for stream in (False, True)]


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    with house(tmp_path_factory.mktemp("failures"), SETTINGS) as made:
        yield made


def error(status: int, message: str = "It is so.", **headers: str) -> Reply:
    told = {"error": {"message": message, "type": "error", "code": status}}
    return Reply(status=status, body=json.dumps(told), headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_before_the_first_word(served: House) -> None:
    """Each of a provider's failures has a status of its own, whatever the dialect and the wire."""
    cases: list[tuple[Reply, int]] = [
        (error(401), 502),
        (error(403), 502),
        (error(400, "unknown field x"), 400),
        (error(500), 502),
        (error(429, retry_after="77"), 429),
    ]
    for reply, status in cases:
        for dialect, wire, stream in EVERY:
            served.say = reply
            guest, before = served.key(), len(served.provider.requests)
            response = guest.post(dialect, request(dialect, model_at(wire), stream=stream))
            told = (reply.status, dialect, wire, stream, response.text)
            assert response.status_code in (status, 503 if status == 502 else status), told
            refusal(dialect, response)
            if status == 429:
                assert 70 <= int(response.headers["retry-after"]) <= 77, told
            asked = len(served.provider.requests) - before
            if not asked:
                # A provider that asked to wait is left alone until then.
                assert status == 429, told
                continue
            rows = guest.rows(asked)
            assert [row.finish for row in rows] == ["failed"] * asked, told
            assert all(row.usage.total_tokens == 0 for row in rows), told
            assert response.headers["x-generation-id"] == rows[0].request_id


@pytest.mark.parametrize("dialect", DIALECTS)
def test_another_model_answers_where_the_first_fails(served: House, dialect: str) -> None:
    def say(body: dict[str, Any]) -> Reply:
        return error(500) if "input" in body else Reply(lines="Here I am.", input_tokens=11, output_tokens=4)

    served.say = say
    for stream in (False, True):
        guest = served.key()
        names = [model_at("openai_responses"), model_at("openai_chat")]
        more: dict[str, Any] = {"fallbacks": [{"model": names[1]}]} if dialect == "messages" else {"models": names}
        response = guest.post(dialect, request(dialect, names[0], stream=stream, **more))
        found = heard(dialect, response, stream=stream)
        assert (found.text, found.usage[:2]) == ("Here I am.", (11, 4))
        rows = guest.rows(2)
        assert (rows[0].endpoint, rows[0].finish) == (names[0], "failed")
        assert (rows[-1].endpoint, rows[-1].finish) == (names[1], "stop")
        assert len({row.request_id for row in rows}) == 1
        assert [row.attempt for row in rows] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("how", ["error", "cut"])
def test_after_the_first_word(served: House, how: str) -> None:
    text = "Well, I am about to say something of some length, and then the line breaks."
    for dialect in DIALECTS:
        for wire in WIRES:
            served.say = Reply(lines=text, error_after="Too many of you." if how == "error" else "", cut=how == "cut")
            guest = served.key()
            response = guest.post(dialect, request(dialect, model_at(wire), stream=True))
            found = heard(dialect, response, stream=True)
            told = (dialect, wire, response.text)
            assert found.error is not None, told
            assert found.error["message"], told
            assert text.startswith(found.text), told
            assert found.text, told
            (row,) = guest.rows()
            assert (row.finish, row.usage.source) == ("failed", "estimated"), told
            assert row.error_code.startswith("provider_"), told
            assert row.usage.input_tokens > 0, told
            assert row.usage.output_tokens > 0, told


def test_a_broken_whole_answer(served: House) -> None:
    for dialect in DIALECTS:
        for wire in WIRES:
            served.say = Reply(lines="Hello there, all of you.", truncate_at=80)
            guest = served.key()
            response = guest.post(dialect, request(dialect, model_at(wire)))
            assert response.status_code in (502, 503), response.text
            refusal(dialect, response)
            assert {row.finish for row in guest.rows()} == {"failed"}
