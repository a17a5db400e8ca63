"""Writes `providers/catalog.json`: windows and prices of known models, from `genai-prices` (MIT) as a build-time input.

Run it in an environment that has `genai-prices`; the product does not depend on it. Tiered prices are kept at their
base tier, which is what a request below the tier's edge costs.
"""

import importlib
import importlib.metadata
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent.parent / "agent/tallystick_agent/providers/catalog.json"
PROVIDERS = {"openrouter": "openrouter", "openai": "openai", "anthropic": "anthropic", "google": "gemini"}


def price(value: Any) -> str | None:
    base = getattr(value, "base", value)
    return str(base) if isinstance(base, Decimal) else None


def main() -> None:
    providers: list[Any] = importlib.import_module("genai_prices.data").providers
    models: dict[str, dict[str, Any]] = {}
    for provider in providers:
        ours = PROVIDERS.get(provider.id)
        if ours is None:
            continue
        for model in provider.models:
            prices = model.prices[-1].prices if isinstance(model.prices, list) else model.prices
            row = {
                "window": model.context_window,
                "input": price(prices.input_mtok),
                "output": price(prices.output_mtok),
                "cache_read": price(prices.cache_read_mtok),
                "cache_write": price(prices.cache_write_mtok),
            }
            if ours == "gemini" and not model.id.startswith("gemini"):
                # Models of other makers that the same company serves elsewhere, not on this API.
                continue
            if row["input"] is not None and row["output"] is not None:
                models[f"{ours}/{model.id}"] = {name: value for name, value in row.items() if value is not None}
    version = importlib.metadata.version("genai-prices")
    lines = [f" {json.dumps(slug)}: {json.dumps(row)}" for slug, row in sorted(models.items())]
    source = json.dumps({"package": "genai-prices", "version": version, "licence": "MIT"})
    OUT.write_text('{"source": ' + source + ',\n"models": {\n' + ",\n".join(lines) + "\n}}\n", "utf-8")
    print(f"{len(models)} models from genai-prices {version}")


if __name__ == "__main__":
    main()
