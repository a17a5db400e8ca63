"""The ledger's sums in Prometheus' text format. Pure: sums in, text out; the state between two readings is the caller's value.

A counter may only grow: Prometheus takes a smaller one for a restart and counts all of it again. So these begin at 0 with the
process, a label that has a line of its own keeps it, and where a correction takes something back a counter waits until the sum
has passed it again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tallystick_agent.usage.exports.columns import usd_text
from tallystick_agent.usage.sums import AppEntry, Dimension, Query, Sum

BY: Final[tuple[Dimension, ...]] = ("door", "app", "model", "provider", "purpose")
MOST: Final[Mapping[Dimension, int]] = {"door": 10, "app": 50, "model": 100, "provider": 50, "purpose": 30}
"""Values of a label that have lines of their own; what comes later is `other`."""
SERIES: Final = 1_000
"""Combinations of labels in all; one more is `other` in every label."""
LONGEST: Final = 120
"""Characters of a label: some are strangers' words."""
OTHER: Final = "other"

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counter:
    name: str
    meaning: str
    amount: Callable[[Sum], int]
    text: Callable[[int], str] = str


COUNTERS: Final = (
    Counter("tallystick_requests_total", "Requests, every attempt of them.", lambda one: one.requests),
    Counter("tallystick_requests_failed_total", "Requests that failed.", lambda one: one.failed),
    Counter("tallystick_requests_aborted_total", "Requests that their caller stopped.", lambda one: one.aborted),
    Counter("tallystick_requests_estimated_total", "Requests whose tokens the provider did not tell.", lambda one: one.estimated),
    Counter("tallystick_requests_unpriced_total", "Requests whose cost is not known.", lambda one: one.unpriced),
    Counter("tallystick_input_tokens_total", "Input tokens, cached ones included.", lambda one: one.input_tokens),
    Counter("tallystick_cached_tokens_total", "Input tokens that were read from a cache.", lambda one: one.cached_tokens),
    Counter("tallystick_cache_write_tokens_total", "Input tokens written to a cache.", lambda one: one.cache_write_tokens),
    Counter("tallystick_output_tokens_total", "Output tokens, thoughts included.", lambda one: one.output_tokens),
    Counter("tallystick_reasoning_tokens_total", "Output tokens that were thoughts.", lambda one: one.reasoning_tokens),
    Counter("tallystick_tool_calls_total", "Tool calls in answers.", lambda one: one.tool_calls),
    Counter("tallystick_cost_usd_total", "US dollars, of the priced requests.", lambda one: one.cost_nanos, usd_text),
    Counter(
        "tallystick_answered_seconds_total",
        "Seconds that answered requests took.",
        lambda one: one.latency_ms,
        lambda milliseconds: f"{milliseconds / 1000:.3f}",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A figure of this moment, such as the requests that are open."""

    name: str
    meaning: str
    value: int | float


@dataclass(slots=True)
class Reading:
    """What lies between two readings: where the sums began, and what was said of them."""

    began: dict[Labels, tuple[int, ...]] = field(default_factory=dict[Labels, tuple[int, ...]])
    said: dict[Labels, tuple[int, ...]] = field(default_factory=dict[Labels, tuple[int, ...]])
    kept: dict[Dimension, set[str]] = field(default_factory=dict[Dimension, set[str]])
    """Values that have lines of their own, by label."""


def query(first_day: int) -> Query:
    """What to ask the ledger, from the UTC day on which the process began."""
    return Query(by=BY, first_day=first_day)


def begin(sums: Iterable[Sum]) -> Reading:
    """Takes the sums at the start of the process for 0."""
    return Reading(began={one.group: _amounts(one) for one in sums})


def exposition(
    reading: Reading, sums: Sequence[Sum], apps: Sequence[AppEntry] = (), gauges: Sequence[Gauge] = (), *, version: str
) -> str:
    """The text, and in `reading` what the next one has to go by."""
    grown: dict[Labels, list[int]] = {}
    for one in sums:
        now, then = _amounts(one), reading.began.get(one.group)
        more = now if then is None else tuple(here - there for here, there in zip(now, then, strict=True))
        if any(more):
            total = grown.setdefault(_admitted(reading, one.group), [0] * len(more))
            for place, amount in enumerate(more):
                total[place] += amount
    for labels, amounts in grown.items():
        before = reading.said.get(labels, (0,) * len(COUNTERS))
        reading.said[labels] = tuple(map(max, amounts, before))
    return "".join(_lines(reading.said, reading.kept.get("app", set()), apps, gauges, version))


def _amounts(one: Sum) -> tuple[int, ...]:
    return tuple(counter.amount(one) for counter in COUNTERS)


def _admitted(reading: Reading, group: Labels) -> Labels:
    """The labels of a group, bounded: whoever names apps or models does not decide how many lines there are."""
    found: list[str] = []
    for label, value in zip(BY, group, strict=True):
        kept = reading.kept.setdefault(label, set())
        value = value[:LONGEST]
        if value not in kept and len(kept) >= MOST[label]:
            value = OTHER
        elif value not in kept:
            kept.add(value)
        found.append(value)
    labels = tuple(found)
    if labels not in reading.said and len(reading.said) >= SERIES:
        return (OTHER,) * len(BY)
    # The place is taken at once: more may come in this same reading.
    reading.said.setdefault(labels, (0,) * len(COUNTERS))
    return labels


def _lines(
    said: Mapping[Labels, tuple[int, ...]], kept: set[str], apps: Sequence[AppEntry], gauges: Sequence[Gauge], version: str
) -> Iterable[str]:
    for place, counter in enumerate(COUNTERS):
        yield f"# HELP {counter.name} {counter.meaning}\n# TYPE {counter.name} counter\n"
        for labels, amounts in sorted(said.items()):
            shown = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(BY, labels, strict=True))
            yield f"{counter.name}{{{shown}}} {counter.text(amounts[place])}\n"
    for gauge in gauges:
        yield f"# HELP {gauge.name} {gauge.meaning}\n# TYPE {gauge.name} gauge\n{gauge.name} {gauge.value}\n"
    yield "# HELP tallystick_app_info The name for people of an app above.\n# TYPE tallystick_app_info gauge\n"
    for app in apps:
        name = app.app[:LONGEST]
        if name in kept:
            yield f'tallystick_app_info{{app="{_escaped(name)}",title="{_escaped(app.title[:LONGEST])}"}} 1\n'
    yield "# HELP tallystick_build_info The version that runs.\n# TYPE tallystick_build_info gauge\n"
    yield f'tallystick_build_info{{version="{_escaped(version)}"}} 1\n'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", " ")
