"""How many tokens an image takes, and how large it is. Pure; knows no file and no provider's wire.

Providers publish rules that change with every line of models and count after a resizing of their own, so the results are
estimates with `IMAGE_BAND`. OpenAI: 85 tokens and 170 a tile of 512 × 512, or one a patch of 32 × 32. Anthropic: width ×
height ÷ 750 within an edge of 1,568 (2,576 since 2026). Gemini: 258 for a small image, or 258 a tile of 768 × 768.
Qwen, Llama 4 and Mistral: one a patch, with a cap.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

IMAGE_BAND: Final = 0.35
"""The share by which an image may take more tokens than estimated."""

Detail = Literal["low", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRule:
    """`kind` says what is counted; `unit` is its edge, or the pixels of a token; `edge` the longest side that is kept."""

    kind: Literal["openai tiles", "patches", "area", "gemini tiles"]
    unit: int
    edge: int
    base: int = 0
    each: int = 1
    most: int = 1_000_000


_TILES: Final = ImageRule(kind="openai tiles", unit=512, edge=2_048, base=85, each=170)
_AREA: Final = ImageRule(kind="area", unit=750, edge=1_568, most=1_600)
RULES: Final[dict[str, ImageRule]] = {
    "openai tiles": _TILES,
    "openai patches": ImageRule(kind="patches", unit=32, edge=2_048, each=2, most=1_536),
    "o200k": _TILES,
    "cl100k": _TILES,
    "claude": _AREA,
    "claude-2026": ImageRule(kind="area", unit=750, edge=2_576, most=5_000),
    "gemini": ImageRule(kind="gemini tiles", unit=768, edge=3_072, each=258),
    "qwen": ImageRule(kind="patches", unit=28, edge=3_584, base=2, most=16_384),
    "qwen-3.6": ImageRule(kind="patches", unit=32, edge=4_096, base=2, most=16_384),
    "llama-4": ImageRule(kind="patches", unit=28, edge=1_344, base=160, most=2_464),
    "mistral": ImageRule(kind="patches", unit=28, edge=1_540, base=60, most=3_085),
}
_UNKNOWN: Final = ("o200k", "claude", "gemini", "qwen")


def image_tokens(family: str, width: int, height: int, detail: Detail = "high") -> int:
    """Tokens of an image of `width` × `height` pixels in a family, or under a rule, named in `RULES`.

    For any other name: the most that the common families take. `low` detail is OpenAI's alone; elsewhere it changes nothing.
    """
    if width <= 0 or height <= 0:
        return 0
    rule = RULES.get(family)
    if rule is None:
        return max(image_tokens(name, width, height, detail) for name in _UNKNOWN)
    if rule.kind == "openai tiles" and detail == "low":
        return rule.base
    return min(rule.most, rule.base + rule.each * _units(rule, width, height))


def _units(rule: ImageRule, width: int, height: int) -> int:
    scale = min(1.0, rule.edge / max(width, height))
    wide, high = max(1.0, width * scale), max(1.0, height * scale)
    match rule.kind:
        case "area":
            return math.ceil(wide * high / rule.unit)
        case "gemini tiles" if max(width, height) <= 384:
            return 1
        case "openai tiles":
            shorter = min(1.0, 768 / min(wide, high))
            wide, high = wide * shorter, high * shorter
        case _:
            pass
    return math.ceil(wide / rule.unit) * math.ceil(high / rule.unit)


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, from the first bytes of a PNG, JPEG, GIF or WebP; `None` for anything else. Never raises."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
        return _checked(data[16:20], data[20:24], "big")
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return _checked(data[6:8], data[8:10], "little")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data)
    return None


def _checked(width: bytes, height: bytes, order: Literal["big", "little"]) -> tuple[int, int] | None:
    if len(width) < 2 or len(height) != len(width):
        return None
    size = (int.from_bytes(width, order), int.from_bytes(height, order))
    return size if min(size) > 0 else None


def _webp(data: bytes) -> tuple[int, int] | None:
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X" and len(body) >= 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        size = (int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF)
        return size if min(size) > 0 else None
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """Walks the segments up to the frame header; each says its length, so a broken one ends the walk."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _checked(data[at + 7 : at + 9], data[at + 5 : at + 7], "big")
        elif marker in (0x01, *range(0xD0, 0xD9)):
            at += 2
        else:
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            if length < 2 or marker in (0xD9, 0xDA):
                return None
            at += 2 + length
    return None
