"""Requests of other apps in the books, 64 at once under hard budgets: real HTTP, and never one more than they allow."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.ports import Relay
from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.chat import ChatRequest
from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.messages import TextPart, UserMessage
from tallystick_agent.protocol.relay import RelayAnswer, RelayRequest
from tallystick_agent.usage.limits import LimitReached
from tallystick_agent.usage.sums import Query
from tallystick_server.compose import Application

USAGE = {"prompt_tokens": 50, "completion_tokens": 10}
PRICED = {"openai/scripted": {"window_tokens": 32_000, "price": {"input": 100, "output": 100}}}


def asked(number: int, *, output: int = 100) -> RelayRequest:
    app = f"app-{number % 2}.example"
    return RelayRequest(
        request=ChatRequest(system="", messages=(UserMessage(parts=(TextPart(text="Hello"),)),), max_output_tokens=output),
        model="openai/scripted",
        who=Attribution(door="gateway", app=app, title=app, key="desk"),
        request_id=f"gen-{number}",
        session_id="gw-1",
        turn_id=f"gw-1-{number}",
    )


async def watched(event: object) -> None:
    return None


def run(folder: Path, settings: dict[str, Any], act: Callable[[Application], Awaitable[None]]) -> int:
    """Acts with an application of its own; gives the number of requests that came to the provider."""

    async def whole(url: str) -> None:
        known = {"TALLYSTICK_HOME": str(folder), "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-test-1234567"}
        app = Application.load({"endpoints": PRICED, **settings}, known)
        try:
            async with asyncio.timeout(60):
                await act(app)
        finally:
            await app.close()

    with ScriptedProvider(lambda body, index: Reply(lines="Hello.", usage=USAGE)) as provider:
        asyncio.run(whole(provider.url))
        return len(provider.requests)


def test_64_at_once_are_never_more_than_a_number_allows(tmp_path: Path) -> None:
    async def act(app: Application) -> None:
        relay = app.relay()
        answers = await asyncio.gather(*(relay.ask(asked(n), watched) for n in range(64)), return_exceptions=True)
        sent = [one for one in answers if isinstance(one, RelayAnswer)]
        refused = [one for one in answers if isinstance(one, LimitReached)]
        assert (len(sent), len(sent) + len(refused)) == (20, 64)
        assert all(f"for app {one.limit.name} allows 10 requests a day" in one.message for one in refused)
        sums = {one.group[0]: one for one in app.ledger.sums(Query(by=("app",)))}
        assert {name: one.requests for name, one in sums.items()} == {"app-0.example": 10, "app-1.example": 10}
        assert sums["app-0.example"].turns == 10

    settings = {"budgets": {"apps": {"per": "day", "app": "*", "max_requests": 10}}}
    assert run(tmp_path, settings, act) == 20


def test_64_at_once_never_cost_more_than_there_is(tmp_path: Path) -> None:
    """Each costs $0.006 and reserves more: what is spent never exceeds $0.10, and what is left is used as it becomes free."""
    most = 100_000_000

    async def act(app: Application) -> None:
        relay = app.relay()
        answers = await asyncio.gather(*(relay.ask(asked(n), watched) for n in range(64)), return_exceptions=True)
        assert all(isinstance(one, RelayAnswer | TallystickError) for one in answers)
        spent = app.ledger.sums(Query())[0].cost_nanos
        assert 0 < spent <= most
        late = [await _ends(relay, asked(100 + n)) for n in range(20)]
        assert "budget_exhausted" in late
        assert most - 20_000_000 < app.ledger.sums(Query())[0].cost_nanos <= most

    run(tmp_path, {"budgets": {"all": {"per": "month", "max_cost_usd": "0.10"}}}, act)


async def _ends(relay: Relay, request: RelayRequest) -> str:
    try:
        await relay.ask(request, watched)
    except TallystickError as error:
        return error.code
    return ""


def test_a_budget_that_is_nearly_gone_is_in_the_log_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def act(app: Application) -> None:
        relay = app.relay()
        for number in range(5):
            await relay.ask(asked(number), watched)

    with caplog.at_level(logging.WARNING):
        run(tmp_path, {"budgets": {"desk": {"per": "week", "key": "desk", "max_requests": 6, "warn_at": 0.5}}}, act)
    assert [one.getMessage() for one in caplog.records if "desk" in one.getMessage()] == [
        "Budget “desk” for key desk is 50% gone. 2 requests were made and 1 are under way."
    ]
