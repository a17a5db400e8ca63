"""OpenRouter's live lists over the table: models with prices and limits, and the offers behind one model. Owns their reading.

Prices come as USD per token in strings, and become USD per million; the file on disk holds reduced rows with their date.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, cast

from tallystick_agent.protocol.errors import ProviderError, StorageError
from tallystick_agent.protocol.model_info import EFFORTS, Endpoint
from tallystick_agent.providers.catalog import Row, capabilities_of, price_of

_MILLION: Final = Decimal(1_000_000)
_RATES: Final = {
    "prompt": "input",
    "completion": "output",
    "input_cache_read": "cache_read",
    "input_cache_write": "cache_write",
    "input_cache_write_1h": "cache_write_1h",
    "internal_reasoning": "reasoning",
}
_OTHERS: Final = {"request", "image", "image_output", "audio", "audio_output", "input_audio_cache", "web_search", "discount"}
"""Prices that are not by text tokens; a longer request may change them too."""
_PARAMETERS: Final = {"tools": "tools", "structured_outputs": "structured"}


def parse_models(data: dict[str, Any], date: str) -> dict[str, Row]:
    """Rows by slug from `GET /models`. Raises `ProviderError` where it is no such list; odd entries are left out."""
    entries = data.get("data")
    if not isinstance(entries, list):
        raise ProviderError("OpenRouter's list of models has an unknown shape.")
    found: dict[str, Row] = {}
    for entry in cast(list[dict[str, Any]], entries):
        try:
            name = entry["id"]
            if isinstance(name, str) and name:
                found[f"openrouter/{name}"] = _row(entry, date)
        except (TypeError, KeyError, ValueError, AttributeError, InvalidOperation):
            continue
    return found


def parse_offers(data: dict[str, Any], endpoint: Endpoint) -> tuple[Endpoint, ...]:
    """The offers behind a model, from `GET /models/{author}/{slug}/endpoints`, as endpoints of their own.

    Their slug is the model's with `@` and the provider's tag. Raises `ProviderError` where it is no such list.
    """
    from dataclasses import replace

    inner = data.get("data")
    entries = cast(dict[str, Any], inner).get("endpoints") if isinstance(inner, dict) else None
    if not isinstance(entries, list):
        raise ProviderError("OpenRouter's list of offers has an unknown shape.")
    found: list[Endpoint] = []
    for entry in cast(list[dict[str, Any]], entries):
        try:
            row = _row(entry, "")
            tag = str(entry.get("tag") or entry["provider_name"])
            found.append(
                replace(
                    endpoint,
                    slug=f"{endpoint.slug}@{tag}",
                    provider=tag.partition("/")[0],
                    window_tokens=row.get("window"),
                    max_output_tokens=row.get("output"),
                    price=price_of(row),
                    quantization=str(entry.get("quantization") or "unknown"),
                    capabilities=capabilities_of({**row, "can": [*row["can"], "web"]}, local=False),
                    parameters=frozenset(row["parameters"]),
                    aggregator=False,
                )
            )
        except (TypeError, KeyError, ValueError, AttributeError, InvalidOperation):
            continue
    return tuple(found)


def _row(entry: dict[str, Any], date: str) -> Row:
    row: Row = {}
    top = cast(dict[str, Any], entry.get("top_provider") or {})
    window = top.get("context_length") or entry.get("context_length")
    if isinstance(window, int) and window > 0:
        row["window"] = window
    output = top.get("max_completion_tokens") or entry.get("max_completion_tokens")
    if isinstance(output, int) and output > 0:
        row["output"] = output
    pricing = cast(dict[str, Any], entry["pricing"])
    keep = _kept(pricing)
    tiers = _tiers(pricing)
    if _known(pricing.get("prompt")) and _known(pricing.get("completion")) and tiers is not None:
        row["rates"] = _rates(pricing, keep)
        if _known(pricing.get("request")) and Decimal(str(pricing["request"])) > 0:
            row["request"] = _plain(Decimal(str(pricing["request"])) * keep)
        if tiers:
            row["tiers"] = tiers
    parameters = [str(one) for one in cast(list[Any], entry.get("supported_parameters") or [])]
    modalities: list[Any] = cast(dict[str, Any], entry.get("architecture") or {}).get("input_modalities") or []
    can = [ours for theirs, ours in _PARAMETERS.items() if theirs in parameters]
    row["can"] = [*can, *(["images"] if "image" in modalities else [])]
    row["cannot"] = [ours for theirs, ours in _PARAMETERS.items() if parameters and theirs not in parameters and ours == "tools"]
    row["parameters"] = sorted(parameters)
    reasoning = entry.get("reasoning")
    if isinstance(reasoning, dict) or "reasoning" in parameters:
        known = cast(dict[str, Any], reasoning or {})
        efforts = [str(one) for one in cast(list[Any], known.get("supported_efforts") or []) if one in EFFORTS]
        always = {"mandatory": True} if known.get("mandatory") is True else {}
        row["reasoning"] = {"style": "effort", "efforts": efforts or ["minimal", "low", "medium", "high"], **always}
    if isinstance(entry.get("expiration_date"), str):
        row["ends"] = entry["expiration_date"][:10]
    row["live"] = {"date": date, "fields": sorted(row)}
    return row


def _kept(pricing: Mapping[str, Any]) -> Decimal:
    """The share of a price that a discount leaves. Raises `ValueError` for one that can be none."""
    keep = 1 - Decimal(str(pricing.get("discount") or 0))
    if not 0 <= keep <= 1:
        raise ValueError("a discount that is none")
    return keep


def _known(value: Any) -> bool:
    """OpenRouter writes −1 where a price depends on the model that its router picks."""
    if value is None:
        return False
    amount = Decimal(str(value))
    return amount.is_finite() and amount >= 0


def _rates(pricing: Mapping[str, Any], keep: Decimal) -> dict[str, str]:
    return {
        ours: _plain(Decimal(str(pricing[theirs])) * _MILLION * keep)
        for theirs, ours in _RATES.items()
        if _known(pricing.get(theirs)) and not (theirs == "internal_reasoning" and Decimal(str(pricing[theirs])) == 0)
    }


def _tiers(pricing: dict[str, Any]) -> list[list[Any]] | None:
    """Rates of long requests; `None` where one is unknown. What holds only at some hours is not a tier."""
    found: list[list[Any]] = []
    for override in cast(list[dict[str, Any]], pricing.get("overrides") or []):
        least = override.get("min_prompt_tokens")
        if isinstance(least, int) and least > 0 and set(override) <= {*_RATES, *_OTHERS, "min_prompt_tokens"}:
            whole = {**pricing, **override}
            if not (_known(whole.get("prompt")) and _known(whole.get("completion"))):
                return None
            found.append([least - 1, _rates(whole, _kept(whole))])
    return sorted(found, key=lambda one: one[0])


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


class LiveModels:
    """The owner of the list on disk."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def rows(self) -> dict[str, Row]:
        """The last list; empty where none was fetched, or the file is damaged."""
        return self._read()[1]

    def age_s(self, now: datetime) -> float | None:
        fetched = self._read()[0]
        return (now - fetched).total_seconds() if fetched is not None else None

    def keep(self, rows: dict[str, Row], now: datetime) -> None:
        """Raises `StorageError` where it cannot be written."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = self._file.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps({"fetched": now.astimezone(UTC).isoformat(), "models": rows}), "utf-8")
            os.replace(fresh, self._file)
        except OSError as error:
            raise StorageError(
                f"The list of models {self._file} cannot be written: {error}.", remedy="Free some space."
            ) from error

    def _read(self) -> tuple[datetime | None, dict[str, Row]]:
        try:
            data: Any = json.loads(self._file.read_text("utf-8"))
            fetched = datetime.fromisoformat(data["fetched"]).astimezone(UTC)
            models = cast(dict[str, Row], data["models"])
            if not all(isinstance(row, dict) and "live" in row for row in cast(dict[str, Any], models).values()):
                return None, {}
            return fetched, models
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None, {}
