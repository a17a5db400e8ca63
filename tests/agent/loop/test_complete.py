"""Filling a gap: one request, one row, whatever comes in between; and which model does it. Real HTTP throughout."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.scripted_provider import Reply, Script, ScriptedProvider

from tallystick_agent.ports import Completer, Filled, Gap
from tallystick_agent.protocol.errors import ConfigurationError, ProviderError, TallystickError
from tallystick_server.compose import Application

GAP = Gap(path="a.py", language="python", before="def half(x):\n    ", after="\n\n\nprint(half(4))\n")
LLAMA = {"data": [{"id": "coder", "owned_by": "llamacpp"}]}
KEY = {"OPENAI_API_KEY": "sk-test-1234567"}


def rows(home: Path) -> list[dict[str, Any]]:
    if not (home / "ledger.sqlite3").exists():
        return []
    with contextlib.closing(sqlite3.connect(home / "ledger.sqlite3")) as file:
        file.row_factory = sqlite3.Row
        if file.execute("SELECT count(*) FROM sqlite_master WHERE name = 'requests'").fetchone()[0] == 0:
            return []
        found = [dict(row) for row in file.execute("SELECT * FROM requests ORDER BY id")]
        unbalanced = "SELECT count(*) FROM requests r WHERE input_tokens + output_tokens != (SELECT coalesce(sum(s.value), 0) FROM json_each(r.segments) s)"  # noqa: E501
        assert file.execute(unbalanced).fetchone()[0] == 0
    return found


def run(
    folder: Path,
    replies: "list[Reply | str] | Script",
    act: Callable[[Application, ScriptedProvider], Awaitable[None]],
    *,
    settings: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    models: Any = LLAMA,
) -> list[dict[str, Any]]:
    """Acts with an application of its own; gives the rows that the ledger then has."""

    async def whole(provider: ScriptedProvider) -> None:
        known = {"TALLYSTICK_HOME": str(folder / "home"), "LLAMACPP_BASE_URL": provider.url, "OPENAI_BASE_URL": provider.url}
        app = Application.load({"completion": settings or {}}, {**known, **(environment or {})})
        try:
            async with asyncio.timeout(30):
                await act(app, provider)
        finally:
            await app.close()

    with ScriptedProvider(replies) as provider:
        provider.models_json = models
        asyncio.run(whole(provider))
    return rows(folder / "home")


async def made(app: Application, folder: Path) -> Completer:
    found = await app.completer(folder, app="test", client="an editor")
    assert found is not None
    return found


@pytest.mark.parametrize("steps", [*range(0, 400, 16), 800, 1600, 3200])
def test_a_cancel_at_any_step_leaves_the_books_whole(tmp_path: Path, steps: int) -> None:
    """Nothing that a server took is missing, and nothing is there twice."""
    sent = 0

    async def act(app: Application, provider: ScriptedProvider) -> None:
        nonlocal sent
        completer = await made(app, tmp_path)
        filling = asyncio.create_task(completer.fill(GAP))
        for _ in range(steps):
            await asyncio.sleep(0)
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)
        sent = len(provider.requests)
        booked = rows(tmp_path / "home")
        assert sent <= len(booked) <= 1
        total = sum(row["input_tokens"] + row["output_tokens"] for row in booked)
        assert completer.usage.total_tokens == total
        # Whoever comes next is served.
        assert (await completer.fill(GAP)).text == "return x / 2"

    found = run(tmp_path, lambda body, number: Reply(lines="return x / 2", delay_s=0.001), act)
    assert found[-1]["finish"] == "stop"
    assert {row["purpose"] for row in found} == {"completion"}


def test_a_model_that_takes_too_long_suggests_nothing(tmp_path: Path) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        assert await (await made(app, tmp_path)).fill(GAP) == Filled(text="")

    [row] = run(tmp_path, [Reply(hang=True)], act, settings={"timeout_s": 0.2})
    assert (row["finish"], row["error_code"]) == ("aborted", "interrupted")


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(status=500, body="{}"), "provider_unavailable"),
        (Reply(status=429, headers={"retry-after": "1"}, body='{"error": {"message": "wait"}}'), "provider_rate_limited"),
        (Reply(lines="return", error_after="no memory"), "provider_unavailable"),
        (Reply(lines="return x / 2", cut=True), "provider_stream_cut"),
    ],
)
def test_a_failure_is_one_attempt_and_one_row(tmp_path: Path, reply: Reply, code: str) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        with pytest.raises(ProviderError) as failed:
            await (await made(app, tmp_path)).fill(GAP)
        assert failed.value.code == code
        assert len(provider.requests) == 1

    [row] = run(tmp_path, [reply, "never"], act)
    assert (row["finish"], row["error_code"], row["attempt"]) == ("failed", code, 1)


def test_a_model_that_repeats_itself_suggests_nothing(tmp_path: Path) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        assert (await (await made(app, tmp_path)).fill(GAP)).text == ""

    [row] = run(tmp_path, ["x = f(1)\n    " * 40], act, settings={"max_tokens": 1024})
    assert row["finish"] == "repetition"


def test_nothing_is_asked_where_nothing_belongs(tmp_path: Path) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        gap = Gap(path="a.py", language="python", before="def f():\n", after="    return 1\n")
        assert (await (await made(app, tmp_path)).fill(gap)).text == ""
        assert provider.requests == []

    assert run(tmp_path, [], act) == []


def test_half_a_character_is_no_obstacle(tmp_path: Path) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        gap = Gap(path="", language="", before="x = '\ud83d", after="\udc00'\n")
        assert (await (await made(app, tmp_path)).fill(gap)).text == "1"

    run(tmp_path, ["1"], act)


# --- Which model -------------------------------------------------------------------------------------------------------


def test_the_look_for_a_server_is_remembered(tmp_path: Path) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        for _ in range(3):
            assert await app.completer(tmp_path, app="test") is None
        assert len(provider.gets) == 1
        provider.models_json = LLAMA
        app.completions.forget()
        assert await app.completer(tmp_path, app="test") is not None
        assert len(provider.gets) == 2

    run(tmp_path, [], act, models={"data": []})


def test_a_key_alone_makes_no_model_complete(tmp_path: Path) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        assert await app.completer(tmp_path, app="test") is None

    run(tmp_path, [], act, environment=KEY, models={"data": []})


def test_where_it_is_allowed_the_model_of_the_chats_completes(tmp_path: Path) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        assert (await (await made(app, tmp_path)).fill(GAP)).text == "return x"

    [row] = run(tmp_path, ["return x"], act, settings={"enabled": True}, environment=KEY, models={"data": []})
    assert row["endpoint"].startswith("openai/")


def test_a_local_server_goes_before_it(tmp_path: Path) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        await (await made(app, tmp_path)).fill(GAP)

    [row] = run(tmp_path, ["return x"], act, settings={"enabled": True}, environment=KEY)
    assert (row["endpoint"], row["priced_nanos"]) == ("llamacpp/coder", 0)


@pytest.mark.parametrize(
    ("base", "allowed"),
    [
        ("http://127.0.0.1:9/v1", True),
        ("http://10.1.2.3:8080/v1", True),
        ("http://gpu:8080/v1", True),
        ("https://gpu.example.com/v1", False),
    ],
)
def test_a_server_out_in_the_network_is_not_local(tmp_path: Path, base: str, allowed: bool) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        assert (await app.completer(tmp_path, app="test") is not None) == allowed

    run(tmp_path, [], act, settings={"model": "llamacpp/coder"}, environment={"LLAMACPP_BASE_URL": base})


def test_a_model_that_was_not_pulled_is_not_fetched(tmp_path: Path) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        with pytest.raises(ConfigurationError) as missing:
            await app.completer(tmp_path, app="test")
        assert "tallystick models pull" in missing.value.remedy

    run(tmp_path, [], act, settings={"model": "local/qwen2.5-coder-1.5b"})


def test_a_limit_in_money_holds_for_each_request(tmp_path: Path) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        completer = await made(app, tmp_path)
        with pytest.raises(TallystickError) as refused:
            await completer.fill(GAP)
        assert refused.value.code in ("budget_exhausted", "price_unknown")
        assert provider.requests == []

    settings = {"enabled": True, "model": "openai/gpt-5.6-terra"}
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.toml").write_text("[budget]\nmax_cost_usd = 0.000001\n")
    assert run(tmp_path, [], act, settings=settings, environment=KEY) == []


def test_what_was_spent_is_known_in_all(tmp_path: Path) -> None:
    async def act(app: Application, provider: ScriptedProvider) -> None:
        await (await made(app, tmp_path)).fill(GAP)
        other = tmp_path / "other"
        other.mkdir()
        await (await made(app, other)).fill(GAP)
        usage, cost = app.completions.spent()
        assert (usage.input_tokens, usage.output_tokens, cost.nanos) == (300, 30, 0)

    reply = Reply(lines="return x", input_tokens=150, output_tokens=15)
    run(tmp_path, [reply, reply], act)
