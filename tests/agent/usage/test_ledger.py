"""The database of every request: what is added is there, sums are the sums of the rows, and a bad file is a clear error."""

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.usage.conftest import Place

from tallystick_agent.protocol.attribution import Attribution
from tallystick_agent.protocol.errors import StorageError
from tallystick_agent.protocol.usage import Cost, Segment, Usage
from tallystick_agent.usage.composition import scale
from tallystick_agent.usage.ledger import Ledger
from tallystick_agent.usage.record import LedgerRow
from tallystick_agent.usage.reports import GroupBy, SegmentTotal

MIDDAY = 1_800_000_000_000
_numbers = count()


def row(
    usage: Usage,
    *,
    cost: Cost | None = None,
    session: str = "s-1",
    app: str = "cli",
    endpoint: str = "openrouter/x/y",
    time_ms: int = MIDDAY,
    finish: str = "stop",
    error: str = "",
    request: str = "",
) -> LedgerRow:
    """A row of a request of its own, where none is named."""
    inputs = (Segment(name="system", tokens=30), Segment(name="prompt", tokens=70))
    outputs = (Segment(name="output:text", tokens=1),)
    return LedgerRow(
        time_ms=time_ms,
        attribution=Attribution(
            door=app,
            app=f"{app}.example",
            client="vim",
            user="ana",
            workspace="/w",
            title="Tallystick",
            categories=("cli-agent",),
        ),
        session_id=session,
        turn_id="t-1",
        request_id=request or f"r-{next(_numbers)}",
        attempt=1,
        step=1,
        purpose="chat",
        model_asked=endpoint,
        endpoint=endpoint,
        provider=endpoint.partition("/")[0],
        author="x",
        generation_id="gen-1",
        usage=usage,
        cost=cost or Cost(priced_nanos=usage.total_tokens * 3),
        segments=(*scale(inputs, usage.input_tokens), *scale(outputs, usage.output_tokens)),
        finish=finish,
        error_code=error,
        latency_ms=12,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ledger.sqlite3"


def test_a_row_is_there_for_the_next_who_opens_the_ledger(place: Place) -> None:
    ledger = place.ledger()
    ledger.append(row(Usage(input_tokens=100, cached_tokens=40, output_tokens=20, reasoning_tokens=5)))
    ledger.close()

    (total,) = place.ledger().totals("door")
    assert (total.name, total.requests, total.failed, total.unpriced, total.estimated) == ("cli", 1, 0, 0, 0)
    assert (total.input_tokens, total.cached_tokens, total.output_tokens, total.reasoning_tokens) == (100, 40, 20, 5)
    assert total.cost_nanos == 360


def test_an_empty_ledger_has_no_totals(ledger: Ledger) -> None:
    assert ledger.totals("door") == []
    assert ledger.by_segment() == []
    assert ledger.unbalanced() == 0


USAGES = st.builds(
    Usage,
    input_tokens=st.integers(0, 10**6),
    output_tokens=st.integers(0, 10**5),
    source=st.sampled_from(["reported", "estimated"]),
)
ROWS = st.lists(
    st.builds(
        row,
        USAGES,
        cost=st.builds(Cost, provider_nanos=st.none() | st.integers(0, 10**12), priced_nanos=st.none() | st.integers(0, 10**12)),
        session=st.sampled_from(["s-1", "s-2"]),
        app=st.sampled_from(["cli", "lsp"]),
        endpoint=st.sampled_from(["openrouter/x/y", "local/z"]),
        error=st.sampled_from(["", "provider_timeout"]),
    ),
    max_size=8,
)


@settings(max_examples=20, deadline=None)
@given(rows=ROWS)
def test_totals_are_the_sums_of_the_rows_however_they_are_grouped(places: Callable[[], Place], rows: list[LedgerRow]) -> None:
    ledger = places().ledger()
    for one in rows:
        ledger.append(one)
    groups: tuple[GroupBy, ...] = (
        "app", "door", "key", "model", "purpose", "session", "provider", "workspace", "day", "client",
    )  # fmt: skip
    for by in groups:
        totals = ledger.totals(by)
        assert sum(total.requests for total in totals) == len(rows)
        assert sum(total.failed for total in totals) == sum(one.error_code != "" for one in rows)
        assert sum(total.input_tokens for total in totals) == sum(one.usage.input_tokens for one in rows)
        assert sum(total.output_tokens for total in totals) == sum(one.usage.output_tokens for one in rows)
        assert sum(total.cost_nanos for total in totals) == sum(one.cost.nanos or 0 for one in rows)
        assert sum(total.unpriced for total in totals) == sum(one.cost.nanos is None for one in rows)
        assert sum(total.estimated for total in totals) == sum(one.usage.source == "estimated" for one in rows)
    assert sum(segment.tokens for segment in ledger.by_segment()) == sum(one.usage.total_tokens for one in rows)
    assert ledger.unbalanced() == 0
    ledger.close()


def test_groups_come_with_the_most_tokens_first_and_can_be_narrowed(ledger: Ledger) -> None:
    ledger.append(row(Usage(input_tokens=10), app="cli", session="s-1", time_ms=MIDDAY))
    ledger.append(row(Usage(input_tokens=90), app="lsp", session="s-2", time_ms=MIDDAY + 1_000))
    assert [total.name for total in ledger.totals("door")] == ["lsp", "cli"]
    assert [total.name for total in ledger.totals("door", session_id="s-1")] == ["cli"]
    assert [total.name for total in ledger.totals("door", since_ms=MIDDAY + 1)] == ["lsp"]
    assert ledger.by_segment(session_id="s-1") == [SegmentTotal(name="prompt", tokens=7), SegmentTotal(name="system", tokens=3)]


def test_a_row_whose_segments_do_not_sum_up_is_found(place: Place) -> None:
    ledger = place.ledger()
    ledger.append(row(Usage(input_tokens=10)))
    place.execute("UPDATE requests SET segments = replace(segments, '\"prompt\":7', '\"prompt\":8')")
    assert ledger.unbalanced() == 1


def test_a_row_that_cannot_be_added_leaves_nothing_behind(ledger: Ledger) -> None:
    good = row(Usage(input_tokens=10))
    twice = Segment(name="prompt", tokens=5)
    with pytest.raises(StorageError):
        ledger.append(replace(good, segments=(twice, twice)))
    assert ledger.totals("door") == []
    ledger.append(good)
    assert [total.requests for total in ledger.totals("door")] == [1]


def test_the_difference_between_invoice_and_price_is_kept(place: Place) -> None:
    ledger = place.ledger()
    ledger.append(row(Usage(input_tokens=10), cost=Cost(provider_nanos=31, priced_nanos=30)))
    ledger.append(row(Usage(input_tokens=10), cost=Cost(provider_nanos=31)))
    rows = place.execute("SELECT drift_nanos, categories FROM requests ORDER BY id")
    assert [drift for drift, _ in rows] == [1, None]
    assert json.loads(rows[0][1]) == ["cli-agent"]


FILES = 120


def add_to_each(folder: Path, name: str, together: Barrier, problems: "Queue[str]") -> None:
    """The life of one process: with the others it makes each file, and adds two rows."""
    for number in range(FILES):
        together.wait()
        ledger = Ledger(folder / f"{number}.sqlite3")
        try:
            for turn in range(2):
                ledger.append(row(Usage(input_tokens=3, output_tokens=1), session=name, request=f"{name}-{turn}"))
        except StorageError as error:
            problems.put(f"{name}, file {number}: {error.message}")
        ledger.close()


def test_processes_that_make_the_file_and_add_to_it_at_once_lose_nothing(tmp_path: Path) -> None:
    spawn = get_context("spawn")
    together, problems = spawn.Barrier(4), spawn.Queue()
    names = [f"s-{number}" for number in range(4)]
    children = [spawn.Process(target=add_to_each, args=(tmp_path, name, together, problems)) for name in names]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0, 0, 0, 0]
    assert problems.empty(), problems.get()
    for number in range(FILES):
        ledger = Ledger(tmp_path / f"{number}.sqlite3")
        assert {total.name: total.requests for total in ledger.totals("session")} == dict.fromkeys(names, 2)
        assert ledger.unbalanced() == 0
        ledger.close()


def test_threads_of_one_process_share_a_ledger(ledger: Ledger) -> None:
    def add() -> None:
        for _ in range(10):
            ledger.append(row(Usage(input_tokens=1)))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [total.requests for total in ledger.totals("door")] == [40]


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StorageError) as refused:
        Ledger(path).append(row(Usage(input_tokens=1)))
    assert "newer version" in refused.value.message
    assert "Upgrade" in refused.value.remedy
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"this is not a database, but a text of some length. " * 40, b"SQLite format 3\0" + b"\xff" * 4_000]
)
def test_a_file_that_is_no_database_is_a_storage_error_and_stays(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(StorageError) as refused:
        Ledger(path).append(row(Usage(input_tokens=1)))
    assert str(path) in refused.value.message
    assert refused.value.remedy
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Ledger(tmp_path / "file" / "ledger.sqlite3").append(row(Usage(input_tokens=1)))
    (tmp_path / "ledger.sqlite3").mkdir()
    with pytest.raises(StorageError):
        Ledger(tmp_path / "ledger.sqlite3").totals("door")
