"""Splitting reported tokens over the segments that were sent. Pure; the parts always sum to the whole, exactly."""

from tallystick_agent.protocol.usage import Segment


def scale(segments: tuple[Segment, ...], total: int) -> tuple[Segment, ...]:
    """The segments in proportion, as whole tokens that sum to `total` (largest remainders first).

    Equal names are joined. With nothing to go by, all of it is `unattributed`.
    """
    weights: dict[str, int] = {}
    for segment in segments:
        weights[segment.name] = weights.get(segment.name, 0) + segment.tokens
    weights = {name: tokens for name, tokens in weights.items() if tokens > 0}
    whole = sum(weights.values())
    if total <= 0:
        return ()
    if whole == 0:
        return (Segment(name="unattributed", tokens=total),)
    shares = {name: tokens * total // whole for name, tokens in weights.items()}
    left = total - sum(shares.values())
    by_remainder = sorted(weights, key=lambda name: (-(weights[name] * total % whole), name))
    for name in by_remainder[:left]:
        shares[name] += 1
    return tuple(Segment(name=name, tokens=tokens) for name, tokens in shares.items() if tokens)
