"""What a success says of the limits that are left. Owns the headers of OpenAI's kind and of Anthropic's; pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

_PAIRS: Final = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
)
_PIECE: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def exhausted_for(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds for which nothing is left, by the longest of the limits that are at 0; `None` where all have room."""
    waits = [wait_in(headers.get(reset, ""), now) for left, reset in _PAIRS if headers.get(left, "").strip() == "0"]
    known = [wait for wait in waits if wait is not None]
    return max(known) if known else None


def wait_in(value: str, now: datetime) -> float | None:
    """Seconds in `6m0s`, `200ms`, `12`, or until an RFC 3339 time."""
    text = value.strip()
    pieces = _PIECE.findall(text)
    if pieces and "".join(number + unit for number, unit in pieces) == text:
        return sum(float(number) * _UNIT[unit] for number, unit in pieces)
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds())
