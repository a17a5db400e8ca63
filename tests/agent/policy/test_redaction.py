"""Secrets and hidden characters leave a text before anyone reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.policy.redaction import MASK, clean, redact

KEY = "sk-or-v1-0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (f"key={KEY}", f"key={MASK}"),
        (f"{KEY}{KEY}", f"{MASK}{MASK}"),
        (f"a\n{KEY}\nb", f"a\n{MASK}\nb"),
        ("nothing here", "nothing here"),
        (KEY[:-1], KEY[:-1]),
        ("", ""),
    ],
)
def test_a_secret_is_masked_wherever_it_stands(text: str, safe: str) -> None:
    assert redact(text, (KEY,)) == safe


def test_a_short_secret_is_left_alone_since_it_would_blank_ordinary_words() -> None:
    assert redact("a test of tests", ("test",)) == "a test of tests"


@pytest.mark.parametrize("secrets", [(KEY, f"{KEY}-longer-one"), (f"{KEY}-longer-one", KEY)])
def test_of_two_secrets_where_one_begins_the_other_nothing_of_either_is_left(secrets: tuple[str, ...]) -> None:
    assert redact(f"one {KEY}-longer-one two {KEY} three", secrets) == f"one {MASK} two {MASK} three"


@given(st.lists(st.text("abXY01-", min_size=8, max_size=12), max_size=4), st.text("abXY01- \n", max_size=60))
def test_no_secret_is_left_in_any_text(secrets: list[str], text: str) -> None:
    for secret in secrets:
        text = f"{text}{secret}"
    safe = redact(text, tuple(secrets))
    assert not any(secret in safe for secret in secrets)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain", "plain"),
        ("tab\tand\nnewline", "tab\tand\nnewline"),
        ("a\r\nb", "a\nb"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[1;31;48;5;17mred\x1b[m", "red"),
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("\x1b]0;a title\x07shown", "shown"),
        ("\x1b]8;;http://127.0.0.1/?d=x\x07click\x1b]8;;\x07", "click"),
        ("\x1b]8;;http://127.0.0.1/\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]52;c;c2VjcmV0\x07", ""),
        ("bell\x07 null\x00 backspace\x08", "bell null backspace"),
        ("\x9b31mred", "31mred"),
        ("user\u202egpj.exe", "usergpj.exe"),
        ("a\u2066b\u2069c", "abc"),
        ("zero\u200bwidth\u2060\ufeff", "zerowidth"),
        ("hidden\U000e0041\U000e0042\U000e007f", "hidden"),
        ("grüße 漢字 😀", "grüße 漢字 😀"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("letter\u061cmark", "lettermark"),
        ("data\ufe01\U000e0100\U000e01ef", "data"),
    ],
)
def test_text_from_outside_shows_what_it_is(text: str, safe: str) -> None:
    assert clean(text) == safe


@given(st.text(st.characters(exclude_categories=[]), max_size=80))
def test_cleaning_leaves_no_escape_and_is_done_after_once(text: str) -> None:
    once = clean(text)
    assert "\x1b" not in once
    assert "\r" not in once
    assert clean(once) == once


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_plain_ascii_passes_unchanged(text: str) -> None:
    assert clean(text) == text
