"""Writes `providers/catalog.json`: windows, prices and abilities of known models, from two build-time inputs under MIT.

Run it from the root of the repository, in an environment that has `genai-prices`, with LiteLLM's wheel or the JSON file
out of it: `python -m scripts.generate_catalog LITELLM`. The product depends on neither of them.
"""

import argparse
import importlib.metadata
import json
import re
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from scripts.catalog import sources
from scripts.catalog.rows import Builder

OUT = Path(__file__).resolve().parent.parent / "agent/tallystick_agent/providers/catalog.json"
PROVIDERS = OUT.with_name("providers.toml")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("litellm", type=Path, help="LiteLLM's wheel, or model_prices_and_context_window_backup.json")
    parser.add_argument("--litellm-version", help="needed for the JSON file; the wheel's name tells it")
    parser.add_argument("--litellm-date", type=date.fromisoformat, help="when that version came out; else the day of building")
    parser.add_argument("--genai-date", type=date.fromisoformat, help="the same of genai-prices; else its newest price")
    parser.add_argument("--date", type=date.fromisoformat, default=sources.today(), help="the day of building")
    parser.add_argument("--disagreements", action="store_true", help="print where the inputs name different prices")
    given = parser.parse_args()

    inputs = sources.read(given.date, given.litellm)
    builder = Builder(inputs)
    builder.build()
    origins, rows = builder.finished()
    told = re.match(r"litellm-([^-]+)-", given.litellm.name)
    version = given.litellm_version or (told[1] if told else None)
    if version is None:
        parser.error("--litellm-version is needed for the JSON file")
    described = {
        "g": _source("genai-prices", importlib.metadata.version("genai-prices"), given.genai_date or inputs.genai_date),
        "l": _source("litellm", version, given.litellm_date or given.date),
    }
    _write(described, origins, rows)
    if given.disagreements:
        print("\n".join(builder.disagreements))
    _table(rows)


def _source(package: str, version: str, day: date) -> dict[str, str]:
    return {"package": package, "version": version, "date": day.isoformat(), "licence": "MIT"}


def _write(described: dict[str, Any], origins: list[Any], rows: dict[str, Any]) -> None:
    def tight(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    lines = [
        '{"sources":' + tight(described) + ",",
        '"origins":[',
        ",\n".join(tight(origin) for origin in origins),
        "],",
        '"models":{',
        ",\n".join(f"{tight(slug)}:{tight(row)}" for slug, row in rows.items()),
        "}}",
    ]
    OUT.write_text("\n".join(lines) + "\n", "utf-8")


def _table(rows: dict[str, Any]) -> None:
    names = tomllib.loads(PROVIDERS.read_text("utf-8"))
    models = Counter(slug.partition("/")[0] for slug in rows)
    unknown = models.keys() - names.keys()
    if unknown:
        raise SystemExit(f"not in providers.toml: {', '.join(sorted(unknown))}")
    print(f"{'provider':14}{'models':>8}{'priced':>8}{'tiers':>8}{'window':>8}{'tools':>8}{'reason':>8}")
    for name in [*names, "all"]:
        mine = [row for slug, row in rows.items() if name in ("all", slug.partition("/")[0])]
        counts = (
            len(mine),
            sum("rates" in row for row in mine),
            sum("tiers" in row for row in mine),
            sum("window" in row for row in mine),
            sum("tools" in row.get("can", ()) for row in mine),
            sum("reasoning" in row for row in mine),
        )
        print(f"{name:14}" + "".join(f"{count:>8}" for count in counts))
    print(f"{len(models)} providers have models; {len({row['same'] for row in rows.values()})} names; {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
