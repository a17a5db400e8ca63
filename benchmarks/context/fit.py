"""Fits the weights of `context/code/rank.py` on fix commits, and tells how well they hold on repositories left out.

    python benchmarks/context/fit.py --data FIXES.jsonl --repos FOLDER_OF_CLONES [--check]

Prints the two tables of weights. With --check each repository is also ranked by weights that were fitted on all others.
"""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.context.trees import Fix, by_repo, check_out, read_fixes

from tallystick_agent.context.code import rank as ranking
from tallystick_agent.context.code.code_index import CodeIndex
from tallystick_agent.context.code.signals import FEATURES, question, signals
from tallystick_agent.context.code.store import IndexStore
from tallystick_agent.git.repo import Repo
from tallystick_server.local.disk import DiskWorkspace

FILE_FEATURES = ("best", "together", "file", "path", "similar", "recent", "beside")
CANDIDATES = 2_500
DECAY = 0.002
"""Pull of the weights towards 0."""
ROUNDS, RATE = 500, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    repo: str
    chunks: Any
    """Features of the candidates."""
    gold: Any
    """1 for the definitions that were changed."""
    file_of: Any
    files: Any
    """Features of the files that need no weights of chunks."""
    gold_files: Any


def case(fix: Fix, index: CodeIndex, files: Any) -> Case:
    view = index.refresh(files)
    corpus = view.corpus
    seen = signals(question(fix.query), corpus, view.past)
    gold = np.zeros(corpus.chunks)
    for path, line, _ in fix.symbols:
        number = corpus.numbers.get(path)
        if number is None:
            continue
        defined = (corpus.file_of == number) & (corpus.first == line)
        defined[corpus.first_chunk[number]] = False
        gold[np.nonzero(defined)[0][:1]] = 1.0
    rough = seen.chunks[:, FEATURES.index("body")] + seen.chunks[:, FEATURES.index("file")]
    rough = rough - 2 * seen.chunks[:, FEATURES.index("beside")] + 10 * gold
    rough[corpus.first_chunk] = -10
    rough[~corpus.alive] = -20
    chosen = np.sort(np.argsort(-rough, kind="stable")[:CANDIDATES])
    gold_files = np.array([float(path in fix.files and bool(path)) for path in corpus.paths])
    fixed = np.column_stack([seen.file, seen.path, seen.similar, seen.recent, corpus.beside])
    return Case(
        repo=fix.repo,
        chunks=seen.chunks[chosen],
        gold=gold[chosen],
        file_of=corpus.file_of[chosen],
        files=fixed,
        gold_files=gold_files,
    )


def fit(data: list[tuple[Any, Any]]) -> Any:
    """Weights under which a softmax gives what was changed the most likelihood; Adam on the mean of all cases."""
    data = [(x, gold / gold.sum()) for x, gold in data if gold.sum()]
    weights = np.zeros(data[0][0].shape[1])
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, ROUNDS + 1):
        slope = DECAY * weights
        for x, gold in data:
            z = x @ weights
            p = np.exp(z - z.max())
            slope = slope - x.T @ (gold - p / p.sum()) / len(data)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        weights = weights - RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return weights


def file_features(one: Case, weights: Any) -> Any:
    scores = one.chunks @ weights
    scores = scores - scores.max()
    best, together = np.full(len(one.files), -12.0), np.zeros(len(one.files))
    np.maximum.at(best, one.file_of, np.maximum(scores, -12.0))
    np.add.at(together, one.file_of, np.exp(scores))
    return np.column_stack([best, np.log(together + 1e-6), one.files])


def both(cases: list[Case]) -> tuple[Any, Any]:
    chunks = fit([(one.chunks, one.gold) for one in cases])
    return chunks, fit([(file_features(one, chunks), one.gold_files) for one in cases])


def held(cases: list[Case], weights: tuple[Any, Any]) -> tuple[float, float, float, float]:
    """Of cases: changed definitions among the first 40 and 160, recall of files at 5, mean reciprocal rank."""
    rows: list[tuple[float, float, float, float]] = []
    for one in cases:
        order = np.argsort(-(one.chunks @ weights[0]), kind="stable")
        total = max(1.0, one.gold.sum())
        files = np.argsort(-(file_features(one, weights[0]) @ weights[1]), kind="stable")
        places = np.nonzero(one.gold_files[files])[0]
        mrr = 1 / (places[0] + 1) if len(places) else 0.0
        recall = (places < 5).sum() / max(1, len(places))
        rows.append((one.gold[order[:40]].sum() / total, one.gold[order[:160]].sum() / total, float(recall), float(mrr)))
    mean = np.mean(rows, axis=0)
    return float(mean[0]), float(mean[1]), float(mean[2]), float(mean[3])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--repos", type=Path, required=True)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    cases: list[Case] = []
    for repo, fixes in by_repo(read_fixes(given.data)):
        root = given.repos / repo
        index = CodeIndex(IndexStore(None), repo, Repo(root, os.environ), day=lambda: 0)
        for fix in fixes:
            check_out(root, fix.parent)
            cases.append(case(fix, index, DiskWorkspace(root, os.environ).now()))
        print(repo, len(fixes), file=sys.stderr, flush=True)
    if given.check:
        repos = sorted({one.repo for one in cases})
        rows = [held([c for c in cases if c.repo == r], both([c for c in cases if c.repo != r])) for r in repos]
        for repo, row in [*zip(repos, rows, strict=True), ("mean", tuple(np.mean(rows, axis=0)))]:
            print(f"{repo:28} def@40 {row[0]:.3f}  def@160 {row[1]:.3f}  r@5 {row[2]:.3f}  MRR {row[3]:.3f}")
    chunks, files = both(cases)
    for name, names, weights in (("CHUNK_WEIGHTS", FEATURES, chunks), ("FILE_WEIGHTS", FILE_FEATURES, files)):
        print(f"{name}: Final = {{")
        for feature, weight in zip(names, weights, strict=True):
            print(f'    "{feature}": {weight:.2f},')
        print("}")
    assert set(ranking.FILE_WEIGHTS) <= set(FILE_FEATURES)


if __name__ == "__main__":
    main()
