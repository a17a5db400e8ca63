"""What OpenAI-like servers report of tokens and money, in our inclusive convention. Owns the sums of each dialect; pure."""

from decimal import Decimal, InvalidOperation
from typing import Any, cast

from tallystick_agent.protocol.usage import Usage, nanos_from_usd
from tallystick_agent.providers.dialects import Dialect
from tallystick_agent.providers.wire.base import count, part_of


def usage_of(chunk: dict[str, Any], dialect: Dialect) -> Usage | None:
    """The usage in a chunk or a whole answer; `None` where it has none that can be meant.

    Raises `TypeError` and its like on a shape that nobody documented.
    """
    raw = _raw(chunk)
    if raw is None:
        return None
    inputs, outputs = count(raw.get("prompt_tokens")), count(raw.get("completion_tokens"))
    if inputs is None or outputs is None or (inputs, outputs) == (0, 0):
        return None
    prompt = cast(dict[str, Any], raw.get("prompt_tokens_details") or {})
    completion = cast(dict[str, Any], raw.get("completion_tokens_details") or {})
    reasoning = count(completion.get("reasoning_tokens")) or 0
    if dialect.reasoning_outside_output and count(raw.get("total_tokens")) == inputs + outputs + reasoning:
        outputs += reasoning
    timings = cast(dict[str, Any], chunk.get("timings") or {})
    cached = part_of(
        prompt.get("cached_tokens") or raw.get("prompt_cache_hit_tokens") or raw.get("cached_tokens") or timings.get("cache_n"),
        inputs,
    )
    return Usage(
        input_tokens=inputs,
        cached_tokens=cached,
        cache_write_tokens=part_of(prompt.get("cache_write_tokens"), inputs - cached),
        output_tokens=outputs,
        reasoning_tokens=min(reasoning, outputs),
    )


def cost_of(chunk: dict[str, Any]) -> int | None:
    """Nano-dollars that `usage.cost` says were charged.

    With a key of the user's own at the provider behind it, the cost is the fee alone, and the provider's bill stands beside it.
    """
    raw = _raw(chunk)
    if raw is None or raw.get("cost") is None:
        return None
    cost = _decimal(raw["cost"])
    if raw.get("is_byok") is True:
        details = cast(dict[str, Any], raw.get("cost_details") or {})
        upstream = _decimal(details.get("upstream_inference_cost", 0))
        cost = cost + upstream if cost is not None and upstream is not None else None
    return nanos_from_usd(cost) if cost is not None else None


def _raw(chunk: dict[str, Any]) -> dict[str, Any] | None:
    groq = cast(dict[str, Any], chunk.get("x_groq") or {})
    found: Any = chunk.get("usage") or groq.get("usage")
    return cast(dict[str, Any], found) if isinstance(found, dict) else None


def _decimal(value: Any) -> Decimal | None:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 else None
