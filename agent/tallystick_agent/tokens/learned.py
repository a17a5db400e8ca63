"""What was learned of each model's counts, kept from one run to the next. Owns the file; knows no estimate.

A JSON file of at most `MOST` models, the one used longest ago first. It is read on first use, replaced as a whole, and an
observation is added to what the file says at that moment, under a lock: processes that learn at once lose nothing. A file
that is not ours, or broken, counts as empty. Where the disk refuses, what was learned lasts as long as the process.
"""

import json
import os
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tallystick_agent.tokens.calibration import HIGHEST, LEAST, LOWEST, Calibration

MOST: Final = 500
LARGEST: Final = 1_000_000
"""Bytes; a larger file is not ours."""
PATIENCE: Final = 2.0
"""Seconds to wait for another process."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    factor: Annotated[float, Field(ge=LOWEST, le=HIGHEST, allow_inf_nan=False)]
    observations: Annotated[int, Field(ge=1)]
    spread: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: Literal[1]
    models: dict[str, _Entry]


def parsed(data: bytes) -> dict[str, Calibration]:
    """The models in a file's bytes, used longest ago first; none when they are not ours."""
    try:
        found = _File.model_validate_json(data)
    except ValidationError:
        return {}
    return {
        slug: Calibration(factor=entry.factor, observations=entry.observations, spread=entry.spread)
        for slug, entry in found.models.items()
    }


def written(models: Mapping[str, Calibration]) -> bytes:
    entries = {
        slug: {"factor": round(one.factor, 6), "observations": one.observations, "spread": round(one.spread, 6)}
        for slug, one in models.items()
    }
    return json.dumps({"version": 1, "models": entries}, indent=1).encode() + b"\n"


def merged(stored: Mapping[str, Calibration], slug: str, ratio: float, *, most: int = MOST) -> dict[str, Calibration]:
    """`stored` after one more observation of `slug`, which becomes the newest; the oldest are dropped beyond `most`."""
    models = {name: one for name, one in stored.items() if name != slug}
    models[slug] = stored.get(slug, Calibration()).learn(ratio)
    return dict(list(models.items())[-most:])


class LearnedFactors:
    """The calibrations of all models. Any thread may call it; `observe` writes to the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._models: dict[str, Calibration] | None = None

    def factor(self, slug: str) -> Calibration:
        """What is known of a model; reads the file the first time."""
        with self._guard:
            return self._known().get(slug, Calibration())

    def observe(self, slug: str, *, estimated: int, reported: int) -> Calibration:
        """What is known after one more request, whose estimate used `factor(slug)`. Never raises for the disk's sake."""
        with self._guard:
            before = self._known()
        mine = before.get(slug, Calibration())
        if estimated < LEAST or reported <= 0:
            return mine
        ratio = reported / estimated * mine.factor
        try:
            # Not under the guard: who only reads must not wait for another process.
            after = self._add(slug, ratio)
        except (OSError, Timeout):
            after = merged(before, slug, ratio)
        with self._guard:
            self._models = after
        return after[slug]

    def _known(self) -> dict[str, Calibration]:
        if self._models is None:
            try:
                self._models = self._read()
            except OSError:
                self._models = {}
        return self._models

    def _read(self) -> dict[str, Calibration]:
        try:
            with self._path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except FileNotFoundError:
            return {}
        return parsed(data) if len(data) <= LARGEST else {}

    def _add(self, slug: str, ratio: float) -> dict[str, Calibration]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self._path.with_name(self._path.name + ".lock"), timeout=PATIENCE):
            models = merged(self._read(), slug, ratio)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name + ".")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(written(models))
                os.replace(name, self._path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        return models
