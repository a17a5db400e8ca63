"""Rows as a busy team makes them, the same for one seed. Owns their spread, and no figure.

A session has some twenty turns of one to five requests, whose history grows; a few models and apps have most of the use.
"""

import random
from collections.abc import Iterator
from itertools import count

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.usage.record import LedgerRow

DAY_MS = 86_400_000
FIRST_MS = 20_600 * DAY_MS
DAYS = 60
AUTHORS = ("anthropic", "openai", "google", "deepseek", "qwen", "mistral", "x-ai", "meta")
MODELS = [f"{AUTHORS[number % len(AUTHORS)]}/model-{number}" for number in range(60)]
APPS = [f"app-{number}.example" for number in range(40)]
USERS = [f"user-{number}" for number in range(50)]
WORKSPACES = [f"/home/user/projects/workspace-{number}" for number in range(80)]
PURPOSES = ("chat", "edit", "plan", "compaction", "completion", "subagent")
LANGUAGES = ("python", "typescript", "go", "rust", "java", "")


def _zipf(chance: random.Random, names: list[str]) -> str:
    return names[min(int(chance.paretovariate(1.1)) - 1, len(names) - 1)]


def rows(number: int, seed: int = 1) -> Iterator[LedgerRow]:
    """`number` rows, in the order of time."""
    chance = random.Random(seed)
    ids = count()
    made = 0
    while made < number:
        user = chance.randrange(len(USERS))
        workspace = WORKSPACES[(user * 3 + chance.randrange(3)) % len(WORKSPACES)]
        who = Attribution(
            door="gateway", app=_zipf(chance, APPS), title="An app", url="https://app.example", categories=("cli-agent",),
            key=f"key-{user % 20}", client="editor", user=USERS[user], workspace=workspace,
        )  # fmt: skip
        model, language, session = _zipf(chance, MODELS), chance.choice(LANGUAGES), f"s-{seed}-{next(ids):08d}"
        history = 0
        for turn in range(chance.randint(5, 40)):
            for step in range(chance.randint(1, 5)):
                if made == number:
                    return
                time_ms = FIRST_MS + made * DAYS * DAY_MS // number
                yield _row(chance, who, model, language, session, turn, step, next(ids), time_ms, history, seed)
                history += 900
                made += 1


def _row(
    chance: random.Random, who: Attribution, model: str, language: str, session: str, turn: int, step: int, number: int,
    time_ms: int, history: int, seed: int,
) -> LedgerRow:  # fmt: skip
    parts = {"system": 1_400, "tool:read_file": 180, "prompt": 60 + chance.randrange(200), "assistant": history // 3}
    parts["tool_output:search"] = history - history // 3
    inputs, outputs = sum(parts.values()), 20 + chance.randrange(700)
    thought = outputs // 3 if chance.random() < 0.3 else 0
    ending = chance.random()
    return LedgerRow(
        time_ms=time_ms,
        attribution=who,
        session_id=session,
        turn_id=f"{session}-{turn}",
        request_id=f"req-{seed}-{number:010d}",
        attempt=1,
        step=step + 1,
        purpose=PURPOSES[min(int(chance.paretovariate(1.5)) - 1, 5)],
        model_asked=model,
        endpoint=f"openrouter/{model}",
        provider="openrouter",
        author=model.partition("/")[0],
        generation_id=f"gen-{number}",
        usage=Usage(input_tokens=inputs, cached_tokens=history, output_tokens=outputs, reasoning_tokens=thought),
        cost=Cost(provider_nanos=inputs * 300 + outputs * 1_500, priced_nanos=inputs * 300 + outputs * 1_500),
        segments=(
            *(Segment(name=name, tokens=tokens) for name, tokens in parts.items() if tokens),
            Segment(name="output:text", tokens=outputs),
        ),
        finish="stop" if ending < 0.95 else "failed",
        error_code="" if ending < 0.95 else "provider_timeout",
        latency_ms=chance.randrange(200, 20_000),
        first_token_ms=chance.randrange(100, 2_000),
        task=f"{session}-{turn}",
        use_case="programming",
        natural_language="en",
        programming_language=language,
        tools=9,
        tool_calls=chance.randrange(3),
        opens_turn=step == 0,
    )
