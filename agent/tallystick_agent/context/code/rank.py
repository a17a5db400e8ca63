"""From a question to definitions and files in order, best first. Owns the weights; pure.

The weights are fitted by `benchmarks/context/fit.py` on fix commits of public repositories: a softmax over the definitions of
a tree should put its mass where the fix was made. A score is therefore the logarithm of a share of likelihood, and a
difference of 1 means e times as likely.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tallystick_agent.context.code.corpus import Corpus
from tallystick_agent.context.code.file_kinds import asks_for_tests
from tallystick_agent.context.code.history import History
from tallystick_agent.context.code.signals import FEATURES, Question, question, signals
from tallystick_agent.protocol.code import Hints

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK_WEIGHTS: Final = {
    "body": 2.57,
    "body_root": 2.39,
    "covered": 0.47,
    "name": 0.95,
    "around_name": 1.76,
    "exact": 1.15,
    "words": 0.68,
    "lines": 0.87,
    "file": 1.42,
    "file_covered": 1.49,
    "path": 0.49,
    "similar": 2.20,
    "recent": 0.71,
    "beside": -3.78,
    "file_words": -3.28,
    "around_body": 0.99,
    "first_body": 0.96,
    "first_name": 0.19,
    "first_file": 0.85,
}
FILE_WEIGHTS: Final = {
    "best": 0.56,
    "together": 0.15,
    "file": 1.00,
    "path": 0.64,
    "similar": 0.73,
    "recent": 0.83,
    "beside": -1.61,
}
FROM_FILE: Final = 0.07
"""The share of a definition's likelihood that it has from being in a likely file."""
COMMON: Final = 0.05
"""Share of the files above which a name says nothing about a question."""
LEAST_SAID: Final = 3
"""Words of a question that the code must have for it to be about the code."""
OPEN: Final = 1.0
"""Added for a file that is open in the editor, and again for one that was just changed."""
NAMED: Final = 3.0
"""Added for a file whose path the question names."""
DIGITS: Final = 9
"""Of a score that are compared."""
MARKED: Final = 2.0
"""Added for a definition with a diagnostic in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Numbers of the corpus, best first. Scores are by chunk and by file; those of dead ones are -inf."""

    about: bool
    """Whether the question is about this code at all."""
    anywhere: int
    """Terms of the question that occur in any file or path."""
    chunks: "NDArray[np.int64]"
    chunk_scores: "NDArray[np.float64]"
    files: "NDArray[np.int64]"
    file_scores: "NDArray[np.float64]"


def rank(text: str, corpus: Corpus, past: History, hints: Hints | None = None) -> Ranking:
    import numpy as np

    asked = question(text)
    seen = signals(asked, corpus, past)
    weights = dict(CHUNK_WEIGHTS)
    beside = FILE_WEIGHTS["beside"]
    if asks_for_tests(text):
        weights["beside"] = beside = 0.0
    scores = seen.chunks @ np.array([weights[name] for name in FEATURES])
    bonus = _bonus(text, corpus, hints)
    scores += bonus[corpus.file_of]
    scores[~corpus.alive] = -np.inf
    for path, line in sorted(hints.marked) if hints else ():
        scores[_at(corpus, path, line)] += MARKED
    files = len(corpus.paths)
    defined = scores.copy()
    # What stands outside all definitions is in the running for its lines, and does not speak for its file.
    defined[corpus.first_chunk] = -np.inf
    best = np.full(files, -np.inf)
    np.maximum.at(best, corpus.file_of, defined)
    top = float(best.max()) if files else 0.0
    top = top if np.isfinite(top) else 0.0
    together = np.zeros(files)
    np.add.at(together, corpus.file_of, np.exp(defined - top))
    values = {
        "best": np.maximum(best - top, -12.0),
        "together": np.log(together + 1e-6),
        "file": seen.file,
        "path": seen.path,
        "similar": seen.similar,
        "recent": seen.recent,
        "beside": corpus.beside,
    }
    file_scores = sum((values[name] * weight for name, weight in {**FILE_WEIGHTS, "beside": beside}.items()), bonus / 2)
    file_scores = np.where([bool(path) for path in corpus.paths], file_scores, -np.inf) if files else np.zeros(0)
    # Rounded, since sums depend in their last digits on the order in which files came to the index.
    scores = np.round(_mixed(scores, file_scores, corpus) if files else scores, DIGITS)
    file_scores = np.round(file_scores, DIGITS)
    about, anywhere = _matches(asked, corpus)
    return Ranking(
        about=about,
        anywhere=anywhere,
        chunks=np.lexsort((corpus.by_path[corpus.file_of], -scores)),
        chunk_scores=scores,
        files=np.lexsort((corpus.by_path, -file_scores)),
        file_scores=file_scores,
    )


def _matches(asked: Question, corpus: Corpus) -> tuple[bool, int]:
    """Whether a question is about this code, and how many of its terms occur anywhere.

    It is where it names a definition, a file or a folder that few others are named like, or has three words that the code has.
    """
    code = ~corpus.beside
    few = max(3, int(len(corpus.numbers) * COMMON))
    named = 0
    said = anywhere = 0
    for term in asked.terms:
        chunks, files = corpus.body(term)[0], corpus.in_path(term)[0]
        anywhere += bool(len(chunks) or len(files))
        if term not in asked.telling:
            continue
        said += bool(code[corpus.file_of[chunks]].any())
        holders = {*corpus.file_of[corpus.named(term)[0]].tolist(), *files.tolist()}
        named += 0 < sum(bool(code[file]) for file in holders) <= few
    return bool(named) or said >= LEAST_SAID, anywhere


def _mixed(scores: "NDArray[np.float64]", file_scores: "NDArray[np.float64]", corpus: Corpus) -> "NDArray[np.float64]":
    """Logarithms of shares: most of a definition's likelihood is its own, some it has from its file whatever it says itself."""
    import numpy as np

    own = np.exp(scores - scores.max())
    file = np.exp(file_scores - file_scores.max())
    size = np.sqrt(corpus.words.astype(np.float64))
    sums = np.bincount(corpus.file_of, weights=size, minlength=len(file))
    inside = size / np.maximum(sums[corpus.file_of], 1.0)
    mixed = (1 - FROM_FILE) * own / own.sum() + FROM_FILE * (file / file.sum())[corpus.file_of] * inside
    with np.errstate(divide="ignore"):
        return np.where(corpus.alive, np.log(mixed), -np.inf)


def _bonus(text: str, corpus: Corpus, hints: Hints | None) -> "NDArray[np.float64]":
    """By file: what the question or the editor points at."""
    import numpy as np

    bonus = np.zeros(len(corpus.paths))
    for number, path in enumerate(corpus.paths):
        if path and "/" in path and path in text and re.search(rf"(?<!\w){re.escape(path)}(?!\w)", text):
            bonus[number] += NAMED
    if hints is not None:
        for paths in (hints.open, hints.changed):
            for path in paths:
                if path in corpus.numbers:
                    bonus[corpus.numbers[path]] += OPEN
    return bonus


def _at(corpus: Corpus, path: str, line: int) -> "NDArray[np.int64]":
    """The innermost chunk at a line; empty where there is none."""
    import numpy as np

    number = corpus.numbers.get(path)
    if number is None:
        return np.zeros(0, np.int64)
    chunks = np.nonzero((corpus.file_of == number) & (corpus.lead <= line) & (corpus.last >= line))[0]
    return chunks[-1:]
