"""Parquet, read by two programs that are not ours."""

import importlib.util
import io
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.foreign_library import foreign
from tests.support.ledger_rows import Stored, few_rows, plain_row

from tallystick_agent.protocol.errors import ConfigurationError
from tallystick_agent.usage.exports import parquet
from tallystick_agent.usage.exports.columns import COLUMNS, NAMES
from tallystick_agent.usage.exports.parquet import write_parquet


def written(entries: list[Stored]) -> bytes:
    foreign("pyarrow")
    out = io.BytesIO()
    assert write_parquet(entries, out) == len(entries)
    return out.getvalue()


def test_pyarrow_reads_what_was_written() -> None:
    arrow, files = foreign("pyarrow"), foreign("pyarrow.parquet")
    table = files.read_table(io.BytesIO(written(few_rows())))
    assert tuple(table.column_names) == NAMES
    assert table.schema.field("cost_usd").type == arrow.decimal128(38, 9)
    assert table.schema.field("time").type == arrow.timestamp("ms", tz="UTC")
    assert [table.schema.field(one.name).metadata[b"meaning"].decode() for one in COLUMNS] == [one.meaning for one in COLUMNS]
    first, *_, local, correction = table.to_pylist()
    assert first["cost_usd"] == Decimal("0.001234567")
    assert first["time"] == datetime(2025, 11, 25, 12, 0, 1, tzinfo=UTC)
    assert first["app_categories"] == ["ide-extension", "cli-agent"]
    assert dict(first["segments"]) == {one.name: one.tokens for one in few_rows()[0].row.segments}
    assert local["cost_usd"] is None
    assert local["session_id"] is None
    assert (correction["correction"], correction["output_tokens"]) == (True, -5)


@pytest.mark.parametrize("nanos", [0, 1, -1, 10**18, -(10**18), 2**63 - 1, -(2**63)])
def test_money_is_exact(nanos: int) -> None:
    from tallystick_agent.protocol.usage import Cost

    files = foreign("pyarrow.parquet")
    entries = [Stored(id=1, row=plain_row(cost=Cost(provider_nanos=nanos))), Stored(id=2, row=plain_row(cost=Cost()))]
    table = files.read_table(io.BytesIO(written(entries)))
    assert table.column("provider_cost_usd").to_pylist() == [Decimal(nanos).scaleb(-9), None]


def test_many_rows_become_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    files = foreign("pyarrow.parquet")
    monkeypatch.setattr(parquet, "BATCH", 8)
    monkeypatch.setattr(parquet, "GROUP", 16)
    entries = [Stored(id=number, row=plain_row(number)) for number in range(1, 36)]
    read = files.ParquetFile(io.BytesIO(written(entries)))
    assert [read.metadata.row_group(number).num_rows for number in range(read.metadata.num_row_groups)] == [16, 16, 3]
    assert read.read().column("id").to_pylist() == list(range(1, 36))


def test_no_rows_are_a_file_too() -> None:
    files = foreign("pyarrow.parquet")
    assert files.read_table(io.BytesIO(written([]))).num_rows == 0


def test_duckdb_sums_it(tmp_path: Path) -> None:
    duckdb = foreign("duckdb")
    path = tmp_path / "use.parquet"
    path.write_bytes(written(few_rows()))
    (tokens, cost), *_ = duckdb.sql(f"select sum(input_tokens + output_tokens), sum(cost_usd) from '{path}'").fetchall()
    rows = [one.row for one in few_rows()]
    assert tokens == sum(row.usage.total_tokens for row in rows)
    assert cost == Decimal(sum(row.cost.nanos or 0 for row in rows)).scaleb(-9)


def test_without_pyarrow_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(importlib.util, "find_spec", _nothing)
    with pytest.raises(ConfigurationError) as caught:
        write_parquet([], io.BytesIO())
    assert "tallystick[parquet]" in caught.value.remedy


def _nothing(name: str) -> None:
    """No library is installed."""
