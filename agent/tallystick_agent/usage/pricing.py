"""What tokens cost. Pure: usage and price in, whole nano-dollars out, exact decimal arithmetic in between."""

from decimal import ROUND_HALF_EVEN, Decimal

from tallystick_agent.protocol.usage import Price, Usage

NANOS_PER_TOKEN = Decimal(1000)
"""One US dollar per million tokens is 1,000 nano-dollars per token."""
NANOS_PER_USD = Decimal(1_000_000_000)


def price_usage(usage: Usage, price: Price | None) -> int | None:
    """Nano-dollars, rounded half to even once at the end; `None` where the price is unknown.

    Cached, cache-write and reasoning tokens are parts of the input and the output and are priced apart, at the plain rate
    where no other is known. A long request has the rates of its tier as a whole.
    """
    if price is None:
        return None
    rates = price.at(usage.input_tokens)
    read = rates.cache_read if rates.cache_read is not None else rates.input
    write = rates.cache_write if rates.cache_write is not None else rates.input
    long = rates.cache_write_1h if rates.cache_write_1h is not None else write
    thought = rates.reasoning if rates.reasoning is not None else rates.output
    kept = usage.cache_write_1h_tokens
    total = (
        (usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens) * rates.input
        + usage.cached_tokens * read
        + (usage.cache_write_tokens - kept) * write
        + kept * long
        + (usage.output_tokens - usage.reasoning_tokens) * rates.output
        + usage.reasoning_tokens * thought
    )
    return _whole(total * NANOS_PER_TOKEN + price.request_usd * NANOS_PER_USD)


def worst_case(input_tokens: int, output_tokens: int, price: Price | None) -> int | None:
    """The most that a request of this size can cost: nothing read from a cache, all of it written, all output used."""
    if price is None:
        return None
    rates = price.at(input_tokens)
    dearest_in = max(rates.input, rates.cache_write or rates.input)
    dearest_out = max(rates.output, rates.reasoning or rates.output)
    total = input_tokens * dearest_in + output_tokens * dearest_out
    return _whole(total * NANOS_PER_TOKEN + price.request_usd * NANOS_PER_USD)


def _whole(nanos: Decimal) -> int:
    return int(nanos.to_integral_value(ROUND_HALF_EVEN))


def likely_input(input_tokens: int, repeated: int, price: Price | None) -> int | None:
    """Nano-dollars that an input is likely to cost: repeated tokens at the cache's price where there is one, no write fees."""
    if price is None:
        return None
    rates = price.at(input_tokens)
    read = rates.cache_read if rates.cache_read is not None else rates.input
    total = (input_tokens - repeated) * rates.input + repeated * read
    return _whole(total * NANOS_PER_TOKEN + price.request_usd * NANOS_PER_USD)
