"""Keys and what they may see, and the numbers of one answer and one key."""

import json
import re
from collections.abc import Generator
from decimal import Decimal
from typing import Any

import pytest
from tests.support.gateway_house import INPUT_NANOS, OUTPUT_NANOS, House, client, house, model_at
from tests.support.gateway_speech import request
from tests.support.scripted_provider import Reply

MODEL = model_at("openai_chat")
NANOS = 107 * INPUT_NANOS + 23 * OUTPUT_NANOS


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    with house(tmp_path_factory.mktemp("books")) as made:
        made.say = Reply(lines="Hello.", input_tokens=107, output_tokens=23)
        yield made


def test_one_answer_and_one_key_in_numbers(served: House) -> None:
    guest, other, reader = served.key(), served.key(), served.key(reads=True)
    response = guest.post("chat", request("chat", MODEL))
    guest.post("messages", request("messages", MODEL))
    request_id = response.headers["x-generation-id"]
    cost = Decimal(NANOS) / 1_000_000_000
    assert Decimal(response.headers["x-tallystick-cost-usd"]) == cost
    told: dict[str, Any] = guest.get("/v1/generation", id=request_id).json()["data"]
    assert (told["tokens_prompt"], told["tokens_completion"], Decimal(told["total_cost"])) == (107, 23, cost)
    assert (told["model"], told["attempts"], told["estimated"], told["finish_reason"]) == (MODEL, 1, False, "stop")
    assert sum(told["segments"].values()) == 130
    assert reader.get("/api/v1/generation", id=request_id).json()["data"] == told
    assert other.get("/v1/generation", id=request_id).status_code == 404
    assert guest.get("/v1/generation", id="gen-none").status_code == 404
    key: dict[str, Any] = guest.get("/v1/key").json()["data"]
    assert (key["label"], key["reads"], key["limit"]) == (guest.name, False, None)
    assert {Decimal(key[name]) for name in ("usage", "usage_daily", "usage_weekly", "usage_monthly")} == {2 * cost}
    assert Decimal(other.get("/v1/key").json()["data"]["usage"]) == 0


def test_a_key_without_rights_sees_its_own(served: House) -> None:
    guest, other, reader = served.key(), served.key(), served.key(reads=True)
    guest.post("chat", request("chat", MODEL))
    for one, tokens in ((guest, "130"), (other, None)):
        rows: list[dict[str, Any]] = one.get("/v1/rankings/models", period="day").json()["data"]
        assert [row["tokens"] for row in rows] == ([tokens] if tokens else [])
    for path in ("/v1/sessions", "/v1/keys", "/v1/budgets", "/metrics"):
        assert guest.get(path).status_code == 403, path
        assert reader.get(path).status_code == 200, path
    assert guest.get("/v1/rankings/models", period="day", key=other.name).status_code == 403
    names = {row["name"] for row in reader.get("/v1/keys").json()["data"]}
    assert {guest.name, other.name, reader.name} <= names


def test_keys_are_made_and_taken_away(served: House) -> None:
    made = served.program.run("gateway", "keys", "add", "cline", "--title", "Cline", "--url", "https://cline.bot")
    key = made.stdout.strip()
    assert made.returncode == 0
    assert key.startswith("tally-")
    file = served.program.home / "gateway_keys.json"
    assert key not in file.read_text("utf-8")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "cline" in served.program.run("gateway", "keys").stdout
    assert served.program.run("gateway", "keys", "add", "cline").returncode != 0
    with client() as http:
        assert http.get(f"{served.root}/v1/key", headers={"x-api-key": key}).json()["data"]["label"] == "cline"
        http.post(f"{served.root}/v1/chat/completions", json=request("chat", MODEL), headers={"api-key": key})
        (row,) = [row for row in served.all_rows() if row.attribution.key == "cline"]
        assert (row.attribution.app, row.attribution.title) == ("cline.bot", "Cline")
        assert served.program.run("gateway", "keys", "remove", "cline").returncode == 0
        assert http.get(f"{served.root}/v1/key", headers={"x-api-key": key}).status_code == 401
    assert served.program.run("gateway", "keys", "remove", "cline").returncode != 0


def test_what_needs_no_key_and_what_does(served: House) -> None:
    with client() as http:
        described: dict[str, Any] = http.get(f"{served.root}/openapi.json").json()
        assert http.get(f"{served.root}/health").json() == {"status": "ok"}
        assert http.get(f"{served.root}/").headers["content-type"].startswith("text/html")
        for path in ("/v1/models", "/v1/key", "/metrics", "/v1/rankings/models"):
            assert http.get(served.root + path).status_code == 401, path
    assert described["openapi"].startswith("3.1")
    text = str(described)
    for name in set(_names(described)):
        assert name.startswith("#/components/schemas/")
        assert name.rpartition("/")[2] in described["components"]["schemas"], text[:200]


def _names(value: Any) -> list[str]:
    """Every `$ref` in it."""
    return re.findall(r'"\$ref": "([^"]+)"', json.dumps(value))


def test_metrics_and_models(served: House) -> None:
    reader = served.key(reads=True)
    reader.post("chat", request("chat", MODEL))
    text = reader.get("/metrics").text
    assert "tallystick_requests_total" in text
    assert "tallystick_requests_under_way 0" in text
    ids = [one["id"] for one in reader.get("/v1/models").json()["data"]]
    assert MODEL in ids
    assert reader.get(f"/v1/models/{MODEL}").json()["id"] == MODEL
    assert reader.get("/v1/models/nobody/none").status_code == 404
