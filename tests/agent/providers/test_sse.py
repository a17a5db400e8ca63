"""Server-sent events: whatever way the bytes are cut, the same events come out, as the standard reads them."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.providers.sse import MAX_EVENT_BYTES, SseDecoder


def decode(*chunks: bytes) -> list[str]:
    decoder = SseDecoder()
    return [data for chunk in chunks for data in decoder.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", ["a"]),
        (b"data:a\n\n", ["a"]),
        (b"data:  a\n\n", [" a"]),
        (b"data: a\r\n\r\n", ["a"]),
        (b"data: a\r\rdata: b\r\r:", ["a", "b"]),
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"data: a\r\ndata: b\r\n\r\n", ["a\nb"]),
        (b"data:\ndata: b\n\n", ["\nb"]),
        (b": OPENROUTER PROCESSING\n\ndata: a\n\n", ["a"]),
        (b":\n\n:\n\ndata: a\n\n", ["a"]),
        (b"data: a\n: in between\ndata: b\n\n", ["a\nb"]),
        (b"event: message\nid: 1\nretry: 10\ndata: a\n\n", ["a"]),
        (b"event: ping\n\ndata: a\n\n", ["a"]),
        (b"\n\n\ndata: a\n\n\n\n", ["a"]),
        (b"database: a\n\n", []),
        (b"data: [DONE]\n\n", ["[DONE]"]),
        ("data: grüße 😀\n\n".encode(), ["grüße 😀"]),
        (b"data: caf\xe9\n\n", ["caf\N{REPLACEMENT CHARACTER}"]),
        ("data: a\u2028b\x0bc\n\n".encode(), ["a\u2028b\x0bc"]),
        (b"", []),
    ],
)
def test_a_stream_is_read_as_the_standard_says(stream: bytes, events: list[str]) -> None:
    assert decode(stream) == events


@pytest.mark.parametrize("stream", [b"data: a", b"data: a\n", b"data: a\r\n", b"data: done\n\ndata: cut"])
def test_an_event_that_no_empty_line_closes_is_dropped(stream: bytes) -> None:
    assert "a" not in decode(stream)
    assert "cut" not in decode(stream)


ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINES = st.one_of(
    st.just(b""),
    st.text(max_size=6).map(lambda text: b"data: " + re.sub("[\r\n]", " ", text).encode("utf-8", "replace")),
    st.sampled_from([b": comment", b"data:", b"data", b"event: x", b"id: 7", b"data: [DONE]", b"garbage", b'data: {"a": 1}']),
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Lines with any line ends, closed by one more line so that no carriage return is left open."""
    lines = draw(st.lists(LINES, max_size=12))
    return b"".join(line + draw(ENDS) for line in lines) + b":\n"


@given(streams(), st.lists(st.integers(0, 200), max_size=8))
def test_any_cut_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, *(cut % (len(stream) + 1) for cut in cuts), len(stream)})
    pieces = [stream[start:end] for start, end in pairwise(places)]
    whole = decode(stream)

    assert decode(*pieces) == whole
    assert decode(*(bytes([byte]) for byte in stream)) == whole


@given(streams())
def test_line_ends_do_not_matter(stream: bytes) -> None:
    assert decode(stream) == decode(re.sub(b"\r\n|\r", b"\n", stream))


def test_a_character_may_be_cut_in_the_middle() -> None:
    stream = "data: 😀\n\n".encode()
    for at in range(len(stream) + 1):
        assert decode(stream[:at], stream[at:]) == ["😀"]


def test_an_event_without_end_is_refused_before_it_fills_the_memory() -> None:
    decoder = SseDecoder()
    block = b"x" * (MAX_EVENT_BYTES // 4)
    decoder.feed(b"data: ")
    decoder.feed(block * 3)
    with pytest.raises(ProviderError) as refused:
        decoder.feed(block * 2)
    assert refused.value.retryable


def test_an_event_of_many_lines_without_end_is_refused_too() -> None:
    decoder = SseDecoder()
    block = b"data: " + b"x" * (MAX_EVENT_BYTES // 4) + b"\n"
    decoder.feed(block * 5)
    with pytest.raises(ProviderError):
        decoder.feed(b"data: x\n")


def test_many_comments_cost_no_memory_and_give_no_event() -> None:
    decoder = SseDecoder()
    for _ in range(2_000):
        assert decoder.feed(b": OPENROUTER PROCESSING\n\n") == []
    assert decoder.feed(b"data: a\n\n") == ["a"]
