"""What reported usage teaches about our estimates. Owns the learned factor of a model and the band that is left; pure.

The factor is a moving average of reported ÷ estimated, held within 0.5…2 so that one odd report cannot break a budget.
`tokens.learned` keeps it from one run to the next.
"""

from dataclasses import dataclass
from typing import Final

WEIGHT: Final = 0.4
"""Share of the newest observation: three calls bring the factor within 5 % of a constant truth."""
LOWEST: Final = 0.5
HIGHEST: Final = 2.0
LEAST: Final = 50
"""Smaller requests teach nothing: their framing outweighs them."""
FLOOR: Final = 0.03
"""The narrowest band: framing and tools change from one request to the next."""
FADE: Final = 0.9
"""What is left of an old deviation after one more observation."""
FIRST: Final = 3
"""From this observation on the band narrows; four more bring it all the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`spread`: the largest share by which a report differed from what the factor foretold; old ones fade."""

    factor: float = 1.0
    observations: int = 0
    spread: float = 0.0

    def observe(self, *, estimated: int, reported: int) -> "Calibration":
        """The factor after one more request, whose estimate used this factor."""
        if estimated < LEAST or reported <= 0:
            return self
        return self.learn(reported / estimated * self.factor)

    def learn(self, ratio: float) -> "Calibration":
        """The factor after a request of which `ratio` times the uncorrected estimate was reported."""
        held = min(HIGHEST, max(LOWEST, ratio))
        if self.observations == 0:
            return Calibration(factor=held, observations=1)
        factor = min(HIGHEST, max(LOWEST, self.factor + (held - self.factor) * WEIGHT))
        spread = max(abs(ratio / self.factor - 1), self.spread * FADE)
        return Calibration(factor=factor, observations=self.observations + 1, spread=spread)

    def band(self, family_band: float, *, known: float = 0.0) -> float:
        """The share by which a corrected count may be too low.

        `known`: the share, 0…1, of the request that was in requests observed before: the last request's tokens ÷ this one's
        while a conversation only grows; 0 for a text that was never sent. What is new keeps the family's whole band, whatever
        was learned: a factor below 1 widens it, so that the upper end stays where it was. What is known narrows towards
        `FLOOR` from the third observation on, but never below one and a half times the spread.
        """
        wide = max(family_band, (1 + family_band) / self.factor - 1)
        narrow = min(wide, max(FLOOR, 1.5 * self.spread))
        sure = min(1.0, max(0.0, (self.observations - FIRST + 1) / 5)) * min(1.0, max(0.0, known))
        return wide + (narrow - wide) * sure
