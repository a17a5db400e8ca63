"""From measures of single answers to Markdown tables. Owns how they are averaged; pure.

A figure is the mean over repositories of the mean over fixes, so that every repository weighs the same; CPU of a later question
is the median of all of them, and memory the largest. Fixes that a system failed on are in its count of errors and in no
mean.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One system's answer to one fix."""

    repo: str
    commit: str
    system: str
    number: int
    """Of the fix in its repository, from 0; the first question pays for reading the repository."""
    measures: dict[str, float]
    cpu: float
    peak_mb: float
    error: str = ""


def table(rows: Sequence[Row], budgets: Sequence[int]) -> str:
    """A line a system. Cells of several figures have one for each budget."""
    per = " / ".join(f"{budget:,}" for budget in budgets)
    heads = ["system", "fixes", "errors", "r@1", "r@5", "r@10", "MRR", f"definitions shown % at {per}", f"files % at {per}"]
    heads += [f"changed lines % at {per}", f"tokens at {per}", "over budget %", "CPU s first", "CPU s later", "MB"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for system in dict.fromkeys(row.system for row in rows):
        lines.append(f"| {' | '.join(_cells(system, [row for row in rows if row.system == system], budgets))} |")
    return "\n".join(lines)


def _cells(system: str, rows: Sequence[Row], budgets: Sequence[int]) -> list[str]:
    good = [row for row in rows if not row.error]

    def percent(value: float) -> str:
        return f"{100 * value:.1f}"

    def each(name: str, write: Callable[[float], str]) -> str:
        return " / ".join(write(mean(good, f"{name}@{budget}")) for budget in budgets)

    over = [row.measures[f"over@{budget}"] for row in good for budget in budgets]
    return [
        system,
        str(len(rows)),
        str(len(rows) - len(good)),
        *(percent(mean(good, f"r@{k}")) for k in (1, 5, 10)),
        f"{mean(good, 'mrr'):.3f}",
        each("sym", percent),
        each("file", percent),
        each("line", percent),
        each("tok", lambda value: f"{value:,.0f}"),
        percent(average(over)),
        f"{average(row.cpu for row in good if row.number == 0):.2f}",
        f"{statistics.median([row.cpu for row in good if row.number] or [float('nan')]):.2f}",
        f"{max((row.peak_mb for row in good), default=float('nan')):.0f}",
    ]


def mean(rows: Sequence[Row], measure: str) -> float:
    """Over repositories, of the mean over fixes that have this measure."""
    by_repo: dict[str, list[float]] = {}
    for row in rows:
        if measure in row.measures:
            by_repo.setdefault(row.repo, []).append(row.measures[measure])
    return average(average(values) for values in by_repo.values())


def average(values: Iterable[float]) -> float:
    """Not a number where there is none: a system that always failed has no figures."""
    found = list(values)
    return statistics.fmean(found) if found else float("nan")


def failures(rows: Sequence[Row]) -> str:
    """What went wrong, each message once with its count; empty where nothing did."""
    counts: dict[str, int] = {}
    for row in rows:
        if row.error:
            said = f"{row.system}: {row.error}"
            counts[said] = counts.get(said, 0) + 1
    return "\n".join(f"- {count} × {said}" for said, count in counts.items())
