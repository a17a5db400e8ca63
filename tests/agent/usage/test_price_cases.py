"""Our sums against those of genai-prices: 200 cases that it computed, to the nano-dollar, from the rows of our catalog.

`scripts/generate_price_cases.py` writes the cases. They hold tiers around their edges, cache reads and writes, writes that
are kept for an hour, reasoning and requests with a price of their own, no usage at all, a billion tokens, and prices that change
with the hour, at their dearest.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripts.catalog.sources import Inputs

from tallystick_agent.protocol.usage import Price, Rates, Tier, Usage
from tallystick_agent.usage.pricing import price_usage

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("price_cases.json").read_text("utf-8"))
MODELS: dict[str, dict[str, Any]] = json.loads(
    files("tallystick_agent.providers").joinpath("catalog.json").read_text("utf-8"),
)["models"]
BY_THE_HOUR = {
    f"deepseek/deepseek-{name}" for name in ("chat", "reasoner", "r1", "flash", "v4-flash", "v4-flash-vision-exp", "v4-pro")
}
"""Models whose price changes within a day."""


def rates_of(given: dict[str, str]) -> Rates:
    return Rates(**{name: Decimal(rate) for name, rate in given.items()})


def price_of(row: dict[str, Any]) -> Price:
    return Price(
        rates=rates_of(row["rates"]),
        tiers=tuple(Tier(above=above, rates=rates_of(rates)) for above, rates in row.get("tiers", ())),
        request_usd=Decimal(row.get("request", "0")),
    )


def name_of(case: dict[str, Any]) -> str:
    parts = [f"{name.removesuffix('_tokens')}={count}" for name, count in case["usage"].items()]
    return f"{case['slug']} {' '.join(parts) or 'nothing'}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_we_ask_what_genai_prices_asks(case: dict[str, Any]) -> None:
    assert price_usage(Usage(**case["usage"]), price_of(MODELS[case["slug"]])) == int(case["nanos"])


@pytest.mark.parametrize(
    ("what", "least"),
    [
        ("providers", 15),
        ("models", 100),
        ("tiers", 60),
        ("cached_tokens", 60),
        ("cache_write_tokens", 40),
        ("cache_write_1h_tokens", 10),
        ("reasoning_tokens", 6),
        ("a price per request", 4),
        ("nothing used", 4),
        ("a billion tokens", 4),
        ("half a nano-dollar", 3),
        ("a price by the hour", 12),
    ],
)
def test_the_cases_are_of_many_kinds(what: str, least: int) -> None:
    kinds: Counter[str] = Counter()
    for case in CASES:
        row, used = MODELS[case["slug"]], case["usage"]
        kinds.update(used)
        kinds["tiers"] += "tiers" in row
        kinds["a price per request"] += "request" in row
        kinds["nothing used"] += not used
        kinds["a billion tokens"] += used.get("input_tokens", 0) > 10**9
        kinds["a price by the hour"] += case["slug"] in BY_THE_HOUR
        kinds["half a nano-dollar"] += exact(case) % 1 == Decimal("0.5")
    kinds["models"] = len({case["slug"] for case in CASES})
    kinds["providers"] = len({case["slug"].partition("/")[0] for case in CASES})
    assert len(CASES) == 200
    assert kinds[what] >= least


def exact(case: dict[str, Any]) -> Decimal:
    """The nano-dollars before rounding, from what is used times a thousandth of a millionth of each rate."""
    row, used = MODELS[case["slug"]], Usage(**case["usage"])
    rates = price_of(row).at(used.input_tokens)
    plain = used.input_tokens - used.cached_tokens - used.cache_write_tokens
    parts = (
        (plain, rates.input),
        (used.cached_tokens, rates.input if rates.cache_read is None else rates.cache_read),
        (used.cache_write_tokens, rates.input if rates.cache_write is None else rates.cache_write),
        (used.output_tokens, rates.output),
    )
    return sum((tokens * rate * 1000 for tokens, rate in parts), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hourly:
    """A model as genai-prices describes it: an ordinary price, and others from one hour of the day to another."""

    windows: tuple[tuple[time, time, str], ...] = ()
    ordinary: str = "1"

    @property
    def prices(self) -> list[Any]:
        limits = [SimpleNamespace(start_time=start, end_time=end) for start, end, _ in self.windows]
        return [SimpleNamespace(constraint=limit) for limit in (None, *limits)]

    def get_prices(self, moment: datetime) -> Any:
        at, price = moment.timetz(), self.ordinary
        for start, end, other in self.windows:
            if (start <= at < end) if start < end else (at >= start or at < end):
                price = other
        return SimpleNamespace(input_mtok=Decimal(price), output_mtok=SimpleNamespace(base=Decimal(price) * 4))


def hour(number: int) -> time:
    return time(number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Hourly(), 0),
        (Hourly(windows=((hour(1), hour(4), "2"), (hour(6), hour(10), "2"))), 1),
        (Hourly(windows=((hour(1), hour(4), "2"), (hour(6), hour(10), "3"))), 6),
        (Hourly(windows=((hour(0), hour(16), "0.5"),)), 16),
        (Hourly(windows=((hour(22), hour(6), "0.5"),)), 6),
        (Hourly(windows=((hour(22), hour(6), "2"),)), 0),
        (
            Hourly(windows=((time(9, tzinfo=timezone(timedelta(hours=8))), time(12, tzinfo=timezone(timedelta(hours=8))), "2"),)),
            1,
        ),
    ],
    ids=["always one", "two dear windows", "the second dearer", "a cheap day", "a cheap night", "a dear night", "another zone"],
)
def test_a_price_that_changes_with_the_hour_is_taken_at_its_dearest(model: Hourly, expected: int) -> None:
    inputs = Inputs(built=date(2026, 11, 24))
    assert inputs.dearest(model) == datetime(2026, 11, 24, expected, tzinfo=UTC)
    assert inputs.price_of(model).input_mtok == max(model.get_prices(at).input_mtok for at in inputs.hours(model))
