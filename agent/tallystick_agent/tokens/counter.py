"""Counts of text, tools and messages in a model family's tokens. Owns the framing rules.

Counts are estimates with a stated band; what a provider reports is kept apart (`protocol.usage`) and corrects them
through `tokens.calibration`. The families are in `tokens.families`, images in `tokens.images`.
"""

import json
import math
from collections.abc import Iterable
from typing import Any, Final

from tallystick_agent.tokens.encodings import o200k
from tallystick_agent.tokens.families import FAMILIES, Family, family_of
from tallystick_agent.tokens.segments import SegmentCounter
from tallystick_agent.tokens.shape import features

__all__ = [
    "FAMILIES",
    "MESSAGE_FRAME",
    "REPLY_FRAME",
    "TOOLS_FRAME",
    "TOOL_FRAME",
    "Counter",
    "Family",
    "family_of",
]

MESSAGE_FRAME: Final = 4
"""Tokens that a chat template puts around one message."""
REPLY_FRAME: Final = 3
"""Tokens that prime the reply."""
TOOL_FRAME: Final = 7
"""Tokens that a provider puts around one tool's definition, besides its compact JSON."""
TOOLS_FRAME: Final = 12
"""Tokens that having any tool costs, once a request. Not published by most: Claude's own is some hundreds, which the learned
factor takes up."""


_SEGMENTED: Final = 4_000
"""Characters from which a text is counted by its segments, of which most are known from before."""


def _o200k(text: str) -> int:
    return len(o200k().encode_ordinary(text))


_SEGMENTS: Final = SegmentCounter(_o200k)


def exact(text: str) -> int:
    """Tokens of `text` in o200k. A long text that was counted before, but for some lines, costs those lines."""
    return _o200k(text) if len(text) < _SEGMENTED else _SEGMENTS.text(text)


class Counter:
    """Counts for one family, times a factor learned from reported usage."""

    def __init__(self, family: str = "o200k", *, factor: float = 1.0, known: dict[str, tuple[int, float]] | None = None) -> None:
        """`known`: counts that counters of the same family share."""
        self.family = family
        """The family's name."""
        self._family = family_of(family)
        self._exact = self._family.exact
        self._factor = factor
        self._known: dict[str, tuple[int, float]] = {} if known is None else known

    @property
    def band(self) -> float:
        """The share by which one text may have more tokens than counted, before anything is learned."""
        return self._family.band

    def text(self, text: str) -> int:
        """Tokens of `text`, rounded up. Special tokens in file content count as plain text."""
        return math.ceil(round(self._count(text)[1] * self._factor, 6))

    def raw(self, text: str) -> int:
        """Tokens of `text` in o200k itself."""
        return self._count(text)[0]

    def json(self, value: Any) -> int:
        """Tokens of the compact JSON of `value`."""
        return self.text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def tools(self, tools: Iterable[tuple[str, str, Any]]) -> int:
        """Tokens of tool definitions, each a name, a description and the JSON Schema of its parameters; 0 for none."""
        sizes = [self.json({"name": name, "description": said, "parameters": schema}) for name, said, schema in tools]
        return sum(sizes) + TOOL_FRAME * len(sizes) + TOOLS_FRAME if sizes else 0

    def _count(self, text: str) -> tuple[int, float]:
        """Tokens in o200k, and in the family before its factor."""
        known = self._known.get(text)
        if known is None:
            data = text.encode("utf-8", "replace")
            raw = exact(data.decode("utf-8"))
            known = (raw, float(raw) if self._exact else self._estimate(data, raw))
            if len(self._known) >= 4_096:
                self._known.clear()
            self._known[text] = known
        return known

    def _estimate(self, data: bytes, raw: int) -> float:
        """No weight may bring a count below half of o200k's or above one token a byte."""
        sum_ = sum(weight * number for weight, number in zip(self._family.weights, features(data, raw), strict=True) if number)
        return min(max(sum_, 0.5 * raw), max(raw, len(data)))
