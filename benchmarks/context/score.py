"""How good an answer is: its order of files and its maps against what a fix changed. Owns the measures; pure.

A map is read as text: a path on a line of its own (a colon may follow), then lines of that file. `r@k` is the share of the
changed files among the first k; `mrr` the inverse place of the first of them. For a budget of N tokens, `file@N` is the share
of changed files that the map names, `sym@N` of changed definitions whose first line it shows, `line@N` of changed lines that
it shows, `tok@N` its tokens of o200k, and `over@N` whether those are more than N. What is far over is cut before it is read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.context.trees import Fix

from tallystick_agent.tokens.encodings import o200k

SLACK: Final = 1.15
"""A map may be this much over its budget and is still read whole; it counts as over nevertheless."""
PLACES: Final = (1, 5, 10)
WIDTH: Final = 80
"""Characters of a line that are compared."""
ENOUGH: Final = 60
"""Characters after which a definition's first line may be cut."""
FRAME: Final = "│█⋮| \t"
"""What maps draw before lines."""
SHORTEST: Final = 3
"""A changed line with fewer characters says nothing: a bracket, a blank line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    order: tuple[str, ...]
    """Paths, best first; empty where a system only has maps."""
    maps: dict[int, str]
    """A text for every budget."""


def score(answer: Answer, fix: Fix, paths: frozenset[str], lines_of: Callable[[str], Sequence[str]]) -> dict[str, float]:
    """Every measure by its name. `line@N` is left out where no changed line says anything."""
    order = answer.order
    if not order and answer.maps:
        order = tuple(sections(answer.maps[max(answer.maps)], paths))
    places = {path: place for place, path in enumerate(dict.fromkeys(order), 1)}
    found = sorted(places[path] for path in fix.files if path in places)
    measures = {f"r@{k}": sum(place <= k for place in found) / len(fix.files) for k in PLACES}
    measures["mrr"] = 1 / found[0] if found else 0.0
    changed = [(path, key) for path, first, last in fix.hunks for key in _keys(lines_of(path)[first - 1 : last])]
    for budget, whole in answer.maps.items():
        text, tokens = cut(whole, budget)
        shown = sections(text, paths)
        measures[f"file@{budget}"] = sum(path in shown for path in fix.files) / len(fix.files)
        hits = sum(_is_shown(first_line, shown.get(path, frozenset())) for path, _, first_line in fix.symbols)
        measures[f"sym@{budget}"] = hits / len(fix.symbols)
        if changed:
            measures[f"line@{budget}"] = sum(key in shown.get(path, ()) for path, key in changed) / len(changed)
        measures[f"tok@{budget}"] = tokens
        measures[f"over@{budget}"] = float(tokens > budget)
    return measures


def cut(text: str, budget: int) -> tuple[str, int]:
    """The part of a map that is read, and the tokens of the whole."""
    tokens = o200k().encode_ordinary(text)
    if len(tokens) <= budget * SLACK:
        return text, len(tokens)
    return o200k().decode(tokens[:budget]), len(tokens)


def sections(text: str, paths: frozenset[str]) -> dict[str, frozenset[str]]:
    """The lines that a map shows under each path, stripped; paths in the map's order."""
    found: dict[str, set[str]] = {}
    under = ""
    for line in text.splitlines():
        bare = line.strip()
        path = bare.removesuffix(":")
        if path and path in paths:
            under = path
            found.setdefault(path, set())
        elif under and (key := bare.lstrip(FRAME).strip()):
            found[under].add(key[:WIDTH])
    return {path: frozenset(lines) for path, lines in found.items()}


def _key(line: str) -> str:
    return line.strip()[:WIDTH].strip()


def _keys(lines: Sequence[str]) -> list[str]:
    return [key for key in map(_key, lines) if len(key) >= SHORTEST]


def _is_shown(first_line: str, lines: frozenset[str]) -> bool:
    key = _key(first_line)
    return key in lines or (len(key) >= ENOUGH and any(line.startswith(key[:ENOUGH]) for line in lines))
