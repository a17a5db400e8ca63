"""What OpenRouter says of an account: its limits, what is left, and what an earlier request cost. Owns their forms; pure."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

from tallystick_agent.protocol.usage import Usage, nanos_from_usd
from tallystick_agent.providers.wire.base import count, part_of

_MOST_USD: Final = 10**12
"""More than any account can hold: such an amount is taken as none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """From `GET /key`. Money in nano-dollars; `None` is unknown or without a limit."""

    limit_nanos: int | None = None
    left_nanos: int | None = None
    used_nanos: int | None = None
    free_tier: bool | None = None
    free_used: int | None = None
    """Requests to free models in this UTC day."""
    free_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """From `GET /generation`: what a request came to, after the fact."""

    usage: Usage
    cost_nanos: int | None
    model: str
    served_by: str
    cancelled: bool


def parse_key(data: dict[str, Any]) -> KeyInfo:
    """Whatever of it can be read; an unknown shape says nothing."""
    inner = data.get("data")
    row = cast(dict[str, Any], inner) if isinstance(inner, dict) else {}
    free = row.get("free_model_daily_requests")
    daily = cast(dict[str, Any], free) if isinstance(free, dict) else {}
    return KeyInfo(
        limit_nanos=_nanos(row.get("limit")),
        left_nanos=_nanos(row.get("limit_remaining")),
        used_nanos=_nanos(row.get("usage")),
        free_tier=row["is_free_tier"] if isinstance(row.get("is_free_tier"), bool) else None,
        free_used=count(daily.get("used")),
        free_limit=count(daily.get("limit")),
    )


def parse_generation(data: dict[str, Any]) -> Generation | None:
    """The native token counts and the charge; `None` while the provider does not know them yet."""
    inner = data.get("data")
    row = cast(dict[str, Any], inner) if isinstance(inner, dict) else {}
    inputs, outputs = count(row.get("native_tokens_prompt")), count(row.get("native_tokens_completion"))
    if inputs is None or outputs is None:
        return None
    try:
        return Generation(
            usage=Usage(
                input_tokens=inputs,
                cached_tokens=part_of(row.get("native_tokens_cached"), inputs),
                output_tokens=outputs,
                reasoning_tokens=part_of(row.get("native_tokens_reasoning"), outputs),
            ),
            cost_nanos=_nanos(row.get("total_cost")),
            model=str(row.get("model") or ""),
            served_by=str(row.get("provider_name") or ""),
            cancelled=row.get("cancelled") is True,
        )
    except (TypeError, ValueError, OverflowError):
        return None


def _nanos(value: Any) -> int | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return nanos_from_usd(amount) if amount.is_finite() and abs(amount) < _MOST_USD else None
