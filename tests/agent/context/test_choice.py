"""Which fragments go before a prompt, in which form, and how many tokens they may take together."""

from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.context.budget import Allowance, Choice, allowance, choose
from tallystick_agent.context.fragments import ORDER, PRIORITY, Form, Fragment, Kind, Shape, in_order
from tallystick_agent.protocol.usage import Price, Rates, Tier

FORMS: tuple[Form, ...] = ("whole", "excerpt", "outline")
KINDS: tuple[Kind, ...] = ("rules", "files", "map", "file", "folder", "diff", "environment")
LIMIT = "the limit"


def fragment(kind: Kind, source: str, *tokens: int) -> Fragment:
    shapes = tuple(Shape(form=form, text="x" * size, tokens=size) for form, size in zip(FORMS, tokens, strict=False))
    return Fragment(kind=kind, source=source, shapes=shapes)


@st.composite
def some_fragments(draw: st.DrawFn) -> tuple[Fragment, ...]:
    found: list[Fragment] = []
    for number in range(draw(st.integers(0, 12))):
        steps = draw(st.lists(st.integers(1, 300), min_size=1, max_size=3))
        found.append(fragment(draw(st.sampled_from(KINDS)), str(number), *list(accumulate(steps))[::-1]))
    return tuple(found)


def chosen(fragments: tuple[Fragment, ...], tokens: int) -> tuple[Choice, ...]:
    return choose(fragments, Allowance(tokens=tokens, reason=LIMIT))


def taken(choices: tuple[Choice, ...]) -> list[int]:
    """Tokens of each fragment, 0 for one that was dropped."""
    return [one.shape.tokens if one.shape else 0 for one in choices]


@given(some_fragments(), st.integers(0, 3_000))
def test_the_choice_never_passes_the_allowance_and_keeps_the_order(fragments: tuple[Fragment, ...], tokens: int) -> None:
    choices = chosen(fragments, tokens)
    assert sum(taken(choices)) <= tokens
    assert tuple(one.fragment for one in choices) == fragments
    assert all(one.shape is None or one.shape in one.fragment.shapes for one in choices)
    assert all(one.reason for one in choices)


@given(some_fragments(), st.integers(0, 3_000), st.integers(0, 1_000))
def test_a_larger_allowance_never_shortens_or_drops_anything(fragments: tuple[Fragment, ...], tokens: int, more: int) -> None:
    pairs = zip(taken(chosen(fragments, tokens)), taken(chosen(fragments, tokens + more)), strict=True)
    assert all(small <= large for small, large in pairs)


@given(some_fragments(), st.integers(0, 3_000))
def test_the_same_fragments_give_the_same_choice(fragments: tuple[Fragment, ...], tokens: int) -> None:
    assert chosen(fragments, tokens) == chosen(tuple(fragments), tokens)


@given(some_fragments(), st.integers(0, 3_000))
def test_what_is_less_important_goes_before_what_is_more_important(fragments: tuple[Fragment, ...], tokens: int) -> None:
    choices = chosen(fragments, tokens)
    kept = [one.fragment.priority for one in choices if one.shape is not None]
    dropped = [one.fragment.priority for one in choices if one.shape is None]
    assert not kept or not dropped or max(kept) <= min(dropped)


@pytest.mark.parametrize(
    ("tokens", "forms"),
    [
        (0, [None, None, None]),
        (99, [None, None, None]),
        (100, ["whole", None, None]),
        (109, ["whole", None, None]),
        (110, ["whole", "outline", None]),
        (159, ["whole", "outline", None]),
        (160, ["whole", "outline", "whole"]),
        (200, ["whole", "excerpt", "whole"]),
        (449, ["whole", "excerpt", "whole"]),
        (450, ["whole", "whole", "whole"]),
        (10**9, ["whole", "whole", "whole"]),
    ],
)
def test_shortest_forms_first_then_longer_ones(tokens: int, forms: list[Form | None]) -> None:
    three = (fragment("rules", "AGENTS.md", 100), fragment("file", "a.py", 300, 50, 10), fragment("map", "", 50))
    assert [one.form for one in chosen(three, tokens)] == forms


def test_a_choice_says_why(tmp_path: object) -> None:
    three = (fragment("file", "a.py", 3_000, 50), fragment("rules", "AGENTS.md", 100), fragment("map", "", 5_000))
    assert [one.reason for one in chosen(three, 200)] == [
        "excerpt: whole has 3,000 tokens (the limit)",
        "whole",
        "dropped: 5,000 tokens at least, over what the limit allows",
    ]


def test_many_fragments_are_chosen_in_about_one_step_each() -> None:
    """Twenty thousand files: each is looked at a few times, never each with each other."""
    looks = 0

    class Counted(Fragment):
        @property
        def priority(self) -> int:
            nonlocal looks
            looks += 1
            return super().priority

    shapes = tuple(Shape(form=form, text="", tokens=size) for form, size in zip(FORMS, (30, 20, 10), strict=True))
    many = tuple(Counted(kind="file", source=str(number), shapes=shapes) for number in range(20_000))
    choices = chosen(many, 500_000)
    assert sum(taken(choices)) == 500_000
    assert looks == len(many)


@pytest.mark.parametrize("kind", ORDER)
def test_every_kind_has_a_place_and_a_weight(kind: str) -> None:
    assert set(ORDER) == set(PRIORITY)
    assert kind in PRIORITY


def test_fragments_stand_by_stability_and_then_as_given() -> None:
    given_so: list[tuple[Kind, str]] = [
        ("diff", ""),
        ("file", "b.py"),
        ("map", ""),
        ("file", "a.py"),
        ("files", ""),
        ("rules", "A"),
    ]
    ordered = in_order(tuple(fragment(kind, source, 1) for kind, source in given_so))
    assert [one.name for one in ordered] == ["rules:A", "files", "map", "file:b.py", "file:a.py", "diff"]


# --- How many tokens there are -----------------------------------------------------------------------------------------


def price(*edges: int) -> Price:
    rates = Rates(input=Decimal(2), output=Decimal(12))
    return Price(rates=rates, tiers=tuple(Tier(above=edge, rates=rates) for edge in edges))


SETTING = "context.prompt_tokens"


def window(tokens: str) -> str:
    return f"half of what the window of {tokens} leaves"


@pytest.mark.parametrize(
    ("window_tokens", "request_tokens", "band", "edges", "most", "expected"),
    [
        (None, 1_000, 0.1, (), 16_000, (16_000, SETTING)),
        (200_000, 1_000, 0.1, (), 16_000, (16_000, SETTING)),
        (20_000, 1_000, 0.0, (), 16_000, ((20_000 - 9_000 - 1_000 - 8) // 2, window("20,000"))),
        (20_000, 1_000, 0.1, (), 16_000, ((10_000 - 1_000 - 8) // 2, window("20,000"))),
        (9_500, 5_000, 0.1, (), 16_000, (0, window("9,500"))),
        (100, 5_000, 0.1, (), 16_000, (0, window("100"))),
        # Half of a window that is smaller than an answer may be is for the question.
        (8_000, 1_000, 0.0, (), 16_000, ((4_000 - 1_000 - 8) // 2, window("8,000"))),
        (200_000, 5_000, 0.1, (), 0, (0, SETTING)),
        (200_000, 9_000, 0.0, (10_000,), 16_000, (1_000, "the price edge at 10,000 tokens")),
        (200_000, 9_000, 0.1, (11_000,), 16_000, (1_000, "the price edge at 11,000 tokens")),
        (200_000, 9_000, 0.0, (9_000,), 16_000, (0, "the price edge at 9,000 tokens")),
        (200_000, 9_001, 0.0, (9_000,), 16_000, (16_000, SETTING)),
        (200_000, 9_001, 0.0, (9_000, 12_001), 16_000, (3_000, "the price edge at 12,001 tokens")),
        (200_000, 1_000, 0.0, (500_000,), 16_000, (16_000, SETTING)),
        (12_000, 1_000, 0.0, (1_500,), 16_000, (500, "the price edge at 1,500 tokens")),
    ],
)
def test_the_smallest_limit_wins(
    window_tokens: int | None,
    request_tokens: int,
    band: float,
    edges: tuple[int, ...],
    most: int,
    expected: tuple[int, str],
) -> None:
    found = allowance(
        window=window_tokens, request=request_tokens, output=8_000, reasoning=1_000, band=band, price=price(*edges), most=most
    )
    assert (found.tokens, found.reason) == expected


@given(st.integers(0, 50_000), st.integers(1, 100_000), st.floats(0, 0.5), st.integers(1, 100_000))
def test_what_is_allowed_fits_the_window_and_passes_no_price_edge(request: int, size: int, band: float, edge: int) -> None:
    found = allowance(window=size, request=request, output=256, reasoning=0, band=band, price=price(edge), most=10**9)
    if found.tokens:
        assert (request + found.tokens) * (1 + band) + min(256, size // 2) <= size
        assert request > int(edge / (1 + band)) or (request + found.tokens) * (1 + band) <= edge + 1


def test_without_a_price_there_is_no_edge() -> None:
    found = allowance(window=None, request=10, output=0, reasoning=0, band=0, price=None, most=7)
    assert found == Allowance(tokens=7, reason=SETTING)
