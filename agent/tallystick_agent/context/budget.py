"""Arithmetic of the context window. Pure: sizes in, what fits out. All numbers are tokens."""

from dataclasses import dataclass

SMALLEST_REPLY = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """`fits` tells whether the request can be sent; `output` is what is left for the answer."""

    fits: bool
    output: int
    over: int
    """How many tokens too many the input has, 0 where it fits."""


def room(*, input_tokens: int, window: int | None, wanted_output: int, model_output: int | None, band: float) -> Room:
    """Room for a request. The input is taken at the upper end of its error band; an unknown window is no limit."""
    output = min(wanted_output, model_output) if model_output else wanted_output
    if window is None:
        return Room(fits=True, output=output, over=0)
    upper = int(input_tokens * (1 + band)) + 8
    left = window - upper
    if left >= output:
        return Room(fits=True, output=output, over=0)
    smallest = min(output, SMALLEST_REPLY)
    if left >= smallest:
        return Room(fits=True, output=left, over=0)
    return Room(fits=False, output=smallest, over=smallest - left)
