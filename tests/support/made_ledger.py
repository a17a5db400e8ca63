"""Ledger rows as an ordinary few weeks would leave them, the same at every call. For tests of what is read from a ledger."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.usage.composition import scale
from tallystick_agent.usage.record import LedgerRow

OURS: Final = Attribution(
    door="cli", app="github.com/tallystick/tallystick", title="Tallystick", url="https://github.com/tallystick/tallystick",
    categories=("cli-agent", "ide-extension"), client="vim", user="ana", workspace="/w",
)  # fmt: skip
CLINE: Final = Attribution(
    door="gateway", app="cline.bot", title="Cline", url="https://cline.bot", categories=("ide-extension",), key="team"
)
TAVERN: Final = Attribution(
    door="gateway",
    app="localhost/SillyTavern",
    title="SillyTavern",
    url="http://localhost:8000",
    categories=("roleplay",),
    key="play",
)
SONNET: Final = "openrouter/anthropic/claude-sonnet-5.5"
LUNA: Final = "openai/gpt-5.6-luna"
FREE: Final = "openrouter/qwen/qwen3-coder:free"
LOCAL: Final = "local/qwen2.5-coder-1.5b"
_numbers = count()


def booked(
    usage: Usage,
    *,
    when: datetime,
    who: Attribution = OURS,
    endpoint: str = SONNET,
    cost: Cost | None = None,
    session: str = "s-1",
    turn: str = "t-1",
    step: int = 1,
    purpose: str = "chat",
    parts: Sequence[Segment] = (Segment(name="system", tokens=1), Segment(name="prompt", tokens=1)),
    use_case: str = "",
    natural: str = "",
    programming: str = "",
    calls: int = 0,
    images: int = 0,
    finish: str = "stop",
    error: str = "",
) -> LedgerRow:
    """One row; its parts are scaled to its tokens."""
    provider, _, rest = endpoint.partition("/")
    thought = (Segment(name="output:reasoning", tokens=usage.reasoning_tokens),) if usage.reasoning_tokens else ()
    said = scale((Segment(name="output:text", tokens=1),), usage.output_tokens - usage.reasoning_tokens)
    number = next(_numbers)
    return LedgerRow(
        time_ms=int(when.timestamp() * 1000), attribution=who, session_id=session, turn_id=turn, request_id=f"r-{number}",
        attempt=1, step=step, purpose=purpose, model_asked=endpoint, endpoint=endpoint, provider=provider,
        author=rest.partition("/")[0] if provider == "openrouter" else provider, generation_id=f"g-{number}", usage=usage,
        cost=cost if cost is not None else Cost(), segments=(*scale(tuple(parts), usage.input_tokens), *thought, *said),
        finish=finish, error_code=error, latency_ms=900, first_token_ms=200, use_case=use_case, natural_language=natural,
        programming_language=programming, tools=10 if calls else 0, tool_calls=calls, images=images, opens_turn=step == 1,
    )  # fmt: skip


def weeks(now: datetime) -> Iterator[LedgerRow]:
    """Five weeks until `now` of three apps and four models; Cline grows, SillyTavern shrinks, Tallystick is new."""
    for day in range(35):
        when = now - timedelta(days=day)
        old = day // 7
        if old < 1:
            yield from session(when, f"s-{day}", turns=1 + 3 * day)
        for number in range(max(1, 4 - old)):
            usage = Usage(input_tokens=40_000 + 1_000 * number, cached_tokens=30_000, output_tokens=900, reasoning_tokens=300)
            yield booked(
                usage, when=when, who=CLINE, endpoint=LUNA, cost=Cost(priced_nanos=21_000_000 + number), session=f"c-{day}",
                turn=f"t-{number}", use_case="programming", natural="english", programming="typescript", calls=2,
            )  # fmt: skip
        for number in range(1 + old):
            usage = Usage(input_tokens=7_000 + 400 * number, output_tokens=350)
            yield booked(
                usage, when=when, who=TAVERN, endpoint=FREE, cost=Cost(provider_nanos=0), session=f"v-{day}", turn=f"t-{number}",
                use_case="roleplay", natural="german", images=day % 2,
            )  # fmt: skip


def session(when: datetime, name: str, *, turns: int, priced: bool = True) -> Iterator[LedgerRow]:
    """A session of our agent whose history grows by each request, two requests a turn."""
    history = 0
    for turn in range(1, turns + 1):
        for step in (1, 2):
            history += 700 if step == 1 else 2_500
            cached = max(0, 3_000 + history - 2_500)
            usage = Usage(input_tokens=3_000 + history, cached_tokens=cached, output_tokens=400, reasoning_tokens=100)
            parts = (
                Segment(name="system", tokens=1_200), Segment(name="tool:edit", tokens=1_800),
                Segment(name="assistant", tokens=history // 4), Segment(name="tool_output:search", tokens=history // 2),
                Segment(name="file:src/cart.py", tokens=history // 6), Segment(name="prompt", tokens=1 + history // 12),
            )  # fmt: skip
            yield booked(
                usage, when=when + timedelta(seconds=turn * 2 + step), session=name, turn=f"{name}-{turn}", step=step,
                parts=parts, cost=Cost(priced_nanos=usage.input_tokens * 900 + usage.output_tokens * 15_000 if priced else None),
                endpoint=SONNET if priced else LOCAL, use_case="programming", natural="english", programming="python",
                calls=1 if step == 1 else 0,
            )  # fmt: skip


def at(text: str) -> datetime:
    """Midday of a day."""
    return datetime.fromisoformat(text).replace(hour=12, tzinfo=UTC)
