"""What a text is made of, as counts that cost little: letters, digits, blanks, scripts, long runs. Pure.

A tokenizer differs from o200k mainly by what it does with digits, blanks, capitals and with scripts it knows less well.
Each count goes over the bytes in C: the whole takes about a tenth of what tiktoken takes.
"""

import re
from typing import Final

# Class of a code point by its first UTF-8 byte: (class, first byte, first byte past the end).
_LEADS: Final = (
    ("latin1", 0xC3, 0xC4),
    ("latin-a", 0xC4, 0xC6),
    ("latin-b", 0xC6, 0xCC),
    ("signs", 0xC2, 0xC3),
    ("marks", 0xCC, 0xCE),
    ("greek", 0xCE, 0xD0),
    ("cyrillic", 0xD0, 0xD2),
    ("cyrillic-more", 0xD2, 0xD4),
    ("armenian", 0xD4, 0xD6),
    ("hebrew", 0xD6, 0xD8),
    ("arabic", 0xD8, 0xDA),
    ("arabic-more", 0xDA, 0xE0),
    ("indic", 0xE0, 0xE1),
    ("georgian", 0xE1, 0xE2),
    ("symbols", 0xE2, 0xE3),
    ("kana", 0xE3, 0xE4),
    ("han", 0xE4, 0xEA),
    ("hangul", 0xEA, 0xEE),
    ("forms", 0xEE, 0xF0),
    ("beyond", 0xF0, 0x100),
)
# Told apart inside a class by the bytes that follow; counted only in a text that has the class.
_INSIDE: Final = (
    ("devanagari", b"\xe0\xa4", b"\xe0\xa5"),
    ("thai", b"\xe0\xb8", b"\xe0\xb9"),
    ("kannada", b"\xe0\xb2", b"\xe0\xb3"),
    ("khmer", b"\xe1\x9e", b"\xe1\x9f"),
    ("vietnamese", b"\xe1\xba", b"\xe1\xbb"),
    ("joiners", b"\xe2\x80"),
    ("selectors", b"\xef\xb8"),
    ("emoji", b"\xf0\x9f"),
    ("flags", b"\xf0\x9f\x87"),
)
_ASCII: Final = ("capitals", "digits", "newlines", "spaces", "returns", "tabs", "controls", "punctuation")

FEATURES: Final = ("o200k", *_ASCII, "letter-runs", "sign-runs", *(n for n, *_ in _LEADS), *(n for n, *_ in _INSIDE))
"""Names of the numbers that `features` returns, in order."""

_CODES: Final = {name: bytes([65 + i]) for i, name in enumerate([*_ASCII, *(n for n, *_ in _LEADS), "lower"])}
_ASCII_CODES: Final = tuple(_CODES[name] for name in _ASCII)
_LEAD_CODES: Final = tuple(_CODES[name] for name, *_ in _LEADS)
_LOWER: Final = bytes(range(0x61, 0x7B))
_FOLLOWING: Final = bytes(range(0x80, 0xC0))
_RUN: Final = re.compile(rb"([^\s\d])\1{7,}")
_NO_SCRIPTS: Final = (0,) * (len(_LEADS) + len(_INSIDE))


def _class_of_ascii(byte: int) -> str:
    char = chr(byte)
    if char.isalpha():
        return "capitals" if char.isupper() else "lower"
    if char.isdigit():
        return "digits"
    named = {"\n": "newlines", " ": "spaces", "\r": "returns", "\t": "tabs"}
    return named.get(char, "controls" if byte < 0x20 or byte == 0x7F else "punctuation")


def _table() -> bytes:
    classes = [_class_of_ascii(byte) for byte in range(0x80)] + ["punctuation"] * 0x80
    for name, start, end in _LEADS:
        classes[start:end] = [name] * (end - start)
    return b"".join(_CODES[name] for name in classes)


_TABLE: Final = _table()


def features(data: bytes, o200k: int) -> tuple[int, ...]:
    """The numbers named by `FEATURES` for UTF-8 `data` of `o200k` tokens."""
    ascii_only = data.isascii()
    shape = data.translate(_TABLE, _LOWER if ascii_only else _FOLLOWING)
    plain = [shape.count(code) for code in _ASCII_CODES]
    visible = len(data if ascii_only else shape) - sum(plain[2:6])
    letters = signs = 0
    if visible > 5 * o200k:  # Only long runs bring five letters into one token: "aaaa…", "=====…".
        for run in _RUN.finditer(data):
            if run[1].isalnum():
                letters += len(run[0])
            else:
                signs += len(run[0])
    scripts = _NO_SCRIPTS if ascii_only else _scripts(data, shape)
    return (o200k, *plain, letters, signs, *scripts)


def _scripts(data: bytes, shape: bytes) -> tuple[int, ...]:
    inside = (sum(data.count(start) for start in starts) for _, *starts in _INSIDE)
    return (*(shape.count(code) for code in _LEAD_CODES), *inside)
