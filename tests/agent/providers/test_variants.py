"""The suffixes of a slug: which words are suffixes, and what each asks of routing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.providers.preferences import Policy, Preferences
from tallystick_agent.providers.variants import KNOWN, parse, wish_of


@pytest.mark.parametrize(
    ("slug", "base", "variants"),
    [
        ("x/m", "x/m", ()),
        ("x/m:free", "x/m", ("free",)),
        ("x/m:free:nitro", "x/m", ("free", "nitro")),
        ("ollama/qwen2.5-coder:7b", "ollama/qwen2.5-coder:7b", ()),
        ("ollama/qwen2.5-coder:7b:floor", "ollama/qwen2.5-coder:7b", ("floor",)),
        ("ollama/m:free:7b", "ollama/m:free:7b", ()),
        ("x/m:nitr", "x/m:nitr", ()),
        ("x/m:Free", "x/m:Free", ()),
        ("x/m:", "x/m:", ()),
        (":free", ":free", ()),
        ("", "", ()),
        ("x/m:thinking:online:extended:exacto:batch", "x/m", ("thinking", "online", "extended", "exacto", "batch")),
    ],
)
def test_known_suffixes_at_the_end_are_variants_and_other_colons_belong_to_the_name(
    slug: str, base: str, variants: tuple[str, ...]
) -> None:
    found = parse(slug)
    assert (found.base, found.variants) == (base, variants)
    assert found.slug == slug


def test_only_some_variants_are_entries_of_a_catalog() -> None:
    assert parse("x/m:free:nitro:online:thinking").entry == "x/m:free:thinking"


@pytest.mark.parametrize(
    ("variant", "policy"),
    [
        ("nitro", "throughput"),
        ("floor", "price"),
        ("exacto", "exacto"),
        ("extended", "window"),
        ("free", "balanced"),
        ("thinking", "balanced"),
        ("online", "balanced"),
    ],
)
def test_what_a_variant_asks_of_routing(variant: str, policy: Policy) -> None:
    found = wish_of(parse(f"x/m:{variant}"), Preferences())
    assert found.policy == policy
    assert found.free_only == (variant == "free")


def test_the_last_of_two_policies_holds_and_free_stays() -> None:
    found = wish_of(parse("x/m:free:nitro:floor"), Preferences(policy="latency"))
    assert (found.policy, found.free_only) == ("price", True)


def test_a_named_order_stays_above_a_variant() -> None:
    wish = Preferences(order=("groq",))
    assert wish_of(parse("x/m:nitro:extended"), wish) == wish


@given(base=st.text(alphabet="ab/:7", max_size=8), variants=st.lists(st.sampled_from(sorted(KNOWN)), max_size=4))
def test_a_slug_is_put_together_as_it_was_taken_apart(base: str, variants: list[str]) -> None:
    slug = ":".join([base, *variants])
    assert parse(slug).slug == slug
