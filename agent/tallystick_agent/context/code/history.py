"""What past commits say about files: which were changed for words like these, how often, and how lately.

Owns that reading of a repository's history and its signals; pure. Large commits say nothing about any one file.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tallystick_agent.context.code.segment import Postings, postings
from tallystick_agent.context.code.words import query_terms, term_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_COMMITS: Final = 2_000
MOST_FILES: Final = 30
"""A commit that touches more is a move or a release."""
MOST_MESSAGE: Final = 1_500
NEIGHBOURS: Final = 40
RECENT: Final = 300.0
"""Commits after which a change weighs a third (1/e)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    terms: tuple[int, ...]
    files: tuple[str, ...]


def read_commit(message: str, files: Sequence[str]) -> Commit:
    terms = tuple(sorted({term_hash(term) for term in query_terms(message[:MOST_MESSAGE])}))
    return Commit(terms=terms, files=tuple(files) if len(files) <= MOST_FILES else ())


def to_json(commit: Commit) -> str:
    return json.dumps([commit.terms, commit.files], ensure_ascii=True, separators=(",", ":"))


def from_json(text: str) -> Commit | None:
    """`None` for what is no commit of ours."""
    try:
        terms, files = json.loads(text)
        commit = Commit(terms=tuple(int(one) for one in terms), files=tuple(str(one) for one in files))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    return commit if all(0 <= one < 1 << 32 for one in commit.terms) else None


@dataclass(frozen=True, slots=True)
class History:
    """Commits, newest first, ready to be asked. Arrays of numbers are by commit."""

    files: tuple[tuple[str, ...], ...]
    sizes: "NDArray[np.float64]"
    terms: Postings


def history(commits: Sequence[Commit]) -> History:
    import numpy as np

    term = np.array([one for commit in commits for one in commit.terms], np.uint32)
    sizes = np.array([len(commit.terms) for commit in commits], np.int64)
    item = np.repeat(np.arange(len(commits), dtype=np.int32), sizes)
    counted = postings(term, item, np.ones(len(term), np.uint16))
    return History(tuple(commit.files for commit in commits), sizes.astype(np.float64), counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSignals:
    """By file of the numbering that was given."""

    similar: "NDArray[np.float64]"
    """How much commits with like words touched it."""
    churn: "NDArray[np.float64]"
    """ln(1 + commits that touched it)."""
    recent: "NDArray[np.float64]"
    """The same, each commit weighing less the older it is."""


def past_signals(past: History, terms: Mapping[int, float], numbers: Mapping[str, int], files: int) -> PastSignals:
    """`terms`: hashed terms of the question with their weights; `numbers`: a path's number, below `files`."""
    import numpy as np

    similar, churn, recent = np.zeros(files), np.zeros(files), np.zeros(files)
    touched = [[numbers[path] for path in paths if path in numbers] for paths in past.files]
    for age, some in enumerate(touched):
        for file in some:
            churn[file] += 1
            recent[file] += math.exp(-age / RECENT)
    scores = _scores(past, terms)
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    left = NEIGHBOURS
    for commit in order:
        if left == 0 or scores[commit] <= 0:
            break
        if touched[commit]:
            left -= 1
            some = touched[commit]
            for file in some:
                similar[file] += float(scores[commit]) ** 2 / math.sqrt(len(some))
    return PastSignals(similar=np.sqrt(similar), churn=np.log1p(churn), recent=np.log1p(recent))


def _scores(past: History, terms: Mapping[int, float]) -> Any:
    """BM25 of every commit message, in which no word counts twice."""
    import numpy as np

    number = len(past.files)
    scores = np.zeros(number)
    if not number:
        return scores
    norm = 1.2 * (0.4 + 0.6 * past.sizes / max(1.0, float(past.sizes.mean())))
    for term, weight in terms.items():
        hit, _ = past.terms.find(term)
        if len(hit):
            idf = math.log(1 + (number - len(hit) + 0.5) / (len(hit) + 0.5))
            scores[hit] += weight * idf * 2.2 / (1 + norm[hit])
    return scores
