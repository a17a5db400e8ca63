"""Packed answers: every packing that servers use, in any pieces, and none that grows without end."""

import asyncio
import gzip
import itertools
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.protocol.errors import ProviderError
from tallystick_agent.providers import unpack
from tallystick_agent.providers.unpack import MOST, STEP, unpacked


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def read(chunks: Iterable[bytes], encoding: str) -> bytes:
    async def given_chunks() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def run() -> bytes:
        return b"".join([piece async for piece in unpacked(given_chunks(), encoding)])

    return asyncio.run(run())


TEXT = b'data: {"choices": []}\n\n' * 50
PACKED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    " GZIP ": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "": TEXT,
    "identity": TEXT,
}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000_000])
@pytest.mark.parametrize("encoding", PACKED)
def test_every_packing_comes_out_whole_in_any_pieces(encoding: str, size: int) -> None:
    data = PACKED[encoding]
    assert read([data[at : at + size] for at in range(0, len(data), size)], encoding) == TEXT


@pytest.mark.parametrize("size", [1, 1_000_000])
def test_deflate_without_a_header_is_what_some_servers_send(size: int) -> None:
    data = raw_deflate(TEXT)
    assert read([data[at : at + size] for at in range(0, len(data), size)], "deflate") == TEXT


@pytest.mark.parametrize("size", [1, 5, 1_000_000])
def test_several_gzips_in_a_row_are_one_answer_and_padding_is_nothing(size: int) -> None:
    data = gzip.compress(b"one ") + gzip.compress(b"two") + bytes(20)
    assert read([data[at : at + size] for at in range(0, len(data), size)], "gzip") == b"one two"


@given(
    data=st.binary(max_size=2_000),
    cuts=st.lists(st.integers(0, 2_500), max_size=5),
    packing=st.sampled_from(["gzip", "deflate", "raw", ""]),
)
def test_where_the_pieces_are_cut_makes_no_difference(data: bytes, cuts: list[int], packing: str) -> None:
    packed = {"gzip": gzip.compress(data), "deflate": zlib.compress(data), "raw": raw_deflate(data), "": data}[packing]
    edges = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    pieces = [packed[start:end] for start, end in itertools.pairwise(edges)]
    assert read(pieces, "deflate" if packing == "raw" else packing) == data


def test_what_was_flushed_comes_out_before_the_end() -> None:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    first = packer.compress(TEXT) + packer.flush(zlib.Z_SYNC_FLUSH)

    async def run() -> list[bytes]:
        seen: list[bytes] = []

        async def chunks() -> AsyncIterator[bytes]:
            yield first
            assert b"".join(seen) == TEXT
            yield packer.flush()

        async for piece in unpacked(chunks(), "gzip"):
            seen.append(piece)
        return seen

    assert b"".join(asyncio.run(run())) == TEXT


@pytest.mark.parametrize(
    ("chunks", "encoding"),
    [
        ([b"not gzip at all"], "gzip"),
        ([b"<html>"], "x-gzip"),
        ([gzip.compress(TEXT)[:10] + b"\x07" * 40], "gzip"),
        ([gzip.compress(TEXT)[:-8] + b"\x00" * 8], "gzip"),
        ([b"\xff\xff\xff\xff"], "deflate"),
        ([gzip.compress(b"one") + b"\x1f\x8b" + b"\x00" * 20], "gzip"),
    ],
)
def test_a_broken_packing_is_an_error_that_may_be_tried_again(chunks: list[bytes], encoding: str) -> None:
    with pytest.raises(ProviderError) as broken:
        read(chunks, encoding)
    assert broken.value.retryable
    assert broken.value.__cause__ is not None


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, deflate", "x" * 100])
def test_a_packing_that_nobody_asked_for_is_named(encoding: str) -> None:
    with pytest.raises(ProviderError) as unknown:
        read([b""], encoding)
    assert encoding[:20] in unknown.value.message
    assert len(unknown.value.message) < 100


def test_an_answer_that_is_cut_gives_what_came() -> None:
    """Whether it is whole is told by what is in it: a stream has its own end."""
    assert TEXT.startswith(read([gzip.compress(TEXT)[:-10]], "gzip"))


def zeros(mebibytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    return b"".join(packer.compress(bytes(STEP)) for _ in range(mebibytes)) + packer.flush()


def refused(chunks: Iterable[bytes], encoding: str) -> tuple[ProviderError, int]:
    """The error of a reader who keeps nothing, and the most bytes that were held on the way."""

    async def given_chunks() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def run() -> None:
        async for _ in unpacked(given_chunks(), encoding):
            pass

    tracemalloc.start()
    try:
        with pytest.raises(ProviderError) as error:
            asyncio.run(run())
        return error.value, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_bomb_is_refused_in_bounded_memory() -> None:
    bomb = zeros(64)
    assert len(bomb) < STEP // 10
    error, peak = refused([bomb], "gzip")
    assert not error.retryable
    assert peak < 8 * STEP


def test_a_bomb_in_many_small_pieces_is_refused_too() -> None:
    bomb = zeros(64)
    with pytest.raises(ProviderError):
        read([bomb[at : at + 500] for at in range(0, len(bomb), 500)], "gzip")


def endless(start: bytes) -> Iterator[bytes]:
    yield start
    for _ in range(2 * MOST // STEP):
        yield b"x" * STEP


@pytest.mark.parametrize(
    ("start", "encoding"), [(b"", ""), (gzip.compress(b"short"), "gzip")], ids=["plain", "after the end of a gzip"]
)
def test_an_answer_without_end_is_refused_and_not_kept(monkeypatch: pytest.MonkeyPatch, start: bytes, encoding: str) -> None:
    monkeypatch.setattr(unpack, "MOST", 16 * STEP)
    _, peak = refused(endless(start), encoding)
    assert peak < 8 * STEP


def test_long_text_that_packs_well_is_no_bomb() -> None:
    text = b"".join(b"line %d of an answer that repeats itself a lot\n" % number for number in range(60_000))
    assert len(text) > 2 * STEP
    assert read([gzip.compress(text)], "gzip") == text
