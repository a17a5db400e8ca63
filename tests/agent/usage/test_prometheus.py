"""The text for Prometheus, read by its own parser: true sums, counters that only grow, and bounded labels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.foreign_library import foreign
from tests.support.ledger_rows import MIDDAY, correction_of, few_rows, plain_row

from tallystick_agent.usage import prometheus
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.prometheus import Gauge, begin, exposition, query
from tallystick_agent.usage.sums import AppEntry, Sum

GROUP = ("gateway", "cline.bot", "x/y", "openrouter", "chat")
DAY = MIDDAY // 86_400_000


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    parser = foreign("prometheus_client.parser")
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, "one line a series"
            found[key] = sample.value
    return found


def total(text: str, name: str, **labels: str) -> float:
    return sum(value for (found, has), value in read(text).items() if found == name and labels.items() <= dict(has).items())


def shown(sums: Sequence[Sum], reading: prometheus.Reading | None = None, **more: Any) -> str:
    return exposition(reading or begin([]), sums, version="0.1.0", **more)


def test_sums_of_a_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    ledger.append_many([one.row for one in few_rows()])
    rows = [one.row for one in few_rows()]
    text = shown(ledger.sums(query(DAY)), apps=ledger.apps(), gauges=[Gauge(name="tallystick_open", meaning="Open.", value=3)])
    assert total(text, "tallystick_requests_total") == 5
    assert total(text, "tallystick_requests_failed_total") == 2
    assert total(text, "tallystick_requests_aborted_total") == 1
    assert total(text, "tallystick_requests_estimated_total") == 0, "the correction took it back"
    assert total(text, "tallystick_requests_unpriced_total", door="cli") == 1
    assert total(text, "tallystick_input_tokens_total") == sum(row.usage.input_tokens for row in rows)
    assert total(text, "tallystick_output_tokens_total") == sum(row.usage.output_tokens for row in rows)
    nanos = sum(row.cost.nanos or 0 for row in rows)
    assert round(total(text, "tallystick_cost_usd_total") * 10**9) == nanos
    assert total(text, "tallystick_open") == 3
    assert total(text, "tallystick_app_info", app="cline.bot", title="Cline") == 1
    assert total(text, "tallystick_build_info", version="0.1.0") == 1
    assert total(text, "tallystick_requests_total", provider="ollama", purpose="completion", model="ollama/qwen") == 1


def test_a_process_begins_at_0(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    ledger.append_many([plain_row(number) for number in range(1, 11)])
    reading = begin(ledger.sums(query(DAY)))
    assert total(shown(ledger.sums(query(DAY)), reading), "tallystick_requests_total") == 0
    ledger.append(plain_row(11))
    assert total(shown(ledger.sums(query(DAY)), reading), "tallystick_requests_total") == 1


def test_a_counter_never_falls(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    reading, costs = begin([]), list[float]()
    steps = [plain_row(1), correction_of(plain_row(1), tokens=-100, nanos=-1_000_000), plain_row(2)]
    for row in steps:
        ledger.append(row)
        costs.append(total(shown(ledger.sums(query(DAY)), reading), "tallystick_cost_usd_total"))
    assert costs == sorted(costs)
    assert round(costs[-1] * 10**9) == sum(row.cost.nanos or 0 for row in steps)


def test_a_label_keeps_its_line_when_others_overtake_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "MOST", {**prometheus.MOST, "app": 2})
    reading = begin([])

    def one(app: str, requests: int) -> Sum:
        return Sum(group=("gateway", app, *GROUP[2:]), requests=requests)

    shown([one("a", 5), one("b", 3)], reading)
    text = shown([one("c", 900), one("d", 800), one("a", 6), one("b", 3)], reading)
    assert [total(text, "tallystick_requests_total", app=app) for app in ("a", "b", "other")] == [6, 3, 1_700]
    assert total(text, "tallystick_requests_total", app="c") == 0


def test_combinations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "SERIES", 20)
    sums = [Sum(group=("gateway", f"app-{number % 10}", f"m/{number}", "openrouter", "chat"), requests=1) for number in range(90)]
    text = shown(sums)
    lines = [line for line in text.splitlines() if line.startswith("tallystick_requests_total")]
    assert len(lines) == 21
    assert total(text, "tallystick_requests_total") == 90
    assert total(text, "tallystick_requests_total", app="other", model="other", door="other") == 70


@pytest.mark.parametrize("app", ['a"b', "a\\b", "a\nb", "ünïcode 🎉", "", "{}", "a" * 5_000])
def test_any_name_is_a_label(app: str) -> None:
    text = shown(
        [Sum(group=("gateway", app, *GROUP[2:]), requests=1)],
        apps=[AppEntry(app=app, title=app, url="", categories=(), first_ms=0, last_ms=0)],
    )
    ((_, labels),) = [key for key in read(text) if key[0] == "tallystick_requests_total"]
    assert dict(labels)["app"] == app[: prometheus.LONGEST]


def test_nothing_is_a_text_too() -> None:
    assert total(shown([]), "tallystick_build_info") == 1
    assert shown([replace(Sum(group=GROUP), requests=0)]).count("tallystick_requests_total{") == 0
