"""What counts as the same word: parts of identifiers, stems, and what a question asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.context.code.words import hashes, hashes_of, identifiers, query_terms, stem, term_hash, terms_of, words

ANY_WORD = st.text(st.characters(exclude_categories=()), max_size=30) | st.from_regex(r"[A-Za-z_0-9éßİ]{0,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("def f2(x_y, *args): 42", ["def", "f2", "x_y", "args"]),
        ("grüße = naïve(Ω)", ["grüße", "naïve", "Ω"]),
        ("2fast 3", ["fast"]),
        ("__init__ _", ["__init__", "_"]),
        ("变量 = 1", ["变量"]),
    ],
)
def test_words_of_a_text(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_read_as_any_text_is(text: str) -> None:
    assert words(text) == words(f"{text} é")[:-1]


@pytest.mark.parametrize(
    ("word", "terms"),
    [
        ("total", ("total",)),
        ("readFile", ("read", "fil", "readfile")),
        ("read_file", ("read", "fil", "read_file")),
        ("HTTPServer", ("http", "server", "httpserver")),
        ("parseURL", ("pars", "url", "parseurl")),
        ("MAX_SIZE", ("max", "siz", "max_size")),
        ("sha256sum", ("sha", "256", "sum", "sha256sum")),
        ("__init__", ("init",)),
        ("x", ()),
        ("_", ()),
        ("xY", ()),
        ("größeMax", ("größ", "max", "größemax")),
        ("naïve", ("naïv",)),
        ("ΠλήθοςΝέο", ("πλήθος", "νέο", "πλήθοςνέο")),
        ("МаксРазмер2", ("макс", "размер", "максразмер2")),
        ("变量", ("变量",)),
        ("éa", ("éa",)),
    ],
)
def test_an_identifier_is_its_parts_and_itself(word: str, terms: tuple[str, ...]) -> None:
    assert terms_of(word) == terms


@pytest.mark.parametrize(
    ("word", "short"),
    [
        ("is", "is"),
        ("entries", "entry"),
        ("ties", "tie"),
        ("classes", "class"),
        ("boxes", "box"),
        ("status", "status"),
        ("running", "run"),
        ("calling", "call"),
        ("parsing", "pars"),
        ("parse", "pars"),
        ("parsed", "pars"),
        ("parses", "pars"),
        ("string", "string"),
        ("bed", "bed"),
        ("misses", "miss"),
    ],
)
def test_stems(word: str, short: str) -> None:
    assert stem(word) == short


@given(ANY_WORD)
def test_the_index_hashes_what_a_question_asks_for(word: str) -> None:
    assert set(hashes_of(word)) == set(hashes(terms_of(word)))


@given(ANY_WORD)
def test_a_hash_has_32_bits(word: str) -> None:
    assert all(0 <= one < 1 << 32 for one in hashes_of(word))


def test_a_hash_is_the_same_in_every_process() -> None:
    assert term_hash("total") == 3_257_917_790


def test_a_question_loses_its_stop_words_and_damps_what_it_repeats() -> None:
    asked = query_terms("The cart should have a total when the total is in euros; total total")
    assert set(asked) == {"cart", "total", "euro"}
    assert asked["cart"] == 1.0
    assert asked["total"] == 2.0


def test_words_of_every_report_weigh_less() -> None:
    asked = query_terms("fix the currency bug")
    assert asked["currency"] > asked["fix"] == asked["bug"] > 0


@given(st.text(max_size=200))
def test_a_word_that_is_repeated_never_weighs_less(text: str) -> None:
    once, twice = query_terms(text), query_terms(f"{text} {text}")
    assert once.keys() == twice.keys()
    assert all(twice[term] >= weight for term, weight in once.items())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("Please look at the Cart", ()),
        ("read_file and readFile and ReadFile", ("read_file", "readFile", "ReadFile")),
        ("the HTTP API", ()),
        ("HTTPServer twice: HTTPServer", ("HTTPServer",)),
        ("call `total` of `shop.cart`", ("total", "shop", "cart")),
        ("_private __dunder__", ()),
        ("an open ` quote", ()),
        ("`two\nlines`", ()),
    ],
)
def test_words_that_can_only_be_code(text: str, found: tuple[str, ...]) -> None:
    assert identifiers(text) == found
