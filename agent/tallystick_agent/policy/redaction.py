"""Secrets by value, taken out of text before it is logged, shown or sent to a model. Pure."""

import re
import unicodedata

MASK = "[redacted]"
SHORTEST = 8
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_HIDDEN = re.compile(
    # U+FE0F stays: emoji are written with it. The other variation selectors can carry a text that nobody sees.
    "[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0e\ufeff\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)


def redact(text: str, secrets: tuple[str, ...]) -> str:
    # The longest first: a secret that begins another would leave the rest of it in the open.
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST and secret in text:
            text = text.replace(secret, MASK)
    return text


def clean(text: str) -> str:
    """Text from outside without terminal escapes, hidden characters and control bytes; tabs and newlines stay."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    if text.isascii() and text.isprintable():
        return text
    text = _HIDDEN.sub("", text)
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"))
