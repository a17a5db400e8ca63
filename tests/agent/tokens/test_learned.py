"""What was learned outlives the process: bounded, mergeable, and harmless when the file is not."""

import json
import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.tokens.calibration import Calibration
from tallystick_agent.tokens.learned import LARGEST, LearnedFactors, merged, parsed, written

CALIBRATIONS = st.builds(
    Calibration,
    factor=st.floats(0.5, 2.0).map(lambda value: round(value, 6)),
    observations=st.integers(1, 10**6),
    spread=st.floats(0, 10).map(lambda value: round(value, 6)),
)
MODELS = st.dictionaries(st.text(max_size=20), CALIBRATIONS, max_size=8)


def test_nothing_is_read_or_written_before_it_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "factors.json"
    learned = LearnedFactors(path)
    assert learned.factor("p/m") == Calibration()
    assert not path.parent.exists()


def test_the_next_process_knows_what_this_one_learned(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "factors.json"
    first = LearnedFactors(path)
    after = first.observe("p/m", estimated=1_000, reported=1_200)
    assert first.factor("p/m") == after == Calibration(factor=1.2, observations=1)
    assert LearnedFactors(path).factor("p/m") == after
    assert LearnedFactors(path).factor("p/other") == Calibration()


def test_small_requests_write_nothing(tmp_path: Path) -> None:
    path = tmp_path / "factors.json"
    assert LearnedFactors(path).observe("p/m", estimated=10, reported=100) == Calibration()
    assert not path.exists()


def test_two_that_read_before_either_wrote_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "factors.json"
    one, two = LearnedFactors(path), LearnedFactors(path)
    assert one.factor("a") == two.factor("a")
    one.observe("a", estimated=1_000, reported=1_100)
    two.observe("b", estimated=1_000, reported=900)
    two.observe("a", estimated=1_000, reported=1_100)
    assert LearnedFactors(path).factor("a").observations == 2
    assert LearnedFactors(path).factor("b").factor == pytest.approx(0.9)


def observe_often(path: Path, slug: str, times: int) -> None:
    learned = LearnedFactors(path)
    for _ in range(times):
        learned.observe(slug, estimated=1_000, reported=1_000)


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "factors.json"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=observe_often, args=(path, slug, 15)) for slug in ("a", "b")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert {slug: one.observations for slug, one in parsed(path.read_bytes()).items()} == {"a": 15, "b": 15}
    assert {entry.name for entry in tmp_path.iterdir()} <= {"factors.json", "factors.json.lock"}


GOOD = {"factor": 1.1, "observations": 2, "spread": 0.1}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\x00\xff\xfe",
        b"[]",
        b'{"version":2,"models":{}}',
        b'{"models":{}}',
        json.dumps({"version": 1, "models": {"a": {**GOOD, "factor": 9}}}).encode(),
        json.dumps({"version": 1, "models": {"a": {**GOOD, "factor": "1"}}}).encode(),
        b'{"version":1,"models":{"a":{"factor":NaN,"observations":1,"spread":0}}}',
        json.dumps({"version": 1, "models": {"a": {**GOOD, "more": 1}}}).encode(),
        b"[" * 100_000,
        b" " * (LARGEST + 1),
    ],
    ids=["empty", "torn", "bytes", "list", "other version", "no version", "bounds", "string", "nan", "foreign", "deep", "large"],
)
def test_a_file_that_is_not_ours_counts_as_empty(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "factors.json"
    path.write_bytes(data)
    learned = LearnedFactors(path)
    assert learned.factor("a") == Calibration()
    learned.observe("a", estimated=1_000, reported=1_200)
    assert LearnedFactors(path).factor("a").factor == pytest.approx(1.2)


def test_where_the_disk_refuses_it_is_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    learned = LearnedFactors(tmp_path / "file" / "factors.json")
    assert learned.observe("a", estimated=1_000, reported=1_200).factor == pytest.approx(1.2)
    assert learned.factor("a").factor == pytest.approx(1.2)


def test_a_failed_replacement_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "factors.json"
    learned = LearnedFactors(path)
    learned.observe("a", estimated=1_000, reported=1_200)
    before = path.read_bytes()

    def refuse(source: str, target: Path) -> None:
        raise PermissionError(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    assert learned.observe("b", estimated=1_000, reported=800).factor == pytest.approx(0.8)
    assert path.read_bytes() == before
    assert {entry.name for entry in tmp_path.iterdir()} <= {"factors.json", "factors.json.lock"}


def test_the_model_used_longest_ago_is_dropped(tmp_path: Path) -> None:
    models: dict[str, Calibration] = {}
    for slug in ["a", "b", "c", "a", "d"]:
        models = merged(models, slug, 1.0, most=3)
    assert list(models) == ["c", "a", "d"]
    assert models["a"].observations == 2


@given(MODELS)
def test_a_file_gives_back_what_was_written(models: dict[str, Calibration]) -> None:
    back = parsed(written(models))
    assert back == models
    assert list(back) == list(models)


@given(MODELS, st.text(max_size=20), st.floats(0.01, 100), st.integers(1, 10))
def test_merging_adds_one_observation_and_touches_no_other(
    models: dict[str, Calibration], slug: str, ratio: float, most: int
) -> None:
    after = merged(models, slug, ratio, most=most)
    assert list(after)[-1] == slug
    assert len(after) == min(most, len({*models, slug}))
    assert after[slug] == models.get(slug, Calibration()).learn(ratio)
    assert all(after[name] == models[name] for name in after if name != slug)
