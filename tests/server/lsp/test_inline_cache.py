"""Suggestions that are remembered: typing along one gives the rest, and nothing else does."""

from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.ports import Filled
from tallystick_server.lsp.inline_cache import DOCUMENTS, EACH, SuggestionCache

TEXT = st.text(alphabet="ab\n", max_size=6)


def cached(text: str, before: str = "x = ", after: str = "\n") -> SuggestionCache:
    cache = SuggestionCache()
    cache.put("u", before, after, Filled(text=text))
    return cache


def test_the_rest_along_the_way() -> None:
    cache = cached("abc")
    assert cache.get("u", "x = ", "\n") == Filled(text="abc")
    assert cache.get("u", "x = ab", "\n") == Filled(text="c")
    for before, after in (("x = abc", "\n"), ("x = b", "\n"), ("x =", "\n"), ("y = a", "\n"), ("x = a", "\n\n"), ("x = a", "")):
        assert cache.get("u", before, after) is None
    assert cache.get("v", "x = ", "\n") is None


def test_what_an_editor_closes_by_itself_is_no_other_text() -> None:
    cache = cached("print(f(a), b)")
    assert cache.get("u", "x = print(", ")\n") == Filled(text="f(a), b")
    assert cache.get("u", "x = print(f(", "))\n") is None, "the answer does not end with both"
    assert cache.get("u", "x = ", ")\n") is None
    assert cache.get("u", "x = print(", "y\n") is None
    assert cache.get("u", "x = print(", ")") is None
    assert cached("f(\n    a\n)").get("u", "x = f(", ")\n") is None
    far = "y" * 3_000
    assert cached("f(a)", after=far).get("u", "x = f(", ")" + far) == Filled(text="a")
    assert cached("f(a)", after=far).get("u", "x = f(", ")" + far + "y") is None


def test_that_nothing_is_suggested_is_remembered_at_its_place() -> None:
    cache = cached("")
    assert cache.get("u", "x = ", "\n") == Filled(text="")
    assert cache.get("u", "x = a", "\n") is None


def test_the_newest_holds() -> None:
    cache = cached("abc")
    cache.put("u", "x = a", "\n", Filled(text="zz", replaces_rest=True))
    assert cache.get("u", "x = a", "\n") == Filled(text="zz", replaces_rest=True)
    assert cache.get("u", "x = ab", "\n") == Filled(text="c")


def test_it_is_bounded() -> None:
    cache = SuggestionCache()
    for number in range(DOCUMENTS + 5):
        cache.put(f"u{number}", "", "", Filled(text="a"))
    assert cache.get("u0", "", "") is None
    assert cache.get("u5", "", "") == Filled(text="a")
    for number in range(EACH + 1):
        cache.put("u9", "x" * number, "", Filled(text="a"))
    assert cache.get("u9", "", "") is None
    cache.drop("u9")
    assert cache.get("u9", "x", "") is None


@given(before=TEXT, text=TEXT, typed=TEXT, after=TEXT)
def test_what_is_given_leads_to_the_same_text(before: str, text: str, typed: str, after: str) -> None:
    found = cached(text, before, after).get("u", before + typed, after)
    if found is not None and typed:
        assert typed + found.text == text
    if text.startswith(typed) and text[len(typed) :].strip():
        assert found is not None
