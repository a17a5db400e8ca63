"""What past commits say about files, from their messages and paths alone."""

import math

import pytest

from tallystick_agent.context.code.history import (
    MOST_FILES,
    Commit,
    from_json,
    history,
    past_signals,
    read_commit,
    to_json,
)
from tallystick_agent.context.code.words import term_hash


def signals_of(*commits: Commit, asked: str = "currency") -> dict[str, tuple[float, float, float]]:
    files = sorted({path for commit in commits for path in commit.files})
    numbers = {path: number for number, path in enumerate(files)}
    found = past_signals(history(commits), {term_hash(asked): 1.0}, numbers, len(files))
    return {
        path: (float(found.similar[number]), float(found.churn[number]), float(found.recent[number]))
        for path, number in numbers.items()
    }


def test_a_commit_is_its_words_and_files() -> None:
    commit = read_commit("Convert the currency", ["a.py", "b.py"])
    assert commit.files == ("a.py", "b.py")
    assert {term_hash("convert"), term_hash("currency")} <= set(commit.terms)
    assert term_hash("the") not in commit.terms
    assert list(commit.terms) == sorted(set(commit.terms))


@pytest.mark.parametrize(("files", "kept"), [(0, 0), (MOST_FILES, MOST_FILES), (MOST_FILES + 1, 0), (5_000, 0)])
def test_a_huge_commit_says_nothing_about_its_files(files: int, kept: int) -> None:
    assert len(read_commit("Move all", [f"{n}.py" for n in range(files)]).files) == kept


def test_a_long_message_is_read_in_part() -> None:
    assert term_hash("late") not in read_commit(f"{'early ' * 2_000} late", []).terms


@pytest.mark.parametrize("commit", [Commit(terms=(), files=()), Commit(terms=(1, 2**32 - 1), files=("ä.py", "caf\udce9"))])
def test_a_row_comes_back(commit: Commit) -> None:
    assert from_json(to_json(commit)) == commit
    assert to_json(commit).isascii()


@pytest.mark.parametrize(
    "row",
    [
        "",
        "12",
        "[]",
        "null",
        "{}",
        '[["x"],[]]',
        "[[1e999],[]]",
        "[[-1],[]]",
        "[[4294967296],[]]",
        "[[1],[2],[3]]",
        "[" * 100_000,
    ],
)
def test_what_is_no_row_is_no_commit(row: str) -> None:
    assert from_json(row) is None


def test_without_commits_nothing_is_said() -> None:
    found = past_signals(history(()), {1: 1.0}, {"a.py": 0}, 1)
    assert [found.similar.tolist(), found.churn.tolist(), found.recent.tolist()] == [[0.0], [0.0], [0.0]]


def test_files_of_commits_with_like_words_are_similar() -> None:
    found = signals_of(
        read_commit("Round the currency", ["money.py"]),
        read_commit("Greet by name", ["mail.py"]),
        read_commit("Say hello", ["mail.py"]),
    )
    assert found["money.py"][0] > 0 == found["mail.py"][0]


def test_a_commit_of_many_files_says_less_about_each() -> None:
    found = signals_of(
        read_commit("Round the currency", ["one.py"]),
        read_commit("Round the currency", [f"many{n}.py" for n in range(9)]),
        read_commit("Say hello", ["other.py"]),
    )
    assert found["one.py"][0] > found["many3.py"][0] > 0


def test_churn_counts_commits_and_recent_ones_weigh_more() -> None:
    quiet = [read_commit(f"Quiet {n}", []) for n in range(200)]
    found = signals_of(read_commit("x", ["new.py"]), *quiet, read_commit("x", ["old.py"]), read_commit("y", ["old.py"]))
    assert found["new.py"][1] == pytest.approx(math.log(2))
    assert found["old.py"][1] == pytest.approx(math.log(3))
    single = signals_of(read_commit("x", ["new.py"]), *quiet, read_commit("x", ["old.py"]))
    assert single["new.py"][2] > single["old.py"][2] > 0


def test_paths_that_are_gone_are_passed_over() -> None:
    found = past_signals(history([read_commit("currency", ["gone.py"])]), {term_hash("currency"): 1.0}, {"a.py": 0}, 1)
    assert found.similar.tolist() == [0.0]
