"""Two plain ways to find code, as systems to compare with: BM25 over whole files, and how many words ripgrep finds in them.

    python benchmarks/context/baselines.py --method bm25|rg --serve [--tests yes|no]

Each shows the files in order with the first lines of their definitions until the budget is full. Definitions and the splitting
of words are Tallystick's; nothing of its ranking is.
"""

import argparse
import math
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.context.serving import serve
from benchmarks.context.trees import git

from tallystick_agent.context.code.file_kinds import beside_the_code
from tallystick_agent.context.code.languages import language_of
from tallystick_agent.context.code.parse import definitions
from tallystick_agent.context.code.words import CHATTER, STOP, terms_of, words
from tallystick_agent.tokens.encodings import o200k

K1: Final = 1.5
B: Final = 0.75
MOST_BYTES: Final = 2_000_000
MOST_WORDS: Final = 40
MOST_FILES: Final = 3_000
WIDTH: Final = 100
"""Characters of a first line that are shown."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the index; equal where path and content are, so that what was read of it can be kept."""

    repo: str
    path: str
    blob: str

    def data(self) -> bytes:
        try:
            return (Path(self.repo) / self.path).read_bytes()[:MOST_BYTES]
        except OSError:
            return b""


def sources(repo: str, *, tests: bool) -> list[Source]:
    """Files of code that git tracks."""
    found: list[Source] = []
    for row in git(Path(repo), "ls-files", "-s", "-z").split("\0"):
        about, _, path = row.partition("\t")
        if about.startswith("100") and language_of(path) and (tests or not beside_the_code(path)):
            found.append(Source(repo, path, about.split()[1]))
    return found


def asked_words(query: str) -> list[str]:
    return [word for word in words(query) if word.lower() not in STOP | CHATTER]


@cache
def terms(source: Source) -> Counter[str]:
    return Counter(term for word in words(source.data().decode("utf-8", "replace")) for term in terms_of(word))


@cache
def outline(source: Source) -> str:
    """A file as a map shows it: its path, then the first line of each definition."""
    data, language = source.data(), language_of(source.path)
    lines = data.decode("utf-8", "replace").splitlines()
    numbers = dict.fromkeys(one.first for one in (definitions(data, language) if language else ()))
    shown = "".join(f"{lines[number - 1][:WIDTH]}\n" for number in numbers if number <= len(lines))
    return f"{source.path}:\n{shown}\n"


def by_bm25(query: str, files: list[Source]) -> list[float]:
    documents = [terms(one) for one in files]
    sizes = [document.total() for document in documents]
    mean = sum(sizes) / max(1, len(sizes)) or 1.0
    scores = [0.0] * len(files)
    for term, weight in Counter(term for word in asked_words(query) for term in terms_of(word)).items():
        hits = [(number, document[term]) for number, document in enumerate(documents) if term in document]
        rarity = math.log(1 + (len(files) - len(hits) + 0.5) / (len(hits) + 0.5))
        for number, count in hits:
            scores[number] += weight * rarity * count / (count + K1 * (1 - B + B * sizes[number] / mean))
    return scores


def by_ripgrep(query: str, files: list[Source]) -> list[float]:
    """How many different words of the question a file has; among equals, how many lines have one."""
    different: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for word in list(dict.fromkeys(word for word in asked_words(query) if len(word) > 2))[:MOST_WORDS]:
        command = ["rg", "-c", "-i", "-F", "-w", "-j1", "--no-messages", "--", word, "."]
        done = subprocess.run(command, cwd=files[0].repo, capture_output=True, check=False) if files else None
        for row in done.stdout.decode("utf-8", "replace").splitlines() if done else ():
            path, _, count = row.removeprefix("./").rpartition(":")
            different[path] += 1
            lines[path] += int(count)
    return [different[one.path] + min(0.99, lines[one.path] / 100_000) for one in files]


def render(ranked: list[Source], budget: int) -> str:
    """Outlines in order until the budget is full; the last one is cut at a line."""
    pieces: list[str] = []
    left = budget
    for source in ranked:
        block = outline(source)
        size = len(o200k().encode_ordinary(block))
        for piece in [block] if size <= left else block.splitlines(keepends=True):
            left -= size if piece is block else len(o200k().encode_ordinary(piece))
            if left < 0:
                return "".join(pieces)
            pieces.append(piece)
    return "".join(pieces)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=("bm25", "rg"), required=True)
    parser.add_argument("--serve", action="store_true", required=True)
    parser.add_argument("--tests", choices=("yes", "no"), default="yes", help="whether tests, examples and documents are ranked")
    given = parser.parse_args()
    rank = by_bm25 if given.method == "bm25" else by_ripgrep

    def ask(repo: str, query: str, budgets: list[int]) -> tuple[list[str], dict[int, str]]:
        files = sources(repo, tests=given.tests == "yes")
        scores = rank(query, files)
        best = sorted((-value, one.path, one) for value, one in zip(scores, files, strict=True) if value > 0)
        ranked = [one for _, _, one in best[:MOST_FILES]]
        return [one.path for one in ranked], {budget: render(ranked, budget) for budget in budgets}

    serve(ask)


if __name__ == "__main__":
    main()
