"""Sizes of images from their first bytes, and the tokens they take: estimates by rules that providers publish."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick_agent.tokens.images import IMAGE_BAND, RULES, Detail, image_size, image_tokens


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x06\x00\x00\x00"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00"


def jpeg(width: int, height: int, *, frame: int = 0xC0) -> bytes:
    exif = b"\xff\xe1" + struct.pack(">H", 10) + b"Exif\x00\x00\xff\xc0"
    tables = b"\xff\xff\xdb" + struct.pack(">H", 4) + b"\x00\x00"
    head = b"\xff" + bytes([frame]) + struct.pack(">HBHH", 17, 8, height, width)
    return b"\xff\xd8" + exif + tables + head + b"\x03\x01\x22\x00"


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 22 + len(body)) + b"WEBP" + kind + struct.pack("<I", len(body)) + body


def extended(width: int, height: int) -> bytes:
    return webp(b"VP8X", b"\x10\x00\x00\x00" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little"))


def lossy(width: int, height: int) -> bytes:
    return webp(b"VP8 ", b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height))


Maker = Callable[[int, int], bytes]
MAKERS: list[Maker] = [png, gif, jpeg, extended, lossless, lossy]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (640, 480), (3, 4_000), (16_000, 9)])
def test_the_size_is_in_the_header(make: Maker, width: int, height: int) -> None:
    assert image_size(make(width, height)) == (width, height)


def test_a_progressive_jpeg_has_its_size_in_another_segment() -> None:
    assert image_size(jpeg(800, 600, frame=0xC2)) == (800, 600)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_no_cut_header_is_read(make: Maker) -> None:
    whole = make(640, 480)
    for length in range(len(whole)):
        assert image_size(whole[:length]) in (None, (640, 480))
    assert image_size(whole[:9]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"BM\x00\x00",
        b"<svg xmlns='x'/>",
        png(0, 480),
        gif(640, 0),
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\xff\xd8\xff\xda" + b"\x00" * 20,
        b"\xff\xd8" + b"\xff" * 1_000,
        webp(b"VP8 ", b"\x00" * 10),
        webp(b"ANIM", b"\x00" * 10),
    ],
    ids=[
        "empty",
        "bmp",
        "svg",
        "no width",
        "no height",
        "jpeg cut",
        "no length",
        "no frame",
        "filler",
        "no key frame",
        "odd chunk",
    ],
)
def test_anything_else_has_no_size(data: bytes) -> None:
    assert image_size(data) is None


@given(
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF0000WEBPVP8 ", b"RIFF0000WEBPVP8X"]),
    st.binary(),
)
def test_no_bytes_make_it_raise(start: bytes, rest: bytes) -> None:
    size = image_size(start + rest)
    assert size is None or min(size) > 0


@pytest.mark.parametrize(
    ("family", "size", "detail", "tokens"),
    [
        ("o200k", (4_000, 3_000), "low", 85),
        ("o200k", (512, 512), "high", 85 + 170),
        ("o200k", (1_024, 1_024), "high", 85 + 4 * 170),
        ("o200k", (2_048, 4_096), "high", 85 + 6 * 170),
        ("openai patches", (1_024, 1_024), "high", 1_536),
        ("openai patches", (320, 320), "high", 200),
        ("claude", (1_000, 1_000), "high", 1_334),
        ("claude", (200, 200), "high", 54),
        ("claude", (5_000, 5_000), "high", 1_600),
        ("claude-2026", (2_576, 1_000), "high", 3_435),
        ("gemini", (384, 384), "high", 258),
        ("gemini", (385, 100), "high", 258),
        ("gemini", (1_536, 768), "high", 516),
        ("qwen", (280, 280), "high", 102),
        ("nobody knows it", (1_024, 1_024), "high", 85 + 4 * 170 + 604),
        ("claude", (0, 10), "high", 0),
    ],
)
def test_what_an_image_takes(family: str, size: tuple[int, int], detail: Detail, tokens: int) -> None:
    found = image_tokens(family, *size, detail)
    if family == "nobody knows it":
        assert found == max(image_tokens(name, *size) for name in ("o200k", "claude", "gemini", "qwen"))
    else:
        assert found == tokens


@given(st.sampled_from([*RULES, "other"]), st.integers(1, 10**6), st.integers(1, 10**6))
def test_every_image_takes_some_tokens_and_no_flood(family: str, width: int, height: int) -> None:
    assert 0 < image_tokens(family, width, height) <= 17_000
    assert 0 < IMAGE_BAND < 1
