"""Readable file sizes."""

UNITS = ["B", "KiB", "MiB", "GiB"]


def format_bytes(size):
    """Return a number of bytes as text with the best unit.

    Every unit is 1024 times the one before. Use the largest unit for which
    the number is at least 1. GiB is the largest unit, even for huge sizes.
    Bytes are written without decimals ("17 B"), all other units with
    exactly one decimal ("1.5 KiB"). A negative size raises ValueError.
    """
    if size < 0:
        raise ValueError("the size must not be negative")
    if size < 1024:
        return f"{size} B"
    index = 0
    while size >= 1024 and index < len(UNITS) - 1:
        size /= 1024
        index += 1
    return f"{size:.1f} {UNITS[index]}"
