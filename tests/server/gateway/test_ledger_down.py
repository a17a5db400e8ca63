"""A ledger that cannot be written while the gateway serves: requests are refused, or go on and are in the books later."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.gateway_house import House, house, model_at
from tests.support.gateway_speech import DIALECTS, refusal, request
from tests.support.scripted_provider import Reply

MODEL = model_at("openai_chat")


@contextmanager
def locked(made: House) -> Generator[None]:
    """Nobody can use the ledger in here."""
    with closing(sqlite3.connect(made.program.home / "ledger.sqlite3", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")


def test_requests_are_refused_and_the_provider_is_not_asked(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        guest = made.key()
        assert guest.post("chat", request("chat", MODEL)).status_code == 200
        with locked(made):
            response = guest.post("messages", request("messages", MODEL))
            assert response.status_code == 503, response.text
            refusal("messages", response)
        assert len(made.provider.requests) == 1
        for dialect in DIALECTS:
            assert guest.post(dialect, request(dialect, MODEL)).status_code == 200
        assert [row.finish for row in guest.rows(4)] == ["stop"] * 4


def test_requests_go_on_and_are_booked_later(tmp_path: Path) -> None:
    with house(tmp_path, '[ledger]\nwhen_down = "spool"\n') as made:
        made.say = Reply(lines="Hello.", input_tokens=107, output_tokens=23)
        guest = made.key()
        assert guest.post("chat", request("chat", MODEL)).status_code == 200
        with locked(made):
            for dialect in DIALECTS:
                assert guest.post(dialect, request(dialect, MODEL)).status_code == 200
        # Nobody has to ask again for it.
        rows = guest.rows(4)
        assert [row.usage.input_tokens for row in rows] == [107] * 4
        assert len({row.request_id for row in rows}) == 4
