"""The two inputs, read: which of their models belong to which of our providers, and under which name the API knows them.

Owns the correspondence of providers. Owns no judgement about fields: that is `rates` and `abilities`.
"""

import importlib
import json
import re
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from scripts.catalog.names import chats

GENAI = {
    "ai21": "ai21",
    "anthropic": "anthropic",
    "avian": "avian",
    "azure": "azure-openai",
    "baseten": "baseten",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google": "google",
    "groq": "groq",
    "meta": "meta",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshotai": "moonshot",
    "novita": "novita",
    "openai": "openai",
    "openrouter": "openrouter",
    "ovhcloud": "ovhcloud",
    "perplexity": "perplexity",
    "together": "together",
    "x-ai": "xai",
    "zai": "zai",
}
"""genai-prices' providers, ours; besides, `huggingface_NAME` is the router of Hugging Face."""
LITELLM = {
    "ai21": "ai21",
    "anthropic": "anthropic",
    "azure": "azure-openai",
    "baseten": "baseten",
    "cerebras": "cerebras",
    "codestral": "mistral",
    "cohere_chat": "cohere",
    "crusoe": "crusoe",
    "dashscope": "qwen",
    "deepinfra": "deepinfra",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "friendliai": "friendli",
    "gemini": "google",
    "gmi": "gmi",
    "groq": "groq",
    "hyperbolic": "hyperbolic",
    "inception": "inception",
    "lambda_ai": "lambda",
    "libertai": "libertai",
    "meta": "meta",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshot": "moonshot",
    "morph": "morph",
    "nebius": "nebius",
    "novita": "novita",
    "nscale": "nscale",
    "openai": "openai",
    "ovhcloud": "ovhcloud",
    "perplexity": "perplexity",
    "publicai": "publicai",
    "sambanova": "sambanova",
    "scaleway": "scaleway",
    "tencent": "tencent",
    "text-completion-codestral": "mistral",
    "text-completion-inception": "inception",
    "together_ai": "together",
    "vercel_ai_gateway": "vercel",
    "volcengine": "volcengine",
    "wandb": "wandb",
    "xai": "xai",
    "xiaomi_mimo": "xiaomi",
    "zai": "zai",
}
INFILL = ("text-completion-codestral", "text-completion-inception")
"""LiteLLM's providers whose models complete between a prefix and a suffix."""
SECOND = (*INFILL, "codestral")
"""Those that are a second API of a provider of ours."""
BORROWED = re.compile(r"imported from openrouter", re.IGNORECASE)
"""How genai-prices says that it knows a model from another list than the provider's own."""
UNBORROWED = ("openai",)
"""Providers of which only their own names are taken: OpenAI serves neither its open weights nor an aggregator's names."""
BY_SIZE = re.compile(r"^(together-ai|fireworks-ai)-")
"""Not models: price classes by number of parameters."""


@dataclass
class Inputs:
    """Models by provider of ours and by the API's name: genai-prices' `ModelInfo` and LiteLLM's entries."""

    built: date
    genai: dict[str, dict[str, Any]] = field(default_factory=dict)
    litellm: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    infill: set[tuple[str, str]] = field(default_factory=set)
    finders: dict[str, Any] = field(default_factory=dict)
    """genai-prices' providers, which find the model that a dated or moving name means."""
    genai_date: date = date.min
    """The newest start of a price that holds on the day of building."""

    def find(self, provider: str, name: str) -> Any | None:
        """genai-prices' model for this name, found among this provider's own models."""
        exact = self.genai.get(provider, {}).get(name)
        if exact is not None or provider not in self.finders:
            return exact
        return self.finders[provider].find_model(name)

    def price_of(self, model: Any) -> Any:
        """The price on the day of building; the dearest of that day where it changes with the hour."""
        return model.get_prices(self.dearest(model))

    def dearest(self, model: Any) -> datetime:
        """When, on the day of building, input and output together cost most; the first such hour, midnight where none differs."""

        def cost(moment: datetime) -> Decimal:
            prices = model.get_prices(moment)
            sides = (prices.input_mtok, prices.output_mtok)
            return sum((Decimal(getattr(side, "base", side) or 0) for side in sides), Decimal(0))

        return max(self.hours(model), key=cost)

    def hours(self, model: Any) -> list[datetime]:
        """Midnight and when a price begins or ends to hold on the day of building, in order: between them nothing changes."""
        found = {datetime.combine(self.built, time(tzinfo=UTC))}
        for one in model.prices if isinstance(model.prices, list) else ():
            for edge in (getattr(one.constraint, name, None) for name in ("start_time", "end_time")):
                if edge is not None:
                    # A time of another zone is of another day for some hours: here only the hour counts.
                    zoned = datetime.combine(self.built, edge if edge.tzinfo else edge.replace(tzinfo=UTC))
                    found.add(datetime.combine(self.built, zoned.astimezone(UTC).timetz()))
        return sorted(found)


def read_litellm(path: Path) -> dict[str, dict[str, Any]]:
    """LiteLLM's table, from the JSON file or from the wheel that has it; numbers stay exact."""
    name = "model_prices_and_context_window_backup.json"
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            raw = wheel.read(f"litellm/{name}").decode("utf-8")
    else:
        raw = path.read_text("utf-8")
    table: dict[str, dict[str, Any]] = json.loads(raw, parse_float=Decimal)
    return table


def read(built: date, litellm: Path | None = None) -> Inputs:
    """The inputs, sorted to our providers; genai-prices alone without a path."""
    inputs = Inputs(built=built)
    for provider in importlib.import_module("genai_prices.data").providers:
        router = provider.id.partition("huggingface_")[2]
        ours = "huggingface" if router else GENAI.get(provider.id)
        if ours is not None:
            _add_genai(inputs, ours, provider, router)
    entries = read_litellm(litellm) if litellm is not None else {}
    for key, row in sorted(entries.items(), key=_first_hand):
        _add_litellm(inputs, key, row)
    return inputs


def _add_genai(inputs: Inputs, ours: str, provider: Any, router: str) -> None:
    if not router:
        inputs.finders[ours] = provider
    for model in provider.models:
        name = _genai_name(ours, model.id, router)
        if ours in UNBORROWED and BORROWED.search(getattr(model, "price_comments", None) or ""):
            continue
        if name is not None and chats(name):
            inputs.genai.setdefault(ours, {})[name] = model
        for one in model.prices if isinstance(model.prices, list) else ():
            start = getattr(one.constraint, "start_date", None)
            if start is not None and start <= inputs.built:
                inputs.genai_date = max(inputs.genai_date, start)


def _add_litellm(inputs: Inputs, key: str, row: dict[str, Any]) -> None:
    theirs = row.get("litellm_provider")
    ours = LITELLM.get(theirs) if isinstance(theirs, str) else None
    if ours is None or row.get("mode") not in ("chat", "responses", "completion"):
        return
    name = _litellm_name(ours, key.removeprefix(f"{theirs}/"))
    if name is None or not chats(name):
        return
    if theirs in INFILL:
        inputs.infill.add((ours, name))
    inputs.litellm.setdefault(ours, {}).setdefault(name, row)


def _first_hand(item: tuple[str, dict[str, Any]]) -> tuple[bool, bool, str]:
    """Entries of a provider's own chat API first, and the key that names the provider before the bare one."""
    key, row = item
    return row.get("mode") == "completion" or row.get("litellm_provider") in SECOND, "/" not in key, key


def _genai_name(ours: str, name: str, router: str) -> str | None:
    """The name that the API takes; `None` for what is not on this API."""
    match ours:
        case "huggingface":
            return f"{name}:{router}"
        case "openrouter":
            # Old names without an author are no longer taken; batches are another API.
            return None if "/" not in name or name.endswith(":batch") else name
        case "google":
            return name if name.startswith(("gemini", "gemma")) else None
        case "perplexity":
            return name if name.startswith("sonar") else None
        case "azure-openai":
            # The user names the deployments there; LiteLLM's list has the usual names.
            return None
        case "fireworks":
            return None if name.endswith(("-us", "-ultrafast")) else _fireworks(name)
        case _:
            return None if ":" in name else name


def _litellm_name(ours: str, name: str) -> str | None:
    if BY_SIZE.match(name) or " " in name:
        return None
    match ours:
        case "azure-openai":
            return None if "/" in name else name
        case "perplexity":
            return name if name.startswith("sonar") else None
        case "google":
            return name if name.startswith(("gemini-", "gemma")) else None
        case "fireworks":
            return _fireworks(name)
        case _:
            return name


def _fireworks(name: str) -> str:
    """The full path of a model there: variants that are only faster are routers."""
    if name.startswith("accounts/"):
        return name
    return f"accounts/fireworks/{'routers' if name.endswith('-fast') else 'models'}/{name}"


def today() -> date:
    return datetime.now(UTC).date()
