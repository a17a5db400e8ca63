"""Rankings as JSON, over real ledgers."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.made_ledger import CLINE, LOCAL, LUNA, OURS, SONNET, at, booked, session, weeks

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.usage.ledger import Ledger
from tallystick_server.rankings_query import KINDS, read_rankings, read_series, read_window
from tallystick_server.rankings_view import rankings, series, summary

NOW = at("2026-11-25")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite3")


def asked(ledger: Ledger, kind: str, **given: str) -> dict[str, Any]:
    return rankings(ledger, read_rankings(kind, given, today=NOW.date()), now=NOW)


def told(found: dict[str, Any], *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in fields) for row in found["data"]]


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_ledger_has_empty_rankings(ledger: Ledger, kind: str) -> None:
    found = asked(ledger, kind)
    assert found["data"] == []
    assert (found["meta"]["first_day"], found["meta"]["last_day"]) == ("2026-11-19", "2026-11-25")
    assert found["meta"]["as_of"] == "2026-11-25T12:00:00+00:00"


def test_models_with_money_known_unknown_and_in_part(ledger: Ledger) -> None:
    use = Usage(input_tokens=900, cached_tokens=450, output_tokens=100, reasoning_tokens=25)
    ledger.append(booked(use, when=NOW, endpoint=SONNET, cost=Cost(priced_nanos=2_000_000_001)))
    ledger.append(booked(use, when=NOW, endpoint=SONNET, cost=Cost()))
    ledger.append(booked(use, when=NOW, endpoint=LOCAL, cost=Cost()))
    ledger.append(booked(use, when=NOW, endpoint=LUNA, cost=Cost(provider_nanos=0)))
    found = asked(ledger, "models")
    assert told(found, "rank", "name", "tokens", "requests", "cost_usd", "unpriced", "share") == [
        (1, "anthropic/claude-sonnet-5.5", "2000", "2", "2.000000001", "1", "0.5000"),
        (2, "local/qwen2.5-coder-1.5b", "1000", "1", None, "1", "0.2500"),
        (3, "openai/gpt-5.6-luna", "1000", "1", "0", "0", "0.2500"),
    ]
    first = found["data"][0]
    assert (first["cached_share"], first["reasoning_share"], first["reasoning_tokens"]) == ("0.5000", "0.2500", "50")
    total = found["meta"]["total"]
    assert (total["tokens"], total["requests"], total["unpriced"], total["cost_usd"]) == ("4000", "4", "2", "2.000000001")


def test_a_correction_counts_no_request_and_makes_the_figures_true(ledger: Ledger) -> None:
    row = booked(Usage(input_tokens=100, output_tokens=10, source="estimated"), when=NOW)
    more = replace(
        row, usage=Usage(input_tokens=20, output_tokens=-4), cost=Cost(provider_nanos=7_000), segments=(), finish="reconciled"
    )
    ledger.append(row)
    assert told(asked(ledger, "models"), "tokens", "requests", "estimated", "cost_usd") == [("110", "1", "1", None)]
    ledger.append(replace(more, segments=(Segment(name="correction", tokens=16),)))
    assert told(asked(ledger, "models"), "tokens", "requests", "estimated", "cost_usd") == [("126", "1", "0", "0.000007")]


def test_apps_by_volume_and_by_growth(ledger: Ledger) -> None:
    ledger.append_many(list(weeks(NOW)))
    popular = asked(ledger, "apps")
    assert told(popular, "rank", "title", "new") == [(1, "Tallystick", True), (2, "Cline", False), (3, "SillyTavern", False)]
    growth = {row["title"]: int(row["growth_tokens"]) for row in popular["data"]}
    assert growth["Tallystick"] == int(popular["data"][0]["tokens"])
    assert growth["Cline"] > 0 > growth["SillyTavern"]
    trending = asked(ledger, "apps", sort="trending")
    assert told(trending, "rank", "title") == [(1, "Tallystick"), (2, "Cline")]
    assert told(asked(ledger, "apps", sort="trending", offset="1", limit="1"), "rank", "title") == [(2, "Cline")]
    assert told(asked(ledger, "apps", category="entertainment"), "rank", "title") == [(1, "SillyTavern")]
    assert told(asked(ledger, "apps", category="ide-extension", model="openai/gpt-5.6-luna"), "title") == [("Cline",)]


def test_an_app_can_be_named_by_its_title(ledger: Ledger) -> None:
    ledger.append_many(list(weeks(NOW)))
    by_title, by_address = asked(ledger, "models", app="cline"), asked(ledger, "models", app="cline.bot")
    assert by_title == by_address
    assert by_title["meta"]["where"] == {"app": "cline.bot"}
    assert told(by_title, "name") == [("openai/gpt-5.6-luna",)]
    assert asked(ledger, "models", app="nobody")["data"] == []


def test_other_cuts(ledger: Ledger) -> None:
    ledger.append_many(list(weeks(NOW)))
    assert told(asked(ledger, "authors"), "name") == [("anthropic",), ("openai",), ("qwen",)]
    assert told(asked(ledger, "use_cases"), "name") == [("programming",), ("roleplay",)]
    assert told(asked(ledger, "natural_languages"), "name") == [("english",), ("german",)]
    assert told(asked(ledger, "programming_languages"), "name") == [("python",), ("typescript",), ("",)]
    assert told(asked(ledger, "context"), "name") == [("10K",), ("100K",)]
    assert told(asked(ledger, "free"), "name") == [("paid",), ("free",)]
    assert told(asked(ledger, "tool_calls"), "name", "tool_calls") == [
        ("anthropic/claude-sonnet-5.5", "70"),
        ("openai/gpt-5.6-luna", "56"),
    ]
    assert told(asked(ledger, "images"), "name", "images") == [("qwen/qwen3-coder:free", "3")]
    reasoning = asked(ledger, "reasoning")
    assert told(reasoning, "name", "share") == [("anthropic/claude-sonnet-5.5", "0.6250"), ("openai/gpt-5.6-luna", "0.3750")]
    assert asked(ledger, "use_cases")["meta"]["estimated"] is True


def test_sessions_by_turns(ledger: Ledger) -> None:
    ledger.append_many([row for number, turns in enumerate((1, 3, 5, 12)) for row in session(NOW, f"s-{number}", turns=turns)])
    ledger.append_many(list(session(NOW, "unknown", turns=2, priced=False)))
    found = asked(ledger, "sessions")
    mine = [row for row in found["data"] if "claude" in row["model"]]
    assert [(row["turns"], row["sessions"], row["unpriced"]) for row in mine] == [
        ("1", "1", "0"),
        ("2–9", "2", "0"),
        ("10–49", "1", "0"),
    ]
    assert all(row["app"] == OURS.app for row in found["data"])
    assert mine[0]["least_usd"] == mine[0]["median_usd"] == mine[0]["most_usd"]
    (local,) = [row for row in found["data"] if "claude" not in row["model"]]
    assert (local["median_usd"], local["unpriced"], local["turns"]) == (None, "1", "2–9")
    assert asked(ledger, "sessions", app="nobody")["data"] == []
    with pytest.raises(ConfigurationError):
        asked(ledger, "sessions", key="x")


def test_bars_sum_to_the_totals(ledger: Ledger) -> None:
    ledger.append_many(list(weeks(NOW)))
    found = series(ledger, read_series({"by": "app", "count": "3"}, today=NOW.date()), now=NOW)
    assert [(bar["start"], bar["end"], bar["whole"]) for bar in found["data"]] == [
        ("2026-11-09", "2026-11-15", True),
        ("2026-11-16", "2026-11-22", True),
        ("2026-11-23", "2026-11-25", False),
    ]
    for bar in found["data"]:
        assert sum(int(one["tokens"]) for one in bar["values"]) == int(bar["tokens"])
        assert [one["name"] for one in bar["values"]] == [one["name"] for one in found["data"][0]["values"]]
    ours = summary(ledger, read_window({"days": "17"}, today=NOW.date()), now=NOW)
    assert sum(int(bar["tokens"]) for bar in found["data"]) == int(ours["meta"]["total"]["tokens"])


def test_a_summary_has_every_day_and_the_parts(ledger: Ledger) -> None:
    ledger.append_many(list(weeks(NOW - timedelta(days=2))))
    found = summary(ledger, read_window({"period": "week"}, today=NOW.date()), now=NOW)
    assert [row["date"] for row in found["data"]][-2:] == ["2026-11-24", "2026-11-25"]
    assert [row["tokens"] for row in found["data"]][-2:] == ["0", "0"]
    total = found["meta"]["total"]
    assert sum(int(row["tokens"]) for row in found["data"]) == int(total["tokens"]) > 0
    assert sum(int(one["tokens"]) for one in found["meta"]["segments"]) == int(total["tokens"])
    cline = summary(ledger, read_window({"app": CLINE.app, "model": "openai/gpt-5.6-luna"}, today=NOW.date()), now=NOW)
    assert cline["meta"]["segments"] is None
