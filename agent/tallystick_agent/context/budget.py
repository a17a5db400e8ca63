"""Arithmetic of the context window: whether a request fits, and which fragments go in, in which form. Pure; tokens all over.

The choice of fragments is a fixed list of steps: give each its shortest form, most important first; then lengthen each by one
form, the cheapest step first, and again. A budget takes the longest beginning of that list that fits. So it is never passed, the
same input gives the same choice, and a larger budget never shortens anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tallystick_agent.context.fragments import Form, Fragment, Shape
from tallystick_agent.protocol.usage import Price

SMALLEST_REPLY: Final = 256
CONTEXT_SHARE: Final = 0.5
"""Of what a window leaves beside the request, what fragments may take: a turn needs room to work in."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What fragments may take, and which limit says so."""

    tokens: int
    reason: str


def allowance(
    *, window: int | None, request: int, output: int, reasoning: int, band: float, price: Price | None, most: int
) -> Allowance:
    """Tokens for the fragments of a prompt whose request has `request` tokens without them.

    `window`: the smallest of the endpoints that may serve. `output` and `reasoning` are reserved. A price that rises with the
    input is an edge that optional text must not push the request over. `most`: the setting.
    """
    limits = [(most, "context.prompt_tokens")]
    if window is not None:
        # What is counted may be more by the band, so the room is divided by it. An answer takes half of a small window at most.
        reserved = min(output + reasoning, window // 2)
        left = int((window - reserved) / (1 + band)) - request - 8
        limits.append((max(0, int(left * CONTEXT_SHARE)), f"half of what the window of {window:,} leaves"))
    for tier in price.tiers if price is not None else ():
        edge = int(tier.above / (1 + band))
        if request <= edge:
            limits.append((edge - request, f"the price edge at {tier.above:,} tokens"))
            break
    tokens, reason = min(limits, key=lambda one: one[0])
    return Allowance(tokens=max(0, tokens), reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What became of a fragment. `shape` is `None` where it was dropped; `reason` is for people."""

    fragment: Fragment
    shape: Shape | None
    reason: str

    @property
    def form(self) -> Form | None:
        return self.shape.form if self.shape else None


def choose(fragments: Sequence[Fragment], allowed: Allowance) -> tuple[Choice, ...]:
    """The form of each fragment, in the order given."""
    ranked = sorted(range(len(fragments)), key=lambda at: (fragments[at].priority, at))
    chosen: dict[int, int] = {}
    left = allowed.tokens
    stopped = False
    for at in ranked:
        shapes = fragments[at].shapes
        if stopped or shapes[-1].tokens > left:
            stopped = True
            break
        chosen[at] = len(shapes) - 1
        left -= shapes[-1].tokens
    if not stopped:
        left = _lengthen(fragments, ranked, chosen, left)
    return tuple(_said(fragment, chosen.get(at), allowed) for at, fragment in enumerate(fragments))


def _lengthen(fragments: Sequence[Fragment], ranked: Sequence[int], chosen: dict[int, int], left: int) -> int:
    """Gives longer forms, round by round, until a step does not fit. Changes `chosen`; gives what is left.

    In a round the cheapest step comes first, so that one long file does not keep a short one from being whole.
    """
    most = max((len(fragments[at].shapes) for at in ranked), default=0)
    for _ in range(most):
        steps: list[tuple[int, int, int]] = []
        for place, at in enumerate(ranked):
            if chosen[at]:
                shapes = fragments[at].shapes
                steps.append((shapes[chosen[at] - 1].tokens - shapes[chosen[at]].tokens, place, at))
        for more, _, at in sorted(steps):
            if more > left:
                return left
            chosen[at] -= 1
            left -= more
    return left


def _said(fragment: Fragment, at: int | None, allowed: Allowance) -> Choice:
    shortest = fragment.shapes[-1]
    if at is None:
        why = f"dropped: {shortest.tokens:,} tokens at least, over what {allowed.reason} allows"
        return Choice(fragment=fragment, shape=None, reason=why)
    shape = fragment.shapes[at]
    if at == 0:
        return Choice(fragment=fragment, shape=shape, reason="whole")
    longer = fragment.shapes[at - 1]
    return Choice(
        fragment=fragment, shape=shape, reason=f"{shape.form}: {longer.form} has {longer.tokens:,} tokens ({allowed.reason})"
    )
