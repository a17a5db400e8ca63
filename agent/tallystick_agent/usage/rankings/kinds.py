"""The rankings that can be asked for: what each groups by, counts and leaves out. Owns that table; pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from tallystick_agent.usage.rankings.places import Measure, tokens_of
from tallystick_agent.usage.sums import Dimension, Sum

Kind = Literal[
    "models", "authors", "apps", "providers", "purposes", "use_cases", "context", "natural_languages", "programming_languages",
    "tool_calls", "images", "reasoning", "free", "sessions",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How one ranking is made."""

    by: Dimension
    word: str
    """What a row is, for a column's head."""
    measure: Measure = tokens_of
    unit: str = "tokens"
    where: tuple[tuple[Dimension, str], ...] = ()
    named: Callable[[str], str] = str
    """A row's name, from the dimension's value."""
    order: Callable[[str], int] | None = None
    """For rows that have an order of their own."""
    estimated: bool = False
    """By simple rules of ours, from what a prompt says: an estimate."""


def _tool_calls(one: Sum) -> int:
    return one.tool_calls


def _images(one: Sum) -> int:
    return one.images


def _reasoning(one: Sum) -> int:
    return one.reasoning_tokens


def bucket_name(size: str) -> str:
    """`1K`, `10M`: a bucket by its upper end."""
    tokens = int(size or 0)
    return f"{tokens // 1_000_000}M" if tokens >= 1_000_000 else f"{tokens // 1_000}K"


def _size(value: str) -> int:
    return int(value or 0)


def _free(flag: str) -> str:
    return "free" if flag == "1" else "paid"


CUTS: Final[dict[Kind, Cut]] = {
    "models": Cut(by="model", word="model"),
    "authors": Cut(by="author", word="author"),
    "apps": Cut(by="app", word="app"),
    "providers": Cut(by="provider", word="provider"),
    "purposes": Cut(by="purpose", word="purpose"),
    "use_cases": Cut(by="use_case", word="use case", estimated=True),
    "context": Cut(by="bucket", word="input up to", named=bucket_name, order=_size),
    "natural_languages": Cut(by="natural_language", word="language", estimated=True),
    "programming_languages": Cut(by="programming_language", word="language", estimated=True),
    "tool_calls": Cut(by="model", word="model", measure=_tool_calls, unit="tool calls", where=(("calls_tools", "1"),)),
    "images": Cut(by="model", word="model", measure=_images, unit="images", where=(("has_images", "1"),)),
    "reasoning": Cut(by="model", word="model", measure=_reasoning, unit="reasoning", where=(("reasons", "1"),)),
    "free": Cut(by="free", word="price", named=_free),
}
"""All but `sessions`, which are no sums of rows."""
