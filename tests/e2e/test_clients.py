"""Real clients through a real gateway: each finishes its task, and the books show it as an app of its own. The heavy ones are in
`scripts/clients`.
"""

import importlib.util
import json
from collections.abc import Generator
from time import monotonic, sleep
from typing import Any

import pytest
from tests.support.gateway_clients.client import Client, Place, venv
from tests.support.gateway_clients.gateway import MODEL
from tests.support.gateway_clients.libraries import HERE
from tests.support.gateway_clients.model import ENDLESS
from tests.support.gateway_clients.proof import Bench, bench
from tests.support.gateway_clients.roster import EVERY, LIGHT

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(importlib.util.find_spec("tallystick_server.gateway.main") is None, reason="There is no gateway yet."),
]


@pytest.fixture(scope="module")
def proven() -> Generator[Bench]:
    with bench() as made:
        yield made


@pytest.mark.parametrize("client", LIGHT, ids=lambda client: client.name)
def test_a_client_finishes_and_is_booked_as_its_own_app(proven: Bench, client: Client) -> None:
    result = proven.prove(client)
    assert not result.problem, result.problem
    assert result.booked == result.expected > 0


@pytest.mark.parametrize("wire", ["openai_responses", "anthropic"])
def test_clients_of_any_api_use_a_provider_of_any_other(wire: str) -> None:
    with bench(speaks=f'wire = "{wire}"') as made:
        problems = {name: made.prove(EVERY[name]).problem for name in ("openai-python", "anthropic-python")}
    assert problems == dict.fromkeys(problems, "")


def test_who_leaves_in_the_middle_stops_the_provider_and_is_booked(proven: Bench) -> None:
    place = Place(folder=proven.folder / "leaving", root=proven.served.root, key=proven.served.key("leaving"), model=MODEL)
    place.make()
    command = [str(venv("clients", "python")), "-I", str(HERE / "python" / "leaving.py")]
    variables = {"ROOT": place.root, "API_KEY": place.key, "MODEL": MODEL, "PROMPT": ENDLESS}
    assert place.run(command, variables).split() == ["chat", "responses", "messages"]
    # The answers would have gone on for minutes.
    assert proven.provider.closed_early.wait(30)
    until = monotonic() + 30
    while len(rows := proven.served.rows("leaving")) < 3 and monotonic() < until:
        sleep(0.05)
    assert [row.finish for row in rows] == ["aborted"] * 3
    assert all(row.usage.source == "estimated" and row.usage.input_tokens and row.usage.output_tokens for row in rows)


def test_the_official_clients_read_our_refusals(proven: Bench) -> None:
    place = Place(folder=proven.folder / "refused", root=proven.served.root, key=proven.served.key("refused"), model=MODEL)
    place.make()
    command = [str(venv("clients", "python")), "-I", str(HERE / "python" / "refusals.py")]
    printed = place.run(command, {"ROOT": place.root, "API_KEY": place.key, "MODEL": MODEL})
    found: dict[str, dict[str, Any]] = json.loads(printed)
    seen = {name: (one["raised"], one.get("status")) for name, one in found.items()}
    wrong_key, unknown = ("AuthenticationError", 401), ("NotFoundError", 404)
    for wire in ("chat", "responses", "messages"):
        assert seen[f"{wire}: wrong key"] == wrong_key
        assert seen[f"{wire}: wrong key, streamed"] == wrong_key
        assert seen[f"{wire}: unknown model"] == unknown
        assert seen[f"{wire}: no words"] == ("BadRequestError", 400)
    assert all(one["message"] and one["type"] for one in found.values())
    assert not proven.served.booked("refused")
