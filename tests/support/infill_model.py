"""The small test model with markers for filling gaps, which its file lacks. Owns that change of a model's file.

Three of its own special tokens are named as the markers, so that llama.cpp's server takes `/infill`. What it writes there is
nonsense; the wire and the cache are real.
"""

import struct
from pathlib import Path
from typing import Final

MARKERS: Final = {
    "tokenizer.ggml.fim_pre_token_id": 4,
    "tokenizer.ggml.fim_suf_token_id": 5,
    "tokenizer.ggml.fim_mid_token_id": 6,
}
_SIZES: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of the plain kinds of a value."""
_STRING: Final = 8
_ARRAY: Final = 9
_UINT32: Final = 4
_ALIGN: Final = 32


def with_markers(model: Path, target: Path) -> Path:
    """A copy of a GGUF file with the markers at the end of its table of values."""
    data = model.read_bytes()
    magic, version, tensors, values = struct.unpack_from("<4sIQQ", data, 0)
    at = 24
    for _ in range(values):
        at = _value(data, _string(data, at))
    end = at
    for _ in range(tensors):
        at = _string(data, at)
        (dimensions,) = struct.unpack_from("<I", data, at)
        at += 4 + 8 * dimensions + 4 + 8
    added = b"".join(
        struct.pack("<Q", len(name)) + name.encode() + struct.pack("<II", _UINT32, token) for name, token in MARKERS.items()
    )
    head = struct.pack("<4sIQQ", magic, version, tensors, values + len(MARKERS)) + data[24:end] + added + data[end:at]
    rest = data[-(-at // _ALIGN) * _ALIGN :]
    target.write_bytes(head + b"\0" * (-len(head) % _ALIGN) + rest)
    return target


def _string(data: bytes, at: int) -> int:
    """Where a string ends."""
    (size,) = struct.unpack_from("<Q", data, at)
    return at + 8 + int(size)


def _value(data: bytes, at: int) -> int:
    """Where a value with its kind ends."""
    (kind,) = struct.unpack_from("<I", data, at)
    return _of_kind(data, at + 4, int(kind))


def _of_kind(data: bytes, at: int, kind: int) -> int:
    if kind == _STRING:
        return _string(data, at)
    if kind != _ARRAY:
        return at + _SIZES[kind]
    inner, count = struct.unpack_from("<IQ", data, at)
    at += 12
    if inner in _SIZES:
        return at + _SIZES[inner] * int(count)
    for _ in range(count):
        at = _of_kind(data, at, int(inner))
    return at
