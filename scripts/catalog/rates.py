"""Prices of both inputs in one form: USD per million tokens as decimal strings, tiers filled up, nothing rounded."""

import re
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

Rates = dict[str, Decimal]
Row = dict[str, Any]
MILLION = Decimal(1_000_000)
DIGITS = Context(prec=12)

GENAI = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "reasoning": "output_reasoning_mtok",
}
LITELLM = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "reasoning": "output_cost_per_reasoning_token",
}
ABOVE = re.compile(r"^input_cost_per_token_above_(\d+)k_tokens$")


def clean(value: Decimal) -> Decimal:
    """Without what binary floats left: 0.18000000000000002 is 0.18. A third that was written out stays as it is."""
    short = DIGITS.plus(value).normalize()
    return short if len(short.as_tuple().digits) <= 8 else value


def text(value: Decimal) -> str:
    """A decimal without exponent or trailing zeros."""
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def priced(base: Rates, tiers: Mapping[int, Rates], request: Decimal | None = None) -> Row:
    """The fields of a row: `rates`, and `tiers` and `request` where there are any."""
    row: Row = {"rates": _shown(base)}
    above = [[edge, _shown({**base, **tiers[edge]})] for edge in sorted(tiers)]
    if any(rates != row["rates"] for _, rates in above):
        row["tiers"] = above
    if request:
        row["request"] = text(request)
    return row


def _shown(rates: Rates) -> dict[str, str]:
    kept = {name: text(clean(rates[name])) for name in GENAI if name in rates}
    if kept.get("reasoning") == kept["output"]:
        del kept["reasoning"]
    if kept.get("cache_write_1h") == kept.get("cache_write", kept["input"]):
        kept.pop("cache_write_1h", None)
    return kept


def from_genai(prices: Any) -> Row | None:
    """From a `ModelPrice`; `None` where it does not price plain input and output."""
    base: Rates = {}
    tiers: dict[int, Rates] = {}
    for ours, theirs in GENAI.items():
        value = getattr(prices, theirs)
        if value is None:
            continue
        base[ours] = getattr(value, "base", value)
        for tier in getattr(value, "tiers", ()):
            tiers.setdefault(tier.start, {})[ours] = tier.price
    if "input" not in base or "output" not in base:
        return None
    # A rate without a step of its own at this edge keeps the step below it.
    reached: Rates = {}
    for edge in sorted(tiers):
        reached = {**reached, **tiers[edge]}
        tiers[edge] = reached
    per_thousand = prices.requests_kcount
    return priced(base, tiers, None if per_thousand is None else per_thousand / 1000)


def from_litellm(row: Mapping[str, Any]) -> Row | None:
    """From an entry of LiteLLM's table; `None` where a price is missing, or is zero in both directions: that means unknown.

    `off_peak_pricing` is left out: there the plain fields are the dear hours, which are the ones we keep.
    """
    steps: list[Mapping[str, Any]] = sorted(row.get("tiered_pricing") or (), key=lambda step: _edge(step))
    if steps and all("range" in step for step in steps):
        base = _per_million(steps[0], "")
        tiers = {_edge(step): _per_million(step, "") for step in steps[1:]}
    else:
        base = _per_million(row, "")
        edges = [found.group(1) for key in row if (found := ABOVE.match(key))]
        tiers = {int(edge) * 1000: _per_million(row, f"_above_{edge}k_tokens") for edge in edges}
    if "input" not in base or "output" not in base or not (base["input"] or base["output"]):
        return None
    request = row.get("input_cost_per_request")
    return priced(base, tiers, Decimal(request) if request else None)


def _edge(step: Mapping[str, Any]) -> int:
    return int(step["range"][0]) if "range" in step else 0


def _per_million(row: Mapping[str, Any], ending: str) -> Rates:
    found: Rates = {}
    for ours, theirs in LITELLM.items():
        value = row.get(theirs + ending)
        # A cache rate of 0 stands for "not charged apart" there, which is the plain rate here.
        if value is not None and (Decimal(value) or ours in ("input", "output")):
            found[ours] = Decimal(value) * MILLION
    return found
