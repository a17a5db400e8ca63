"""A ledger for the web page's tests and pictures: four months of a made-up person's use, with names that mean harm among them."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.places import database
from tallystick_agent.usage.record import LedgerRow

HOSTILE: Final = '<img src=x onerror="window.hurt=1">'
HUGE: Final = 9_007_199_254_740_993_123
"""More than a JavaScript number holds exactly."""
MODELS: Final = (
    "anthropic/claude-sonnet-5", "openai/gpt-5.6", "google/gemini-3-pro", "deepseek/deepseek-v4", "qwen/qwen3-coder-next",
    "openai/gpt-5-mini", "mistralai/devstral-2", "moonshotai/kimi-k3", "z-ai/glm-5", "x-ai/grok-code-2", "meta/llama-5-8b:free",
    f"evil/{HOSTILE}",
)  # fmt: skip
TALLYSTICK: Final = "github.com/tallystick/tallystick"
APPS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("cline.bot", "Cline", ("ide-extension",)),
    (TALLYSTICK, "Tallystick", ("cli-agent", "ide-extension")),
    ("kilo.ai", "Kilo Code", ("cli-agent",)),
    ("sillytavern.app", "SillyTavern", ("roleplay",)),
    ("localhost/notes", "Notes", ("writing-assistant",)),
    ("ua/aider", "", ()),
    ("evil.example", HOSTILE, ()),
)
SESSION: Final = "s-grows"
SETTINGS: Final = f"""
[endpoints."openrouter/{MODELS[0]}"]
window_tokens = 200000
price = {{ input = "3", output = "15", cache_read = "0.3" }}
[endpoints."openrouter/{MODELS[1]}"]
price = {{ input = "2.5", output = "12", cache_read = "0.25" }}
"""
"""Prices and a window that no catalog of a later day changes."""
DAYS: Final = 100
_PURPOSES: Final = ("turn", "turn", "turn", "turn", "compaction", "title", "completion", "sub_agent")
_USES: Final = ("programming", "programming", "technology", "science", "roleplay", "")
_LANGUAGES: Final = ("english", "english", "german", "chinese", "")
_CODE: Final = ("python", "python", "typescript", "rust", "go", "c++", "")


def write(folder: Path, *, harm: bool = True) -> Ledger:
    """A new home with a ledger, written until today; without the names that mean harm, it can be shown."""
    (folder / "settings.toml").write_text(SETTINGS)
    ledger = Ledger(database("", folder))
    ledger.append_many(rows(harm=harm))
    return ledger


def rows(*, harm: bool = True) -> list[LedgerRow]:
    now = datetime.now(UTC)
    found = [*_months(now), *_session(now)]
    return [row for row in found if harm or HOSTILE not in (row.attribution.title, row.model.partition("/")[2])]


def write_huge(folder: Path) -> Ledger:
    """A home whose ledger has one request with more tokens than a JavaScript number holds."""
    ledger = Ledger(database("", folder))
    ledger.append(_row(datetime.now(UTC), 0, 0, session="s-huge", number=0, sizes=(HUGE - 5, 0, 5), nanos=HUGE - 1))
    return ledger


def _months(now: datetime) -> list[LedgerRow]:
    chance = random.Random(6)
    found: list[LedgerRow] = []
    for back in range(DAYS):
        # Use grows from week to week, and rests on Sundays.
        when = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
        size = (1 - back / DAYS * 0.65) * (0.35 if when.weekday() == 6 else 1)
        for app in range(len(APPS)):
            for visit in range(1 + int(chance.random() * 4 * size)):
                model = min(int(chance.expovariate(0.42)) + chance.choice((0, 0, app)), len(MODELS) - 1)
                session = f"s-{app}-{back // 2}-{visit}"
                for _ in range(chance.choice((1, 2, 2, 5)) if app else 5):
                    fresh, out = int(chance.expovariate(1 / 9_000)), int(chance.expovariate(1 / 1_400)) + 20
                    cached = int(fresh * chance.choice((0, 2, 5, 9)) * (1.4 - app * 0.15))
                    unpriced = model == len(MODELS) - 1
                    nanos = (
                        None
                        if unpriced
                        else 0
                        if MODELS[model].endswith(":free")
                        else fresh * 2_900 + cached * 300 + out * 14_000
                    )
                    row = _row(when, app, model, session=session, number=len(found), sizes=(fresh, cached, out), nanos=nanos)
                    found.append(row)
    return found


def _session(now: datetime) -> list[LedgerRow]:
    """One session of our own whose window fills."""
    chance, history, output, found = random.Random(2), 0, 0, list[LedgerRow]()
    for number in range(44):
        files, reasoning, answer = 3_000 + 1_100 * (number // 8), 300 + chance.randrange(500), chance.randrange(200, 1_700)
        parts = {
            "system": 1_900, "tool:read_file": 4_200, "rules:AGENTS.md": 800, "map": 6_000, "file:src/total.py": files,
            "prompt": 420, "assistant": history, "tool_output:run_command": output, "output:reasoning": reasoning,
            "output:text": answer,
        }  # fmt: skip
        prompt = sum(parts.values()) - reasoning - answer
        cached = prompt * 4 // 5 if number else 0
        history += 700 + answer
        output += chance.choice((0, 900, 2_400))
        when = now - timedelta(minutes=90 - 2 * number)
        nanos = (prompt - cached) * 3_000 + cached * 300 + (reasoning + answer) * 15_000
        found.append(
            _row(
                when,
                1,
                0,
                session=SESSION,
                number=100_000 + number,
                sizes=(prompt - cached, cached, reasoning + answer),
                nanos=None if number == 5 else nanos,
                parts=parts,
                turn=number // 4,
                reasoning=reasoning,
            )
        )
    return found


def _row(
    when: datetime,
    app: int,
    model: int,
    *,
    session: str,
    number: int,
    sizes: tuple[int, int, int],
    nanos: int | None,
    parts: dict[str, int] | None = None,
    turn: int | None = None,
    reasoning: int | None = None,
) -> LedgerRow:
    chance = random.Random(number)
    fresh, cached, output = sizes
    prompt = fresh + cached
    thought = output // 3 if reasoning is None and model % 3 == 0 else reasoning or 0
    named = parts or {"system": prompt // 9, "assistant": prompt // 3, "tool_output:search": prompt // 4, "output:text": output}
    named = named if parts else {**named, "prompt": prompt - prompt // 9 - prompt // 3 - prompt // 4}
    identity, title, categories = APPS[app]
    odd = number % 97
    charged = None if nanos is None or number % 3 else nanos + (nanos // 2_000 if odd == 3 else 0)
    return LedgerRow(
        time_ms=int(when.timestamp() * 1000) + number % 1_000,
        attribution=Attribution(
            door="gateway" if app != 1 else "lsp", app=identity, title=title, url=f"https://{identity}", categories=categories,
            key=("laptop", "ci")[app % 2], client="", user="", workspace="",
        ),
        session_id=session, turn_id=f"{session}-{number // 3 if turn is None else turn}", request_id=f"r-{number}",
        attempt=1, step=1,
        purpose="turn" if parts else chance.choice(_PURPOSES), model_asked=MODELS[model], endpoint=f"openrouter/{MODELS[model]}",
        provider="openrouter", author=MODELS[model].partition("/")[0], generation_id=f"gen-{number}",
        usage=Usage(
            input_tokens=prompt, cached_tokens=cached, output_tokens=output, reasoning_tokens=thought,
            source="estimated" if odd == 5 else "reported",
        ),
        cost=Cost(provider_nanos=charged, priced_nanos=nanos),
        segments=tuple(Segment(name=name, tokens=tokens) for name, tokens in named.items()),
        finish="aborted" if odd == 7 else "stop", latency_ms=1_400, use_case=chance.choice(_USES),
        natural_language=chance.choice(_LANGUAGES), programming_language=chance.choice(_CODE), tools=8,
        tool_calls=chance.randrange(3) if app < 3 else 0, images=1 if model == 2 and odd < 30 else 0,
        opens_turn=number % 3 == 0 if parts is None else number % 4 == 0,
    )  # fmt: skip
