"""The gate before every request: what the turn's budget still allows. Pure; nothing is spent before it says yes."""

from dataclasses import dataclass

from tallystick_agent.protocol.errors import TallystickError
from tallystick_agent.protocol.usage import Budget, Price, usd
from tallystick_agent.usage.pricing import worst_case

SMALLEST_REPLY = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the turn has used so far."""

    requests: int = 0
    tokens: int = 0
    nanos: int = 0


def reserve(budget: Budget, spent: Spent, *, input_tokens: int, output_tokens: int, price: Price | None) -> int:
    """The output tokens that the request may ask for, at most `output_tokens`.

    Raises `TallystickError` (`budget_exhausted`) when the request does not fit any more, and (`price_unknown`) when a
    limit in money is set for an endpoint whose price nobody knows.
    """
    if budget.max_requests is not None and spent.requests >= budget.max_requests:
        raise _exhausted(f"the limit of {budget.max_requests} requests", "--max-requests", "max_requests")
    allowed = output_tokens
    smallest = min(SMALLEST_REPLY, output_tokens)
    if budget.max_tokens is not None:
        allowed = min(allowed, budget.max_tokens - spent.tokens - input_tokens)
        if allowed < smallest:
            raise _exhausted(
                f"the limit of {budget.max_tokens:,} tokens ({spent.tokens:,} used, the next request needs {input_tokens:,})",
                "--max-tokens",
                "max_tokens",
            )
    if budget.max_cost_nanos is not None:
        if price is None:
            raise TallystickError(
                "A limit in money is set, but the price of this model is not known.",
                code="price_unknown",
                remedy='Give its price in settings.toml under [endpoints."…".price], or use --max-tokens.',
            )
        allowed = _affordable(budget.max_cost_nanos - spent.nanos, input_tokens, allowed, price)
        if allowed < smallest:
            raise _exhausted(
                f"the limit of ${usd(budget.max_cost_nanos):f} (${usd(spent.nanos):f} used)", "--max-cost", "max_cost_usd"
            )
    return allowed


def _affordable(left: int, input_tokens: int, wanted: int, price: Price) -> int:
    """The largest output whose worst case stays within `left` nano-dollars; below 0 when the input alone is too dear."""
    fixed = worst_case(input_tokens, 0, price) or 0
    if fixed > left:
        return -1
    each = worst_case(0, 1_000_000, price) or 0
    allowed = wanted if each == 0 else min(wanted, (left - fixed) * 1_000_000 // each)
    # Each of the two was rounded by itself; rounded together they can cost one nano-dollar more.
    while allowed > 0 and (worst_case(input_tokens, allowed, price) or 0) > left:
        allowed -= 1
    return allowed


def to_raise(option: str, setting: str) -> str:
    """What to do where a limit ended a turn; who sits in an editor has no command line."""
    return f"Raise {option}, or budget.{setting} in settings.toml, then resume the session."


def _exhausted(what: str, option: str, setting: str) -> TallystickError:
    return TallystickError(
        f"Stopped before spending more: {what} was reached.",
        code="budget_exhausted",
        remedy=to_raise(option, setting),
    )
