"""Repair with a small model: which candidates are asked for, in which order, and how an answer becomes new texts."""

from dataclasses import replace
from itertools import islice

import pytest

from tallystick_agent.context.suspects import Suspect
from tallystick_agent.context.test_report import Failure
from tallystick_agent.loop.repair import Candidate, Scene, candidates, read
from tallystick_agent.protocol.messages import text_of

SHOP = "def half(x):\n    y = x / 3\n    return y\n\n\ndef other(x):\n    return x\n"
STUB = 'def half(x):\n    """Half of x."""\n    raise NotImplementedError\n'
SCENE = Scene(
    task="half is wrong",
    texts={"shop.py": SHOP},
    failure=Failure(test="test_half", file="test_shop.py", frames=(), error="assert 1 == 2"),
    test_source="def test_half():\n    assert half(4) == 2",
    all_tests="assert half(4) == 2\nassert other(1) == 1",
    suspects=(
        Suspect(path="shop.py", line=2, score=1.0),
        Suspect(path="shop.py", line=3, score=0.9),
        Suspect(path="shop.py", line=7, score=0.1),
    ),
    focus=("shop.py",),
)


def named(scene: Scene, *, infill: bool, most: int = 8) -> list[str]:
    return [candidate.name for candidate in islice(candidates(scene, infill=infill), most)]


def gap(line: int, last: int | None = None, indent: str = "    ") -> Candidate:
    first = next(one for one in candidates(SCENE, infill=True) if one.first)
    return replace(first, path="shop.py", first=line, last=line if last is None else last, indent=indent)


def test_gaps_on_the_most_suspect_lines_come_before_the_rewrite_and_the_whole_body() -> None:
    assert named(SCENE, infill=True, most=6) == [
        "line 2 of shop.py",
        "line 3 of shop.py",
        "line 7 of shop.py",
        "rewrite",
        "body of half",
        "body of other",
    ]


def test_without_infill_there_are_rewrites_alone() -> None:
    assert set(named(SCENE, infill=False)) == {"rewrite"}


def test_with_many_suspects_the_rewrite_still_comes_fourth() -> None:
    many = replace(SCENE, suspects=tuple(Suspect(path="shop.py", line=number, score=1.0) for number in (1, 2, 3, 6, 7)))
    assert named(many, infill=True, most=7).index("rewrite") == 3


def test_a_stub_is_implemented_and_nothing_else_is_tried() -> None:
    stub = replace(SCENE, texts={"shop.py": STUB})
    assert named(stub, infill=True, most=5) == ["implement", "body of half", "implement", "body of half", "implement"]
    assert set(named(stub, infill=False)) == {"implement"}


def test_candidates_end_and_the_later_ones_are_drawn_with_other_seeds() -> None:
    every = list(candidates(SCENE, infill=True))
    assert 20 <= len(every) <= 100
    drawn = [(one.name, one.request.temperature, one.request.seed) for one in every if one.name == "rewrite"]
    assert len(set(drawn)) == len(drawn)
    assert drawn[0][1:] == (0.0, 0)


def test_a_gap_leaves_out_exactly_its_line() -> None:
    first = next(iter(candidates(SCENE, infill=True)))
    infill = first.request.infill
    assert infill is not None
    assert infill.prefix.endswith("def half(x):\n    ")
    assert infill.suffix.startswith("\n    return y\n")
    assert "x / 3" not in infill.prefix + infill.suffix
    assert "half is wrong" in infill.prefix
    assert first.request.stop == ("\n",)


def test_a_rewrite_shows_the_task_the_test_the_error_and_the_file() -> None:
    rewrite = next(one for one in candidates(SCENE, infill=False))
    asked = text_of(rewrite.request.messages[0])
    for part in ("half is wrong", "assert half(4) == 2", "assert 1 == 2", "y = x / 3", "shop.py", "test_shop.py"):
        assert part in asked


@pytest.mark.parametrize(
    ("candidate", "answer", "changed"),
    [
        (gap(2), "y = x / 2", SHOP.replace("/ 3", "/ 2")),
        (gap(2), "y = x / 2   ", SHOP.replace("/ 3", "/ 2")),
        (gap(2), "y = x / 2\n    y += 0", SHOP.replace("y = x / 3", "y = x / 2\n    y += 0")),
        (gap(2, 3, ""), "    return x / 2\n", SHOP.replace("    y = x / 3\n    return y\n", "    return x / 2\n")),
        (gap(2), "y = x / 3", None),
        (gap(2), "y = x / 3  # the same", None),
        (gap(2), "y = (x / 3)", None),
        (gap(2), "y = x /", None),
        (gap(2), "", None),
        (gap(2), "   ", None),
        (gap(2), "\0", None),
    ],
)
def test_an_answer_fills_the_gap_or_is_of_no_use(candidate: Candidate, answer: str, changed: str | None) -> None:
    assert read(candidate, answer, {"shop.py": SHOP}) == (None if changed is None else {"shop.py": changed})


GOOD = "def half(x):\n    return x / 2\n"
FIXED = SHOP.replace("    y = x / 3\n    return y\n", "    return x / 2\n")


@pytest.mark.parametrize(
    ("answer", "changed"),
    [
        (GOOD, FIXED),
        (f"```python\n{GOOD}```\n", FIXED),
        (f"Here it is:\n\n```python\n{GOOD}\n```\nIt halves now.", FIXED),
        (f"```py\n{GOOD}```", FIXED),
        (f"```\n{GOOD}\n```", FIXED),
        (f"```python\n{GOOD}", FIXED),
        ("I do not know.", None),
        ("```python\ndef half(x:\n```", None),
        ("```python\ndef half(x):\n    y = x / 3\n    return y\n```", None),
        ("", None),
    ],
)
def test_a_rewrite_is_read_from_its_fence_or_bare(answer: str, changed: str | None) -> None:
    rewrite = next(iter(candidates(SCENE, infill=False)))
    assert read(rewrite, answer, {"shop.py": SHOP}) == (None if changed is None else {"shop.py": changed})


def test_the_given_texts_are_never_changed() -> None:
    texts = {"shop.py": SHOP}
    for candidate in islice(candidates(SCENE, infill=True), 10):
        read(candidate, GOOD, texts)
    assert texts == {"shop.py": SHOP}
