"""Writes `tests/agent/usage/price_cases.json`: what genai-prices itself asks for some usage, to hold our own sums against.

Run it from the root of the repository after `generate_catalog`, on the same day or with the same --date, in an environment
that has `genai-prices`: `python -m scripts.generate_price_cases`. Only models whose price in the catalog is from
genai-prices are taken.
"""

import argparse
import importlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import cycle, islice
from typing import Any

from scripts.catalog import sources
from scripts.generate_catalog import OUT as CATALOG

OUT = CATALOG.parents[3] / "tests/agent/usage/price_cases.json"
NUMBER = 200
FIELDS = {
    "input_tokens": "input_tokens",
    "cached_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "output_tokens": "output_tokens",
    "reasoning_tokens": "output_reasoning_tokens",
}
"""Our fields of usage, genai-prices'; both count parts inside their wholes."""
Usage = dict[str, int]
Case = tuple[str, Usage]


def usage(input: int = 0, output: int = 0, cached: int = 0, write: int = 0, write_1h: int = 0, reasoning: int = 0) -> Usage:
    values = (input, cached, write, write_1h, output, reasoning)
    return {name: value for name, value in zip(FIELDS, values, strict=True) if value}


ORDINARY = (
    usage(),
    usage(input=1),
    usage(output=1),
    usage(input=3, output=3, cached=1),
    usage(input=1_234, output=567),
    usage(input=30_011, output=1_009, cached=27_001),
    usage(input=30_011, output=1_009, cached=20_001, write=9_007),
    usage(input=90_001, output=4_001, reasoning=3_001),
    usage(input=7, output=11, cached=7),
    usage(input=99_991, output=8_191, write=99_991),
    usage(input=10**9 + 7, output=10**8 + 7, cached=10**8 + 1, write=10**7 + 9),
)
LONG_KEPT = (
    usage(input=50_021, output=777, cached=10_007, write=30_011, write_1h=30_011),
    usage(input=50_021, output=777, cached=10_007, write=30_011, write_1h=12_347),
    usage(input=31, write=31, write_1h=1),
)
THOUGHTS = (
    usage(input=1_001, output=5_003, reasoning=4_999),
    usage(input=11, output=9, reasoning=9),
    usage(output=2, reasoning=1),
)


def edges(row: dict[str, Any]) -> Iterator[Usage]:
    """Usage just below, at and just above each edge, with parts that are priced apart."""
    for edge, _ in row["tiers"]:
        yield usage(input=edge, output=1_003, cached=edge // 3)
        yield usage(input=edge + 1, output=1_003, cached=edge // 3, write=edge // 5)
        yield usage(input=edge - 1, output=101, cached=edge - 1)
        yield usage(input=edge + 1, output=0, cached=edge + 1)


def spread(rows: dict[str, Any], number: int) -> list[str]:
    """So many slugs, one provider after the other, evenly over each provider's list."""
    by_provider: dict[str, list[str]] = {}
    for slug in rows:
        by_provider.setdefault(slug.partition("/")[0], []).append(slug)
    queues = [iter(slugs[:: max(1, len(slugs) * len(by_provider) // max(1, number))]) for slugs in by_provider.values()]
    found: list[str] = []
    while queues and len(found) < number:
        for queue in list(queues):
            more = list(islice(queue, 1))
            found += more
            if not more:
                queues.remove(queue)
    return found[:number]


def plan(rows: dict[str, Any], hourly: list[str]) -> Iterator[Case]:
    """Cases by what they are to find, the rarest first. `hourly` are slugs whose price changes with the hour."""
    yield from ((slug, one) for slug in hourly for one in ORDINARY[4:6])
    tiered = {slug: row for slug, row in rows.items() if "tiers" in row}
    steps = {slug: row for slug, row in tiered.items() if len(row["tiers"]) > 1}
    for slug in [*steps, *spread({slug: row for slug, row in tiered.items() if slug not in steps}, 14)]:
        yield from ((slug, one) for one in edges(rows[slug]))
    kept = {slug: row for slug, row in rows.items() if "cache_write_1h" in row["rates"]}
    yield from zip(spread(kept, 18), cycle(LONG_KEPT), strict=False)
    thinking = {slug: row for slug, row in rows.items() if "reasoning" in row["rates"]}
    yield from ((slug, one) for slug in thinking for one in THOUGHTS)
    yield from ((slug, one) for slug, row in rows.items() if "request" in row for one in ORDINARY[:5:2])
    fine = {slug: row for slug, row in rows.items() if any(len(rate.partition(".")[2]) > 3 for rate in row["rates"].values())}
    odd = (usage(input=1, output=1), usage(input=3, cached=3), usage(input=1_235, output=7, cached=3, write=1))
    yield from zip(spread(fine, 24), cycle(odd), strict=False)
    yield from zip(spread(rows, NUMBER), cycle(ORDINARY), strict=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--date", type=date.fromisoformat, default=sources.today(), help="the day the catalog was built for")
    given = parser.parse_args()
    catalog = json.loads(CATALOG.read_text("utf-8"))
    inputs = sources.read(given.date)
    models: dict[str, Any] = {}
    for slug, row in catalog["models"].items():
        provider, _, name = slug.partition("/")
        model = inputs.find(provider, name)
        if model is not None and "rates" in catalog["origins"][row["from"]].get("g", ()) and not slug.endswith(":free"):
            models[slug] = model
    rows = {slug: catalog["models"][slug] for slug in models}
    cases: dict[str, Any] = {}
    # The catalog has the dearest price of the day, so that is when theirs is asked for.
    moments = {slug: inputs.dearest(model) for slug, model in models.items()}
    hourly = [slug for slug, model in models.items() if len(inputs.hours(model)) > 1]
    for slug, used in plan(rows, hourly):
        case = {"slug": slug, "usage": used, "nanos": nanos(models[slug], used, moments[slug])}
        cases.setdefault(json.dumps([slug, used]), case)
    chosen = list(islice(cases.values(), NUMBER))
    OUT.write_text("[\n" + ",\n".join(json.dumps(case) for case in chosen) + "\n]\n", "utf-8")
    print(f"{len(chosen)} cases, {len({case['slug'] for case in chosen})} models", end=", ")
    print(f"{len({case['slug'].partition('/')[0] for case in chosen})} providers")


def nanos(model: Any, used: Usage, moment: datetime) -> str:
    """Nano-dollars as genai-prices computes them, rounded half to even once."""
    theirs = importlib.import_module("genai_prices.types")
    tokens = theirs.Usage(**{name: used.get(ours, 0) for ours, name in FIELDS.items()})
    with localcontext(prec=60):
        total: Decimal = model.get_prices(moment).calc_price(tokens)["total_price"]
        return str((total * 10**9).to_integral_value(ROUND_HALF_EVEN))


if __name__ == "__main__":
    main()
