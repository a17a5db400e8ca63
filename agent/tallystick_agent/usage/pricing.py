"""What tokens cost. Pure: usage and price in, whole nano-dollars out, exact decimal arithmetic in between."""

from decimal import ROUND_HALF_EVEN, Decimal

from tallystick_agent.protocol.usage import Price, Usage

NANOS_PER_TOKEN = Decimal(1000)
"""One US dollar per million tokens is 1,000 nano-dollars per token."""


def price_usage(usage: Usage, price: Price | None) -> int | None:
    """Nano-dollars, rounded half to even once at the end; `None` where the price is unknown.

    Cached and cache-write tokens are parts of the input and are priced apart, at the input price where no other is known.
    """
    if price is None:
        return None
    plain = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
    read = price.cache_read if price.cache_read is not None else price.input
    write = price.cache_write if price.cache_write is not None else price.input
    total = (
        plain * price.input + usage.cached_tokens * read + usage.cache_write_tokens * write + usage.output_tokens * price.output
    )
    return int((total * NANOS_PER_TOKEN).to_integral_value(ROUND_HALF_EVEN))


def worst_case(input_tokens: int, output_tokens: int, price: Price | None) -> int | None:
    """The most that a request of this size can cost: nothing cached, all of the output used."""
    if price is None:
        return None
    dearest = max(price.input, price.cache_write or price.input)
    total = input_tokens * dearest + output_tokens * price.output
    return int((total * NANOS_PER_TOKEN).to_integral_value(ROUND_HALF_EVEN))
