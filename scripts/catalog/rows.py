"""Rows of the catalog from both inputs. Owns which source each field comes from, and what an aggregator has from the maker.

Owns neither the reading of the inputs (`sources`) nor the form of prices and abilities (`rates`, `abilities`).
"""

from typing import Any

from scripts.catalog import abilities, rates
from scripts.catalog.names import canonical
from scripts.catalog.sources import Inputs

Row = dict[str, Any]
Origin = dict[str, list[str]]
AGGREGATORS = ("openrouter", "vercel")
MAKERS = {
    "ai21": "ai21",
    "alibaba": "qwen",
    "anthropic": "anthropic",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "google": "google",
    "inception": "inception",
    "meta": "meta",
    "minimax": "minimax",
    "mistral": "mistral",
    "mistralai": "mistral",
    "moonshotai": "moonshot",
    "morph": "morph",
    "openai": "openai",
    "perplexity": "perplexity",
    "qwen": "qwen",
    "x-ai": "xai",
    "xai": "xai",
    "xiaomi": "xiaomi",
    "z-ai": "zai",
    "zai": "zai",
}
"""Authors in an aggregator's names, and the provider where the author serves the model."""
COPIED = ("output", "can", "cannot", "reasoning", "sampling", "cache")
ORDER = ("window", "output", "rates", "tiers", "request", *COPIED[1:], "same", "ends", "from")
FAR_APART = 4
"""Windows that differ by more than this factor are not taken for the same thing, whatever the names say."""


class Builder:
    """Makes the rows. `disagreements` tells where the inputs name different prices for one name."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.rows: dict[str, Row] = {}
        self.origins: dict[str, Origin] = {}
        self.disagreements: list[str] = []

    def build(self) -> None:
        for provider in sorted({*self.inputs.genai, *self.inputs.litellm}):
            for name in self._names(provider):
                self._add(provider, name)
        for provider in AGGREGATORS:
            self._copy_from_makers(provider)
        self._part_base_weights()
        self._part_far_windows()

    def _names(self, provider: str) -> list[str]:
        """Names of both inputs; where they differ by case alone, LiteLLM's, which are the ones sent to the API."""
        names = {name.lower(): name for name in self.inputs.genai.get(provider, {})}
        names.update({name.lower(): name for name in sorted(self.inputs.litellm.get(provider, {}))})
        return sorted(names.values())

    def _entry(self, provider: str, name: str) -> dict[str, Any]:
        """LiteLLM's entry of this name, or of another name that genai-prices knows as the same model."""
        table = self.inputs.litellm.get(provider, {})
        if name in table:
            return table[name]
        model = self.inputs.genai.get(provider, {}).get(name)
        same = [
            other
            for other in sorted(table)
            if model is not None and canonical(other) == canonical(name) and self.inputs.find(provider, other) is model
        ]
        return table[same[0]] if same else {}

    def _model(self, provider: str, name: str) -> Any | None:
        table = self.inputs.genai.get(provider, {})
        spelled = {known.lower(): model for known, model in table.items()}
        return spelled.get(name.lower()) or self.inputs.find(provider, name.removeprefix("accounts/fireworks/models/"))

    def _add(self, provider: str, name: str) -> None:
        slug = f"{provider}/{name}"
        model, entry = self._model(provider, name), self._entry(provider, name)
        row: Row = {"same": canonical(name.rpartition(":")[0] if provider == "huggingface" else name)}
        origin: Origin = {"g": [], "l": []}
        self._window(row, origin, model, entry)
        self._prices(slug, row, origin, model, entry)
        most = entry.get("max_output_tokens")
        # As much as the window says nothing: an input always takes its part.
        if isinstance(most, int | float) and 0 < most < row.get("window", most + 1):
            row["output"] = int(most)
        row.update(abilities.flags(entry, (provider, name) in self.inputs.infill))
        rule = abilities.reasoning(provider, name, entry)
        if rule is not None:
            row["reasoning"] = rule
        if abilities.rejects_sampling(provider, name, entry):
            row["sampling"] = False
        cache = None if provider in AGGREGATORS else abilities.cache(provider, name, entry, row.get("rates", {}))
        if cache is not None:
            row["cache"] = cache
        if entry.get("deprecation_date"):
            row["ends"] = entry["deprecation_date"]
        origin["l"] += [field for field in (*COPIED, "ends") if field in row]
        if row.keys() == {"same"}:
            return
        self.rows[slug], self.origins[slug] = row, origin

    def _window(self, row: Row, origin: Origin, model: Any, entry: dict[str, Any]) -> None:
        found = {"g": getattr(model, "context_window", None), "l": entry.get("max_input_tokens")}
        windows = {source: int(size) for source, size in found.items() if isinstance(size, int | float) and size > 0}
        if not windows:
            return
        row["window"] = min(windows.values())
        for source, size in windows.items():
            origin[source].append("window" if size == row["window"] else "larger window")

    def _prices(self, slug: str, row: Row, origin: Origin, model: Any, entry: dict[str, Any]) -> None:
        ours = None if model is None else rates.from_genai(self.inputs.price_of(model))
        theirs = rates.from_litellm(entry) if entry else None
        if ours is None and theirs is None and slug.startswith("openrouter/") and slug.endswith(":free"):
            # Free by its name; the input has the model and no price.
            ours = {"rates": {"input": "0", "output": "0"}}
        if ours is not None and theirs is not None:
            pairs = [(one["rates"]["input"], one["rates"]["output"]) for one in (ours, theirs)]
            if pairs[0] != pairs[1]:
                self.disagreements.append(f"{slug}: {model.id} {pairs[0]} / {pairs[1]}")
                # A moving name found under an old model: who lists the name itself knows where it has moved to.
                ours = None if slug.endswith("-latest") and not slug.endswith(f"/{model.id}") else ours
        for source, found in (("g", ours), ("l", theirs)):
            if found is not None:
                row.update(found)
                origin[source] += list(found)
                return

    def _copy_from_makers(self, provider: str) -> None:
        makers: dict[tuple[str, str], str] = {}
        for slug in sorted(self.rows, reverse=True):
            makers[slug.partition("/")[0], self.rows[slug]["same"]] = slug
        for slug, row in self.rows.items():
            if not slug.startswith(f"{provider}/"):
                continue
            author, name = slug.split("/")[1], slug.split("/")[-1]
            maker = makers.get((MAKERS.get(author, ""), row["same"]))
            if maker is not None:
                self._copy(self.rows[maker], row, self.origins[slug])
            rated = row.get("rates", {})
            if provider == "openrouter" and author == "qwen" and abilities.alibaba_marks(name, {}, rated):
                row["cache"] = {"style": "cache_control"}
            elif "cache_read" in rated and "cache" not in row:
                row["cache"] = {"style": "automatic"}
            if "cache" in row and "cache" not in self.origins[slug]["l"]:
                # Its having a price, or its name, is what tells of the cache.
                self.origins[slug]["g" if "rates" in self.origins[slug]["g"] else "l"].append("cache")

    def _copy(self, made: Row, row: Row, origin: Origin) -> None:
        """What the maker's own row tells, where the aggregator's does not; the smaller of the two windows."""
        window = min((one["window"] for one in (made, row) if "window" in one), default=None)
        if window is not None and row.get("window", window) > window:
            row["window"] = window
            for fields in origin.values():
                fields[:] = ["larger window" if field == "window" else field for field in fields]
            origin["l"].append("window")
            if row.get("output", 0) >= window:
                del row["output"]
                origin["l"].remove("output")
        for field in COPIED:
            if (
                field not in made
                or field in row
                or (field == "output" and made["output"] >= row.get("window", made["output"] + 1))
            ):
                continue
            # Infill is an API of its own, which an aggregator does not pass on.
            value = [one for one in made[field] if one != "infill"] if field == "can" else made[field]
            if value != []:
                row[field] = value
                origin["l"].append(field)

    def _part_base_weights(self) -> None:
        """Where one provider has a model with and without `instruct`, the latter are the weights before instruction."""
        names = {slug.lower() for slug in self.rows}
        for slug, row in self.rows.items():
            if any(f"{slug.lower()}{ending}" in names for ending in ("-instruct", "-it")):
                row["same"] += "-base"

    def _part_far_windows(self) -> None:
        groups: dict[str, list[str]] = {}
        for slug, row in self.rows.items():
            if "window" in row:
                groups.setdefault(row["same"], []).append(slug)
        for slugs in groups.values():
            left = sorted(slugs, key=lambda slug: (self.rows[slug]["window"], slug))
            while self.rows[left[-1]]["window"] > FAR_APART * self.rows[left[0]]["window"]:
                middle = self.rows[left[len(left) // 2]]["window"]
                low, high = self.rows[left[0]]["window"], self.rows[left[-1]]["window"]
                out = left.pop(0 if middle / low > high / middle else -1)
                self.rows[out]["same"] = out

    def finished(self) -> tuple[list[Origin], dict[str, Row]]:
        """Distinct origins and the rows that point to them, in a stable order."""
        origins: list[Origin] = []
        rows: dict[str, Row] = {}
        for slug in sorted(self.rows):
            origin = {source: fields for source, fields in self.origins[slug].items() if fields}
            if origin not in origins:
                origins.append(origin)
            row = {**self.rows[slug], "from": origins.index(origin)}
            rows[slug] = {field: row[field] for field in ORDER if field in row}
        return origins, rows
