"""Every path of the gateway's figures answers from a real home, and a key without rights sees its own use alone."""

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.support.page_books import MODELS, SESSION, write
from tests.support.page_server import KEYS

from tallystick_agent.protocol.errors import TallystickError
from tallystick_server.compose import Application
from tallystick_server.gateway.figures import Json, figures

NOW = datetime.now(UTC)
PATHS = (
    "rankings/series", "rankings/models", "rankings/authors", "rankings/apps", "rankings/tool_calls", "rankings/sessions",
    "usage/summary", "usage/savings", "sessions", f"sessions/{SESSION}/growth", "keys",
)  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    home = tmp_path_factory.mktemp("home")
    write(home).close()
    app = Application.load(environment={"TALLYSTICK_HOME": str(home), "PATH": os.environ["PATH"]})
    yield app
    asyncio.run(app.close())


def told(app: Application, path: str, only: str = "", **given: str) -> Json:
    found = figures(app, KEYS, path, given, only=only, now=NOW)
    assert found is not None, path
    return found


@pytest.mark.parametrize("path", PATHS)
def test_every_path_gives_rows_as_plain_json(app: Application, path: str) -> None:
    found = told(app, path)
    assert found["data"]
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("path", ["", "rankings", "usage", "usage/else", "sessions/growth", "keys/ci", "sessions/x/else"])
def test_what_is_not_there_is_nothing(app: Application, path: str) -> None:
    assert figures(app, KEYS, path, {}, now=NOW) is None


def test_another_price_for_what_was_used(app: Application) -> None:
    found = told(app, "usage/whatif", to=f"openrouter/{MODELS[0]}")
    assert found["meta"]["model"] == f"openrouter/{MODELS[0]}"
    with pytest.raises(TallystickError, match="`to` is missing"):
        told(app, "usage/whatif")


def test_a_key_without_rights_sees_its_own(app: Application) -> None:
    whole, own, other = (
        told(app, "usage/summary", only=only)["meta"]["total"]["tokens"] for only in ("", "ci", "laptop")
    )  # fmt: skip
    assert int(whole) == int(own) + int(other)
    assert told(app, "rankings/models", only="ci")["meta"]["where"] == {"key": "ci"}
    assert told(app, "rankings/models", only="ci", key="ci")["data"]


@pytest.mark.parametrize("path", ["sessions", f"sessions/{SESSION}/growth", "keys", "usage/whatif", "rankings/sessions"])
def test_and_nothing_of_others(app: Application, path: str) -> None:
    with pytest.raises(TallystickError) as caught:
        told(app, path, only="ci")
    assert caught.value.code == "permission_denied"
    with pytest.raises(TallystickError):
        told(app, "rankings/models", only="ci", key="laptop")


def test_an_id_may_have_any_signs(app: Application) -> None:
    with pytest.raises(TallystickError, match="No session a/b c has used anything"):
        told(app, "sessions/a/b c/growth")
