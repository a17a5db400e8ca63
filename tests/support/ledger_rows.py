"""Rows of a ledger for tests: one as it usually is, and a few days of two apps with everything that can happen to a request."""

from dataclasses import dataclass, replace

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.usage.record import RECONCILED, LedgerRow

MIDDAY = 1_764_072_000_000
"""2025-11-25 12:00 UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A row with its number, as the ledger gives it."""

    id: int
    row: LedgerRow


def plain_row(number: int = 1, **changed: object) -> LedgerRow:
    """A request that was answered, told apart from others by its number."""
    row = LedgerRow(
        time_ms=MIDDAY + number * 1_000,
        attribution=Attribution(
            door="gateway",
            app="cline.bot",
            title="Cline",
            url="https://cline.bot",
            categories=("ide-extension", "cli-agent"),
            key="work",
            client="vscode",
            user="ana",
            workspace="/w",
        ),
        session_id="s-1",
        turn_id=f"t-{(number + 1) // 2}",
        request_id=f"r-{number}",
        attempt=1,
        step=number,
        purpose="chat",
        model_asked="openrouter/x/y",
        endpoint="openrouter/x/y",
        provider="openrouter",
        author="x",
        generation_id=f"gen-{number}",
        usage=Usage(input_tokens=1_000, cached_tokens=400, cache_write_tokens=50, output_tokens=200, reasoning_tokens=30),
        cost=Cost(provider_nanos=1_234_567, priced_nanos=1_200_000),
        segments=(
            Segment(name="system", tokens=300),
            Segment(name="file:src/a.py", tokens=700),
            Segment(name="output:reasoning", tokens=30),
            Segment(name="output:text", tokens=170),
        ),
        finish="stop",
        latency_ms=1_500,
        first_token_ms=400,
        tools=3,
        tool_calls=1,
        opens_turn=number % 2 == 1,
        use_case="programming",
        served_by="Acme",
    )
    return replace(row, **changed)  # type: ignore[arg-type]  # Values of any field.


def correction_of(row: LedgerRow, *, tokens: int, nanos: int) -> LedgerRow:
    """What was found out of a row afterwards: so many output tokens and nano-dollars more."""
    return replace(
        row,
        usage=Usage(output_tokens=tokens),
        cost=Cost(provider_nanos=nanos),
        segments=(Segment(name="correction", tokens=tokens),),
        finish=RECONCILED,
        error_code="",
        latency_ms=0,
        first_token_ms=None,
        opens_turn=False,
        tools=0,
        tool_calls=0,
    )


def few_rows() -> list[Stored]:
    """An answer, a failure before a word, an estimated failure with its correction, an abort, a local model without a price."""
    local = Attribution(door="cli", app="github.com/tallystick/tallystick", title="Tallystick")
    broken = plain_row(
        3,
        usage=Usage(input_tokens=500, output_tokens=20, source="estimated"),
        cost=Cost(priced_nanos=900_000),
        segments=(Segment(name="prompt", tokens=500), Segment(name="output:text", tokens=20)),
        finish="failed",
        error_code="provider_stream_cut",
    )
    rows = [
        plain_row(1),
        plain_row(
            2, usage=Usage(), cost=Cost(priced_nanos=0), segments=(), finish="failed", error_code="rate_limited",
            first_token_ms=None, generation_id="", tool_calls=0,
        ),
        broken,
        plain_row(4, finish="aborted", error_code="interrupted", session_id="s-2", turn_id="t-9", images=1),
        plain_row(
            5, attribution=local, session_id="", turn_id="", provider="ollama", endpoint="ollama/qwen", model_asked="ollama/qwen",
            author="", cost=Cost(), purpose="completion", generation_id="", finish="length", served_by="",
        ),
        correction_of(broken, tokens=-5, nanos=77_001),
    ]  # fmt: skip
    return [Stored(id=number, row=row) for number, row in enumerate(rows, 1)]
