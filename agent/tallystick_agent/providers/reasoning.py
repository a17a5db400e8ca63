"""From a wish for reasoning to what an endpoint can be asked. Owns the translation between efforts and budgets; pure.

The shares are those that OpenRouter publishes for models that take a budget, so a wish means the same on every route.
"""

from dataclasses import dataclass, replace
from typing import Final

from tallystick_agent.protocol.chat import Reasoning
from tallystick_agent.protocol.model_info import EFFORTS, Effort, ReasoningRule

SHARES: Final[dict[Effort, float]] = {
    "none": 0.0,
    "minimal": 0.1,
    "low": 0.2,
    "medium": 0.5,
    "high": 0.8,
    "xhigh": 0.95,
    "max": 0.95,
}
"""The share of the output tokens that an effort stands for."""
SMALLEST_ANSWER: Final = 256
"""Tokens that a budget must leave for the answer itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is sent: nothing, an effort, a budget in tokens, or both where the style needs both."""

    on: bool
    effort: Effort | None = None
    budget: int | None = None
    exclude: bool = False
    silent: bool = False
    """Nothing is wished but that the thoughts stay where they are: a model that does not think by itself is left alone."""


def resolve(wish: Reasoning | None, rule: ReasoningRule | None, max_output: int) -> Asked | None:
    """What to ask of an endpoint with this rule; `None`: say nothing, and let it do as it does.

    `max_output` is the request's limit of output tokens, of which the thoughts are a part.
    """
    if wish is None or rule is None:
        return None
    if wish.effort is None and wish.max_tokens is None:
        return Asked(on=True, exclude=True, silent=True) if wish.exclude else None
    effort = wish.effort if wish.effort is not None else _effort_of(wish.max_tokens or 0, max_output)
    if effort == "none" and not rule.mandatory:
        return Asked(on=False, effort="none", budget=0)
    if effort == "none":
        effort = _weakest(rule)
    match rule.style:
        case "effort" | "adaptive":
            return Asked(on=True, effort=nearest(effort, rule.efforts), exclude=wish.exclude)
        case "budget":
            asked = wish.max_tokens if wish.max_tokens is not None else int(max_output * SHARES[effort])
            # A server that knows no budgets still knows efforts.
            budget = _budget(asked, rule, max_output, exclude=wish.exclude)
            return replace(budget, effort=nearest(effort, rule.efforts)) if budget.on else budget
        case "toggle":
            return Asked(on=True, exclude=wish.exclude)


_MIDDLE: Final[tuple[Effort, ...]] = ("medium",)


def nearest(effort: Effort, known: tuple[Effort, ...]) -> Effort:
    """The accepted effort that is closest; the weaker one of two that are equally close, since it costs less."""
    usable: tuple[Effort, ...] = tuple(one for one in known if one != "none")
    return min(usable or _MIDDLE, key=lambda one: (abs(EFFORTS.index(one) - EFFORTS.index(effort)), EFFORTS.index(one)))


def _budget(asked: int, rule: ReasoningRule, max_output: int, *, exclude: bool) -> Asked:
    budget = max(rule.least_budget, min(asked, rule.most_budget))
    most = max_output - SMALLEST_ANSWER
    if most < rule.least_budget:
        # There is no room for thoughts and an answer: the answer matters more.
        return Asked(on=rule.mandatory, budget=rule.least_budget if rule.mandatory else 0, exclude=exclude)
    return Asked(on=True, budget=min(budget, most), exclude=exclude)


def _effort_of(budget: int, max_output: int) -> Effort:
    if budget <= 0:
        return "none"
    share = budget / max(1, max_output)
    steps: tuple[Effort, ...] = ("minimal", "low", "medium", "high", "xhigh")
    return min(steps, key=lambda one: abs(SHARES[one] - share))


def _weakest(rule: ReasoningRule) -> Effort:
    return nearest("minimal", rule.efforts)
