"""A replay of 189 mixed documents against counts made with each family's own tokenizer: no count is too low by more than
the family's band, with and without learning.

`corpus.jsonl` holds the documents: files and changes of this repository, small programs, prose in 19 languages written for
this test, and hard cases. `counts.json` holds their counts in the same order; `scripts/measure_tokenizers.py` makes it.
"""

import json
import random
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from tallystick_agent.tokens.calibration import Calibration
from tallystick_agent.tokens.counter import FAMILIES, Counter, family_of
from tallystick_agent.tokens.shape import FEATURES, features

HERE = Path(__file__).parent
COUNTS: dict[str, list[int]] = json.loads((HERE / "counts.json").read_text(encoding="utf-8"))
MEASURED = [family for family in COUNTS if family != "o200k"]
OPEN = [family for family in MEASURED if not family.startswith("claude")]


@cache
def corpus() -> list[tuple[str, str]]:
    lines = (HERE / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    return [(one["name"], one["text"]) for one in map(json.loads, lines)]


@cache
def counted(family: str) -> list[int]:
    counter = Counter(family)
    return [counter.text(text) for _, text in corpus()]


def test_there_are_189_documents_of_many_kinds() -> None:
    names = [name for name, _ in corpus()]
    assert len(names) == len(set(names)) == 189
    assert all(len(counts) == 189 for counts in COUNTS.values())
    kinds = {name.partition(":")[0] for name in names}
    assert kinds == {"repo", "diff", "program", "prose", "hard"}
    assert len({name.split(":")[1] for name in names if name.startswith("prose")}) == 19


def test_o200k_is_exact() -> None:
    assert counted("o200k") == COUNTS["o200k"]
    assert counted("o200k_harmony") == COUNTS["o200k"]


@pytest.mark.parametrize("family", MEASURED)
def test_no_document_has_more_tokens_than_the_band_allows(family: str) -> None:
    band = Counter(family).band
    short = {
        name: real / count - 1
        for (name, _), count, real in zip(corpus(), counted(family), COUNTS[family], strict=True)
        if count * (1 + band) < real
    }
    assert not short


@pytest.mark.parametrize("family", OPEN)
def test_an_unknown_model_is_counted_with_care_whatever_its_family_is(family: str) -> None:
    band = Counter("nobody knows it").band
    assert all(count * (1 + band) >= real for count, real in zip(counted("nobody knows it"), COUNTS[family], strict=True))


@pytest.mark.parametrize("family", MEASURED)
def test_counts_are_near_the_truth_and_rather_too_high(family: str) -> None:
    errors = [count / real - 1 for count, real in zip(counted(family), COUNTS[family], strict=True)]
    assert median(abs(error) for error in errors) <= 0.09
    assert sorted(abs(error) for error in errors)[int(0.95 * len(errors))] <= 0.28
    assert 0 <= sum(counted(family)) / sum(COUNTS[family]) - 1 <= 0.09


@pytest.mark.parametrize("family", MEASURED)
def test_a_table_for_each_script_beats_one_multiplier(family: str) -> None:
    real = COUNTS[family]
    multiplier = FAMILIES[family].multiplier
    plain = max(true / (raw * multiplier) - 1 for raw, true in zip(COUNTS["o200k"], real, strict=True))
    ours = max(true / count - 1 for count, true in zip(counted(family), real, strict=True))
    assert ours < plain * 0.75


@pytest.mark.parametrize("family", MEASURED)
def test_learning_from_single_documents_never_breaks_the_band(family: str) -> None:
    """The hardest course: every request is another document, so that what one teaches is wrong for the next."""
    learned = Calibration()
    for (name, text), real in zip(corpus(), COUNTS[family], strict=True):
        counter = Counter(family, factor=learned.factor)
        count = counter.text(text)
        assert count * (1 + learned.band(counter.band)) >= real, name
        learned = learned.observe(estimated=count, reported=real)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("family", MEASURED)
def test_a_conversation_learns_a_narrower_band_that_holds(family: str, seed: int) -> None:
    """Each request is the last one and one document more, in any order; at the end of it the band is less than half as wide."""
    order = list(range(len(corpus())))
    random.Random(seed).shuffle(order)
    plain, wide = counted(family), Counter(family).band
    learned, estimate, real, before, band = Calibration(), 0, 0, 0, wide
    for index in order:
        estimate, real = estimate + plain[index], real + COUNTS[family][index]
        count = round(estimate * learned.factor)
        band = learned.band(wide, known=min(1.0, before / count))
        assert count * (1 + band) >= real
        learned = learned.observe(estimated=count, reported=real)
        before = count
    assert band < wide / 2
    assert abs(round(estimate * learned.factor) / real - 1) < 0.02


def test_every_family_has_a_weight_for_each_feature_and_an_honest_band() -> None:
    for name, family in FAMILIES.items():
        assert len(family.weights) == len(FEATURES), name
        assert 0.02 <= family.band <= 0.4, name
        assert family.exact == name.startswith("o200k")
    assert family_of("nobody knows it").band == max(family.band for family in FAMILIES.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ab", {}),
        ("Ab 12!\n", {"capitals": 1, "spaces": 1, "digits": 2, "punctuation": 1, "newlines": 1}),
        ("\t\r\x00", {"tabs": 1, "returns": 1, "controls": 1}),
        ("é ł", {"latin1": 1, "latin-a": 1, "spaces": 1}),
        ("да", {"cyrillic": 2}),
        ("नम", {"indic": 2, "devanagari": 2}),
        ("ดี", {"indic": 2, "thai": 2}),
        ("漢字かな한", {"han": 2, "kana": 2, "hangul": 1}),
        ("سلام", {"arabic": 4}),
        ("שלום", {"hebrew": 4}),
        ("👍🇫🇮", {"beyond": 3, "emoji": 3, "flags": 2}),
        ("=" * 20, {"punctuation": 20, "sign-runs": 20}),
        ("a" * 20, {"letter-runs": 20}),
        ("\ufffd", {"forms": 1}),
    ],
    ids=lambda value: repr(value)[:20] if isinstance(value, str) else "",
)
def test_what_a_text_is_made_of(text: str, expected: dict[str, int]) -> None:
    found = dict(zip(FEATURES, features(text.encode(), 1), strict=True))
    assert {name: number for name, number in found.items() if number and name != "o200k"} == expected
