"""Turns over several providers: who serves, what goes back to whom, what is booked, and what is asked afterwards.

One scripted server stands for all of them; the wire follows from the path, as with the real ones.
"""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import Program
from tests.support.scripted_provider import Reply, ScriptedProvider

from tallystick_agent.loop.routing import LIKELY_OUTPUT
from tallystick_agent.ports import SessionHandle
from tallystick_agent.protocol.events import (
    AttemptFailed,
    EventBody,
    ItemDelta,
    ItemFinished,
    ItemStarted,
    Notice,
    RequestFinished,
    RequestPlanned,
    RequestStarted,
    TurnFinished,
)
from tallystick_agent.protocol.operations import Cancel, Prompt, SetModel
from tallystick_agent.protocol.usage import Budget, nanos_from_usd
from tallystick_server.compose import Application

CLAUDE = "anthropic/claude-sonnet-5-5"
GPT = "openai/gpt-5.6-terra"
ROUTER = "openrouter/anthropic/claude-sonnet-5.5"
FREE = "openrouter/z-ai/glm-4.5-air:free"
DOWN = Reply(status=503, body='{"error": {"message": "overloaded"}}')


async def turns(session: SessionHandle, *steps: Prompt | SetModel) -> list[EventBody]:
    """Plays steps one after the other; every prompt is a whole turn."""
    events, seen = session.events(), list[EventBody]()
    for step in steps:
        await session.submit(step)
        if isinstance(step, SetModel):
            continue
        async with asyncio.timeout(30):
            async for event in events:
                seen.append(event.body)
                if isinstance(event.body, TurnFinished):
                    break
    return seen


def play(
    folder: Path,
    provider: ScriptedProvider,
    act: Callable[[Application, Path], Awaitable[None]],
    settings: dict[str, Any] | None = None,
) -> None:
    """Runs `act` with keys for three providers, all of whose base URLs lead to the scripted one."""

    async def run() -> None:
        program = Program(folder=folder, url=provider.url)
        environment = {
            **program.environment,
            "ANTHROPIC_API_KEY": "sk-ant-scripted",
            "ANTHROPIC_BASE_URL": provider.root,
            "OPENROUTER_API_KEY": "sk-or-scripted",
            "OPENROUTER_BASE_URL": provider.url,
        }
        app = Application.load({"network": {"backoff_s": 0}, **(settings or {})}, environment)
        try:
            await act(app, program.repo)
        finally:
            await app.close()

    asyncio.run(run())


def one(bodies: list[EventBody], kind: type[Any]) -> list[Any]:
    return [body for body in bodies if isinstance(body, kind)]


def test_the_next_model_answers_where_the_first_is_down_and_both_attempts_are_booked(tmp_path: Path) -> None:
    seen: list[EventBody] = []

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=CLAUDE)
        seen.extend(await turns(session, Prompt(text="hello")))
        await session.close()
        totals = {total.name: total for total in app.ledger.totals("model")}
        assert (totals[CLAUDE].requests, totals[CLAUDE].failed, totals[CLAUDE].input_tokens) == (1, 1, 0)
        assert (totals[GPT].requests, totals[GPT].failed, totals[GPT].estimated) == (1, 0, 0)
        assert app.ledger.unbalanced() == 0

    with ScriptedProvider([DOWN, Reply(lines="Hello.", input_tokens=1_000, output_tokens=10)]) as provider:
        play(tmp_path, provider, act, {"routing": {"fallback_models": (GPT,)}})
        assert [one.path for one in provider.requests] == ["/v1/messages", "/v1/chat/completions"]
    assert [body.endpoint for body in one(seen, RequestStarted)] == [CLAUDE, GPT]
    assert one(seen, RequestStarted)[1].reason == "number 1 of the fallback models"
    assert [(body.code, body.retry_in_s) for body in one(seen, AttemptFailed)] == [("provider_unavailable", 0.0)]
    finished = one(seen, RequestFinished)[-1]
    assert finished.usage.input_tokens == 1_000
    assert finished.cost.priced_nanos == 1_000 * 2_000 + 10 * 12_000, "priced as the one that served"
    assert one(seen, TurnFinished)[-1].stop == "end_turn"


def test_after_the_first_words_nobody_else_takes_over(tmp_path: Path) -> None:
    seen: list[EventBody] = []

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=CLAUDE)
        seen.extend(await turns(session, Prompt(text="hello")))
        await session.close()

    broken = Reply(lines="Once upon a time there was a fox. " * 8, cut=True)
    with ScriptedProvider([broken, Reply(lines="The end.")]) as provider:
        play(tmp_path, provider, act, {"routing": {"fallback_models": (GPT,)}})
        # The turn asks again as a request of its own, after telling the reader that the piece is dropped.
        assert len(provider.requests) == 2
    assert one(seen, AttemptFailed)[0].retry_in_s is None
    assert [body.code for body in one(seen, Notice)] == ["provider_stream_cut"]
    assert one(seen, RequestFinished)[0].usage.source == "estimated"


def test_thoughts_go_back_unchanged_to_their_maker_and_to_nobody_else(tmp_path: Path) -> None:
    async def act(app: Application, repo: Path) -> None:
        (repo / "a.txt").write_text("one\n", "utf-8")
        session = await app.open(app.disk(repo), app="test", model=CLAUDE)
        await turns(session, Prompt(text="read a.txt"), SetModel(slug=GPT), Prompt(text="and now?"))
        await session.close()

    first = Reply(lines='reasoning I should look.\ncall read_file {"path": "a.txt"}', signature="c2lnbmVk", call_id="toolu")
    with ScriptedProvider([first, Reply(lines="It says one."), Reply(lines="Nothing else.")]) as provider:
        play(tmp_path, provider, act)
        again, elsewhere = provider.requests[1].body, provider.requests[2].body
    thought = {"type": "thinking", "thinking": "I should look.", "signature": "c2lnbmVk"}
    call = {"type": "tool_use", "id": "toolu_0", "name": "read_file", "input": {"path": "a.txt"}}
    assert again["messages"][1]["content"] == [thought, call]
    assert again["messages"][2]["content"][0]["tool_use_id"] == "toolu_0"
    assert "signed" not in str(elsewhere)
    assert "I should look" not in str(elsewhere)
    assert elsewhere["messages"][2]["tool_calls"][0]["function"]["name"] == "read_file"


def test_what_a_broken_stream_really_cost_is_asked_and_corrected_by_a_row(tmp_path: Path) -> None:
    def script(body: dict[str, Any], number: int) -> Reply:
        if number == 0:
            return Reply(lines="A long story that breaks", cut=True, headers={"x-generation-id": "gen-broken"})
        return Reply(lines="Done.", input_tokens=100, output_tokens=5, cost=0.0005)

    def generation(name: str) -> dict[str, Any] | None:
        if name != "gen-broken":
            return None
        row = {"native_tokens_prompt": 2_000, "native_tokens_completion": 7, "total_cost": 0.004, "model": "m"}
        return {"data": {"id": name, **row}}

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=ROUTER)
        await turns(session, Prompt(text="hello"))
        await session.close()
        await app.engine.parts.reconciler.close()
        total = app.ledger.totals("model")[0]
        assert (total.requests, total.failed, total.estimated) == (2, 1, 0)
        assert (total.input_tokens, total.output_tokens) == (2_100, 12)
        assert total.cost_nanos == nanos_from_usd("0.0045")
        assert app.ledger.unbalanced() == 0
        assert app.ledger.unreconciled("openrouter", 10) == []

    with ScriptedProvider(script) as provider:
        provider.generation_json = generation
        play(tmp_path, provider, act)


def test_what_was_stopped_is_estimated_at_once_and_corrected_by_the_next_session(tmp_path: Path) -> None:
    row = {"native_tokens_prompt": 1_500, "native_tokens_completion": 40, "total_cost": 0.003}

    async def stop(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=ROUTER)
        events = session.events()
        await session.submit(Prompt(text="tell me a story"))
        async for event in events:
            if event.body.kind == "item_delta":
                await session.submit(Cancel())
            if isinstance(event.body, TurnFinished):
                break
        await session.close()
        total = app.ledger.totals("model")[0]
        assert (total.requests, total.estimated) == (1, 1)

    async def later(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=ROUTER)
        await session.close()
        await app.engine.parts.reconciler.close()
        total = app.ledger.totals("model")[0]
        assert (total.requests, total.estimated, total.input_tokens, total.output_tokens) == (1, 0, 1_500, 40)
        assert total.cost_nanos == nanos_from_usd("0.003")

    slow = Reply(lines="Once upon a time " * 40, delay_s=0.02, headers={"x-generation-id": "gen-stopped"})
    with ScriptedProvider([slow]) as provider:
        play(tmp_path, provider, stop)
        provider.generation_json = {"gen-stopped": {"data": row}}
        play(tmp_path, provider, later)


def test_what_was_counted_before_a_break_stands_in_for_our_estimate(tmp_path: Path) -> None:
    """Anthropic tells the input first, with what came from the cache."""
    seen: list[EventBody] = []

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=CLAUDE)
        seen.extend(await turns(session, Prompt(text="hello")))
        await session.close()
        assert app.ledger.unbalanced() == 0

    broken = Reply(lines="Once upon a time there was a fox. " * 8, cut=True, input_tokens=9_000, cached=8_000, output_tokens=70)
    with ScriptedProvider([broken, Reply(lines="The end.")]) as provider:
        play(tmp_path, provider, act)
    usage = one(seen, RequestFinished)[0].usage
    assert (usage.input_tokens, usage.cached_tokens, usage.source) == (9_000, 8_000, "estimated")
    assert usage.output_tokens > 10


def test_a_limit_in_money_holds_over_a_retry(tmp_path: Path) -> None:
    """What the broken attempt cost leaves less for the answer of the next."""

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=CLAUDE)
        limit = nanos_from_usd("0.04")
        bodies = await turns(session, Prompt(text="hello", budget=Budget(max_cost_nanos=limit)))
        await session.close()
        assert (one(bodies, TurnFinished)[-1].cost.nanos or 0) <= limit

    started = Reply(lines="word " * 4, truncate_at=330, input_tokens=9_000, output_tokens=100)
    with ScriptedProvider([started, Reply(lines="Done.", input_tokens=900, output_tokens=5)]) as provider:
        play(tmp_path, provider, act)
        first, second = (request.body["max_tokens"] for request in provider.requests)
    assert second < first


def test_thoughts_of_an_attempt_that_failed_do_not_run_into_those_of_the_next(tmp_path: Path) -> None:
    seen: list[EventBody] = []

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=GPT)
        seen.extend(await turns(session, Prompt(text="hello")))
        await session.close()

    first = Reply(lines="reasoning first try thinks a lot about it all", cut=True)
    with ScriptedProvider([first, Reply(lines="reasoning second.\nDone.")]) as provider:
        play(tmp_path, provider, act)
    thoughts: dict[str, str] = {}
    for body in seen:
        if isinstance(body, ItemStarted) and body.item.kind == "reasoning":
            thoughts[body.item_id] = ""
        if isinstance(body, ItemDelta) and body.item_id in thoughts:
            thoughts[body.item_id] += body.text
    assert [text for text in thoughts.values() if "second" in text] == ["second."]


def test_what_a_router_served_from_elsewhere_is_booked_there_and_its_thoughts_are_that_ones(tmp_path: Path) -> None:
    other = "openrouter/openai/gpt-5.6-terra"
    seen: list[EventBody] = []

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=ROUTER)
        seen.extend(await turns(session, Prompt(text="hello")))
        await session.close()
        assert [total.name for total in app.ledger.totals("model")] == [other]

    chunk = {"id": "gen-1", "model": "openai/gpt-5.6-terra", "provider": "OpenAI"}
    detail = {"type": "reasoning.encrypted", "data": "c2VhbGVk", "index": 0}
    frames: list[dict[str, Any]] = [
        {**chunk, "choices": [{"index": 0, "delta": {"reasoning_details": [detail], "content": "Hello."}}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**chunk, "choices": [], "usage": {"prompt_tokens": 1_000, "completion_tokens": 10}},
    ]
    raw = b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames) + b"data: [DONE]\n\n"
    with ScriptedProvider([Reply(raw=raw)]) as provider:
        play(tmp_path, provider, act, {"routing": {"fallback_models": (other,)}})
    thoughts = [body.item for body in seen if isinstance(body, ItemFinished) and body.item.kind == "reasoning"]
    assert [thought.endpoint for thought in thoughts] == [other]


def test_a_fallback_that_a_limit_in_money_rules_out_is_told(tmp_path: Path) -> None:
    seen: list[EventBody] = []

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=CLAUDE)
        budget = Budget(max_cost_nanos=nanos_from_usd("0.5"))
        seen.extend(await turns(session, Prompt(text="hello", budget=budget)))
        await session.close()

    with ScriptedProvider(["Hello."]) as provider:
        play(tmp_path, provider, act, {"routing": {"fallback_models": ("openai/nobody-knows",)}})
    (told,) = one(seen, Notice)
    assert (told.code, "openai/nobody-knows" in told.message, "price" in told.message) == ("left_out", True, True)


def test_a_stop_while_the_row_is_written_leaves_the_books_whole(tmp_path: Path) -> None:
    seen: list[EventBody] = []

    async def act(app: Application, repo: Path) -> None:
        ledger, append = app.ledger, app.ledger.append
        writing = threading.Event()

        def slowly(row: Any) -> bool:
            writing.set()
            time.sleep(0.3)
            return append(row)

        ledger.append = slowly  # type: ignore[method-assign]
        session = await app.open(app.disk(repo), app="test", model=CLAUDE)
        events = session.events()
        await session.submit(Prompt(text="hello"))
        await asyncio.to_thread(writing.wait, 20)
        await session.submit(Cancel())
        async for event in events:
            seen.append(event.body)
            if isinstance(event.body, TurnFinished):
                break
        await session.close()
        assert app.ledger.totals("model")[0].input_tokens == 1_000

    with ScriptedProvider([Reply(lines="Hello.", input_tokens=1_000, output_tokens=10)]) as provider:
        play(tmp_path, provider, act)
    assert [body.usage.input_tokens for body in one(seen, RequestFinished)] == [1_000]
    assert one(seen, TurnFinished)[-1].usage.input_tokens == 1_000


def test_the_users_wishes_go_on_to_a_router(tmp_path: Path) -> None:
    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=ROUTER + ":nitro")
        await turns(session, Prompt(text="hello"))
        await session.close()

    wishes = {
        "fallback_models": ("openrouter/openai/gpt-5.6-terra",),
        "ignore": ("deepinfra",),
        "zdr": True,
        "max_price": {"prompt": Decimal(3)},
        "preferred_max_latency": {"p90": 2.5},
    }
    with ScriptedProvider([Reply(lines="Hello.", cost=0.001)]) as provider:
        play(tmp_path, provider, act, {"routing": wishes, "reasoning": {"effort": "low"}})
        body = provider.requests[0].body
    assert body["model"] == "anthropic/claude-sonnet-5.5:nitro"
    assert body["models"] == ["openai/gpt-5.6-terra"]
    assert body["provider"] == {
        "ignore": ["deepinfra"],
        "zdr": True,
        "sort": "throughput",
        "max_price": {"prompt": 3.0},
        "preferred_max_latency": {"p90": 2.5},
    }
    assert body["reasoning"] == {"effort": "low"}
    assert body["session_id"].startswith("s-")


def test_a_day_that_is_used_up_is_known_before_anything_is_sent(tmp_path: Path) -> None:
    seen: list[EventBody] = []

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=FREE)
        seen.extend(await turns(session, Prompt(text="hello")))
        await session.close()

    with ScriptedProvider([Reply(lines="never")]) as provider:
        provider.key_json = {"data": {"free_model_daily_requests": {"used": 50, "limit": 50, "remaining": 0}}}
        play(tmp_path, provider, act)
        assert provider.requests == []
        assert "/v1/key" in [one.path for one in provider.gets]
    end = one(seen, TurnFinished)[-1]
    assert (end.stop, end.code) == ("provider_failed", "provider_rate_limited")
    assert "50 requests a day" in end.detail


def test_a_wish_that_nobody_meets_names_everybody_and_why(tmp_path: Path) -> None:
    seen: list[EventBody] = []

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=CLAUDE)
        seen.extend(await turns(session, Prompt(text="hello")))
        await session.close()

    with ScriptedProvider([]) as provider:
        play(tmp_path, provider, act, {"routing": {"max_price": {"prompt": Decimal("0.5")}, "fallback_models": (GPT,)}})
        assert provider.requests == []
    end = one(seen, TurnFinished)[-1]
    assert end.code == "bad_settings"
    for name in (CLAUDE, GPT, "max_price"):
        assert name in end.detail


@pytest.mark.parametrize("hops", [1, 2])
def test_a_conversation_stays_with_the_endpoint_that_holds_its_cache(tmp_path: Path, hops: int) -> None:
    def script(body: dict[str, Any], number: int) -> Reply:
        return Reply(lines="Yes.", input_tokens=30_000, output_tokens=5, cached=29_000 if number else 0)

    seen: list[EventBody] = []

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model="claude-sonnet-5.5")
        seen.extend(await turns(session, *(Prompt(text=f"go on {number}") for number in range(1 + hops))))
        await session.close()

    with ScriptedProvider(script) as provider:
        play(tmp_path, provider, act)
    served = [body.endpoint for body in one(seen, RequestStarted)]
    assert len(served) == 1 + hops
    assert len(set(served)) == 1


@pytest.fixture
def fast() -> "FastClock":
    return FastClock(10)


class FastClock:
    """A clock that runs so many times as fast as the wall's, for waiting out a real minute."""

    def __init__(self, times: float) -> None:
        import time
        from datetime import UTC, datetime

        self._times = times
        self._start, self._from = time.monotonic(), datetime.now(UTC)

    def now(self) -> Any:
        from datetime import timedelta

        return self._from + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        import time

        return (time.monotonic() - self._start) * self._times

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._times)


def test_thirty_two_sessions_on_a_free_model_are_paced_so_that_none_is_turned_away(tmp_path: Path, fast: FastClock) -> None:
    def script(body: dict[str, Any], number: int) -> Reply:
        return Reply(lines="Yes.", input_tokens=100, output_tokens=2)

    asked: list[str] = []
    ends: list[str] = []

    async def run(url: str) -> None:
        program = Program(folder=tmp_path, url=url)
        environment = {**program.environment, "OPENROUTER_API_KEY": "sk-or-scripted", "OPENROUTER_BASE_URL": url}
        app = Application.load({}, environment, clock=fast)
        sessions = [await app.open(app.disk(program.repo), app="test", model=FREE) for _ in range(32)]

        async def work(number: int, session: SessionHandle) -> None:
            asked.append(f"task {number}")
            bodies = await turns(session, Prompt(text=f"task {number}"))
            ends.append(one(bodies, TurnFinished)[-1].stop)

        async with asyncio.timeout(60):
            await asyncio.gather(*(work(number, session) for number, session in enumerate(sessions)))
        for session in sessions:
            await session.close()
        await app.close()

    with ScriptedProvider(script, limit=(20, 60.0), clock=fast.monotonic) as provider:
        asyncio.run(run(provider.url))
        assert provider.rejected == 0
        assert len(provider.requests) == 32
    assert ends == ["end_turn"] * 32


def test_an_account_limited_in_tokens_is_sent_what_its_window_holds(tmp_path: Path, fast: FastClock) -> None:
    limit = 2_500
    """Room for one request of this program and its likely answer, and not for two."""
    times: list[float] = []
    seen: list[EventBody] = []

    def script(body: dict[str, Any], number: int) -> Reply:
        times.append(fast.monotonic())
        return Reply(lines="Yes.", input_tokens=800, output_tokens=2)

    async def run(url: str) -> None:
        program = Program(folder=tmp_path, url=url)
        app = Application.load({"limits": {"openai": {"tokens": limit}}}, program.environment, clock=fast)
        session = await app.open(app.disk(program.repo), app="test", model=GPT)
        # A window runs from the sending. How long a connection takes to open is ten times as long on this clock.
        times.append(fast.monotonic())
        seen.extend(await turns(session, Prompt(text="one"), Prompt(text="two")))
        await session.close()
        await app.close()

    with ScriptedProvider(script) as provider:
        asyncio.run(run(provider.url))
    planned = [body.input_tokens for body in one(seen, RequestPlanned)]
    assert max(planned) + LIKELY_OUTPUT < limit < sum(planned) + 2 * LIKELY_OUTPUT
    begun, _, second = times
    assert second - begun > 60
    assert [body.code for body in one(seen, Notice) if body.code == "paced"] == ["paced"]


@pytest.mark.parametrize(("dollars", "handed"), [("0.01", None), ("0.05", None), ("5", ["openai/gpt-5-pro"])])
def test_a_router_is_handed_only_models_that_the_limit_in_money_can_pay(
    tmp_path: Path, dollars: str, handed: list[str] | None
) -> None:
    """The router would take them by itself, past our gate, with the output that the first one may have."""
    settings = {"routing": {"fallback_models": ("openrouter/openai/gpt-5-pro",)}}

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model="openrouter/openai/gpt-5-nano")
        await turns(session, Prompt(text="hello", budget=Budget(max_cost_nanos=nanos_from_usd(dollars))))
        await session.close()

    with ScriptedProvider(["Hello."]) as provider:
        play(tmp_path, provider, act, settings)
        assert provider.requests[0].body.get("models") == handed
        assert provider.requests[0].body["max_tokens"] == 8_192


def test_nothing_is_sent_that_could_not_be_booked(tmp_path: Path) -> None:
    seen: list[EventBody] = []

    async def act(app: Application, repo: Path) -> None:
        session = await app.open(app.disk(repo), app="test", model=GPT)
        app.ledger.close()
        (app.home / "ledger.sqlite3").write_bytes(b"this is no database" * 100)
        seen.extend(await turns(session, Prompt(text="hello")))
        await session.close()

    with ScriptedProvider(["Hello."]) as provider:
        play(tmp_path, provider, act)
        assert provider.requests == []
    assert "ledger" in one(seen, TurnFinished)[-1].detail
