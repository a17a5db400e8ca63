"""What is known of each definition for one question: matches in its body, its name, its file and path, and the past.

Owns the features that `rank` weighs; pure. Each is about 0 to 1, so that weights can be compared.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tallystick_agent.context.code.corpus import Corpus
from tallystick_agent.context.code.history import History, past_signals
from tallystick_agent.context.code.words import identifiers, query_terms, term_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Find = Callable[[int], tuple[NDArray[Any], NDArray[Any]]]

FEATURES: Final = (
    "body",
    "body_root",
    "covered",
    "name",
    "around_name",
    "exact",
    "words",
    "lines",
    "file",
    "file_covered",
    "path",
    "similar",
    "recent",
    "beside",
    "file_words",
    "around_body",
    "first_body",
    "first_name",
    "first_file",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A task as the index is asked. Terms are hashed and weighted."""

    terms: Mapping[int, float]
    first: Mapping[int, float]
    """Those of its first line, which says what the task is."""
    exact: frozenset[int]
    """Whole identifiers that it names, as hashes of their lower case."""
    telling: frozenset[int]
    """Terms that can be a subject: not of two letters, and no word that every report has."""


def question(text: str) -> Question:
    def hashed(part: str) -> dict[int, float]:
        return {term_hash(term): weight for term, weight in query_terms(part).items()}

    head = next((line for line in text.splitlines() if line.strip()), "")
    return Question(
        telling=frozenset(term_hash(term) for term, weight in query_terms(text).items() if weight >= 1 and len(term) > 2),
        terms=hashed(text),
        first=hashed(head),
        exact=frozenset(term_hash(one.lower().strip("_")) for one in identifiers(text)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """`chunks` has a row for each chunk and a column for each of `FEATURES`; the others are by file, 0 to 1."""

    chunks: "NDArray[np.float64]"
    file: "NDArray[np.float64]"
    path: "NDArray[np.float64]"
    similar: "NDArray[np.float64]"
    recent: "NDArray[np.float64]"


def signals(asked: Question, corpus: Corpus, past: History) -> Signals:
    import numpy as np

    of = corpus.file_of
    files = len(corpus.paths)
    sizes, name_sizes = corpus.words.astype(np.float64), corpus.name_sizes.astype(np.float64)

    def in_files(term: int) -> "tuple[NDArray[Any], NDArray[Any]]":
        item, count = corpus.body(term)
        sums = np.bincount(of[item], weights=count, minlength=files)
        hit = np.nonzero(sums)[0]
        return hit, sums[hit]

    chunks, live = corpus.living, len(corpus.numbers)
    body, covered = bm25(asked.terms, corpus.body, sizes, chunks, b=0.4)
    name, _ = bm25(asked.terms, corpus.named, name_sizes, chunks, b=0.5)
    file, file_covered = bm25(asked.terms, in_files, corpus.file_words, live, k1=1.5, b=0.75)
    path, _ = bm25(asked.terms, corpus.in_path, corpus.path_sizes.astype(np.float64), live, b=0.5)
    if asked.first == asked.terms:
        first_body, first_name, first_file = body, name, file
    else:
        first_body, _ = bm25(asked.first, corpus.body, sizes, chunks, b=0.4)
        first_name, _ = bm25(asked.first, corpus.named, name_sizes, chunks, b=0.5)
        first_file, _ = bm25(asked.first, in_files, corpus.file_words, live, k1=1.5, b=0.75)
    exact = np.zeros(corpus.chunks)
    for term in asked.exact:
        exact[corpus.named(term)[0]] = 1.0
    gone = past_signals(past, asked.terms, corpus.numbers, files)
    around = np.maximum(corpus.parent, 0)
    inner = corpus.parent >= 0
    name_around = np.where(inner, name[around], 0.0)
    name_around = np.maximum(name_around, np.where(inner, name_around[around], 0.0))
    body_share, file_share = share(body), share(file)
    columns = {
        "body": body_share,
        "body_root": np.sqrt(body_share),
        "covered": covered,
        "name": share(name),
        "around_name": share(name_around),
        "exact": exact,
        "words": np.log1p(sizes) / 6,
        "lines": np.log1p(corpus.last - corpus.first + 1) / 5,
        "file": file_share[of],
        "file_covered": file_covered[of],
        "path": share(path)[of],
        "similar": share(gone.similar)[of],
        "recent": gone.recent[of] / 4,
        "beside": corpus.beside[of].astype(np.float64),
        "file_words": np.log1p(corpus.file_words)[of] / 8,
        "around_body": np.where(inner, body_share[around], 0.0),
        "first_body": share(first_body),
        "first_name": share(first_name),
        "first_file": share(first_file)[of],
    }
    return Signals(
        chunks=np.stack([columns[name] for name in FEATURES], 1) if corpus.chunks else np.zeros((0, len(FEATURES))),
        file=file_share,
        path=share(path),
        similar=share(gone.similar),
        recent=gone.recent / 4,
    )


def share(scores: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Of the best one."""
    most = float(scores.max()) if len(scores) else 0.0
    return scores / most if most > 0 else scores


def bm25(
    terms: Mapping[int, float], find: "Find", sizes: "NDArray[np.float64]", items: int, *, k1: float = 1.2, b: float
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Scores of all items, and for each the share of the question's weight that it holds at all. `items`: those alive."""
    import numpy as np

    scores, covered, total = np.zeros(len(sizes)), np.zeros(len(sizes)), 0.0
    filled = sizes[sizes > 0]
    norm = k1 * (1 - b + b * sizes / (float(filled.mean()) if len(filled) else 1.0))
    for term, weight in terms.items():
        hit, count = find(term)
        if not len(hit):
            continue
        worth = weight * math.log(1 + (items - len(hit) + 0.5) / (len(hit) + 0.5))
        total += worth
        scores[hit] += worth * count * (k1 + 1) / (count + norm[hit])
        covered[hit] += worth
    return scores, covered / (total or 1.0)
