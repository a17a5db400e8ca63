"""Counting tokens: exactly tiktoken's o200k for plain text, with nothing downloaded, times what is known of a family."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.tokens.counter import FAMILIES, TOOL_FRAME, TOOLS_FRAME, Counter
from tallystick_agent.tokens.encodings import SHA256, o200k, vocabulary_bytes

# Counted with tiktoken's own `o200k_base`.
KNOWN = [
    ("", 0),
    ("hello", 1),
    ("hello world", 2),
    ("Hello, world!", 4),
    ("tiktoken is great!", 6),
    ("antidisestablishmentarianism", 6),
    ("2 + 2 = 4", 7),
    ("1234567890", 4),
    ("お誕生日おめでとう", 8),
    ("😀", 1),
    ("\n\n\n", 1),
    ("    return self.items[0]\n", 7),
]


@pytest.mark.parametrize(("text", "count"), KNOWN)
def test_known_counts(text: str, count: int) -> None:
    assert Counter().raw(text) == count
    assert Counter().text(text) == count


@pytest.mark.parametrize("text", ["<|endoftext|>", "<|im_start|>system<|im_end|>", "<|fim_prefix|>", "a<|endofprompt|>b"])
def test_special_tokens_in_a_file_are_plain_text(text: str) -> None:
    assert Counter().raw(text) > 3
    assert o200k().decode(o200k().encode_ordinary(text)) == text


@given(st.text(max_size=200))
def test_the_encoding_gives_every_text_back(text: str) -> None:
    assert o200k().decode(o200k().encode_ordinary(text)) == text


@given(st.text(st.characters(exclude_categories=[]), max_size=50))
def test_no_text_is_too_odd_to_count(text: str) -> None:
    assert 0 <= Counter().raw(text) <= 4 * len(text)


def test_the_vocabulary_is_the_published_one() -> None:
    import hashlib

    assert hashlib.sha256(vocabulary_bytes()).hexdigest() == SHA256
    assert o200k().n_vocab == 199_998


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_counts_upwards_and_knows_o200k_too(family: str) -> None:
    text = "def total(self):\n    return sum(item.price for item in self.items)\n" * 5
    raw = Counter().raw(text)
    assert Counter(family).raw(text) == raw
    assert raw * 0.9 <= Counter(family).text(text) <= raw * 1.9
    assert Counter(family).text("") == 0
    assert Counter(family).text("a") >= 1


@given(st.sampled_from(sorted(FAMILIES)), st.text(st.characters(exclude_categories=[]), max_size=60))
def test_no_count_leaves_its_bounds(family: str, text: str) -> None:
    counter = Counter(family)
    raw, size = counter.raw(text), len(text.encode("utf-8", "replace"))
    assert math.ceil(raw / 2) <= counter.text(text) <= max(raw, size)


def test_tools_are_their_json_a_frame_each_and_a_constant() -> None:
    counter, schema = Counter("claude"), {"type": "object", "properties": {"path": {"type": "string"}}}
    one = counter.json({"name": "read", "description": "Reads a file.", "parameters": schema})
    assert counter.tools([]) == 0
    assert counter.tools([("read", "Reads a file.", schema)]) == one + TOOL_FRAME + TOOLS_FRAME
    assert counter.tools([("read", "Reads a file.", schema)] * 3) == 3 * (one + TOOL_FRAME) + TOOLS_FRAME


def test_the_learned_factor_counts_too() -> None:
    assert Counter(factor=1.5).text("hello world") == 3
    assert Counter(factor=0.5).text("hello world") == 1


def test_json_is_counted_compact_and_as_it_is_written() -> None:
    assert Counter().json({"a": [1, 2], "b": "ü"}) == Counter().text('{"a":[1,2],"b":"ü"}')


def test_many_texts_do_not_change_a_count() -> None:
    counter = Counter()
    first = counter.raw("hello world")
    for number in range(5_000):
        counter.raw(f"text {number}")
    assert counter.raw("hello world") == first
