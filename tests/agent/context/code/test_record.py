"""What is kept of one text: which lines belong to which definition, and its bytes on disk."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick_agent.context.code.record import MOST_TEXT, Record, from_bytes, read_text, to_bytes
from tallystick_agent.context.code.words import hashes_of, term_hash, words

CODE = '''\
"""About euros."""

# Rates are old.
@cached
def rate(country):
    return table[country]


class Cart:
    # in cents
    def total(self):
        def inner():
            return hidden
        return inner()

    size = 3
'''


def words_of(record: Record, chunk: int) -> set[int]:
    return set(record.term[record.chunk == chunk].tolist())


def has(record: Record, chunk: int, *found: str) -> list[bool]:
    return [set(hashes_of(word)) <= words_of(record, chunk) for word in found]


def test_a_chunk_is_a_definition_without_those_inside_it() -> None:
    record = read_text(CODE.encode(), "python")
    assert [(c.name, c.first, c.last, c.lead, c.parent) for c in record.chunks] == [
        ("", 1, 17, 1, -1),
        ("rate", 5, 6, 3, 0),
        ("Cart", 9, 16, 9, 0),
        ("total", 11, 14, 10, 2),
        ("inner", 12, 13, 12, 3),
    ]
    assert [c.signature for c in record.chunks[1:]] == ["def rate(country):", "class Cart:", "def total(self):", "def inner():"]


def test_comments_and_decorators_belong_to_the_definition_below_them() -> None:
    record = read_text(CODE.encode(), "python")
    assert has(record, 1, "Rates", "old", "cached", "country") == [True] * 4
    assert has(record, 0, "euros", "Rates", "cached", "hidden") == [True, False, False, False]
    assert has(record, 2, "Cart", "size", "cents", "total") == [True, True, False, False]
    assert has(record, 3, "cents", "total", "inner", "hidden") == [True, True, True, False]
    assert has(record, 4, "hidden") == [True]


def test_every_word_is_counted_once_in_all() -> None:
    record = read_text(CODE.encode(), "python")
    assert sum(c.words for c in record.chunks) == len(words(CODE))


def test_a_first_line_stays_with_what_is_around() -> None:
    """A comment on the first line of a class is the class's, though a definition follows right below."""
    record = read_text(b"class A:  # why\n    def f(self): ...\n", "python")
    assert [(c.name, c.lead) for c in record.chunks[1:]] == [("A", 1), ("f", 2)]
    same = read_text(b"function a() {\n} function b() {\n}\n", "javascript")
    assert [(c.name, c.first, c.last) for c in same.chunks[1:]] == [("a", 1, 2), ("b", 2, 3)]


@pytest.mark.parametrize(
    ("data", "language", "names"),
    [
        (b"", "python", []),
        (b"", "", []),
        (b"def f():\r\n    pass\r\n", "python", ["f"]),
        (b"def f():\n    x = '\0'\n", "python", ["f"]),
        (b"def f():\n    x = '\xff\xfe'\n", "python", ["f"]),
        ("def größe():\n    pass\n".encode(), "python", ["größe"]),
        (b"\xef\xbb\xbfdef f(): ...\n", "python", ["f"]),
        (b"def f():\n    pass", "python", ["f"]),
        (b"# only a comment", "python", []),
        (b"def f(): ...\n", "klingon", []),
        (b"def f(): ...\n", "", []),
        (b"def f():\r    pass\rdef g(): ...", "python", ["f"]),
    ],
)
def test_any_bytes_are_a_record(data: bytes, language: str, names: list[str]) -> None:
    record = read_text(data, language)
    assert [c.name for c in record.chunks[1:]] == names
    assert record.chunks[0].last == data.count(b"\n") + 1
    assert not any(c.signature != c.signature.strip() for c in record.chunks)


def test_a_text_without_a_grammar_is_read_for_words_up_to_a_bound() -> None:
    record = read_text(b"early " * (MOST_TEXT // 6) + b"late", "")
    assert term_hash("late") not in words_of(record, 0)
    assert int(record.count.max()) == 65_535


TEXTS = st.text(st.sampled_from(list("defclassA_1 \n:()#@'\r\0é")), max_size=120).map(lambda text: text.encode()) | st.binary(
    max_size=60
)


@given(data=TEXTS, language=st.sampled_from(["python", "javascript", "c", ""]))
def test_what_is_kept_is_what_was_read(data: bytes, language: str) -> None:
    record = read_text(data, language)
    again = from_bytes(to_bytes(record))
    assert (again.language, again.chunks) == (record.language, record.chunks)
    assert [again.term.tolist(), again.chunk.tolist(), again.count.tolist()] == [
        record.term.tolist(),
        record.chunk.tolist(),
        record.count.tolist(),
    ]
    assert to_bytes(again) == to_bytes(read_text(data, language))


@settings(max_examples=30)
@given(data=TEXTS, language=st.sampled_from(["python", ""]))
def test_parents_come_first_and_lie_around(data: bytes, language: str) -> None:
    chunks = read_text(data, language).chunks
    for number, one in enumerate(chunks[1:], 1):
        around = chunks[one.parent]
        assert 0 <= one.parent < number
        assert around.first <= one.lead <= one.first <= one.last
    assert all(read_text(data, language).count > 0)


def test_every_cut_of_the_bytes_is_refused() -> None:
    data = to_bytes(read_text(CODE.encode(), "python"))
    for length in range(len(data)):
        with pytest.raises(ValueError):
            from_bytes(data[:length])
    with pytest.raises(ValueError):
        from_bytes(data + b"\0")


def test_every_byte_that_is_other_is_refused() -> None:
    """A wrong number among the lines or postings would only fail much later, in the middle of a question."""
    data = to_bytes(read_text(CODE.encode(), "python"))
    for at in range(len(data)):
        for bit in (1, 128):
            damaged = bytearray(data)
            damaged[at] ^= bit
            with pytest.raises(ValueError):
                from_bytes(bytes(damaged))


@pytest.mark.parametrize("data", [b"", b"TSIX", b"\0" * 100, b"SQLite format 3\0" * 4])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        from_bytes(data)
