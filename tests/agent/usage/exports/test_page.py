"""What docs/exports.md shows is run: its queries by DuckDB on a real file, its settings by the settings."""

import re
import tomllib
from pathlib import Path

import pytest
from tests.support.foreign_library import foreign
from tests.support.ledger_rows import few_rows

from tallystick_agent.settings import Settings
from tallystick_agent.usage.exports.parquet import write_parquet

PAGE = (Path(__file__).resolve().parents[4] / "docs/exports.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("query", blocks("sql"))
def test_queries_answer(query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign("pyarrow")
    duckdb = foreign("duckdb")
    with (tmp_path / "use.parquet").open("wb") as out:
        write_parquet(few_rows(), out)
    monkeypatch.chdir(tmp_path)
    assert duckdb.sql(query).fetchall()


def test_the_first_query_says_what_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign("pyarrow")
    duckdb = foreign("duckdb")
    with (tmp_path / "use.parquet").open("wb") as out:
        write_parquet(few_rows(), out)
    monkeypatch.chdir(tmp_path)
    (model, requests, usd, unpriced), (local, *_, without) = duckdb.sql(blocks("sql")[0]).fetchall()
    nanos = sum(one.row.cost.nanos or 0 for one in few_rows())
    assert (model, requests, int(usd * 10**9), unpriced) == ("x/y", 4, nanos, 0)
    assert (local, without) == ("ollama/qwen", 1)


@pytest.mark.parametrize("text", blocks("toml"))
def test_settings_are_settings(text: str) -> None:
    Settings.model_validate(tomllib.loads(text))
