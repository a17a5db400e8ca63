"""Money and shares in words, the same in every host. Pure."""

from tallystick_agent.protocol.usage import usd


def money(nanos: int) -> str:
    """Dollars with as many digits as the amount has, at least two."""
    text = f"{usd(nanos):f}"
    whole, _, part = text.partition(".")
    return f"${whole}.{part.rstrip('0').ljust(2, '0')}"


def brief_money(nanos: int | None) -> str:
    """Dollars to the hundredth of a cent; an amount too small for that is no 0, and one that is not known says so."""
    if nanos is None:
        return "price unknown"
    return "<$0.0001" if 0 < nanos < 100_000 else f"${usd(nanos):.4f}"


def cached(tokens: int, of: int) -> str:
    """Tokens that came from a provider's cache, with their share of the input."""
    return f"{tokens:,} ({tokens / of:.0%})" if tokens > 0 and of > 0 else f"{tokens:,}"
