"""CSV and JSON Lines: exact, unknown is not 0, nothing is a formula, and reading gives back what was written."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.ledger_rows import Stored, few_rows, plain_row

from tallystick_agent.protocol.usage import Cost
from tallystick_agent.usage.exports.columns import COLUMNS, NAMES, cells, time_text, usd_text
from tallystick_agent.usage.exports.text import guarded, write_csv, write_jsonl


def as_csv(entries: list[Stored]) -> list[dict[str, str]]:
    out = io.BytesIO()
    assert write_csv(entries, out) == len(entries)
    return list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8"), newline="")))


def as_jsonl(entries: list[Stored]) -> list[dict[str, Any]]:
    out = io.BytesIO()
    assert write_jsonl(entries, out) == len(entries)
    return [json.loads(line) for line in out.getvalue().decode("utf-8").splitlines()]


def test_a_row_has_a_value_for_every_column() -> None:
    assert len(cells(few_rows()[0])) == len(COLUMNS)
    assert len(set(NAMES)) == len(NAMES)


def test_the_names_are_what_others_build_on() -> None:
    """A change of this list breaks who reads the files: only ever add at its end."""
    assert NAMES == (
        "id", "time", "correction", "door", "app", "app_title", "app_url", "app_categories", "key", "client", "user",
        "workspace", "session_id", "turn_id", "request_id", "attempt", "step", "opens_turn", "task", "purpose", "use_case",
        "natural_language", "programming_language", "model_asked", "model", "endpoint", "provider", "served_by", "author",
        "generation_id", "input_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens",
        "reasoning_tokens", "usage_source", "cost_usd", "provider_cost_usd", "priced_cost_usd", "drift_usd", "tools",
        "tool_calls", "images", "context_bucket", "latency_ms", "first_token_ms", "finish", "error_code", "segments",
    )  # fmt: skip


def test_csv_says_what_the_row_says() -> None:
    first = as_csv(few_rows())[0]
    assert first["time"] == "2025-11-25T12:00:01.000Z"
    assert (first["app"], first["app_categories"], first["model"]) == ("cline.bot", '["ide-extension","cli-agent"]', "x/y")
    assert (first["cost_usd"], first["priced_cost_usd"], first["drift_usd"]) == ("0.001234567", "0.0012", "0.000034567")
    assert (first["correction"], first["opens_turn"], first["context_bucket"]) == ("false", "true", "1000")
    assert json.loads(first["segments"]) == {"system": 300, "file:src/a.py": 700, "output:reasoning": 30, "output:text": 170}


def test_unknown_is_empty_and_null_and_never_0() -> None:
    local, in_json = as_csv(few_rows())[4], as_jsonl(few_rows())[4]
    for name in ("cost_usd", "provider_cost_usd", "priced_cost_usd", "drift_usd", "session_id", "generation_id"):
        assert local[name] == "", name
        assert in_json[name] is None, name
    assert as_jsonl(few_rows())[1]["cost_usd"] == "0"
    assert as_jsonl(few_rows())[1]["first_token_ms"] is None


def test_corrections_are_rows_with_a_flag_and_sums_with_them_are_right() -> None:
    rows = as_jsonl(few_rows())
    assert [row["correction"] for row in rows] == [False] * 5 + [True]
    assert rows[5]["cost_usd"] == "0.000077001"
    entries = [one.row for one in few_rows()]
    assert sum(Decimal(row["cost_usd"] or 0) for row in rows) * 10**9 == sum(one.cost.nanos or 0 for one in entries)
    assert sum(row["output_tokens"] for row in rows) == sum(one.usage.output_tokens for one in entries)
    for row in rows:
        assert sum(row["segments"].values()) == row["input_tokens"] + row["output_tokens"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
def test_no_text_is_a_formula(text: str) -> None:
    row = plain_row()
    written = as_csv([Stored(id=1, row=replace(row, attribution=replace(row.attribution, title=text)))])[0]
    assert written["app_title"] == f"'{text}"
    assert as_jsonl([Stored(id=1, row=replace(row, model_asked=text))])[0]["model_asked"] == text


def test_a_negative_amount_is_a_number() -> None:
    row = replace(plain_row(), cost=Cost(provider_nanos=-5, priced_nanos=10))
    (written,) = as_csv([Stored(id=1, row=row)])
    assert (written["cost_usd"], written["drift_usd"]) == ("-0.000000005", "-0.000000015")


@given(text=st.text(alphabet=st.characters(exclude_characters="\x00", codec="utf-8")))
def test_any_text_comes_back(text: str) -> None:
    row = plain_row()
    entry = Stored(id=1, row=replace(row, attribution=replace(row.attribution, title=text, user=text), error_code=text))
    (in_csv,), (in_json,) = as_csv([entry]), as_jsonl([entry])
    assert in_csv["error_code"] == guarded(text)
    assert in_csv["app_title"] == guarded(text)
    assert in_json["error_code"] == (text or None)


@given(nanos=st.integers(min_value=-(10**20), max_value=10**20))
def test_money_is_exact(nanos: int) -> None:
    assert Decimal(usd_text(nanos)) * 10**9 == nanos
    assert usd_text(nanos) != "-0"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1_764_072_000_001, "2025-11-25T12:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z")],
)
def test_times(milliseconds: int, text: str) -> None:
    assert time_text(milliseconds) == text


def test_rows_are_written_while_they_come() -> None:
    """Of a hundred times as many rows, no more is ever held."""

    class Watched(io.RawIOBase):
        largest = 0

        def write(self, data: Any) -> int:
            self.largest = max(self.largest, len(data))
            return len(data)

    def many() -> Iterator[Stored]:
        row = plain_row()
        for number in range(20_000):
            yield Stored(id=number, row=row)

    for write in (write_csv, write_jsonl):
        out = Watched()
        assert write(many(), out) == 20_000  # type: ignore[arg-type]  # It is asked to write and nothing else.
        assert out.largest < 1_500_000
