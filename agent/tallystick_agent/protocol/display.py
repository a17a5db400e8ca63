"""Text from outside as a person may see it. Owns one rule: what would move a cursor or hide a word is shown, not obeyed.

A permission prompt that could be redrawn by the command it asks about would ask about something else. Pure.
"""

import re

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_HIDDEN = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]")


def shown(text: str) -> str:
    """`text` with control characters as their pictures and hidden ones as escapes; tabs and newlines stay."""
    text = text.replace("\r\n", "\n")
    if text.isascii() and _CONTROL.search(text) is None:
        return text
    text = _CONTROL.sub(lambda found: _picture(ord(found[0])), text)
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _picture(code: int) -> str:
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else f"\\x{code:02x}"
