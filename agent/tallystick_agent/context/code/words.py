"""From text to search terms: identifiers, their parts, and their stems. Owns what counts as the same word; pure.

A term is kept as 32 bits of its CRC: an index of hashes needs no dictionary that processes would have to share. Among
100,000 terms about one pair collides, which moves a score by less than any weight does.
"""

import re
import zlib
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[^\W\d]\w*")
_ASCII_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_VOWEL = re.compile(r"[aeiouy]")
STOP = frozenset(
    """a about above after again all also although always an and another any are as at be because been before being below
    between both but by can cannot could did do does doing don done during each either else etc even every few for from
    get gets getting given gives had has have having he her here his how however if in into is it its itself just let
    like likely made make makes making many may me might more most much must my need needs neither never no nor not now
    of off often on once one only onto or other our out over own per please put rather really said same see seem seems
    several shall she should since so some still such take takes than that the their them then there these they thing
    this those though through thus to together too toward try under unless until up upon us use used uses using very via
    want was way we well were what when where whether which while who whose why will with within without won would yet
    you your""".split()
)
"""English words that say nothing about code."""
CHATTER = frozenset(
    """fix fixes fixed fixing bug bugs bugfix issue issues error errors wrong crash change changes changed changelog add
    adds added adding ensure ensures summary test tests testing tested plan closes closed see commit commits pr pull
    request requests reported reference references merge merged review thanks followup previously currently instead new
    old case cases problem problems correct correctly proper properly allow allows remove removes removed removing
    update updates updated improve improves improved regression behavior behaviour work works working""".split()
)
"""Words of every report and commit message. They stay in a query and weigh less."""


def words(text: str) -> list[str]:
    """Identifiers and words in order, case kept."""
    # Most code is ASCII, which is read in two thirds of the time.
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The word without its English ending. `word` is in lower case."""
    if len(word) <= 3:
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 3 and _VOWEL.search(rest):
            word = rest[:-1] if rest[-1] == rest[-2] and rest[-1] not in "lsz" else rest
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def _parts(word: str) -> list[str]:
    if word.isascii():
        return _PART.findall(word)
    # Letters of other alphabets stand for theirs: a capital for `A`, any other letter for `a`.
    shape = "".join("A" if c.isupper() else "a" if c.isalpha() else "_" if c == "_" else "0" for c in word)
    return [word[part.start() : part.end()] for part in _PART.finditer(shape)]


@lru_cache(maxsize=20_000)
def terms_of(word: str) -> tuple[str, ...]:
    """A word's terms: the stems of its parts, and the whole of it in lower case where it has several."""
    parts = _parts(word)
    found = [stem(part.lower()) for part in parts if len(part) > 1]
    if len(parts) > 1:
        whole = word.lower().strip("_")
        if len(whole) > 2 and whole not in found:
            found.append(whole)
    return tuple(found)


def term_hash(term: str) -> int:
    return zlib.crc32(term.encode("utf-8", "replace"))


@lru_cache(maxsize=50_000)
def _part_hash(part: str) -> int:
    return term_hash(stem(part.lower()))


@lru_cache(maxsize=60_000)
def hashes_of(word: str) -> tuple[int, ...]:
    """The terms of a word as the index keeps them: those of `terms_of`, with less work."""
    parts = _parts(word)
    found = tuple([_part_hash(part) for part in parts if len(part) > 1])
    if len(parts) > 1:
        whole = word.lower().strip("_")
        if len(whole) > 2 and (one := term_hash(whole)) not in found:
            return (*found, one)
    return found


def query_terms(text: str) -> dict[str, float]:
    """Terms of a question with their weights. A word that stands more than once counts little more than once."""
    counts: dict[str, float] = {}
    for word in words(text):
        low = word.lower()
        if low in STOP:
            continue
        weight = 0.4 if low in CHATTER else 1.0
        for term in terms_of(word):
            counts[term] = counts.get(term, 0.0) + weight
    return {term: count**0.5 if count > 1 else count for term, count in counts.items()}


def identifiers(text: str) -> tuple[str, ...]:
    """Words of a question that can only be code: with an underscore, a capital inside, or in backquotes; in order, each once."""
    found = [word for word in words(text) if "_" in word.strip("_") or (word[1:] != word[1:].lower() and not word.isupper())]
    quoted = [word for piece in re.findall(r"`([^`\n]{1,120})`", text) for word in words(piece)]
    return tuple(dict.fromkeys([*found, *quoted]))


def hashes(terms: Iterable[str]) -> list[int]:
    return [term_hash(term) for term in terms]
